/* What a DNS sink answers: from the bytes of a query to the bytes of its reply. */
#ifndef SQ_LOADGEN_DNS_SINK_ANSWER_H
#define SQ_LOADGEN_DNS_SINK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loadgen/dns/sink_conf.h"
#include "loadgen/dns/sink_counts.h"
#include "loadgen/dns/wire.h"

enum {
	SQ_DNS_ANSWER_RECORD = 2 + 10 + 16, /* a pointer to the question, the fixed part, AAAA */
	SQ_DNS_ANSWER_MAX = SQ_DNS_QUERY_MAX + SQ_DNS_ANSWER_RECORD,
};

struct sq_dns_answerer {
	int64_t share[SQ_DNS_FAULTS + 1]; /* of each fault, and of good answers */
	int64_t credit[SQ_DNS_FAULTS + 1];
	int64_t delay_share, delay_credit;
	uint8_t rcode;
	uint8_t a[4], aaaa[16];
	bool has_zone;
	struct sq_dns_name zone;
	struct sq_dns_name *nxdomain;
	size_t n_nxdomain;
	struct sq_dns_sink_counts *seen;
};

struct sq_dns_answer {
	uint16_t len;  /* 0: none */
	uint8_t rcode; /* without a meaning in garbage */
	bool delayed, twice, garbage;
};

/* seen is counted into, and must outlive it.  -EINVAL with err for what the options say wrong. */
int sq_dns_answerer_init(struct sq_dns_answerer *answerer, const struct sq_dns_sink_conf *conf,
			 struct sq_dns_sink_counts *seen, struct sq_err *err);
void sq_dns_answerer_fini(struct sq_dns_answerer *answerer);

/* The reply to one datagram, in out of SQ_DNS_ANSWER_MAX bytes. */
struct sq_dns_answer sq_dns_answer(struct sq_dns_answerer *answerer, const uint8_t *msg, size_t len,
				   uint8_t *out);

#endif
