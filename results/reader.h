/* What the parts of sq_run_load share: a run record in the making.  Nobody else includes it. */
#ifndef SQ_RESULTS_READER_H
#define SQ_RESULTS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "results/run.h"
#include "results/series.h"

enum { SQ_READER_EFFORTS = 4, SQ_READER_EXEMPLARS = 20 };

struct sq_exemplar_draft {
	int64_t due_ns;
	size_t lane, rank; /* the rank-th that its lane gave */
	json_t *row;
};

struct sq_outcome_draft {
	struct sq_outcome_rec rec;
	struct sq_series bins, effort_bins[SQ_READER_EFFORTS];
	struct sq_exemplar_draft *exemplars;
	size_t n_exemplars, cap_exemplars;
};

/* What the worker whose file is being read has used for a load. */
struct sq_usage_draft {
	bool seen;
	double cpu_s;
	int64_t start_rss_bytes, peak_rss_bytes; /* -1: not known */
};

/* Of all lanes. */
struct sq_burst_draft {
	int64_t due_ns, first_ns, last_ns;
};

struct sq_load_draft {
	struct sq_load_rec rec; /* without outcomes and series */
	struct sq_usage_draft usage;
	struct sq_series scheduled, sent, latency, lag_max;
	uint64_t end_count; /* it ended when so many had been scheduled; 0: as planned */
	bool end_done;      /* and with the end of the last of them, not with its due time */
	int64_t done_ns;    /* when the last operation ended */
	struct sq_burst_draft *bursts; /* ascending by due time */
	size_t n_bursts, cap_bursts;
	struct sq_outcome_draft *outcomes;
	size_t n_outcomes, cap_outcomes;
};

/* What a row read from a bin on. */
struct sq_change {
	int64_t bin;
	double value;
};

/* The numbers of a tick. */
struct sq_tick {
	int64_t end_ns; /* CLOCK_MONOTONIC */
	int64_t part;
	double *v; /* a row's number and what it read, in turn */
	size_t n, cap;
	const json_t *unread; /* names of sources, borrowed from the record; NULL: all were read */
};

/* What a row's record says, but for its width; without a host and samples. */
struct sq_row {
	int64_t number, part;
	struct sq_metric_rec rec;
};

struct sq_metric_draft {
	struct sq_metric_rec rec;  /* without samples */
	struct sq_change *changes; /* ascending; most rows have one */
	size_t n_changes, cap_changes;
	bool gaps;  /* its source has no value in bins that others of its part have one in */
	bool keeps; /* constant, and its samples are those of all that read the same */
	bool seen;
	double base;  /* what a counter had risen before its last restart */
	double zero;  /* and before the run, in a file that began earlier */
	double value; /* as last spooled */
};

struct sq_gap_draft {
	char *source;
	size_t part;
	int64_t bin;
};

/* A source that some ticks of its part did not read, and how many there are in each bin. */
struct sq_unread_draft {
	char *source;
	struct sq_series ticks;
};

/* What one thread of a capture wrote: its metrics have numbers of their own. */
struct sq_part_draft {
	size_t *metrics; /* by these numbers, where they stand among all */
	size_t n, cap;
	struct sq_series ticks;
	struct sq_unread_draft *unread;
	size_t n_unread, cap_unread;
	bool entered;   /* the time of the run */
	json_t *clocks; /* the last such record */
};

/* One file of a capture. */
struct sq_capture_draft {
	int64_t zero_ns; /* t0 on its clock */
	struct sq_part_draft *parts;
	size_t n_parts, cap_parts;
	struct sq_gap_draft *gaps;
	size_t n_gaps, cap_gaps;
	size_t anew; /* counters that the last event says began anew */
	/* Of a file that is not the run's own. */
	bool joined, placed;
	int64_t first_bin, last_bin; /* nothing beyond is wanted */
	bool ticked;
	int64_t began_ns, ended_ns; /* its first tick and its last */
	int64_t error_ns;           /* of its wall clock; -1: not known */
};

