/* What became of a connection, and what it cost the server: each SYN and each segment that its kernel
 * dropped stands in its ListenOverflows, also those of connections that succeeded in the end.  Only
 * failures, and what took longer than a lost segment takes to be sent again, are looked up in
 * TCP_INFO.
 *
 * What a reader would get wrong:
 * - A failed connection is always reset, whatever `close` says: a FIN would be sent again and again to
 *   a full accept queue, and be counted there after the outcome was booked.
 * - A lane that wakes up late finds connects that timed out and have come through meanwhile: their last
 *   SYN was dropped by nobody.  They timed out in the phase that the kernel had come to. */
#include "base/clock.h"
#include "loadgen/engine/client.h"
#include "loadgen/engine/tcp_info.h"
#include "loadgen/tcp/conn.h"

/* A data segment is sent again after this at the soonest. */
#define DATA_AGAIN_NS (150 * SQ_MS)

/* Segments after the handshake that the server's kernel dropped.  Of a ghost, all: the final ACK,
 * the bytes, their retransmits, and the ACKs that answer the SYN-ACK when it is sent again. */
static uint32_t lost_of_ghost(const struct sq_tcp_op *t, const struct sq_tcp_info *info)
{
	uint32_t handshake = 1 + t->syn_retrans;

	return info->segs_out > handshake ? info->segs_out - handshake : 0;
}

/* Of one that got in after retransmits, all but the last, which completed the handshake; without a
 * retransmit, none.  This while the server has said nothing. */
static uint32_t lost_before(const struct sq_tcp_op *t, const struct sq_tcp_info *info)
{
	uint32_t after = lost_of_ghost(t, info);

	return info->retransmitted > t->syn_retrans && after > 0 ? after - 1 : 0;
}

/* The same of one that is heard now.  What the server sent was acknowledged by us since: of pure ACKs
 * only the final one is sure then. */
static uint32_t lost_of_late(const struct sq_tcp_op *t, const struct sq_tcp_info *info)
{
	uint32_t before = lost_before(t, info);

	return before > 0 && t->phase != SQ_TCP_PHASE_ACK ? info->data_segs_out : before;
}

void sq_tcp_heard(struct sq_tcp_lane *l, struct sq_op *op)
{
	struct sq_tcp_op *t = sq_tcp_of(op);
	struct sq_tcp_info info;

	if (t->heard)
		return;
	t->heard = true;
	if (t->sent && sq_lane_now(l->lane) - t->connected_ns >= DATA_AGAIN_NS &&
	    sq_tcp_info(l->conns[t->conn].stream.fd, &info))
		t->lost_segs = lost_of_late(t, &info);
}

static void look_up(const struct sq_tcp_lane *l, struct sq_tcp_op *t, struct sq_tally_op *result)
{
	int fd = l->conns[t->conn].stream.fd;
	struct sq_tcp_info info;

	result->local_port = sq_client_port(fd);
	if (!sq_tcp_info(fd, &info))
		return;
	if (t->phase == SQ_TCP_PHASE_CONNECT)
		t->syn_retrans = info.retransmitted;
	if (t->phase == SQ_TCP_PHASE_CONNECT && info.connected)
		t->phase = SQ_TCP_PHASE_ACK;
	else if (result->outcome.code == SQ_TCP_CODE_GHOST)
		t->lost_segs = lost_of_ghost(t, &info);
	else if (result->outcome.code == SQ_CODE_TIMEOUT && t->sent && !t->heard && !info.unacked)
		t->lost_segs = lost_before(t, &info);
}

static void book(struct sq_tcp_lane *l, struct sq_op *op, struct sq_tally_op *result)
{
	const struct sq_tcp_op *t = sq_tcp_of(op);

	result->effort[SQ_TCP_EFFORT_SYN_RETRANS] = t->syn_retrans;
	result->effort[SQ_TCP_EFFORT_LOST_SEGS] = t->lost_segs;
	sq_op_done(l->lane, op, result);
}

void sq_tcp_fail(struct sq_tcp_lane *l, struct sq_op *op, uint16_t code)
{
	struct sq_tcp_op *t = sq_tcp_of(op);
	struct sq_tally_op result = { .outcome = { .code = code },
				      .done_ns = sq_lane_clock(l->lane),
				      .id = op->seq };

	if (t->conn != SQ_TCP_NO_CONN)
		look_up(l, t, &result);
	result.outcome.phase = t->phase;
	book(l, op, &result);
	sq_tcp_conn_close(l, op, true);
	sq_op_release(l->lane, op);
}

static int64_t hold_of(struct sq_tcp_lane *l)
{
	double share = l->conf->hold_as == SQ_TCP_HOLD_EXPONENTIAL ? sq_rng_exp(&l->lane->rng) : 1;
	double hold_ns = (double)l->conf->hold_ns * share;

	return hold_ns < (double)SQ_NEVER ? (int64_t)hold_ns : SQ_NEVER;
}

void sq_tcp_succeed(struct sq_tcp_lane *l, struct sq_op *op)
{
	struct sq_tcp_op *t = sq_tcp_of(op);
	struct sq_tally_op result = { .outcome = { .code = SQ_CODE_OK, .phase = t->phase },
				      .done_ns = sq_lane_now(l->lane),
				      .id = op->seq };

	book(l, op, &result);
	if (l->conf->hold_ns > 0) {
		t->over = true;
		sq_op_hold(l->lane, op, hold_of(l));
		sq_tcp_held_begin(l, &l->conns[t->conn]);
	} else {
		sq_tcp_conn_close(l, op, false);
		sq_op_release(l->lane, op);
	}
}
