/* Sending a DNS sink's replies, each error with its own name.
 *
 * Many with one call while all goes well, one by one for a second after each refusal.  When
 * sendmmsg(2) fails at a message that is not its first, the kernel forgets the error and tells only
 * how many went out; were the message tried again to learn it, the kernel would count a second
 * SndbufErrors for the one reply, or send what it had dropped, and this sink's send_errors must equal
 * the kernel's counters.  So it is not tried again: it is booked as what a full queue says, and
 * renamed to what the next refusal within that second is called.
 *
 * A reader would get wrong: with IP_RECVERR an ICMP error that an earlier reply to somebody else
 * brought makes the next send fail, unsent.  It has a record in the socket's error queue, which an
 * error of the reply's own (ENOBUFS, EAGAIN, EPERM) has not: so it is taken there, and the reply
 * is sent again. */
#include "loadgen/dns/sink_send.h"

#include <linux/errqueue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define CAREFUL_NS SQ_SEC

enum { QUEUE_FIRST = 128, SEND_BATCH = 32 };

/* ---- the queue ---- */

/* The ring unrolled into one twice as large. */
static void queue_grow(struct sq_dns_queue *q)
{
	size_t size = q->size ? q->size * 2 : QUEUE_FIRST;
	struct sq_dns_reply *ring = sq_alloc_n(size, sizeof(*ring));
	size_t n = 0;

	for (uint64_t i = q->out; i != q->in; i++)
		ring[n++] = q->ring[i & (q->size - 1)];
	free(q->ring);
	*q = (struct sq_dns_queue){ .ring = ring, .size = size, .in = n };
}

struct sq_dns_reply *sq_dns_queue_room(struct sq_dns_queue *q)
{
	if (q->in - q->out == q->size)
		queue_grow(q);
	return &q->ring[q->in & (q->size - 1)];
}

void sq_dns_queue_put(struct sq_dns_queue *q)
{
	q->in++;
}

static const struct sq_dns_reply *queue_first(const struct sq_dns_queue *q)
{
	return q->in != q->out ? &q->ring[q->out & (q->size - 1)] : NULL;
}

int64_t sq_dns_queue_due(const struct sq_dns_queue *q)
{
	const struct sq_dns_reply *first = queue_first(q);

	return first ? first->due_ns : SQ_NEVER;
}

void sq_dns_queue_fini(struct sq_dns_queue *q)
{
	free(q->ring);
	*q = (struct sq_dns_queue){ 0 };
}

/* ---- the way back ---- */

void sq_dns_path_turn(struct sq_dns_path *path, size_t control_len)
{
	struct msghdr msg = { .msg_control = &path->control, .msg_controllen = control_len };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	path->control_len = 0;
	if (!c)
		return;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(c), sizeof(info)); /* ipi_spec_dst is our address */
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;

		memcpy(&info, CMSG_DATA(c), sizeof(info));
		if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
			info.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else {
		return;
	}
	path->control_len = (uint16_t)control_len;
}

/* ---- sending ---- */

int sq_dns_errors_take(int fd, struct sq_dns_sink_counts *seen)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[512];
	} control;
	int taken = 0;

	for (;;) {
		struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };

		if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) == -1)
			return taken;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			struct sock_extended_err why;

			if (c->cmsg_type != IP_RECVERR && c->cmsg_type != IPV6_RECVERR)
				continue;
			memcpy(&why, CMSG_DATA(c), sizeof(why));
			sq_dns_count_add(sq_dns_count_errno(seen->icmp_errors, (int)why.ee_errno),
					 1);
		}
		taken++;
	}
}

static struct msghdr header_of(const struct sq_dns_reply *r, struct iovec *bytes)
{
	*bytes = (struct iovec){ .iov_base = (void *)r->bytes, .iov_len = r->answer.len };
	return (struct msghdr){
		.msg_name = (void *)&r->path.peer,
		.msg_namelen = r->path.peer_len,
		.msg_iov = bytes,
		.msg_iovlen = 1,
		.msg_control = r->path.control_len ? (void *)&r->path.control : NULL,
		.msg_controllen = r->path.control_len,
	};
}

/* Whether a send failed for another reply, so that it may be tried again. */
static bool failed_for_another(struct sq_dns_sender *s, int code)
{
	return code == EINTR || (code != EAGAIN && sq_dns_errors_take(s->fd, s->seen) > 0);
}

