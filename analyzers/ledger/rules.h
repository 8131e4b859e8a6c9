/* The mechanisms that the ledger knows, each a data file of analyzers/rules: which failures it can
 * cause, what one of them costs in which counter, under which settings, and what to say of it.
 * A further mechanism of a known dose is a further file.
 *
 * Effects of a failure (OutRsts, EstabResets, TCPTimeouts ...) are in no rule: they rise with failures of
 * every cause, so that they explain none.  OutRsts is none at a port where nobody listens; TCPAbortOnData is one where a load closes its timed-out sockets;
 * on a host that makes no load (`apart`) it counts resets that the server's own program made. */
#ifndef SQ_ANALYZERS_LEDGER_RULES_H
#define SQ_ANALYZERS_LEDGER_RULES_H

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
	SQ_DOSE_SOME,         /* 1 or more: rises beyond are not held against it */
};

/* Whose counter, or whose failure: of the host that a load's target stands on, of the one that
 * makes the load, or of both. */
enum sq_side { SQ_SIDE_SERVER, SQ_SIDE_CLIENT, SQ_SIDE_EITHER };

static inline bool sq_side_has(int side, int role)
{
	return side == SQ_SIDE_EITHER || side == role;
}

/* Which rows of a counter a load's failures are looked for in. */
enum sq_rows {
	SQ_ROWS_ALL,
	SQ_ROWS_TARGET, /* the one of the socket that the load's target is */
	SQ_ROWS_PATH,   /* the one of the device that leads to the load's other end; all when the
			   record doesn't know it */
	SQ_ROWS_MACHINE, /* all, of a host that is a machine of its own: those of a world share one */
};

/* Only of targets at which no such socket was seen. */
enum sq_unserved { SQ_UNSERVED_NO, SQ_UNSERVED_UDP, SQ_UNSERVED_TCP };

/* Where a mechanism shows on a host. */
struct sq_rule_counter {
	int side;                /* enum sq_side */
	struct sq_strings names; /* "TcpExt.ListenOverflows"; those that were read are summed */
	int rows;                /* enum sq_rows */
	char *instance;          /* instead: this one row; NULL */
	bool many_targets;       /* only of loads that have several targets */
	bool apart;              /* only of a host that makes no load itself */
	int unserved;            /* enum sq_unserved */
	struct sq_strings also;  /* counts only what rose together with these */
	struct sq_strings less;  /* counts only what did not */
	struct sq_strings
		only;  /* "CODE@PHASE": it pays for no other failures of the rule; none: for all */
	bool fallback; /* only where the counter before it in the list is not to be had */
	char *uncounted; /* a gauge of occasions that the counter leaves out; NULL */
	char *port;      /* a gauge beside each row: the destination port that it is about; NULL */
};

/* What a mechanism without a counter is known by. */
enum sq_fact {
	SQ_FACT_NONE,
	SQ_FACT_LOOPBACK_SOURCE, /* the load comes from a loopback address, its target is none */
	SQ_FACT_RELAY_LOOKUP, /* a relay's log: deliveries "deferred@REASON", outside the account */
	SQ_FACT_LEVELS,       /* its levels stood when the failures came about */
	SQ_FACT_MISSED,       /* operations that were due and never started, outside the account */
};

/* A level that must stand for the mechanism to be at work: a gauge that reached a limit, or how fast a
 * counter rises.  With a counter only its rises at such times count; with SQ_FACT_LEVELS the levels are all
 * there is. */
struct sq_rule_level {
	int side; /* enum sq_side: for which of a host's roles it is asked */
	struct sq_strings
		names; /* one metric under the names that it may have; its largest row counts,
				    with `below` its smallest */
	bool sum;      /* instead: all of these together */
	bool rate;     /* of a counter: by what it rises in a second */
	double times;  /* it counts so many times */
	bool below;    /* at most the limit; else at least */
	char *limit;   /* a number, in words that may hold placeholders */
	bool fallback; /* asked only where the level before it was not read, and then in its place */
	char *limit_gauge; /* or: what this gauge of the same row shows; of a rate, this counter's */
	char *text;        /* evidence; {value} and {limit} are of the moment that went furthest */
};

