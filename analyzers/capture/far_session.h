/* What the two files of a reader's work at another machine share: far.c makes connections and
 * asks a shell, far_squall.c talks to a squall that reads there. */
#ifndef SQ_ANALYZERS_CAPTURE_FAR_SESSION_H
#define SQ_ANALYZERS_CAPTURE_FAR_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "analyzers/capture/reader.h"
#include "analyzers/capture/relay.h"
#include "analyzers/places/far_clock.h"
#include "analyzers/places/place_far.h"

enum sq_far_mode { SQ_FAR_UNKNOWN, SQ_FAR_SQUALL, SQ_FAR_SHELL };

struct sq_far_session {
	struct sq_capture_reader *reader;
	struct sq_err *err; /* of the spool */
	struct sq_far *far;
	struct sq_place *place;
	struct sq_relay *relay;
	struct sq_far_clock clock;
	enum sq_far_mode mode;
	bool opened; /* the shell's sources are */
	bool ready_said;
	unsigned share_seen; /* ssh_share.h */
	int64_t began_ns;
	int64_t t0_ns;    /* "go" came; 0: not yet */
	int64_t heard_ns; /* when something was last read */
	int64_t lost_ns;  /* since when nothing was; 0: it is */
	char why[512];    /* the first reason for that */
	/* far_squall.c's */
	struct sq_buf held;               /* lines from before the clock was known */
	int64_t ping_ns, sent_ns, number; /* next ping, last one sent */
	bool answered, draining, stopping, finished;
};

/* Says "ready" to the capture, once. */
void sq_far_session_ready(struct sq_far_session *s);

/* Records of this reader's. 0, or the spool's error. */
int sq_far_session_write(struct sq_far_session *s, json_t *record);
int sq_far_session_clock(struct sq_far_session *s);

/* Nothing is read from when something was last on; the first reason is kept. */
void sq_far_session_lost(struct sq_far_session *s, const char *why);

/* Something was read: what was lost until then is told. */
int sq_far_session_heard(struct sq_far_session *s, int64_t at_ns);

/* What the capture says, if it says something.  1: "stop", 0: go on, or -EPIPE: it is gone. */
int sq_far_session_order(struct sq_far_session *s);

/* The line of shell that starts squall there. */
void sq_far_squall_line(struct sq_far_session *s, struct sq_buf *line);

/* Tells it when the run begins, once that and its clock are known. */
void sq_far_squall_go(struct sq_far_session *s);

/* Until the connection ends (0), "stop" (1), -EPIPE, or the spool's error. */
int sq_far_squall_keep(struct sq_far_session *s);

#endif
