/* What a DNS sink is told: its options. */
#ifndef SQ_LOADGEN_DNS_SINK_CONF_H
#define SQ_LOADGEN_DNS_SINK_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

/* What is done to a query instead of answering it well; one of them, or none. */
enum sq_dns_fault {
	SQ_DNS_FAULT_DROP,
	SQ_DNS_FAULT_RCODE,
	SQ_DNS_FAULT_TRUNCATE,
	SQ_DNS_FAULT_MISMATCH,
	SQ_DNS_FAULT_WRONG_ID,
	SQ_DNS_FAULT_DUPLICATE,
	SQ_DNS_FAULT_GARBAGE,
	SQ_DNS_FAULTS, /* as a fault: none */
};

struct sq_dns_sink_conf {
	char *listen;
	char *answer;
	char *zone;
	struct sq_strings nxdomain;
	int rcode;
	double percent[SQ_DNS_FAULTS];
	int64_t delay_ns;
	double delay_percent;
	double capacity_per_s; /* NAN: as fast as it can */
	int64_t capacity_burst;
	double capacity_noise;               /* percent */
	int64_t noise_seed;                  /* SQ_OPT_UNSET: a fresh one */
	int64_t receive_buffer, send_buffer; /* SQ_OPT_UNSET: the system's */
	int64_t pause_at_ns, pause_for_ns;
	bool recverr;
};

extern const struct sq_opt sq_dns_sink_opts[];

/* The faults' shares in 10^-9 of all queries; ret[SQ_DNS_FAULTS] is what is left for good answers.
 * -EINVAL with err when they are more than all, or say nothing. */
int sq_dns_sink_shares(const struct sq_dns_sink_conf *conf, int64_t ret[SQ_DNS_FAULTS + 1],
		       struct sq_err *err);

enum { SQ_DNS_SHARE_ALL = 1000000000 };

#endif
