/* Sending a DNS sink's replies, each error with its own name.
 *
 * One sendmsg(2) for each reply, on purpose.  When sendmmsg(2) fails at a message that is not its
 * first, the kernel forgets the error and tells only how many went out; to learn it the message
 * must be tried again, and the kernel then counts a second SndbufErrors for the one reply, or sends
 * what it had dropped.  This sink's send_errors must equal the kernel's counters.
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

enum { QUEUE_FIRST = 128 };

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

/* 0, or the errno of this reply and no other. */
static int reply_try(const struct sq_dns_reply *r, int fd, struct sq_dns_sink_counts *seen)
{
	struct iovec bytes = { .iov_base = (void *)r->bytes, .iov_len = r->answer.len };
	const struct msghdr msg = {
		.msg_name = (void *)&r->path.peer,
		.msg_namelen = r->path.peer_len,
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = r->path.control_len ? (void *)&r->path.control : NULL,
		.msg_controllen = r->path.control_len,
	};

	for (;;) {
		int code;

		if (sendmsg(fd, &msg, MSG_DONTWAIT) != -1)
			return 0;
		code = errno;
		if (code != EINTR && (code == EAGAIN || !sq_dns_errors_take(fd, seen)))
			return code;
	}
}

/* True when the kernel took it. */
static bool reply_send(const struct sq_dns_reply *r, int fd, struct sq_dns_sink_counts *seen)
{
	int code = reply_try(r, fd, seen);

	if (code != 0) {
		sq_dns_count_add(sq_dns_count_errno(seen->send_errors, code), 1);
		return false;
	}
	sq_dns_count_add(&seen->bytes_sent, r->answer.len);
	return true;
}

void sq_dns_queue_send(struct sq_dns_queue *q, int fd, int64_t now_ns,
		       struct sq_dns_sink_counts *seen)
{
	const struct sq_dns_reply *r;

	while ((r = queue_first(q)) && r->due_ns <= now_ns) {
		if (reply_send(r, fd, seen)) {
			sq_dns_count_add(&seen->answered, 1);
			sq_dns_count_add(r->answer.garbage ? &seen->garbage
							   : &seen->rcodes[r->answer.rcode],
					 1);
		}
		if (r->answer.twice && reply_send(r, fd, seen))
			sq_dns_count_add(&seen->duplicated, 1);
		q->out++;
	}
}
