/* The run record: all that was seen, on one time axis.  It is only ever made from a run's spool,
 * by `squall run` at its end as by `squall analyze` later, so memory and file cannot differ.
 * Everything to the right of it (analyzers, sections) reads it and works without packets. */
#ifndef SQ_RESULTS_RUN_H
#define SQ_RESULTS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/opt.h"
#include "results/accepted.h"
#include "results/delivery.h"
#include "results/details.h"
#include "results/finding.h"
#include "results/hist.h"
#include "results/outcome.h"

/* Series index i stands for the time from (first_bin + i) * bin_ns, relative to t0; first_bin <= 0
 * when counters were read before the load began. */
struct sq_axis {
	int64_t bin_ns;
	int64_t first_bin;
	size_t n;
};

/* One way in which operations of one load ended. */
struct sq_outcome_rec {
	char *code;  /* "ECONNRESET" */
	char *phase; /* "connect" */
	enum sq_class class;
	uint64_t count;
	int64_t first_ns, last_ns; /* due times, from t0 */
	uint64_t *series;          /* axis.n counts, by due time */
	uint64_t effort[4];        /* totals, in the order of the load's efforts */
	double *effort_series[4];  /* axis.n sums; NULL beyond n_efforts */
	struct sq_details details; /* of which more was said; the rest is count less sum */
	json_t *exemplars;         /* array of {t_s, lane, local_port, id, took_s, detail} */
};

struct sq_phase_rec {
	char *name;
	struct sq_hist *latency;
};

/* Seen beside operations: late replies, connections ... */
struct sq_count_rec {
	char *name;
	uint64_t n;
};

struct sq_target_rec {
	char *target, *address; /* as it was asked for; "198.18.0.2:53", NULL: not known */
	char *server;           /* the host that it stands on; NULL: none of the scenario's */
};

struct sq_load_rec {
	char *name, *driver, *from;    /* from: the host that made it */
	struct sq_target_rec *targets; /* they took turns; at least one */
	size_t n_targets;
	char *source;     /* the addresses it came from, as asked for; NULL: the kernel's choice */
	uint64_t sources; /* how many these are */
	unsigned threads, workers; /* workers: processes that shared the threads */
	bool time_wait;            /* its closes kept ports in TIME_WAIT, for 60 s */
	/* duration: of a load that ended early, by its count or with its run, what it came to. */
	int64_t at_ns, duration_ns, warmup_ns, timeout_ns;
	int64_t tick_ns;           /* due times were rounded up to its multiples; 0: not rounded */
	uint64_t scheduled;        /* == the sum of all outcomes' counts, always */
	uint64_t warmup_scheduled; /* of those, due in the warm-up */
	uint64_t sent;             /* operations that got as far as sending, after the warm-up */
	struct sq_outcome_rec *outcomes;
	size_t n_outcomes;
	struct sq_hist *from_due, *from_send, *lag; /* successes after the warm-up; lag of all */
	struct sq_hist
		*emission; /* of each burst, from its first sending to its last; NULL: none */
	struct sq_phase_rec *phases;
	size_t n_phases;
	char **efforts;
	size_t n_efforts;
	struct sq_accepted *accepted; /* of each lane whose operations must arrive elsewhere */
	size_t n_accepted;
	struct sq_count_rec *counts; /* all that its driver knows, those of 0 too */
	size_t n_counts;
	uint64_t *scheduled_series;
	uint64_t *sent_series;        /* by the time at which they were sent, as nothing else is */
	struct sq_hist **bin_latency; /* axis.n, NULL where nothing succeeded */
	double *lag_max_s;            /* axis.n, NAN where nothing was started */
	double cpu_s;                 /* of the load's threads; NAN: not known */
	/* Of the processes that made it, together: when it began, and at most.  -1: not known. */
	int64_t start_rss_bytes, peak_rss_bytes;
};

enum sq_metric_kind { SQ_COUNTER, SQ_GAUGE };

