/* The dns driver over TCP against a small server that breaks connections in each way: every query has
 * one outcome, under its own name, and a connection that ends while idle is no failure. */
#include "tests/unit/loadgen/dns_bench.h"

/* ---- a server: one thread of control, as many connections as a test makes ---- */

enum manner {
	ANSWERS,
	SLOW,   /* answers one query after the other, SLOW_US each */
	SPLITS, /* answers a few bytes at a time */
	TURNS,  /* answers the last of what it has read first */
	RESETS, /* after the first query */
	CUTS,   /* FIN in the midst of the first answer */
	SILENT,
	GARBLES,   /* an answer shorter than any message */
	FIN_AFTER, /* answers one query, then FIN */
	ODD,       /* answers with another question */
	FULL,      /* its accept queue is, and nobody accepts */
	MANNERS
};

enum { CONNS = 64, INPUT = 1 << 16, SLOW_US = 200 };

struct peer {
	int fd;
	size_t n;
	uint8_t in[INPUT];
};

static void peer_close(struct peer *p, bool reset)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (reset)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(p->fd);
	p->fd = -1;
}

static void peer_send(struct peer *p, const uint8_t *frame, size_t len, size_t step)
{
	for (size_t at = 0; at < len; at += step) {
		send(p->fd, frame + at, len - at < step ? len - at : step, MSG_NOSIGNAL);
		if (step < len)
			usleep(200);
	}
}

static void peer_answer(struct peer *p, enum manner manner, const uint8_t *frame, size_t len)
{
	uint8_t reply[600];

	if (manner == SLOW)
		usleep(SLOW_US);
	memcpy(reply, frame, len);
	sq_dns_put16(reply + 4, sq_dns_get16(reply + 4) | SQ_DNS_QR);
	if (manner == ODD)
		reply[2 + SQ_DNS_HEADER + 1] ^= 1;
	if (manner == GARBLES)
		sq_dns_put16(reply, 5);
	peer_send(p, reply, manner == CUTS ? len / 2 : len, manner == SPLITS ? 7 : len);
	if (manner == CUTS)
		shutdown(p->fd, SHUT_WR);
	if (manner == FIN_AFTER)
		peer_close(p, false);
}

static void peer_act(struct peer *p, enum manner manner)
{
	size_t starts[1024], n = 0, at = 0;

	while (n < 1024 && at + 2 <= p->n && at + 2 + sq_dns_get16(p->in + at) <= p->n) {
		starts[n++] = at;
		at += 2U + sq_dns_get16(p->in + at);
	}
	if (n > 0 && manner == RESETS) {
		peer_close(p, true);
		return;
	}
	for (size_t i = 0; p->fd >= 0 && manner != SILENT && i < n; i++) {
		const uint8_t *frame = p->in + starts[manner == TURNS ? n - 1 - i : i];

		peer_answer(p, manner, frame, 2U + sq_dns_get16(frame));
	}
	memmove(p->in, p->in + at, p->n - at);
	p->n -= at;
}

static void peer_read(struct peer *p, enum manner manner)
{
	ssize_t got;

	if (manner == TURNS)
		usleep(20000); /* more comes together */
	got = recv(p->fd, p->in + p->n, INPUT - p->n, 0);
	if (got <= 0) {
		peer_close(p, false);
		return;
	}
	p->n += (size_t)got;
	peer_act(p, manner);
}

