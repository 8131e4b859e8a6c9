/* Answers that come on a stream: cut out of it by the length before each, matched with the queries
 * that are on the connection, and judged.
 *
 * What a reader would get wrong: only the head of an answer is kept, enough for its header and
 * question; the rest is counted and passed over. */
#include <string.h>

#include "loadgen/dns/query.h"
#include "loadgen/dns/reply.h"
#include "loadgen/dns/stream_private.h"

static uint64_t number_of(const struct sq_dns_place *place)
{
	return place->fate == SQ_DNS_WAITING ? sq_dns_query_of(place->op)->number : place->number;
}

/* For a query that still waits. */
static void reply_to(struct sq_dns_stream_lane *l, struct sq_dns_conn *c,
		     struct sq_dns_place *place, const uint8_t *msg, enum sq_dns_verdict verdict)
{
	struct sq_op *op = place->op;

	if (verdict == SQ_DNS_REPLY_ANSWER) {
		if (c->opener == op)
			c->opener = NULL;
		sq_dns_flight_end(&c->flight, place, SQ_DNS_ANSWERED, number_of(place));
		sq_dns_query_answer(l->lane, op, sq_dns_get16(msg + 2), sq_lane_now(l->lane));
	} else if (verdict == SQ_DNS_REPLY_MISMATCH) {
		sq_dns_query_of(op)->odd = SQ_DNS_CODE_MISMATCH;
		sq_lane_count(l->lane, SQ_DNS_COUNT_MISMATCHED, 1);
	} else {
		sq_dns_query_of(op)->odd = SQ_DNS_CODE_GARBLED;
		sq_lane_count(l->lane, SQ_DNS_COUNT_GARBLED, 1);
	}
}

static void take_message(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, const uint8_t *msg,
			 size_t len)
{
	struct sq_dns_place *place = sq_dns_flight_find(&c->flight, sq_dns_get16(msg));
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	enum sq_dns_verdict verdict;
	struct sq_dns_asked asked;

	if (!place) {
		sq_lane_count(l->lane, SQ_DNS_COUNT_UNMATCHED, 1);
		return;
	}
	asked = sq_dns_ask_get(l->ask, place->question, number_of(place), scratch);
	verdict = sq_dns_reply_judge(msg, len, &asked);
	if (place->fate == SQ_DNS_WAITING)
		reply_to(l, c, place, msg, verdict);
	else if (verdict != SQ_DNS_REPLY_ANSWER)
		sq_lane_count(l->lane, SQ_DNS_COUNT_UNMATCHED, 1);
	else if (place->fate == SQ_DNS_ANSWERED)
		sq_lane_count(l->lane, SQ_DNS_COUNT_DUPLICATE, 1);
	else
		sq_lane_count(l->lane, SQ_DNS_COUNT_LATE, 1);
}

/* Adds what belongs to the answer that is coming; how many bytes that was. */
static uint32_t take_part(struct sq_dns_conn *c, const uint8_t *bytes, size_t len)
{
	uint32_t whole = SQ_DNS_PREFIX + (c->in_n < SQ_DNS_PREFIX ? 0 : sq_dns_get16(c->in));
	uint32_t part = len < whole - c->in_n ? (uint32_t)len : whole - c->in_n;
	uint32_t kept = c->in_n < sizeof(c->in) ? (uint32_t)sizeof(c->in) - c->in_n : 0;

	memcpy(c->in + (kept ? c->in_n : 0), bytes, part < kept ? part : kept);
	c->in_n += part;
	return part;
}

/* False when this is no stream of messages: one that is shorter than a header is none, and where the
 * next begins nobody can say. */
static bool take_bytes(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, const uint8_t *bytes,
		       size_t len)
{
	while (len > 0) {
		uint32_t part = take_part(c, bytes, len), message;

		bytes += part;
		len -= part;
		if (c->in_n < SQ_DNS_PREFIX)
			return true;
		message = sq_dns_get16(c->in);
		if (message < SQ_DNS_HEADER)
			return false;
		if (c->in_n == SQ_DNS_PREFIX + message) {
			take_message(l, c, c->in + SQ_DNS_PREFIX,
				     message < SQ_DNS_LOOK ? message : SQ_DNS_LOOK);
			c->in_n = 0;
		}
	}
	return true;
}

bool sq_dns_conn_read(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, bool over,
		      uint16_t broken)
{
	for (;;) {
		ssize_t n = sq_stream_read(&c->stream, l->bytes, sizeof(l->bytes));

		if (n == 0)
			return true;
		c->quiet_ns = sq_lane_clock(l->lane);
		sq_dns_waiting_silence(&l->waiting, &c->silent, false);
		if (n < 0) {
			sq_dns_conn_die(l, c, sq_stream_end_code(&c->stream, broken));
			return false;
		}
		if (!take_bytes(l, c, l->bytes, (size_t)n)) {
			sq_dns_conn_die(l, c, SQ_DNS_CODE_GARBLED);
			return false;
		}
		if (!l->kind.tls && !over && (size_t)n < sizeof(l->bytes))
			return true;
	}
}
