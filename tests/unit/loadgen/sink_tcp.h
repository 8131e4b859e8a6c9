/* What the tests of the TCP sink share: its process (sink_bench.h), and a client's ends of
 * connections.  Included by one test program each, so all of it is static. */
#ifndef SQ_TESTS_UNIT_LOADGEN_SINK_TCP_H
#define SQ_TESTS_UNIT_LOADGEN_SINK_TCP_H

#include "tests/unit/loadgen/sink_bench.h"

extern const struct sq_sink sq_sink_tcp;

#define LISTEN "\"listen\": \"127.0.0.1:9000\""

enum { PORT = 9000 };

static inline struct running sink_start(const char *text, rlim_t nofile)
{
	return sink_fork(&sq_sink_tcp.kind, text, nofile);
}

static inline int dial(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline void hang_up_by_reset(int fd)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

#endif
