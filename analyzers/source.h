/* One place that counters come from: one file of analyzers/sources that ends in one table.
 * Sources of the group "linux" are cheap, and are read together, one after the other, by one
 * thread of a host's capture process, which stands in that host's namespaces. */
#ifndef SQ_ANALYZERS_SOURCE_H
#define SQ_ANALYZERS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "results/run.h"

struct sq_place;
struct sq_sample; /* where the values of one reading go */

/* A row's identity; rows may appear in mid-run. */
struct sq_metric {
	const char *name;     /* "TcpExt.ListenOverflows" */
	const char *instance; /* "cpu0", "0.0.0.0:9000"; NULL */
	const char *unit; /* "packets", "connections", "events", "bytes", "pages" ...; "" unknown */
	enum sq_metric_kind kind;
	unsigned width; /* bits that the kernel counts with: a 32-bit wrap is no restart */
};

/* Registers a row, once; the number that sq_sample_put takes.  The strings are copied. */
unsigned sq_sample_metric(struct sq_sample *s, const struct sq_metric *m);
void sq_sample_put(struct sq_sample *s, unsigned metric, uint64_t value);
/* Whether the last reading of the source that reads now was good.  What it put then stands, and need not be put
 * again while it is the same; after one that failed all must be. */
bool sq_sample_kept(const struct sq_sample *s);
/* What is no counter: a record of the spool (docs/spool.md) of this source's, which is stolen. */
void sq_sample_record(struct sq_sample *s, json_t *record);

/* Where to read (analyzers/places/place.h). */
struct sq_place *sq_sample_place(struct sq_sample *s);

/* Something of the source's that is no number happened, for the report's events.  mono_ns:
 * CLOCK_MONOTONIC.  The text is UTF-8, one line. */
void sq_sample_event(struct sq_sample *s, int64_t mono_ns, const char *text);

struct sq_source {
	struct sq_kind kind; /* name, summary, opts, conf_size */
	const char *group;   /* "linux", or NULL */
	size_t state_size;
	bool blocking; /* it waits for others (a command, a server), so it has a thread of its own */
	bool remote; /* it reads through sq_sample_place alone, so also where there is but a shell */
	/* All on one thread.  open: -ENOENT and the like mean "not available here", which
	 * is recorded and is no error of the run.  sample: 0 or -errno (a gap). */
	int (*open)(void *state, const void *conf, struct sq_sample *s, struct sq_err *err);
	int (*sample)(void *state, struct sq_sample *s);
	void (*close)(void *state);
	/* Once, behind the last sample of a run that ends in order: for what is known only then.  NULL. */
	void (*last)(void *state);
};

/* Generated from the folder; NULL-terminated. */
extern const struct sq_source *const sq_sources[];

/* The kinds of family "source": every source and every group. */
extern const struct sq_kind sq_source_group_linux;
const struct sq_kind *const *sq_source_kinds(void);

#endif
