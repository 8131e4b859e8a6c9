/* One reader of a capture: sources that are read together, at one place, by one thread. */
#ifndef SQ_ANALYZERS_CAPTURE_READER_H
#define SQ_ANALYZERS_CAPTURE_READER_H

#include <pthread.h>
#include <stdbool.h>

#include "analyzers/capture/feeds.h"
#include "analyzers/places/ssh_share.h"
#include "results/spool.h"

struct sq_capture_reader {
	const char *host;           /* what the place is called */
	const char *where;          /* NULL: where the capture stands */
	bool alone;                 /* a source that waits: no other is read with it */
	struct sq_ssh_share *share; /* with others of the same place; NULL: alone there */
	bool owns_share;
	struct sq_spool *spool;
	struct sq_sample *sample;
	struct sq_feeds feeds;
	/* Of a thread of its own. */
	bool started, ready, done;
	int ctl[2]; /* [0] the capture's end, [1] the thread's */
	pthread_t thread;
};

/* The thread, told by its channel as a capture is (base/ctl.h), says "ready" and "done" on it. */
int sq_capture_reader_start(struct sq_capture_reader *r, struct sq_err *err);

/* Before they are started: those of one ssh host get one connection. */
void sq_capture_readers_share(struct sq_capture_reader *const *v, size_t n);
/* Ends these connections, also for those that hang; freed with free, when all have ended. */
void sq_capture_readers_part(struct sq_capture_reader *const *v, size_t n, bool free_all);

/* Its work at a far place (far.c).  1: "stop" came; 0: the channel ended; or the spool's error. */
int sq_capture_far(struct sq_capture_reader *r, struct sq_err *err);

#endif
