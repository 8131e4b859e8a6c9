/* The mechanisms that the ledger knows, each a data file of analyzers/rules: which failures it can
 * cause, what one of them costs in which counter, under which settings, and what to say of it.
 * A further mechanism of a known dose is a further file.
 *
 * Effects of a failure (OutRsts, TCPAbortOnData, EstabResets, TCPTimeouts ...) are in no rule: they
 * rise with failures of every cause, so that they explain none. */
#ifndef SQ_ANALYZERS_RULES_H
#define SQ_ANALYZERS_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/embedded.h"
#include "base/err.h"
#include "base/opt.h"

/* What a failure costs in the counter, and when. */
enum sq_dose {
	SQ_DOSE_SYN_SCHEDULE, /* 1 for each SYN, when the client's kernel sends it */
	SQ_DOSE_SEGMENTS,     /* 1 for each SYN retransmit and each segment that the peer never
				 took, within the time-out */
	SQ_DOSE_ONCE,         /* 1, and 1 for each SYN retransmit before, within the time-out */
};

enum sq_side { SQ_SIDE_SERVER, SQ_SIDE_CLIENT };

struct sq_rule_pay {
	struct sq_strings failures; /* "CODE@PHASE"; either may be "*" */
	int dose;                   /* enum sq_dose */
	struct sq_pairs when;       /* sysctls of the counter's host that must stand so */
	char *noun;                 /* what such failures are, for the evidence */
};

struct sq_rule_setting {
	char *sysctl, *is, *text; /* said as evidence when the setting stands so */
};

struct sq_rule {
	char *id, *summary;
	int side;            /* enum sq_side: whose counter */
	char *counter;       /* "TcpExt.ListenOverflows" */
	bool listener_full;  /* the load's target port must have had a full accept queue, where that
			       can be told */
	struct sq_list pays; /* struct sq_rule_pay */
	struct sq_list settings; /* struct sq_rule_setting */
	char *advice, *reference;
};

/* Generated from the folder; a NULL name ends it. */
extern const struct sq_embedded sq_rules[];

struct sq_rule_table {
	struct sq_rule *v;
	size_t n;
};

/* Parses the rules that the program carries, or those of `files` (tests). */
int sq_rule_table_load(const struct sq_embedded *files, struct sq_rule_table *ret,
		       struct sq_err *err);
void sq_rule_table_fini(struct sq_rule_table *t);

/* The pay of a failure, "timeout@connect", under the host's sysctls; NULL when the mechanism can't
 * cause it there.  sysctl_of gives a setting's text or NULL. */
const struct sq_rule_pay *sq_rule_pay_of(
	const struct sq_rule *rule, const char *code, const char *phase,
	const char *(*sysctl_of)(const void *arg, const char *name), const void *arg);

#endif