static void serve(int listener, void *arg)
{
	enum manner manner = *(const enum manner *)arg;
	static struct peer peers[CONNS];
	struct pollfd fds[CONNS + 1];

	for (int i = 0; i < CONNS; i++)
		peers[i].fd = -1;
	for (;;) {
		fds[CONNS] = (struct pollfd){ .fd = listener, .events = POLLIN };
		for (int i = 0; i < CONNS; i++)
			fds[i] = (struct pollfd){ .fd = peers[i].fd, .events = POLLIN };
		poll(fds, CONNS + 1, -1);
		for (int i = 0; i < CONNS; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				peer_read(&peers[i], manner);
		for (int i = 0; i < CONNS && fds[CONNS].revents; i++) {
			if (peers[i].fd >= 0)
				continue;
			peers[i].fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			peers[i].n = 0;
			break;
		}
	}
}

/* ---- runs ---- */

static void run_to(enum manner manner, const char *conf, double rate, const char *command,
		   struct dns_bench *d)
{
	struct server s = server_listen(manner == FULL ? 0 : 1024);
	int waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (manner == FULL) {
		assert_int_equal(connect(waiting, (struct sockaddr *)&s.addr, sizeof(s.addr)), 0);
	} else if (manner < MANNERS) {
		server_block(&s);
		server_fork(&s, serve, &manner);
	} else {
		close(s.fd);
	}
	dns_bench_init_to(d, &s, conf);
	d->b.spec.threads = 1;
	d->b.spec.timeout_ns = 500 * SQ_MS;
	d->b.spec.count = 500;
	d->b.spec.duration_ns = 10 * SQ_SEC;
	d->b.spec.arrivals.rate_per_s = rate;
	d->b.command = command;
	d->b.command_ns = 250 * SQ_MS;
	dns_bench_run_done(d);
	assert_int_equal(d->b.scheduled, 500);
	if (manner < MANNERS)
		server_stop(&s);
	close(waiting);
}

static void run(enum manner manner, const char *conf, double rate, struct dns_bench *d)
{
	run_to(manner, conf, rate, NULL, d);
}

#define NAMES "\"names\": [\"n{0-99}.test\"], \"transport\": \"tcp\""

static const struct {
	const char *what;
	enum manner manner;
	double rate;
	const char *conf, *outcome;
	int64_t at_least; /* of that outcome; the others are ok */
} cases[] = {
	{ "answers", ANSWERS, 2000, "{" NAMES "}", "ok@", 500 },
	{ "one query a connection", ANSWERS, 2000,
	  "{" NAMES ", \"connections\": 60, \"per_connection\": 1}", "ok@", 500 },
	{ "three on each", ANSWERS, 2000, "{" NAMES ", \"connections\": 60, \"per_connection\": 3}",
	  "ok@", 500 },
	{ "split", SPLITS, 500, "{" NAMES "}", "ok@", 500 },
	{ "out of order", TURNS, 2000, "{" NAMES ", \"connections\": 1}", "ok@", 500 },
	{ "RST", RESETS, 500, "{" NAMES "}", "ECONNRESET@query", 500 },
	{ "FIN in an answer", CUTS, 500, "{" NAMES "}", "eof@query", 500 },
	{ "silence", SILENT, 2000, "{" NAMES "}", "timeout@query", 500 },
	{ "no message", GARBLES, 500, "{" NAMES "}", "garbled@query", 500 },
	{ "another question", ODD, 500, "{" NAMES "}", "mismatch@query", 500 },
	{ "nobody accepts", FULL, 2000, "{" NAMES ", \"connections\": 4, \"pipeline\": 1000}",
	  "timeout@connect", 500 },
	{ "FIN when idle", FIN_AFTER, 250, "{" NAMES ", \"pipeline\": 1}", "ok@", 500 },
	{ "nobody listens", MANNERS, 500, "{" NAMES "}", "ECONNREFUSED@connect", 500 },
};

static void outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_bench d;

		printf("%s\n", cases[i].what);
		run(cases[i].manner, cases[i].conf, cases[i].rate, &d);
		assert_int_equal(dns_n(&d, cases[i].outcome), cases[i].at_least);
		dns_bench_fini(&d);
	}
}

/* Also where a query was just being written: that write takes the error, and what is read then is an
 * end.  No FIN is ever sent. */
static void reset_while_writing(void **state)
{
	struct server s = server_listen(1024);
	enum manner manner = RESETS;
	struct dns_bench d;

	(void)state;
	server_block(&s);
	server_fork(&s, serve, &manner);
	dns_bench_init_to(&d, &s, "{" NAMES "}");
	d.b.spec.threads = 1;
	d.b.spec.arrivals.closed = 300;
	d.b.spec.duration_ns = 200 * SQ_MS;
	dns_bench_run_done(&d);
	assert_true(dns_n(&d, "ECONNRESET@query") > 1000);
	assert_int_equal(dns_n(&d, "eof@query"), 0);
	dns_bench_fini(&d);
	server_stop(&s);
}

/* As many connections as there are groups of queries. */
static void connections(void **state)
{
	struct dns_bench d;

	(void)state;
	run(ANSWERS, "{" NAMES ", \"connections\": 60, \"per_connection\": 1}", 2000, &d);
	assert_int_equal(dns_count(&d, "connections"), 500);
	assert_int_equal(dns_count(&d, "closed_by_server"), 0);
	dns_bench_fini(&d);
	run(FIN_AFTER, "{" NAMES ", \"pipeline\": 1}", 250, &d);
	assert_int_equal(dns_count(&d, "connections"), 500);
	assert_int_equal(dns_count(&d, "closed_by_server"), 500);
	dns_bench_fini(&d);
}

