/* Lines over a SOCK_SEQPACKET pair: the kernel keeps the borders of messages, so there is no
 * framing and no partial line.  Waiting is against an absolute time, so that signals, which a
 * supervisor gets many of, never lengthen it. */
#include "base/ctl.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

int sq_ctl_pair(int ret_fd[2])
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		return -errno;
	ret_fd[0] = fd[0];
	ret_fd[1] = fd[1];
	return 0;
}

int sq_ctl_send(int fd, const char *fmt, ...)
{
	char line[SQ_CTL_LINE];
	va_list ap;
	int len;
	ssize_t sent;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* An empty message would read as the end of file. */
	if (len <= 0)
		return -EINVAL;
	if (len >= SQ_CTL_LINE)
		len = SQ_CTL_LINE - 1;
	do
		sent = send(fd, line, (size_t)len, MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	if (sent == -1)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/* 0 when there is something to read, the end of file included. */
static int wait_readable(int fd, int64_t until_ns)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct timespec ts, *limit = NULL;
		int n;

		if (until_ns != SQ_NEVER) {
			int64_t left = until_ns - sq_now_ns();

			left = left > 0 ? left : 0;
			ts = (struct timespec){ .tv_sec = left / SQ_SEC, .tv_nsec = left % SQ_SEC };
			limit = &ts;
		}
		n = ppoll(&p, 1, limit, NULL);
		if (n == 1)
			return 0;
		if (n == -1 && errno != EINTR)
			return -errno;
		if (until_ns != SQ_NEVER && sq_now_ns() >= until_ns)
			return -ETIMEDOUT;
	}
}

static int64_t deadline(int64_t timeout_ns)
{
	int64_t now = sq_now_ns();

	if (timeout_ns < 0)
		timeout_ns = 0;
	return timeout_ns >= SQ_NEVER - now ? SQ_NEVER : now + timeout_ns;
}

int sq_ctl_recv(int fd, char line[SQ_CTL_LINE], int64_t timeout_ns)
{
	int64_t until_ns = deadline(timeout_ns);

	for (;;) {
		int rc = wait_readable(fd, until_ns);
		ssize_t len;

		if (rc < 0)
			return rc;
		len = recv(fd, line, SQ_CTL_LINE - 1, MSG_DONTWAIT);
		if (len >= 0) {
			line[len] = '\0';
			return (int)len;
		}
		/* The other side ended with lines of ours unread: for us the same end of file. */
		if (errno == ECONNRESET) {
			line[0] = '\0';
			return 0;
		}
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}
