/* A lane's TCP connections: their table, and what its modules do to one of them.
 *
 * A connection belongs to one operation from its opening to its end; its place in the table is the
 * token under which it is watched.  Places, and where it shows on the wire no difference their
 * sockets, are used again: nothing is allocated once a load has had as many open as it ever has. */
#ifndef SQ_LOADGEN_TCP_CONN_H
#define SQ_LOADGEN_TCP_CONN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "loadgen/engine/lane.h"
#include "loadgen/engine/stream.h"
#include "loadgen/tcp/conf.h"

#define SQ_TCP_NO_CONN UINT32_MAX

struct sq_tcp_op {
	int64_t connected_ns, since_ns; /* since: of what its phase began with */
	uint32_t conn;                  /* its place; SQ_TCP_NO_CONN: none */
	uint32_t syn_retrans, lost_segs;
	uint32_t sent_n, had_n; /* bytes of this request, and of its answer, which may begin before
				 * all of the request is out */
	uint32_t rounds;        /* that are over */
	uint8_t phase;          /* enum sq_tcp_phase */
	bool sent;              /* bytes of ours are on their way */
	bool heard;             /* the server, or its kernel, has answered to them */
	bool stamp_due;         /* of our byte's ACK: the error queue has it, or may come to */
	bool ended;             /* the server's FIN is behind what a slow one has not read yet */
	bool over;              /* it has its outcome, and is held */
};

struct sq_tcp_conn {
	struct sq_stream stream;
	struct sq_op *op;    /* NULL: idle */
	int64_t beat_ns;     /* of a slow one: when its next piece is due */
	uint32_t prev, next; /* of the slow ones; next of the idle ones */
	bool slow;
};

struct sq_tcp_lane {
	struct sq_lane *lane;
	const struct sq_tcp_conf *conf;
	struct sq_stream_kind kind;
	struct sq_tcp_conn *conns;
	size_t n, cap;
	uint32_t idle;                  /* the first */
	uint32_t slow_first, slow_last; /* in the order of their beats */
	bool keeps;                     /* sockets */
	unsigned
		patience; /* so many connections are left to events, since one was not there at once */
	bool timing;      /* the timer was made */
	uv_timer_t beats;
	char *bytes; /* SQ_TCP_BYTES: what is read goes here */
};

enum { SQ_TCP_BYTES = 64 << 10 };

static inline struct sq_tcp_op *sq_tcp_of(struct sq_op *op)
{
	return (struct sq_tcp_op *)op->priv;
}

/* ---- conn.c: the table ---- */

int sq_tcp_lane_open(struct sq_tcp_lane *l, struct sq_lane *lane, struct sq_err *err);
void sq_tcp_lane_close(struct sq_tcp_lane *l);

/* Begins to connect for an operation; NULL: it failed, and the code why is in *ret_code. */
struct sq_tcp_conn *sq_tcp_conn_open(struct sq_tcp_lane *l, struct sq_op *op, uint16_t *ret_code);
/* Has events come for it from now on; out: also when it can be written to.  0 or -errno. */
int sq_tcp_conn_watch(struct sq_tcp_lane *l, struct sq_tcp_conn *c, bool out);
/* Of one that is watched: has another event come, for what was not done at this one.  0 or -errno. */
int sq_tcp_conn_again(struct sq_tcp_lane *l, struct sq_tcp_conn *c);
/* Ends an operation's connection, if it has one: by RST when it failed, else as the load wants it. */
void sq_tcp_conn_close(struct sq_tcp_lane *l, struct sq_op *op, bool failed);

/* ---- slow.c: what is done a piece at a time ---- */

/* From now on, until its end, a connection has a beat each pause. */
void sq_tcp_slow_begin(struct sq_tcp_lane *l, struct sq_tcp_conn *c);
void sq_tcp_slow_end(struct sq_tcp_lane *l, struct sq_tcp_conn *c);

/* ---- outcome.c ---- */

/* The server, or its kernel, has answered for the first time: what it had dropped before is known. */
void sq_tcp_heard(struct sq_tcp_lane *l, struct sq_op *op);
void sq_tcp_fail(struct sq_tcp_lane *l, struct sq_op *op, uint16_t code);
/* Ends the operation, or holds its connection. */
void sq_tcp_succeed(struct sq_tcp_lane *l, struct sq_op *op);

/* ---- talk.c: from connect(2) to the outcome ---- */

/* Takes what has happened already; the rest comes by events. */
void sq_tcp_talk_begin(struct sq_tcp_lane *l, struct sq_tcp_conn *c);
void sq_tcp_talk_event(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events);
void sq_tcp_talk_beat(struct sq_tcp_lane *l, struct sq_tcp_conn *c);

/* ---- held.c: from the outcome to the close ---- */

void sq_tcp_held_begin(struct sq_tcp_lane *l, struct sq_tcp_conn *c);
void sq_tcp_held_event(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events);
void sq_tcp_held_beat(struct sq_tcp_lane *l, struct sq_tcp_conn *c);

#endif
