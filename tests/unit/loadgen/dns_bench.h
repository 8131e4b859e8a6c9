/* What the tests of the dns driver share: a name server that does what the name it is asked for
 * says, and a worker's run with the driver's counts.  Included by one test program each. */
#ifndef SQ_TESTS_UNIT_LOADGEN_DNS_BENCH_H
#define SQ_TESTS_UNIT_LOADGEN_DNS_BENCH_H

#include <sys/mman.h>

#include "loadgen/dns/conf.h"
#include "loadgen/dns/wire.h"
#include "tests/unit/loadgen/bench.h"

/* ---- the server ---- */

enum { NAMED_NAMES = 1000, NAMED_LATER = 64 };

/* Shared with the test. */
struct named_seen {
	int queries, ports;
	int asked[NAMED_NAMES]; /* by the number in the first label */
	uint64_t port_bits[65536 / 64];
};

struct named {
	int fd;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	pid_t pid; /* 0: nobody answers */
	struct named_seen *seen;
};

struct named_reply {
	int64_t due_ns;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	uint8_t msg[600];
	size_t len;
};

static inline void named_send(int fd, const struct named_reply *r)
{
	sendto(fd, r->msg, r->len, 0, (const struct sockaddr *)&r->peer, r->peer_len);
}

static inline void named_flags(struct named_reply *r, uint16_t set)
{
	sq_dns_put16(r->msg + 2, sq_dns_get16(r->msg + 2) | SQ_DNS_QR | set);
}

/* Turns a query into the reply that the first label asks for, by its letters before a digit, and
 * sends it; or leaves it to be sent at due_ns. */
static inline void named_act(int fd, struct named_reply *r, const char *what)
{
	struct named_reply other = *r;

	named_flags(r, 0);
	if (strcmp(what, "drop") == 0)
		return;
	if (strcmp(what, "other") == 0 || strcmp(what, "otherok") == 0) {
		named_flags(&other, 0);
		other.msg[SQ_DNS_HEADER + 1] ^= 1;
		named_send(fd, &other);
		if (strcmp(what, "other") == 0)
			return;
	}
	if (strcmp(what, "echo") == 0 || strcmp(what, "echook") == 0) {
		named_send(fd, &other); /* no QR */
		if (strcmp(what, "echo") == 0)
			return;
	}
	if (strcmp(what, "nx") == 0)
		named_flags(r, SQ_DNS_NXDOMAIN);
	else if (strcmp(what, "fail") == 0)
		named_flags(r, SQ_DNS_SERVFAIL);
	else if (strcmp(what, "odd") == 0)
		named_flags(r, 15);
	else if (strcmp(what, "tc") == 0)
		named_flags(r, SQ_DNS_TC);
	else if (strcmp(what, "wrongid") == 0)
		r->msg[1] ^= 0xff;
	else if (strcmp(what, "case") == 0)
		r->msg[SQ_DNS_HEADER + 1] ^= 0x20;
	else if (strcmp(what, "cut") == 0)
		r->len = 11;
	else if (strcmp(what, "cutname") == 0)
		r->len = SQ_DNS_HEADER + 5;
	else if (strcmp(what, "byte") == 0)
		r->len = 1;
	else if (strcmp(what, "empty") == 0)
		r->len = 0;
	else if (strncmp(what, "bare", 4) == 0) {
		r->len = SQ_DNS_HEADER;
		sq_dns_put16(r->msg + 4, 0);
		named_flags(r, strcmp(what, "bareok") == 0 ? 0 : SQ_DNS_FORMERR);
	} else if (strcmp(what, "two") == 0)
		sq_dns_put16(r->msg + 4, 2);
	else if (strcmp(what, "late") == 0) {
		r->due_ns = sq_now_ns() + SQ_SEC;
		return;
	}
	named_send(fd, r);
	if (strcmp(what, "twice") == 0)
		named_send(fd, r);
}

static inline void named_note(struct named *n, const struct named_reply *r, int number)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&r->peer; /* or in6: the same */
	uint64_t bit = UINT64_C(1) << in->sin_port % 64,
		 *word = &n->seen->port_bits[in->sin_port / 64];

	n->seen->queries++;
	n->seen->ports += !(*word & bit);
	*word |= bit;
	if (number < NAMED_NAMES)
		n->seen->asked[number]++;
}

static inline void named_take(struct named *n, struct named_reply *r)
{
	char what[32] = "";
	size_t label = r->msg[SQ_DNS_HEADER], len = 0;

	while (len < label && len < 31 && r->msg[SQ_DNS_HEADER + 1 + len] >= 'a') {
		what[len] = (char)r->msg[SQ_DNS_HEADER + 1 + len];
		len++;
	}
	named_note(n, r, atoi((const char *)r->msg + SQ_DNS_HEADER + 1 + len));
	named_act(n->fd, r, what);
}