struct sq_rule_pay {
	struct sq_strings failures; /* "CODE@PHASE"; either may be "*" */
	int side;                   /* enum sq_side: on whose counters such a failure can show */
	int dose;                   /* enum sq_dose */
	bool own; /* a refusal of the load's own machine: its errno proves it, when the rule's levels of
		     the client's side, if there are any, stood at all */
	bool unsure; /* not all that failed so need have cost it: it has what surer failures leave */
	struct sq_pairs when; /* sysctls of the counter's host that must stand so */
	char *noun;           /* what such failures are, for the evidence */
};

struct sq_rule_setting {
	char *sysctl, *is, *above; /* it has this value, or a larger one than this */
	char *text;                /* then said as evidence */
};

/* The settings that, changed so, must make its failures vanish: what `squall prove` tries. */
struct sq_rule_change {
	struct sq_pairs sysctl; /* of the finding's host, or of the machine */
	struct sq_pairs server; /* keys of the built-in target that serves there */
};

struct sq_rule {
	char *id, *summary;
	struct sq_list counters; /* struct sq_rule_counter; none: it is known by its fact */
	int fact;                /* enum sq_fact */
	char *unread; /* said when none of its counters was read on a host; NULL: which; "": nothing,
				    for most hosts cannot have them */
	bool listener_full;  /* the load's target port must have had a full accept queue, where that
			       can be told */
	bool successes;      /* operations that got through in the end may have cost it too */
	struct sq_list pays; /* struct sq_rule_pay */
	struct sq_list levels; /* struct sq_rule_level; all must stand */
	bool standstill; /* the target's own queue must hold something and let nothing out meanwhile, where
			    it can be told */
	bool contrast; /* nothing is explained without operations to compare with, which did well while the
			  levels did not stand */
	bool punctual; /* explains only what the load started in time, by half of its time-out: else the
			  load's own machine may have been as late in hearing the answers */
	bool cause;   /* it stands behind symptoms, and takes failures before they do */
	bool symptom; /* of a server that does not come to its work, for whatever cause */
	bool last;    /* its counter rises in health too: what others can pay for is theirs */
	struct sq_strings evidence; /* said whatever the settings are */
	struct sq_list settings;    /* struct sq_rule_setting */
	struct sq_rule_change change;
	char *advice, *reference;
};

extern const struct sq_opt sq_rule_opts[]; /* of a struct sq_rule */

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

/* In which go over the account a rule has its turn: what is counted; causes, when one was at work, and only
 * then their symptoms; what is counted in health too; at last what is known by facts alone. */
enum { SQ_RULE_TURNS = 5 };

static inline int sq_rule_turn(const struct sq_rule *rule, bool cause_at_work)
{
	if (rule->last)
		return 3;
	if (rule->symptom && cause_at_work)
		return 2;
	return rule->cause ? 1 : rule->counters.n > 0 ? 0 : 4;
}

static inline const struct sq_rule_counter *sq_rule_counter(const struct sq_rule *rule, size_t i)
{
	return (const struct sq_rule_counter *)rule->counters.v + i;
}

/* May a counter of a rule pay for a failure? */
bool sq_rule_counter_pays(const struct sq_rule_counter *c, const char *code, const char *phase);

/* The pay of a failure, "timeout@connect", on a host in a role (SQ_SIDE_SERVER or _CLIENT; EITHER:
 * both) under its sysctls; NULL when the mechanism can't cause it there.  sysctl_of gives a setting's text or NULL; with none, settings are taken
 * to fit. */
const struct sq_rule_pay *sq_rule_pay_of(
	const struct sq_rule *rule, const char *code, const char *phase, int role,
	const char *(*sysctl_of)(const void *arg, const char *name), const void *arg);

#endif