/* 0, or the errno of this reply and no other. */
static int reply_try(struct sq_dns_sender *s, const struct sq_dns_reply *r)
{
	struct iovec bytes;
	const struct msghdr msg = header_of(r, &bytes);

	for (;;) {
		int code;

		if (sendmsg(s->fd, &msg, MSG_DONTWAIT) != -1)
			return 0;
		code = errno;
		if (!failed_for_another(s, code))
			return code;
	}
}

static void be_careful(struct sq_dns_sender *s)
{
	s->careful_until_ns = sq_now_ns() + CAREFUL_NS;
}

static void refused(struct sq_dns_sender *s, int code)
{
	if (s->unnamed) {
		sq_dns_count_add(sq_dns_count_errno(s->seen->send_errors, s->unnamed), -1);
		sq_dns_count_add(sq_dns_count_errno(s->seen->send_errors, code), 1);
		s->unnamed = 0;
	}
	sq_dns_count_add(sq_dns_count_errno(s->seen->send_errors, code), 1);
	be_careful(s);
}

/* Without IP_RECVERR the interface's full queue is not told, so it was the socket's buffer. */
static void refused_unnamed(struct sq_dns_sender *s)
{
	s->unnamed = s->recverr ? ENOBUFS : EAGAIN;
	sq_dns_count_add(sq_dns_count_errno(s->seen->send_errors, s->unnamed), 1);
	be_careful(s);
}

static void answered(struct sq_dns_sender *s, const struct sq_dns_reply *r)
{
	sq_dns_count_add(&s->seen->bytes_sent, r->answer.len);
	sq_dns_count_add(&s->seen->answered, 1);
	sq_dns_count_add(r->answer.garbage ? &s->seen->garbage : &s->seen->rcodes[r->answer.rcode],
			 1);
}

static void send_one(struct sq_dns_sender *s, const struct sq_dns_reply *r)
{
	int code = reply_try(s, r);

	if (code == 0)
		answered(s, r);
	else
		refused(s, code);
	if (!r->answer.twice)
		return;
	code = reply_try(s, r);
	if (code != 0) {
		refused(s, code);
		return;
	}
	sq_dns_count_add(&s->seen->bytes_sent, r->answer.len);
	sq_dns_count_add(&s->seen->duplicated, 1);
}

/* Those at the head of the queue that are due and leave once. */
static unsigned collect(const struct sq_dns_queue *q, int64_t now_ns, struct mmsghdr *msgs,
			struct iovec *bytes)
{
	unsigned n = 0;

	for (; n < SEND_BATCH && q->out + n != q->in; n++) {
		const struct sq_dns_reply *r = &q->ring[(q->out + n) & (q->size - 1)];

		if (r->due_ns > now_ns || r->answer.twice)
			break;
		msgs[n].msg_hdr = header_of(r, &bytes[n]);
	}
	return n;
}

/* How many at the head of the queue are settled; when none, the first is to be sent alone. */
static unsigned send_many(struct sq_dns_queue *q, struct sq_dns_sender *s, int64_t now_ns)
{
	struct mmsghdr msgs[SEND_BATCH];
	struct iovec bytes[SEND_BATCH];
	unsigned n = collect(q, now_ns, msgs, bytes), settled;
	int sent = n > 1 ? sendmmsg(s->fd, msgs, n, MSG_DONTWAIT) : 0, code = errno;

	if (n < 2)
		return 0;
	settled = sent > 0 ? (unsigned)sent : 0;
	for (unsigned i = 0; i < settled; i++)
		answered(s, &q->ring[(q->out + i) & (q->size - 1)]);
	if (settled == n)
		return n;
	if (failed_for_another(s, sent == -1 ? code : 0)) {
		be_careful(s);
		return settled;
	}
	if (sent == -1)
		refused(s, code);
	else
		refused_unnamed(s);
	return settled + 1;
}

void sq_dns_queue_send(struct sq_dns_queue *q, struct sq_dns_sender *s, int64_t now_ns)
{
	const struct sq_dns_reply *r;

	while ((r = queue_first(q)) && r->due_ns <= now_ns) {
		unsigned settled = 0;

		if (now_ns >= s->careful_until_ns) {
			s->unnamed = 0; /* it stayed alone */
			settled = send_many(q, s, now_ns);
		}
		if (settled == 0) {
			send_one(s, r);
			settled = 1;
		}
		q->out += settled;
	}
}
