/* The DNS queries of a capture (pcap or pcapng). */
#ifndef SQ_LOADGEN_DNS_PCAP_H
#define SQ_LOADGEN_DNS_PCAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sq_dns_recorded {
	int64_t at_ns; /* wall clock */
	const uint8_t *query;
	size_t len, question_len;
};

/* Calls fn(arg, recorded, err) for each query by UDP to this port, in order, until it fails.  -ENOENT,
 * err untouched, when the file is no capture; -EINVAL when nothing in it is a query. */
int sq_dns_pcap_read(const char *path, uint16_t port,
		     int (*fn)(void *arg, const struct sq_dns_recorded *r, struct sq_err *err),
		     void *arg, struct sq_err *err);

/* When the queries to port 53 were, from the first one on, ascending: a step back in the capture is
 * none.  The same errors.  *ret_at_ns is new. */
int sq_dns_pcap_times(const char *path, int64_t **ret_at_ns, size_t *ret_n, struct sq_err *err);

#endif
