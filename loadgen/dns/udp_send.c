/* Sending queries: many with one call while all goes well, one by one when it does not.
 *
 * Why not always many: sendmmsg(2) that fails at a message which is not its first says how many it
 * sent, and forgets the error.  To learn it the message would have to be tried again, and the
 * kernel would count a second SndbufErrors (and the queueing discipline a second drop, the packet
 * filter a second packet) for one query, or send what it had dropped: measured behind a tbf, 958
 * drops for 897 queries.  So the message is not tried again.  It is refused, its name is that of
 * the next one that is refused, and for a second from each refusal on queries are sent one by one,
 * which is exact.  A refusal that stays alone is ENOBUFS: a queue that had room again at once.
 *
 * What a reader would get wrong: a send that fails may have nothing to do with its own datagram.
 * With IP_RECVERR an ICMP error that an earlier query met is told by the next call, which sends
 * nothing.  It stands in the socket's error queue too, with the query that it is about: it is taken
 * there and given to that query, and the send is tried again, uncounted by anyone. */
#include <sys/socket.h>

#include <errno.h>

#include "base/clock.h"
#include "loadgen/dns/udp.h"

#define CAREFUL_NS SQ_SEC

enum { SEND_TRIES = 8 };

static struct sq_dns_place *place_of(struct sq_dns_socket *u, struct sq_op *op)
{
	return sq_dns_flight_find(&u->flight, sq_dns_query_of(op)->id);
}

static void be_careful(struct sq_dns_udp_lane *c)
{
	c->careful_until_ns = sq_lane_clock(c->lane) + CAREFUL_NS;
}

/* ---- refusals ---- */

void sq_dns_udp_name_unnamed(struct sq_dns_udp_lane *c, int code)
{
	struct sq_op *op = c->unnamed;

	c->unnamed = NULL;
	if (op)
		sq_dns_query_fail(c->lane, op, sq_code_errno(code), SQ_DNS_PHASE_SEND);
}

/* It never left, so its ID is as if it had not been used. */
static void forget(struct sq_dns_socket *u, struct sq_op *op)
{
	sq_dns_flight_end(&u->flight, place_of(u, op), SQ_DNS_UNKNOWN, sq_dns_query_of(op)->number);
}

static void refuse(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, struct sq_op *op, int code)
{
	be_careful(c);
	forget(u, op);
	sq_dns_udp_name_unnamed(c, code);
	sq_dns_query_fail(c->lane, op, sq_code_errno(code), SQ_DNS_PHASE_SEND);
}

static void refuse_unnamed(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, struct sq_op *op)
{
	forget(u, op);
	sq_dns_udp_name_unnamed(c, ENOBUFS);
	c->unnamed = op;
}

/* Whether errors of other queries were waiting, and are taken now. */
static bool others_failed(struct sq_dns_udp_lane *c, struct sq_dns_socket *u)
{
	bool stale = u->stale;

	if (!c->conf->udp.recverr)
		return false;
	u->stale = false;
	return sq_dns_udp_errors(c, u) > 0 || stale;
}

/* Whether a send failed for another query, so that it may be tried again.  The first three are never
 * told by ICMP; a closed port never but by ICMP, whether or not its record found room in the queue. */
static bool failed_for_another(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, int code)
{
	if (code == EAGAIN || code == ENOBUFS || code == EPERM)
		return false;
	return others_failed(c, u) || code == EINTR ||
	       (code == ECONNREFUSED && c->conf->udp.recverr);
}

/* ---- sending ---- */

static void send_one(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, unsigned i)
{
	const struct iovec *bytes = &c->out.bytes[i];
	struct sq_op *op = c->out.ops[i];
	int code;

	for (int try = 1;; try++) {
		op->sent_ns = sq_lane_clock(c->lane);
		if (send(u->fd, bytes->iov_base, bytes->iov_len, MSG_DONTWAIT) != -1) {
			u->stale = false;
			return;
		}
		code = errno;
		op->sent_ns = -1; /* nothing in the error queue can be about it */
		if (!failed_for_another(c, u, code) || try == SEND_TRIES)
			break;
	}
	refuse(c, u, op, code);
}

/* They leave one after the other; a time for each is had by dividing that of the call. */
static void set_sent(struct sq_dns_udp_lane *c, unsigned n, int64_t begin_ns)
{
	int64_t took_ns = sq_lane_clock(c->lane) - begin_ns;

	for (unsigned i = 0; i < n; i++)
		c->out.ops[i]->sent_ns = begin_ns + took_ns * i / n;
}

/* How many of them are settled; the rest are to be sent one by one. */
static unsigned send_many(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, unsigned n)
{
	int64_t begin_ns = sq_lane_clock(c->lane);
	int sent = sendmmsg(u->fd, c->out.msgs, n, MSG_DONTWAIT), code = errno;

	if (sent == (int)n) {
		set_sent(c, n, begin_ns);
		u->stale = false;
		return n;
	}
	be_careful(c);
	if (sent == -1) {
		if (failed_for_another(c, u, code))
			return 0;
		refuse(c, u, c->out.ops[0], code);
		return 1;
	}
	set_sent(c, (unsigned)sent, begin_ns);
	if (others_failed(c, u))
		return (unsigned)sent;
	refuse_unnamed(c, u, c->out.ops[sent]);
	return (unsigned)sent + 1;
}

/* The queries from begin to end of the order left in one message: an error may be about all of them. */
static void note_message(struct sq_dns_udp_lane *c, unsigned begin, unsigned end)
{
	const uint8_t *order = c->segments.order;

	c->messages++;
	for (unsigned i = begin; i < end; i++) {
		struct sq_dns_query *query = sq_dns_query_of(c->out.ops[order[i]]);

		query->message = c->messages;
		query->last = sq_dns_query_of(c->out.ops[order[end - 1]])->id;
	}
}

/* All of them are settled: those of a message that was refused are sent again, one by one. */
static void send_segmented(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, unsigned n)
{
	const uint8_t *order = c->segments.order;
	uint8_t ends[SQ_DNS_BURST];
	unsigned messages = sq_dns_udp_segment(c, n, ends), settled = 0;
	int64_t begin_ns = sq_lane_clock(c->lane), took_ns;
	int sent = sendmmsg(u->fd, c->segments.msgs, messages, MSG_DONTWAIT);

	took_ns = sq_lane_clock(c->lane) - begin_ns;
	for (int m = 0; m < sent; m++) {
		if (ends[m] - settled > 1)
			note_message(c, settled, ends[m]);
		settled = ends[m];
	}
	for (unsigned i = 0; i < settled; i++)
		c->out.ops[order[i]]->sent_ns = begin_ns + took_ns * i / settled;
	if (settled < n)
		be_careful(c);
	else
		u->stale = false;
	for (unsigned i = settled; i < n; i++)
		send_one(c, u, order[i]);
}

void sq_dns_udp_send(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, unsigned n)
{
	bool many = n > 1 && c->conf->udp.recverr && sq_lane_now(c->lane) >= c->careful_until_ns;

	if (many && c->conf->udp.segment) {
		send_segmented(c, u, n);
		return;
	}
	for (unsigned i = many ? send_many(c, u, n) : 0; i < n; i++)
		send_one(c, u, i);
}
