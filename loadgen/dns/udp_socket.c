/* A DNS client's socket, and the errors that come back to it.
 *
 * An ICMP error is told twice: in the error queue, with the datagram that it is about, and by the
 * next call on the socket, which then has failed without doing anything.  Taking it from the queue
 * takes back the second telling, but for a moment (Linux __udp4_lib_err() first queues it, then
 * sets sk_err): `stale` is for that moment.
 *
 * What a reader would get wrong: not all that stands in the queue came by ICMP.  A datagram that is
 * larger than the path's MTU leaves a record too (SO_EE_ORIGIN_LOCAL), without its bytes, but that
 * the send itself has told. */
#include "loadgen/dns/udp_socket.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/opt.h"
#include "loadgen/engine/client.h"

/* False when the socket got less than was asked for.  The kernel doubles what is asked, for its own
 * book-keeping, and tells the double.  The FORCE options pass the system's limit where we may. */
static bool buffer_set(int fd, bool receive, int64_t asked)
{
	int size = (int)asked, got = 0;
	int option = receive ? SO_RCVBUF : SO_SNDBUF;
	socklen_t len = sizeof(got);

	if (asked == SQ_OPT_UNSET)
		return true;
	if (setsockopt(fd, SOL_SOCKET, receive ? SO_RCVBUFFORCE : SO_SNDBUFFORCE, &size,
		       sizeof(size)) == -1)
		setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
	return getsockopt(fd, SOL_SOCKET, option, &got, &len) == 0 && got / 2 >= size;
}

static bool can_segment(int fd)
{
	int size;
	socklen_t len = sizeof(size);

	return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len) == 0;
}

int sq_dns_socket_check(const struct sq_dns_socket_spec *spec, struct sq_err *err)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd == -1)
		return 0; /* every query will say so */
	if (!buffer_set(fd, true, spec->receive_buffer))
		rc = sq_err_set(err, -ENOBUFS, "dns: receive_buffer",
				"the kernel gives no %lld bytes; raise net.core.rmem_max, or run "
				"as root",
				(long long)spec->receive_buffer);
	else if (!buffer_set(fd, false, spec->send_buffer))
		rc = sq_err_set(err, -ENOBUFS, "dns: send_buffer",
				"the kernel gives no %lld bytes; raise net.core.wmem_max, or run "
				"as root",
				(long long)spec->send_buffer);
	else if (spec->segment && !can_segment(fd))
		rc = sq_err_set(err, -ENOTSUP, "dns: segment",
				"this kernel has no UDP_SEGMENT (Linux 4.18 on); leave it out");
	close(fd);
	return rc;
}

int sq_dns_socket_open(struct sq_dns_socket *u, const struct sq_load_plan *load, uint64_t number,
		       const struct sq_dns_socket_spec *spec)
{
	const struct sq_target *target = sq_load_target(load, number);
	const int on = 1;
	int fd = sq_client_socket(load, target, SOCK_DGRAM, number), rc;

	if (fd < 0)
		return fd;
	buffer_set(fd, true, spec->receive_buffer);
	buffer_set(fd, false, spec->send_buffer);
	if (spec->kernel_time)
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (spec->recverr) {
		/* An IPv6 socket may talk to a mapped IPv4 address. */
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
		if (target->addr.ss_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	}
	if (connect(fd, (const struct sockaddr *)&target->addr, target->len) == -1) {
		rc = -errno;
		close(fd);
		return rc;
	}
	u->fd = fd;
	u->port = sq_client_port(fd);
	u->stale = false;
	return 0;
}

void sq_dns_socket_close(struct sq_dns_socket *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

/* ---- errors ---- */

/* The errno of an ICMP error; 0 when the record is none. */
static int icmp_code(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err why;

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&why, CMSG_DATA(c), sizeof(why));
		if (why.ee_origin == SO_EE_ORIGIN_ICMP || why.ee_origin == SO_EE_ORIGIN_ICMP6)
			return (int)why.ee_errno;
	}
	return 0;
}

bool sq_dns_socket_error_next(struct sq_dns_socket *u, struct sq_dns_socket_error *ret)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[512];
	} control;
	struct iovec bytes = { ret->query, sizeof(ret->query) };

	for (;;) {
		struct msghdr msg = { .msg_iov = &bytes,
				      .msg_iovlen = 1,
				      .msg_control = &control,
				      .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(u->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (n == -1)
			return false;
		ret->code = icmp_code(&msg);
		ret->len = (size_t)n;
		if (ret->code) {
			u->stale = true;
			return true;
		}
	}
}
