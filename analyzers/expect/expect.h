/* Expectations: arithmetic over what was measured, compared.
 *
 *   storm.failures == 0
 *   storm.latency.p99 < 20ms
 *   server.TcpExt.ListenOverflows == 3 * storm.timeout
 *   storm.ok within 2% of ... is written:  storm.ok within 2% 1536
 *
 * Names: LOAD.scheduled|ok|failures|missed|canceled, LOAD.CODE (all phases), LOAD.CODE@PHASE,
 * LOAD.class.CLASS, LOAD.latency.pNN|mean|min|max (from the due time; successes), LOAD.service.…
 * (from the send), LOAD.phase.PHASE.pNN, LOAD.rate.scheduled|sent|ok, LOAD.lag.p99,
 * LOAD.effort.NAME, LOAD.counts.NAME; HOST.METRIC (its delta; instances summed), HOST.METRIC.max;
 * finding.MECHANISM.count|explained|unexplained|counter_excess (summed; 0 when the mechanism was
 * examined and is not among the findings), account.count|explained|unexplained;
 * delivery.accepted|delivered|undelivered|queued|bounced|lost|duplicated|corrupted|unaccepted
 * (messages), delivery.latency.pNN|mean|min|max. */
#ifndef SQ_ANALYZERS_EXPECT_EXPECT_H
#define SQ_ANALYZERS_EXPECT_EXPECT_H

#include "base/err.h"
#include "results/run.h"
#include "results/tally.h"
#include "scenarios/plan.h"

/* Before the run: syntax, and names that can't be (-EINVAL with the pointer "/expect/N", what is
 * wrong, the nearest possible name).  words_of gives a driver's vocabulary by kind. */
int sq_expect_check(const struct sq_plan *plan,
		    const struct sq_vocabulary *(*words_of)(const struct sq_kind *driver),
		    struct sq_err *err);

enum sq_verdict { SQ_HELD, SQ_FAILED, SQ_UNMEASURED };

/* After it: fills run->expectations; the worst verdict, failed before unmeasured.  SQ_HELD when
 * there are none. */
enum sq_verdict sq_expect_judge(struct sq_run *run);

#endif
