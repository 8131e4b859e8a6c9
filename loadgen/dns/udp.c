/* A lane's queries: from a due time to a socket, and from a datagram back to the query.
 *
 * A burst of due queries leaves by one socket, the next burst by the next one: the ports rotate, and
 * still one call reads many replies.  Sockets are opened when their turn comes; one that cannot be
 * fails the query that wanted it, and is tried anew by the next.  They are watched edge-triggered,
 * and read until nothing is left or enough was read for one turn.
 *
 * Memory: a socket takes 16 bytes for each of its places (loadgen/dns/flight.h), 1 MiB when a lane
 * has at most 16 of them, 16 MiB a lane at most up to 4096; of them the kernel gives only what is
 * touched.  An outstanding query takes some 100 bytes of the lane's pool, which grows to the most that
 * were ever under way and keeps what it has: a million of them took 118 MB in all.
 *
 * What a reader would get wrong: a reply that has the ID of a query but is not its answer does not
 * end it, since anybody can send such a thing; the right one may still come.  Only when it does not
 * is the time-out called what was seen instead. */
#include "loadgen/dns/udp.h"

#include <sys/epoll.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/dns/reply.h"
#include "loadgen/engine/client.h"

enum { READS_A_CALL = 8 };

/* ---- queries ---- */

static uint64_t number_of(const struct sq_dns_place *place)
{
	return place->fate == SQ_DNS_WAITING ? sq_dns_query_of(place->op)->number : place->number;
}

static void forget(struct sq_dns_socket *u, struct sq_dns_place *place, enum sq_dns_fate fate)
{
	sq_dns_flight_end(&u->flight, place, fate, number_of(place));
}

/* ---- replies ---- */

/* For a query that still waits. */
static void reply_to(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, struct sq_dns_place *place,
		     const uint8_t *msg, enum sq_dns_verdict verdict, int64_t came_ns)
{
	struct sq_op *op = place->op;

	if (verdict == SQ_DNS_REPLY_ANSWER) {
		forget(u, place, SQ_DNS_ANSWERED);
		sq_dns_query_answer(c->lane, op, sq_dns_get16(msg + 2),
				    came_ns > op->sent_ns ? came_ns : op->sent_ns);
	} else if (verdict == SQ_DNS_REPLY_MISMATCH) {
		sq_dns_query_of(op)->odd = SQ_DNS_CODE_MISMATCH;
		sq_lane_count(c->lane, SQ_DNS_COUNT_MISMATCHED, 1);
	} else {
		sq_dns_query_of(op)->odd = SQ_DNS_CODE_GARBLED;
		sq_lane_count(c->lane, SQ_DNS_COUNT_GARBLED, 1);
	}
}

static void take_reply(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, const uint8_t *msg,
		       size_t len, int64_t came_ns)
{
	struct sq_dns_place *place = len >= 2 ? sq_dns_flight_find(&u->flight, sq_dns_get16(msg))
					      : NULL;
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	enum sq_dns_verdict verdict;
	struct sq_dns_asked asked;

	if (!place) {
		sq_lane_count(c->lane, SQ_DNS_COUNT_UNMATCHED, 1);
		return;
	}
	asked = sq_dns_ask_get(c->conf->ask, place->question, number_of(place), scratch);
	verdict = sq_dns_reply_judge(msg, len, &asked);
	if (place->fate == SQ_DNS_WAITING)
		reply_to(c, u, place, msg, verdict, came_ns);
	else if (verdict != SQ_DNS_REPLY_ANSWER)
		sq_lane_count(c->lane, SQ_DNS_COUNT_UNMATCHED, 1);
	else if (place->fate == SQ_DNS_ANSWERED)
		sq_lane_count(c->lane, SQ_DNS_COUNT_DUPLICATE, 1);
	else
		sq_lane_count(c->lane, SQ_DNS_COUNT_LATE, 1);
}

/* A call that was no send has told an error. */
static void on_error(struct sq_dns_udp_lane *c, struct sq_dns_socket *u)
{
	if (c->conf->udp.recverr)
		sq_dns_udp_errors(c, u);
	else
		sq_lane_count(c->lane, SQ_DNS_COUNT_STRAY_ERRORS, 1);
}

/* ---- reading ---- */

/* What is to be taken from a time of the kernel's to have one of the run. */
static int64_t wall_offset(const struct sq_lane *lane)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return wall.tv_sec * SQ_SEC + wall.tv_nsec - sq_lane_now(lane);
}