/* ---- no room ---- */

#define NARROW "{" NAMES ", \"connections\": 1, \"pipeline\": 10}"

/* Late from their due times on. */
static void waits_then_ok(void **state)
{
	static const char *const confs[] = { NARROW,
					     "{" NAMES
					     ", \"connections\": 1, \"per_connection\": 1}" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct dns_bench d;

		run(SLOW, confs[i], 20000, &d);
		assert_int_equal(dns_n(&d, "ok@"), 500);
		assert_true(dns_count(&d, "waited") > 400);
		assert_true(sq_hist_max(d.b.from_due) > 300 * SLOW_US * SQ_US);
		dns_bench_fini(&d);
	}
}

/* Those that had no time to speak of to be answered in are not said to be unanswered. */
static void waits_then_times_out(void **state)
{
	struct dns_bench d;

	(void)state;
	run(SILENT, NARROW, 2000, &d);
	assert_int_equal(dns_n(&d, "timeout@query"), 10);
	assert_int_equal(dns_n(&d, "timeout@send"), 490);
	assert_int_equal(dns_count(&d, "waited"), 490);
	dns_bench_fini(&d);
	run(FULL, NARROW, 2000, &d);
	assert_int_equal(dns_n(&d, "timeout@connect"), 10);
	assert_int_equal(dns_n(&d, "timeout@send"), 490);
	dns_bench_fini(&d);
}

/* The first ten go to a connection that seems dead from the first's time-out on.  Those that are due
 * while the others still stand on it do not wait for want of room. */
static void waits_for_the_dead(void **state)
{
	struct server s = server_listen(1024);
	enum manner manner = SILENT;
	struct dns_bench d;

	(void)state;
	server_block(&s);
	server_fork(&s, serve, &manner);
	dns_bench_init_to(&d, &s, NARROW);
	d.b.spec.threads = 1;
	d.b.spec.timeout_ns = 200 * SQ_MS;
	d.b.spec.count = 20;
	d.b.spec.arrivals.rate_per_s = 50;
	dns_bench_run_done(&d);
	assert_true(dns_count(&d, "waited") >= 8);
	assert_int_equal(dns_n(&d, "timeout@query"), 20);
	dns_bench_fini(&d);
	server_stop(&s);
}

static void stopped_while_waiting(void **state)
{
	struct dns_bench d;

	(void)state;
	run_to(SILENT, NARROW, 5000, "stop", &d);
	assert_int_equal(dns_n(&d, "canceled@query"), 10);
	assert_int_equal(dns_n(&d, "canceled@send"), 490);
	dns_bench_fini(&d);
}

/* As many as a rate needs when each carries one query. */
static void usual_connections(void **state)
{
	struct dns_bench d;

	(void)state;
	run(SILENT, "{" NAMES ", \"per_connection\": 1}", 2000, &d);
	assert_int_equal(dns_n(&d, "timeout@query"), 100);
	dns_bench_fini(&d);
}

/* Our own limit is ours. */
static void no_descriptors(void **state)
{
	struct server s = server_listen(1024);
	struct dns_bench d;

	(void)state;
	dns_bench_init_to(&d, &s, "{" NAMES ", \"connections\": 200, \"per_connection\": 1}");
	d.b.spec.threads = 1;
	d.b.spec.count = 100;
	d.b.spec.arrivals.rate_per_s = 1000;
	d.b.nofile = 64;
	dns_bench_run_done(&d);
	assert_true(dns_n(&d, "EMFILE@connect") > 30);
	assert_int_equal(dns_n(&d, "EMFILE@connect") + dns_n(&d, "timeout@query"), 100);
	dns_bench_fini(&d);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(reset_while_writing),
		cmocka_unit_test(connections),
		cmocka_unit_test(waits_then_ok),
		cmocka_unit_test(waits_then_times_out),
		cmocka_unit_test(waits_for_the_dead),
		cmocka_unit_test(stopped_while_waiting),
		cmocka_unit_test(usual_connections),
		cmocka_unit_test(no_descriptors),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
