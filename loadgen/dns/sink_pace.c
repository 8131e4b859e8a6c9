/* The DNS sink's capacity and pause.
 *
 * Reads are due at from + n intervals, so that the rate is the capacity whatever a read costs and
 * however late a timer is.  Two things move `from` on.  A query that finds the sink idle starts
 * anew, with the burst's credit; without that, idle time would be saved up.  And a sink that is
 * late with work waiting catches up on 100 ms at most: one that was stopped has lost that time, as
 * a real server would have. */
#include "loadgen/dns/sink_pace.h"

#include <errno.h>
#include <math.h>

#include "base/clock.h"

#define CATCHUP_NS (100 * SQ_MS)

int sq_dns_pace_init(struct sq_dns_pace *p, const struct sq_dns_sink_conf *conf, struct sq_err *err)
{
	*p = (struct sq_dns_pace){
		.idle = true,
		.pause_at_ns = conf->pause_at_ns,
		.pause_for_ns = conf->pause_for_ns,
		.pause_begin_ns = SQ_NEVER,
		.pause_end_ns = SQ_NEVER,
	};
	if (isnan(conf->capacity_per_s) && conf->capacity_noise > 0)
		return sq_err_set(err, -EINVAL, "sink dns: capacity_noise",
				  "it varies capacity, and there is none; give it, for example "
				  "1000/s");
	if (isnan(conf->capacity_per_s))
		return 0;
	sq_noise_init(&p->noise, conf->capacity_noise, conf->noise_seed);
	p->steady_ns = p->interval_ns = 1e9 / conf->capacity_per_s;
	p->burst_ns = (int64_t)((double)(conf->capacity_burst - 1) * p->interval_ns);
	p->catchup_ns = p->burst_ns > CATCHUP_NS ? p->burst_ns : CATCHUP_NS;
	return 0;
}

int64_t sq_dns_pace_due(const struct sq_dns_pace *p)
{
	return p->from_ns + (int64_t)((double)p->n * p->interval_ns);
}

/* Forgets what is further back than credit_ns. */
static void pace_forget(struct sq_dns_pace *p, int64_t now_ns, int64_t credit_ns)
{
	if (p->interval_ns == 0 || now_ns - sq_dns_pace_due(p) <= credit_ns)
		return;
	p->from_ns = now_ns - credit_ns;
	p->n = 0;
}

/* What was due before the noise changed stays due. */
static void pace_vary(struct sq_dns_pace *p, int64_t now_ns)
{
	double interval_ns = p->steady_ns / sq_noise_factor(&p->noise, now_ns);

	if (interval_ns == p->interval_ns)
		return;
	p->from_ns = sq_dns_pace_due(p);
	p->n = 0;
	p->interval_ns = interval_ns;
}

unsigned sq_dns_pace_room(struct sq_dns_pace *p, int64_t now_ns, unsigned max)
{
	double room;

	if (p->interval_ns == 0)
		return max;
	pace_vary(p, now_ns);
	pace_forget(p, now_ns, p->idle ? p->burst_ns : p->catchup_ns);
	if (sq_dns_pace_due(p) > now_ns)
		return 0;
	room = floor((double)(now_ns - sq_dns_pace_due(p)) / p->interval_ns) + 1;
	return room < max ? (unsigned)room : max;
}

void sq_dns_pace_took(struct sq_dns_pace *p, int64_t now_ns, unsigned asked, unsigned took)
{
	if (took > 0 && p->pause_begin_ns == SQ_NEVER) {
		p->pause_begin_ns = now_ns + p->pause_at_ns;
		p->pause_end_ns = p->pause_begin_ns + p->pause_for_ns;
	}
	p->n += took;
	p->idle = took < asked;
}

void sq_dns_pace_wake(struct sq_dns_pace *p, int64_t now_ns)
{
	pace_forget(p, now_ns, p->burst_ns);
	p->idle = false;
}

bool sq_dns_pace_paused(const struct sq_dns_pace *p, int64_t now_ns)
{
	return now_ns >= p->pause_begin_ns && now_ns < p->pause_end_ns;
}