/* When the kernel got it, or else when it was read. */
static int64_t came_ns(const struct sq_dns_udp_lane *c, struct msghdr *msg, int64_t offset_ns)
{
	int64_t now_ns = sq_lane_now(c->lane);
	struct cmsghdr *cmsg = c->conf->udp.kernel_time ? CMSG_FIRSTHDR(msg) : NULL;
	struct timespec came;

	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_TIMESTAMPNS)
		return now_ns;
	memcpy(&came, CMSG_DATA(cmsg), sizeof(came));
	offset_ns = came.tv_sec * SQ_SEC + came.tv_nsec - offset_ns;
	return offset_ns < now_ns ? offset_ns : now_ns;
}

static void ask_for_times(struct sq_dns_udp_lane *c)
{
	for (unsigned i = 0; i < SQ_DNS_READ; i++) {
		c->in.msgs[i].msg_hdr.msg_control = &c->in.control[i];
		c->in.msgs[i].msg_hdr.msg_controllen = sizeof(c->in.control[i]);
	}
}

/* False when nothing is left.  A read of less than it asked for emptied the socket: what comes after
 * that is a new edge. */
static bool read_replies(struct sq_dns_udp_lane *c, struct sq_dns_socket *u)
{
	int64_t offset_ns = 0;
	int n;

	if (c->conf->udp.kernel_time)
		ask_for_times(c);
	n = recvmmsg(u->fd, c->in.msgs, SQ_DNS_READ, MSG_DONTWAIT, NULL);
	if (n == -1) {
		if (errno == EAGAIN)
			return false;
		if (errno != EINTR)
			on_error(c, u);
		return true;
	}
	sq_lane_clock(c->lane);
	if (c->conf->udp.kernel_time)
		offset_ns = wall_offset(c->lane);
	for (int i = 0; i < n; i++)
		take_reply(c, u, c->in.data[i], c->in.msgs[i].msg_len,
			   came_ns(c, &c->in.msgs[i].msg_hdr, offset_ns));
	return n == SQ_DNS_READ;
}

static void udp_input(void *state, uint32_t token, uint32_t events)
{
	struct sq_dns_udp_lane *c = state;
	struct sq_dns_socket *u = &c->sockets[token];

	if (u->fd < 0)
		return;
	if (events & EPOLLERR && c->conf->udp.recverr)
		sq_dns_udp_errors(c, u);
	for (int i = 0; i < READS_A_CALL; i++)
		if (!read_replies(c, u))
			return;
	/* As much as a turn may take: the edge anew. */
	sq_lane_rewatch(c->lane, token, u->fd, EPOLLIN | EPOLLET);
}

/* ---- starting ---- */

static int open_socket(struct sq_dns_udp_lane *c, struct sq_dns_socket *u)
{
	uint32_t token = (uint32_t)(u - c->sockets);
	uint64_t number = sq_client_number(c->lane->load, c->lane->index, token);
	int rc = sq_dns_socket_open(u, c->lane->load, number, &c->conf->udp);

	if (rc == 0)
		rc = sq_lane_watch(c->lane, token, u->fd, EPOLLIN | EPOLLET);
	if (rc < 0)
		sq_dns_socket_close(u);
	return rc;
}

/* The one whose turn it is, or else the next that has an ID to give. */
static struct sq_dns_socket *next_socket(struct sq_dns_udp_lane *c)
{
	for (unsigned i = 0; i < c->n_sockets; i++) {
		struct sq_dns_socket *u = &c->sockets[c->next];

		c->next = c->next + 1 < c->n_sockets ? c->next + 1 : 0;
		if (!sq_dns_flight_full(&u->flight))
			return u;
	}
	return NULL;
}

/* Writes it as number i of `out`. */
static void write_query(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, struct sq_op *op,
			unsigned i)
{
	struct sq_dns_query *query = sq_dns_query_of(op);
	struct sq_dns_asked asked =
		sq_dns_ask_get(c->conf->ask, query->question, query->number, c->out.data[i]);

	query->id = sq_dns_flight_add(&u->flight, op, query->question)->id;
	query->via = (uint32_t)(u - c->sockets);
	query->port = u->port;
	if (asked.query != c->out.data[i])
		memcpy(c->out.data[i], asked.query, asked.len);
	sq_dns_put16(c->out.data[i], query->id);
	c->out.bytes[i].iov_len = asked.len;
	c->out.ops[i] = op;
}