/* One row of a host's counters.  samples[i] is the last reading within bin i: for a counter the
 * rise since the first reading, for a gauge its value; NAN where no reading ended (a gap, never 0).
 * A metric that was not there at first counts from 0 when it appears. */
struct sq_metric_rec {
	char *host, *source, *metric, *instance, *unit; /* instance may be NULL */
	enum sq_metric_kind kind;
	double *samples;
	bool shared;  /* another row's, which read the same all the time; that one frees them */
	double delta; /* last - first; NAN without a reading */
	double first, last, min, max; /* over all readings; NAN when there was none */
	size_t from;    /* index of the first sample: a counter's rise in it is from 0 */
	bool restarted; /* a counter fell in mid-run: what it had risen by before and what it rose
			   by after are added; what came in between is not known */
};

struct sq_event_rec {
	int64_t t_ns;
	char *host, *source, *text;
};

struct sq_run {
	json_t *meta; /* {id, name, started, argv, seed, squall, authorized ...} from the spool */
	json_t *scenario;    /* the effective one */
	json_t *environment; /* host -> {kernel, cpus, limits, sysctls: {..}} */
	json_t *links;       /* array of {hosts: [a, b], devices: [of a, of b]} */
	json_t *servers;     /* array of {host, what, exit, counts, log} */
	json_t *lost;        /* array of texts: what this run could not do (loopback ...) */
	json_t *warnings;    /* array of {t_s, text}: what our own hosts had too little of */
	json_t *clocks; /* array of {host, through, how, offset_s, bound_s, n}: other machines' */
	json_t *absent; /* array of {host, source, because}: sources that were not there */
	char *outcome;  /* completed | stopped | failed */
	char *because;  /* why it did not complete; NULL */
	double duration_s;
	int64_t t0_wall_ns; /* t0 since 1970 */
	struct sq_axis axis;
	struct sq_load_rec *loads;
	size_t n_loads;
	struct sq_metric_rec *metrics;
	size_t n_metrics;
	struct sq_event_rec *events;
	size_t n_events;
	struct sq_findings findings; /* empty until an analyzer filled them */
	/* What relays said of messages: array of {name, queue_id, queued, recipients}, and of {host, source,
	 * log, lost_lines (null: it was not read to its end)}. */
	json_t *mail, *relays;
	struct sq_delivery *delivery; /* NULL: no load delivers, or it was not joined yet */
	json_t *rules; /* {dir, added, replaced}: the user's own; NULL: the shipped ones alone */
	json_t *expectations; /* array of {text, held, value, because}; NULL until judged */
};

/* Reads DIR/spool.  A torn last line (the writer was killed) is dropped and noted as an event;
 * operations without an outcome become "unfinished".  NULL with err on failure. */
struct sq_run *sq_run_load(const char *dir, struct sq_err *err);

/* The same, and counters that `squall capture --out FILE` has read meanwhile, each "FILE" or "NAME=FILE"
 * (NAME: what its machine is called here), placed in time by the machines' wall clocks. */
struct sq_run *sq_run_load_with(const char *dir, const struct sq_strings *counters,
				struct sq_err *err);
struct sq_run *sq_run_free(struct sq_run *run);

const struct sq_load_rec *sq_run_find_load(const struct sq_run *run, const char *name);
/* instance NULL: the metric without one, or else the sum is the caller's affair.  NULL if none. */
const struct sq_metric_rec *sq_run_find_metric(const struct sq_run *run, const char *host,
					       const char *metric, const char *instance);
/* A sysctl of a host as recorded at the start, by its dotted name; NULL if not there. */
const char *sq_run_sysctl(const struct sq_run *run, const char *host, const char *name);

/* t_s NAN: known before the run. */
void sq_run_warn(struct sq_run *run, double t_s, const char *text);

/* Sums over one load. */
uint64_t sq_load_count_class(const struct sq_load_rec *load, enum sq_class c);
uint64_t sq_load_failures(const struct sq_load_rec *load);
/* The time that rates are taken over: duration less warm-up. */
double sq_load_seconds(const struct sq_load_rec *load);

#endif
