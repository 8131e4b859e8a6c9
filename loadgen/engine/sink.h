/* A built-in target with programmed faults: one file of loadgen/sinks that ends in one table. */
#ifndef SQ_LOADGEN_ENGINE_SINK_H
#define SQ_LOADGEN_ENGINE_SINK_H

#include <jansson.h>

#include "base/err.h"
#include "base/opt.h"

/* Runs until stop says so.  `squall sink NAME`, and a world's "sink" processes, alike. */
struct sq_sink {
	struct sq_kind kind; /* first: a kind of the family "sink" is a sink */
	size_t state_size;
	/* In a run, before open: the sink writes receipts of what arrives (results/receipt.h) to fd,
	 * which is its own from then on.  NULL: it makes none. */
	void (*record)(void *conf, int fd);
	/* Binds and listens; *state is zeroed storage.  After it the sink is reachable. */
	int (*open)(void *state, const void *conf, struct sq_err *err);
	/* Serves until stop_fd is readable. */
	int (*serve)(void *state, int stop_fd, struct sq_err *err);
	/* What it saw so far, from any thread; new reference. */
	json_t *(*counts)(const void *state);
	void (*close)(void *state);
};

extern const struct sq_sink *const sq_sinks[];
const struct sq_kind *const *sq_sink_kinds(void);

/* The whole life of a sink's process: open, ready(arg), then serve until SIGTERM, SIGINT or the
 * end of file on watch_fd (-1: none).  Counts go to out_fd as one JSON line at the end and on each
 * SIGUSR1.  These signals stay blocked once it has served: the process is to end. 0, or -errno with
 * err. */
int sq_sink_run(const struct sq_kind *kind, const void *conf, int watch_fd, int out_fd,
		void (*ready)(void *arg), void *arg, struct sq_err *err);

#endif