struct sq_reader {
	struct sq_run *run;
	const char *path; /* of the file being read, for errors */
	char *host;       /* whose file it is */
	bool done;        /* its writer ended in order */
	json_t *globals;  /* sysctls of the machine that all hosts share */
	bool headed, started, ended;
	int64_t t0_mono_ns, wall_error_ns;
	int64_t latest_ns; /* the latest time of anything, from t0 */
	struct sq_load_draft *loads;
	size_t n_loads;
	struct sq_metric_draft *metrics;
	size_t n_metrics, cap_metrics;
	size_t cap_events;
	struct sq_capture_draft capture;   /* the one being read */
	struct sq_capture_draft *captures; /* those that were */
	size_t n_captures, cap_captures;
	struct sq_tick tick; /* the last one, for its storage */
};

/* -EINVAL with err: a record of this kind can't be. */
int sq_reader_bad(const struct sq_reader *r, const char *kind, struct sq_err *err);
void sq_reader_saw(struct sq_reader *r, int64_t t_ns);
void sq_reader_event(struct sq_reader *r, int64_t t_ns, const char *host, const char *source,
		     const char *text);

/* One file; what is odd about its end becomes an event. */
int sq_reader_file(struct sq_reader *r, const char *path, const char *name,
		   int (*each)(json_t *, void *, struct sq_err *), struct sq_err *err);

/* The record's kind, "" when there is none. */
const char *sq_reader_kind(const json_t *record);

/* run.c: what a record owns. */
void sq_outcome_rec_fini(struct sq_outcome_rec *o);
void sq_load_rec_fini(struct sq_load_rec *l, size_t bins);
void sq_metric_rec_fini(struct sq_metric_rec *m);

/* reader_load.c: the loads of the head, each record of load-HOST.jsonl, and the end of such a file. */
int sq_reader_loads(struct sq_reader *r, const json_t *loads, struct sq_err *err);
int sq_reader_load_record(json_t *record, void *reader, struct sq_err *err);
void sq_reader_load_end(struct sq_reader *r);
/* Found or made; good until the next one is made. */
struct sq_outcome_draft *sq_reader_outcome(struct sq_load_draft *d, const char *code,
					   const char *phase, enum sq_class class);
void sq_reader_loads_extent(const struct sq_reader *r, int64_t *lo, int64_t *hi);
void sq_reader_loads_free(struct sq_reader *r);
/* reader_settle.c: the finished loads, once the run's axis and outcome are known. */
void sq_reader_loads_settle(struct sq_reader *r);

/* reader_capture.c: each record of capture-HOST.jsonl, the end of such a file, and the same. */
int sq_reader_capture_record(json_t *record, void *reader, struct sq_err *err);
void sq_reader_capture_begin(struct sq_reader *r);
void sq_reader_capture_end(struct sq_reader *r);
void sq_reader_capture_extent(const struct sq_reader *r, int64_t *lo, int64_t *hi);
void sq_reader_capture_free(struct sq_reader *r);
/* A line of such a file that is a row or a tick: 1; 0: another record, or not as squall writes it. */
int sq_reader_capture_line(const char *line, size_t len, void *reader, struct sq_err *err);
/* reader_line.c: false when it is none, or not as squall writes it; -EINVAL when it can be none.  Who takes
 * a row frees its texts. */
bool sq_row_from_line(struct sq_row *row, const char *line, size_t len);
int sq_row_from_json(struct sq_row *row, const json_t *record);
bool sq_tick_from_line(struct sq_tick *tick, const char *line, size_t len);
int sq_tick_from_json(struct sq_tick *tick, const json_t *record);
/* reader_rows.c: what a tick did not read (-EINVAL: no list of sources), a row's new value at it, and all
 * rows on the run's axis. */
int sq_reader_unread(struct sq_part_draft *p, const json_t *unread, int64_t bin);
void sq_reader_row_read(struct sq_metric_draft *m, int64_t bin);
void sq_reader_rows_settle(struct sq_reader *r);

/* reader_join.c: a capture's file of another machine, "FILE" or "NAME=FILE", after all of the run's own. */
int sq_reader_join(struct sq_reader *r, const char *counters, struct sq_err *err);
/* Its first record: whose it is, and how its clock stands to the run's. */
int sq_reader_place(struct sq_reader *r, const json_t *record, struct sq_err *err);
void sq_reader_place_again(struct sq_reader *r, const json_t *record);

#endif