static inline void named_loop(struct named *n)
{
	static struct named_reply later[NAMED_LATER];
	struct pollfd poll_fd = { .fd = n->fd, .events = POLLIN };

	for (;;) {
		struct named_reply r = { .peer_len = sizeof(r.peer) };
		bool waits = poll(&poll_fd, 1, 10) > 0;
		ssize_t got = waits ? recvfrom(n->fd, r.msg, sizeof(r.msg), MSG_DONTWAIT,
					       (struct sockaddr *)&r.peer, &r.peer_len)
				    : -1;

		for (size_t i = 0; i < NAMED_LATER; i++) {
			if (later[i].due_ns == 0 || later[i].due_ns > sq_now_ns())
				continue;
			later[i].due_ns = 0;
			named_send(n->fd, &later[i]);
		}
		if (got < SQ_DNS_HEADER + 5)
			continue;
		r.len = (size_t)got;
		named_take(n, &r);
		for (size_t i = 0; r.due_ns && i < NAMED_LATER; i++) {
			if (later[i].due_ns)
				continue;
			later[i] = r;
			break;
		}
	}
}

/* Bound, with nobody who reads. */
static inline struct named named_open(int family)
{
	struct named n = { .addr_len = sizeof(n.addr) };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const void *addr = family == AF_INET ? (const void *)&in : &in6;
	int large = 64 << 20;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	n.fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(n.fd >= 0);
	setsockopt(n.fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof(large));
	assert_int_equal(bind(n.fd, addr, family == AF_INET ? sizeof(in) : sizeof(in6)), 0);
	assert_int_equal(getsockname(n.fd, (struct sockaddr *)&n.addr, &n.addr_len), 0);
	n.seen = mmap(NULL, sizeof(*n.seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(n.seen != MAP_FAILED);
	return n;
}

static inline struct named named_start(int family)
{
	struct named n = named_open(family);

	fflush(stdout);
	n.pid = fork();
	assert_true(n.pid >= 0);
	if (n.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		named_loop(&n);
	}
	return n;
}

/* The port, with nothing behind it. */
static inline void named_close(struct named *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static inline void named_stop(struct named *n)
{
	if (n->pid) {
		kill(n->pid, SIGKILL);
		waitpid(n->pid, NULL, 0);
	}
	named_close(n);
	munmap(n->seen, sizeof(*n->seen));
}

/* ---- a worker's run ---- */

struct dns_bench {
	struct bench b;
	struct sq_gate *gate; /* loopback alone */
	int64_t in_query;     /* how many latencies of the phase "query" */
	int odd_exemplars;    /* of queries that were sent, without a port */
};

extern const struct sq_driver sq_driver_dns;

static inline void dns_bench_init(struct dns_bench *d, const struct named *n, const char *conf)
{
	struct bench *b = &d->b;
	struct sq_err err = { 0 };

	*d = (struct dns_bench){ .gate = sq_gate_new() };
	bench_plan(b, &sq_driver_dns.kind, conf, &n->addr, n->addr_len);
	b->spec.max_in_flight = 200000;
	b->load.gate = d->gate;
	if (sq_driver_dns.prepare(b->spec.driver.conf, &b->load, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
}

/* To a server that takes connections. */
static inline void dns_bench_init_to(struct dns_bench *d, const struct server *s, const char *conf)
{
	struct named to = { .addr_len = sizeof(s->addr) };

	memcpy(&to.addr, &s->addr, sizeof(s->addr));
	dns_bench_init(d, &to, conf);
}

static inline void dns_bench_fini(struct dns_bench *d)
{
	sq_driver_dns.release(d->b.spec.driver.conf);
	sq_opt_fini(sq_driver_dns.kind.opts, d->b.spec.driver.conf);
	bench_fini(&d->b);
	sq_gate_free(d->gate);
}

static inline int dns_record(json_t *r, void *arg, struct sq_err *err)
{
	struct dns_bench *d = arg;
	json_t *row, *op, *hist = json_object_get(json_object_get(r, "hist"), "phases");
	size_t i, j;

	json_array_foreach(json_object_get(r, "outcomes"), i, row)
		json_array_foreach(json_object_get(row, "exemplars"), j, op)
			d->odd_exemplars += json_integer_value(json_object_get(op, "local_port")) ==
					    0;
	if (json_object_get(hist, "query")) {
		struct sq_hist *h = sq_hist_new(SQ_HIST_FINE);

		assert_int_equal(sq_hist_merge_json(h, json_object_get(hist, "query")), 0);
		d->in_query += (int64_t)sq_hist_count(h);
		sq_hist_free(h);
	}
	return bench_record(r, &d->b, err);
}

static inline int64_t dns_count(const struct dns_bench *d, const char *key)
{
	return bench_count(&d->b, key);
}

static inline int64_t dns_n(const struct dns_bench *d, const char *key)
{
	return bench_n(&d->b, key);
}

static inline void dns_bench_run_done(struct dns_bench *d)
{
	char *counts;

	bench_run_with(&d->b, dns_record, d);
	counts = json_dumps(d->b.counts, JSON_COMPACT | JSON_SORT_KEYS);
	printf("  %s\n", counts);
	free(counts);
	bench_check(&d->b);
}

#endif
