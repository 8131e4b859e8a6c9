/* What a message cost on the wire, by the kernel's word on its connection (TCP_INFO): so many segments were
 * lost, or dropped by a queue that a rule knows. */
#include "base/clock.h"
#include "loadgen/engine/tcp_info.h"
#include "loadgen/smtp/pool.h"
#include "loadgen/smtp/session.h"

/* A data segment is sent again after 200 ms at the soonest. */
#define DATA_AGAIN_NS (150 * SQ_MS)

/* A banner that never came: the server's kernel may have dropped the ACK that ends the handshake, and each one
 * after it, which answered a SYN-ACK that it sent again.  With SYN cookies it sends none again, so that one ACK
 * alone says nothing: whether it was dropped, the server's counters know. */
static uint64_t dropped_acks(const struct sq_smtp_session *s, const struct sq_tcp_info *info)
{
	uint32_t handshake = 1 + sq_smtp_of(s->op)->syn_retrans;

	return info->segs_out > handshake ? info->segs_out - handshake : 0;
}

/* Each segment sent again stands for one that was lost; of one that is still unacknowledged at a
 * time-out the last was lost too. */
static uint64_t lost_segs(struct sq_smtp_session *s, const struct sq_tcp_info *info, uint16_t code)
{
	uint64_t lost = info->retransmitted > s->retrans ? info->retransmitted - s->retrans : 0;

	s->retrans = info->retransmitted;
	if (code != SQ_CODE_TIMEOUT)
		return lost;
	if (s->due == SQ_SMTP_BANNER)
		return dropped_acks(s, info);
	return lost + (info->unacked > 0);
}

/* Looked up for failures, and for what took longer than a segment takes to be sent again. */
void sq_smtp_session_efforts(struct sq_smtp_session *s, struct sq_tally_op *result)
{
	struct sq_op *op = s->op;
	uint16_t code = result->outcome.code;
	struct sq_tcp_info info;

	if ((code != SQ_CODE_OK || result->done_ns - op->sent_ns >= DATA_AGAIN_NS) &&
	    sq_tcp_info(s->stream.fd, &info)) {
		if (s->due == SQ_SMTP_CONNECT)
			sq_smtp_of(op)->syn_retrans += info.retransmitted;
		else
			result->effort[SQ_SMTP_LOST_SEGS] = lost_segs(s, &info, code);
	}
	result->effort[SQ_SMTP_SYN_RETRANS] = sq_smtp_of(op)->syn_retrans;
}
