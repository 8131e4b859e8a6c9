/* What the tests of the SMTP sink share: a sink, and clients that talk to it over loopback.  Included
 * by one test program each, so all of it is static.
 *
 * The sink serves on a thread of the test, on a port of the kernel's choice, and its counts are
 * read while it does.  Whatever a test is about, each of its connections must have ended in exactly
 * one of the ways that are counted: sink_stop checks it.
 *
 * A count may follow what a client hears: a message counts once its 250 is in the kernel. */
#ifndef SQ_TESTS_UNIT_LOADGEN_SMTP_SINK_H
#define SQ_TESTS_UNIT_LOADGEN_SMTP_SINK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "loadgen/engine/sink.h"

extern const struct sq_sink sq_sink_smtp;

static struct {
	bool running;
	void *conf, *state;
	int stop_fd;
	pthread_t thread;
	struct sockaddr_in addr;
} sink;

static inline void *sink_thread(void *arg)
{
	struct sq_err err = { 0 };

	(void)arg;
	sq_sink_smtp.serve(sink.state, sink.stop_fd, &err);
	return NULL;
}

static inline json_t *sink_counts(void)
{
	return sq_sink_smtp.counts(sink.state);
}

/* "rejected/rcpt:452"; 0 when such a one was never counted. */
static inline json_int_t count_in(const json_t *counts, const char *name)
{
	char pointer[64];

	snprintf(pointer, sizeof(pointer), "/%s", name);
	return json_integer_value(sq_json_pointer_get(counts, pointer));
}

static inline json_int_t count_of(const char *name)
{
	json_t *counts = sink_counts();
	json_int_t n = count_in(counts, name);

	json_decref(counts);
	return n;
}

/* Waits for what the sink must come to. */
static inline void count_await(const char *name, json_int_t want)
{
	int64_t until = sq_now_ns() + 5 * SQ_SEC;

	while (count_of(name) != want && sq_now_ns() < until)
		sq_sleep_until(sq_now_ns() + SQ_MS);
	if (count_of(name) != want)
		fail_msg("%s: got %lld, want %lld", name, (long long)count_of(name),
			 (long long)want);
}

static inline void sink_start(const char *options)
{
	const struct sq_kind *kind = &sq_sink_smtp.kind;
	struct sq_opt_ctx ctx = { .file = "test" };
	struct sq_err err = { 0 };
	json_t *object = json_loads(options, 0, NULL), *counts;

	assert_non_null(object);
	json_object_set_new(object, "listen", json_string("127.0.0.1:0"));
	sink.conf = sq_alloc(kind->conf_size);
	sink.state = sq_alloc(sq_sink_smtp.state_size);
	if (sq_opt_parse(&ctx, kind->opts, object, "", sink.conf, &err) < 0 ||
	    sq_sink_smtp.open(sink.state, sink.conf, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	json_decref(object);
	counts = sink_counts();
	sink.addr = (struct sockaddr_in){ .sin_family = AF_INET };
	sink.addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sink.addr.sin_port = htons((uint16_t)atoi(
		strchr(json_string_value(json_object_get(counts, "listen")), ':') + 1));
	json_decref(counts);
	sink.stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pthread_create(&sink.thread, NULL, sink_thread, NULL), 0);
	sink.running = true;
}

static inline int sink_end(void **state)
{
	(void)state;
	if (!sink.running)
		return 0;
	assert_int_equal(eventfd_write(sink.stop_fd, 1), 0);
	pthread_join(sink.thread, NULL);
	sink.running = false;
	sq_sink_smtp.close(sink.state);
	close(sink.stop_fd);
	sq_opt_fini(sq_sink_smtp.kind.opts, sink.conf);
	free(sink.conf);
	free(sink.state);
	return 0;
}

/* Once all are gone.  Each connection must have had one end. */
static inline void sink_stop(void)
{
	static const char *const ends[] = { "open",           "quits",  "closed_without_quit",
					    "closed_by_sink", "resets", "lost" };
	json_int_t sum = 0;

	count_await("open", 0);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sum += count_of(ends[i]);
	assert_int_equal(sum, count_of("connections"));
	assert_int_equal(count_of("lost"), 0);
	sink_end(NULL);
}

static inline int dial_to(int *ret_connected)
{
	struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	*ret_connected = connect(fd, (struct sockaddr *)&sink.addr, sizeof(sink.addr));
	return fd;
}

static inline int dial(void)
{
	int connected;
	int fd = dial_to(&connected);

	assert_int_equal(connected, 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void hear(int fd, const char *want)
{
	char got[4096] = { 0 };
	size_t len = strlen(want);
	ssize_t n = recv(fd, got, len, MSG_WAITALL);

	if (n < 0 || strcmp(got, want) != 0)
		fail_msg("heard \"%s\" (%zd), want \"%s\"", got, n, want);
}

static inline void ask(int fd, const char *text, const char *want)
{
	say(fd, text);
	hear(fd, want);
}

static inline void hear_fin(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static inline void hear_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

static inline void hear_nothing(int fd, int64_t for_ns)
{
	char byte;

	sq_sleep_until(sq_now_ns() + for_ns);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void hang_up_by_reset(int fd)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

#define BANNER  "220 sink.test ESMTP squall sink\r\n"
#define MAIL_OK "250 2.1.0 Ok\r\n"
#define RCPT_OK "250 2.1.5 Ok\r\n"
#define OK      "250 2.0.0 Ok\r\n"
#define GO      "354 End data with <CR><LF>.<CR><LF>\r\n"
#define TAKEN   "250 2.0.0 Ok: discarded\r\n"
#define BYE     "221 2.0.0 Bye\r\n"
#define EXTENSIONS                                                        \
	"250-sink.test\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n" \
	"250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n"
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n"

/* Greeted, and past HELO. */
static inline int dial_ready(void)
{
	int fd = dial();

	hear(fd, BANNER);
	ask(fd, "HELO c.test\r\n", "250 sink.test\r\n");
	return fd;
}

#endif
