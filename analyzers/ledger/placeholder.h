/* Sentences of a rule with what was seen put in: "raise SO_RCVBUF (now {gauge:udp.rcvbuf}) on
 * {host}". */
#ifndef SQ_ANALYZERS_LEDGER_PLACEHOLDER_H
#define SQ_ANALYZERS_LEDGER_PLACEHOLDER_H

#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/rules.h"
#include "base/buf.h"
#include "results/run.h"

/* What the sentence is about; all borrowed. */
struct sq_topic {
	const struct sq_run *run;
	const char *host, *row; /* row may be NULL */
	const struct sq_load_rec *load;
	const struct sq_listener *listener; /* NULL: not looked at */
	double needed;                      /* the accept queue that would have done; NAN */
	double value, limit;                /* of a level, where the sentence is one's */
};

/* What is not known is said to be so, but for {needed} and {row}, which then say nothing. */
void sq_topic_expand(const struct sq_topic *p, const char *text, struct sq_buf *out);

/* Adds what the rule has to say there in any case (as far as it is known), and of the settings as they stand, to the evidence. */
void sq_topic_evidence(const struct sq_topic *p, const struct sq_rule *rule, json_t *evidence);

#endif
