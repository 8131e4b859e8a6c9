/* What one failed connect costs: when Linux sends its SYNs. */
#ifndef SQ_ANALYZERS_LEDGER_DOSE_H
#define SQ_ANALYZERS_LEDGER_DOSE_H

#include <stdint.h>

/* Both sysctls end at 127, so that no connect sends more. */
enum { SQ_SYNS_MAX = 255 };

struct sq_syn_sysctls {
	int64_t linear; /* tcp_syn_linear_timeouts; 0 also where the kernel has none (before 6.5) */
	int64_t retries; /* tcp_syn_retries */
};

/* When an unanswered connect sends its SYNs, from the first; at_ns[0] is 0. */
struct sq_syn_schedule {
	unsigned n;
	int64_t at_ns[SQ_SYNS_MAX];
};

void sq_syn_schedule(const struct sq_syn_sysctls *sysctls, struct sq_syn_schedule *ret);

/* How many of them a connect sends that is given up after timeout_ns; at least 1. */
unsigned sq_syn_within(const struct sq_syn_schedule *s, int64_t timeout_ns);

/* How much later than planned the SYN of at_ns may leave: the kernel's timer wheel rounds each
 * wait up, by an eighth of it at most. */
int64_t sq_syn_late_ns(int64_t at_ns);

#endif
