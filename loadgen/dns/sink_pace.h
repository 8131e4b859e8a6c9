/* When a DNS sink may read: the token bucket of its capacity, and its pause. */
#ifndef SQ_LOADGEN_DNS_SINK_PACE_H
#define SQ_LOADGEN_DNS_SINK_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "loadgen/dns/sink_conf.h"
#include "loadgen/engine/noise.h"

struct sq_dns_pace {
	double steady_ns;   /* between reads; 0: no limit */
	double interval_ns; /* the same, as the noise has it now */
	struct sq_noise noise;
	int64_t burst_ns;   /* what an idle time is worth */
	int64_t catchup_ns; /* what a busy time that came too late is */
	int64_t from_ns, n; /* the next read is due n intervals after from_ns */
	bool idle;          /* the receive buffer was found empty */
	int64_t pause_at_ns, pause_for_ns;
	int64_t pause_begin_ns, pause_end_ns; /* SQ_NEVER before the first query */
};

/* -EINVAL with err when the conf contradicts itself. */
int sq_dns_pace_init(struct sq_dns_pace *pace, const struct sq_dns_sink_conf *conf,
		     struct sq_err *err);

/* How many queries may be read at this time, at most max. */
unsigned sq_dns_pace_room(struct sq_dns_pace *pace, int64_t now_ns, unsigned max);
/* So many were read of those asked for. */
void sq_dns_pace_took(struct sq_dns_pace *pace, int64_t now_ns, unsigned asked, unsigned took);
/* A query has come after the receive buffer was found empty. */
void sq_dns_pace_wake(struct sq_dns_pace *pace, int64_t now_ns);
/* When the next query may be read, if one is there. */
int64_t sq_dns_pace_due(const struct sq_dns_pace *pace);

bool sq_dns_pace_paused(const struct sq_dns_pace *pace, int64_t now_ns);

#endif
