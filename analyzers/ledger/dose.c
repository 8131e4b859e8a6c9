/* When Linux sends the SYNs of a connect that nobody answers.
 *
 * net/ipv4/tcp_timer.c, tcp_retransmit_timer(): in SYN_SENT the wait doubles only once more than
 * tcp_syn_linear_timeouts retransmits have gone out.  So with the default 4 it is the FIFTH
 * retransmit that still comes after one second, and the sixth after two.  tcp_write_timeout() gives
 * up on whichever comes first: tcp_syn_retries + tcp_syn_linear_timeouts retransmits, or the time
 * that tcp_syn_retries doublings alone would have taken, 2^(retries + 1) - 1 s.
 *
 * Measured on Linux 6.18 (HZ 250) with a filter that drops SYNs in a network namespace, 20 connects
 * each; seconds after connect(2), earliest-latest of the 20:
 *   linear 4, retries 6:  0, 1.00-1.03, 2.03-2.06, 3.05-3.08, 4.07-4.10, 5.10-5.13, 7.11-7.14,
 *                         11.15-11.39
 *   linear 2, retries 6:  0, 1.00-1.03, 2.03-2.06, 3.05-3.08, 5.07-5.10, 9.10-9.34
 *   linear 0, retries 6:  0, 1.00-1.03, 3.02-3.05, 7.05-7.30
 *   linear 4, retries 3:  as retries 6 up to 11 s, then no more: 8 SYNs in all
 *   linear 4, retries 2:  6 SYNs;  linear 4, retries 1: 3 SYNs;  linear 0, retries 2: 3 SYNs
 * A retransmit is never early, so a time-out of exactly 2 s sees two SYNs, not three. */
#include "analyzers/ledger/dose.h"

#include "base/clock.h"

static const int64_t initial_wait_ns = SQ_SEC;       /* TCP_TIMEOUT_INIT */
static const int64_t longest_wait_ns = 120 * SQ_SEC; /* TCP_RTO_MAX */

/* tcp_model_timeout(): what `retries` doublings take. */
static int64_t give_up_ns(int64_t retries)
{
	int64_t wait = initial_wait_ns;
	int64_t sum = wait;

	for (int64_t i = 0; i < retries && i < 128; i++) {
		wait = wait * 2 < longest_wait_ns ? wait * 2 : longest_wait_ns;
		sum += wait;
	}
	return sum;
}

void sq_syn_schedule(const struct sq_syn_sysctls *sysctls, struct sq_syn_schedule *ret)
{
	int64_t end = give_up_ns(sysctls->retries);
	int64_t most = sysctls->retries + sysctls->linear;
	int64_t wait = initial_wait_ns;
	int64_t at = 0;

	ret->n = 0;
	for (int64_t sent = 0; ret->n < SQ_SYNS_MAX; sent++) {
		if (sent > 0 && (sent > most || at >= end))
			break;
		ret->at_ns[ret->n++] = at;
		if (sent > sysctls->linear)
			wait = wait * 2 < longest_wait_ns ? wait * 2 : longest_wait_ns;
		at += wait;
	}
}

unsigned sq_syn_within(const struct sq_syn_schedule *s, int64_t timeout_ns)
{
	unsigned n = 1;

	while (n < s->n && s->at_ns[n] < timeout_ns)
		n++;
	return n;
}

int64_t sq_syn_late_ns(int64_t at_ns)
{
	return at_ns / 8;
}
