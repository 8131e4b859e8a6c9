/* When something is due: a heap of the times that the SMTP sink waits for. */
#ifndef SQ_LOADGEN_SMTP_SINK_TIMER_H
#define SQ_LOADGEN_SMTP_SINK_TIMER_H

#include <stddef.h>
#include <stdint.h>

/* Laid into what waits; must stay where it is while it is set. */
struct sq_smtpd_timer {
	int64_t due_ns;
	size_t place; /* in the heap, from 1; 0: not set */
};

struct sq_smtpd_timers {
	struct sq_smtpd_timer **heap; /* [0] is not used */
	size_t n, cap;
};

void sq_smtpd_timer_set(struct sq_smtpd_timers *timers, struct sq_smtpd_timer *timer,
			int64_t due_ns);
void sq_smtpd_timer_clear(struct sq_smtpd_timers *timers, struct sq_smtpd_timer *timer);

/* SQ_NEVER when none is set. */
int64_t sq_smtpd_timers_next(const struct sq_smtpd_timers *timers);

/* One that is due, cleared; NULL: none. */
struct sq_smtpd_timer *sq_smtpd_timers_take(struct sq_smtpd_timers *timers, int64_t now_ns);

void sq_smtpd_timers_fini(struct sq_smtpd_timers *timers);

#endif