/* At most SQ_DNS_BURST of them by this socket; how many were taken. */
static unsigned start_burst(struct sq_dns_udp_lane *c, struct sq_dns_socket *u,
			    const int64_t *due_ns, unsigned n)
{
	unsigned taken = 0, ready = 0;

	while (taken < n && ready < SQ_DNS_BURST && !sq_dns_flight_full(&u->flight)) {
		struct sq_op *op = sq_op_new(c->lane, due_ns[taken]);
		int rc;

		if (!op)
			break;
		taken++;
		sq_dns_query_init(c->lane, op);
		rc = u->fd < 0 ? open_socket(c, u) : 0;
		if (rc < 0)
			sq_dns_query_fail(c->lane, op, sq_code_errno(-rc), SQ_DNS_PHASE_SOCKET);
		else
			write_query(c, u, op, ready++);
	}
	if (ready > 0)
		sq_dns_udp_send(c, u, ready);
	return taken;
}

static unsigned udp_start(void *state, const int64_t *due_ns, unsigned n)
{
	struct sq_dns_udp_lane *c = state;
	unsigned taken = 0;

	while (taken < n) {
		struct sq_dns_socket *u = next_socket(c);
		unsigned more = u ? start_burst(c, u, due_ns + taken, n - taken) : 0;

		if (more == 0) /* no ID is free, or no operation */
			break;
		taken += more;
	}
	return taken;
}

/* ---- a lane's ---- */

static void init_batches(struct sq_dns_udp_lane *c)
{
	for (unsigned i = 0; i < SQ_DNS_BURST; i++) {
		c->out.bytes[i].iov_base = c->out.data[i];
		c->out.msgs[i].msg_hdr =
			(struct msghdr){ .msg_iov = &c->out.bytes[i], .msg_iovlen = 1 };
	}
	for (unsigned i = 0; i < SQ_DNS_READ; i++) {
		c->in.bytes[i] = (struct iovec){ c->in.data[i], SQ_DNS_LOOK };
		c->in.msgs[i].msg_hdr =
			(struct msghdr){ .msg_iov = &c->in.bytes[i], .msg_iovlen = 1 };
	}
}

static void udp_fini(void *state)
{
	struct sq_dns_udp_lane *c = state;

	for (unsigned i = 0; i < c->n_sockets; i++)
		sq_dns_socket_close(&c->sockets[i]);
	free(c->sockets);
	free(c->places);
}

static int udp_init(void *state, struct sq_lane *lane, struct sq_err *err)
{
	struct sq_dns_udp_lane *c = state;
	const struct sq_dns_conf *conf = lane->conf;
	unsigned n = (unsigned)conf->sockets;
	uint32_t size = sq_dns_flight_size(n);
	int rc = sq_dns_socket_check(&conf->udp, err);

	if (rc < 0)
		return rc;
	c->lane = lane;
	c->conf = conf;
	c->n_sockets = n;
	c->sockets = sq_alloc_n(n, sizeof(*c->sockets));
	c->places = sq_alloc_n((size_t)n * size, sizeof(*c->places));
	for (unsigned i = 0; i < n; i++) {
		c->sockets[i].fd = -1;
		sq_dns_flight_init(&c->sockets[i].flight, c->places + (size_t)i * size, size,
				   (uint16_t)sq_rng_u64(&lane->rng));
	}
	init_batches(c);
	/* What is asked again over TCP has no time of the kernel's. */
	lane->patient = conf->udp.kernel_time && !conf->stream.on_truncated;
	return 0;
}

static void udp_end(void *state, struct sq_op *op, uint16_t code)
{
	struct sq_dns_udp_lane *c = state;
	struct sq_dns_socket *u = &c->sockets[sq_dns_query_of(op)->via];

	if (op == c->unnamed) {
		sq_dns_udp_name_unnamed(c, ENOBUFS);
		return;
	}
	forget(u, sq_dns_flight_find(&u->flight, sq_dns_query_of(op)->id), SQ_DNS_GIVEN_UP);
	sq_dns_query_fail(c->lane, op, sq_dns_query_end_code(op, code), SQ_DNS_PHASE_QUERY);
}

const struct sq_dns_transport sq_dns_udp = {
	.state_size = sizeof(struct sq_dns_udp_lane),
	.init = udp_init,
	.fini = udp_fini,
	.start = udp_start,
	.input = udp_input,
	.end = udp_end,
};
