/* Direct delivery: where the mail of a domain goes is asked of a scripted name server, and what it
 * says is taken at its word, except by the safety gate. */
#include "tests/unit/loadgen/smtp_bench.h"

/* ---- a name server ---- */

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28 };
enum { SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5, SILENT = 100, GARBAGE };

struct record {
	const char *name;
	int type, preference;
	const char *data; /* an address, or a name */
};

static const struct record records[] = {
	{ "good.test", TYPE_MX, 10, "mx.good.test" },
	{ "mx.good.test", TYPE_A, 0, "127.0.0.1" },
	{ "two.test", TYPE_MX, 20, "live.two.test" },
	{ "two.test", TYPE_MX, 10, "dead.two.test" },
	{ "live.two.test", TYPE_A, 0, "127.0.0.1" },
	{ "dead.two.test", TYPE_A, 0, "127.0.0.2" },
	{ "dead.test", TYPE_MX, 10, "dead.two.test" },
	{ "implicit.test", TYPE_A, 0, "127.0.0.1" },
	{ "null.test", TYPE_MX, 0, "" },
	{ "outside.test", TYPE_MX, 10, "mx.outside.test" },
	{ "mx.outside.test", TYPE_A, 0, "192.0.2.1" },
	{ "mixed.test", TYPE_MX, 10, "mx.good.test" },
	{ "mixed.test", TYPE_MX, 20, "mx.outside.test" },
	{ "empty.test", TYPE_MX, 10, "nothing.empty.test" },
	{ "nothing.empty.test", TYPE_MX, 1, "x" }, /* it exists */
	{ "gone.test", TYPE_MX, 10, "no.such.test" },
	{ "six.test", TYPE_MX, 10, "mx.six.test" },
	{ "mx.six.test", TYPE_AAAA, 0, "::1" },
};

static const struct {
	const char *name;
	int rcode;
} failures[] = {
	{ "servfail.test", SERVFAIL },
	{ "refused.test", REFUSED },
	{ "silent.test", SILENT },
	{ "garbage.test", GARBAGE },
};

struct named {
	int fd;
	pid_t pid;
	struct sockaddr_in addr;
	int *asked; /* MX questions, shared */
};

static size_t put_name(uint8_t *out, const char *name)
{
	size_t n = 0;

	while (*name) {
		size_t len = strcspn(name, ".");

		out[n++] = (uint8_t)len;
		memcpy(out + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	out[n++] = 0;
	return n;
}

static size_t put_record(uint8_t *out, const struct record *r)
{
	uint8_t head[] = { 0xc0, 12, 0, (uint8_t)r->type, 0, 1, 0, 0, 1, 0, 0, 0 };
	size_t len;

	if (r->type == TYPE_MX) {
		out[12] = 0;
		out[13] = (uint8_t)r->preference;
		len = 2 + put_name(out + 14, r->data);
	} else {
		inet_pton(r->type == TYPE_A ? AF_INET : AF_INET6, r->data, out + 12);
		len = r->type == TYPE_A ? 4 : 16;
	}
	head[11] = (uint8_t)len;
	memcpy(out, head, sizeof(head));
	return sizeof(head) + len;
}

static int rcode_of(const char *name)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		if (strcmp(failures[i].name, name) == 0)
			return failures[i].rcode;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		if (strcmp(records[i].name, name) == 0)
			return 0;
	return NXDOMAIN;
}

/* The reply's length; 0: none. */
static size_t answer(struct named *n, uint8_t *msg, size_t len)
{
	char name[256] = "";
	size_t at = 12, answers = 0;
	int type, rcode;

	while (msg[at] && at < len) {
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%.*s",
			 at > 12 ? "." : "", msg[at], (const char *)msg + at + 1);
		at += msg[at] + 1U;
	}
	type = msg[at + 2];
	at += 5;
	*n->asked += type == TYPE_MX;
	rcode = rcode_of(name);
	if (rcode == SILENT)
		return 0;
	msg[2] |= 0x80;
	msg[3] = (uint8_t)(0x80 | (rcode & 15));
	if (rcode == GARBAGE) {
		msg[3] = 0x80;
		msg[7] = 7; /* answers that are not there */
		return at;
	}
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		if (strcmp(records[i].name, name) == 0 && records[i].type == type) {
			at += put_record(msg + at, &records[i]);
			answers++;
		}
	msg[7] = (uint8_t)answers;
	memset(msg + 8, 0, 4);
	return at;
}

static void named_start(struct named *n)
{
	socklen_t len = sizeof(n->addr);

	n->asked =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(n->asked != MAP_FAILED);
	n->addr = (struct sockaddr_in){ .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	n->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(n->fd, (struct sockaddr *)&n->addr, sizeof(n->addr)), 0);
	assert_int_equal(getsockname(n->fd, (struct sockaddr *)&n->addr, &len), 0);
	fflush(stdout);
	n->pid = fork();
	assert_true(n->pid >= 0);
	if (n->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		uint8_t msg[1024] = { 0 };
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t got = recvfrom(n->fd, msg, 512, 0, (struct sockaddr *)&from, &from_len);
		size_t out = got > 16 ? answer(n, msg, (size_t)got) : 0;

		if (out)
			sendto(n->fd, msg, out, 0, (struct sockaddr *)&from, from_len);
	}
}

static void named_stop(struct named *n)
{
	kill(n->pid, SIGKILL);
	waitpid(n->pid, NULL, 0);
	close(n->fd);
}

/* ---- the tests ---- */

static void use(struct smtp_bench *s, const struct named *n)
{
	memcpy(&s->b.load.resolver.addr, &n->addr, sizeof(n->addr));
	s->b.load.resolver.len = sizeof(n->addr);
}

static void run_with(struct smtp_bench *s, const struct smtpd *d, const struct named *n,
		     const char *recipients, int64_t threads, int64_t count, int64_t at_once)
{
	char conf[512];

	snprintf(conf, sizeof(conf),
		 "{\"deliver\": \"mx\", \"messages_per_connection\": 100, \"connections\": 3,"
		 " \"recipients\": [%s]}",
		 recipients);
	assert_int_equal(smtp_bench_init(s, d, conf), 0);
	use(s, n);
	s->b.spec.threads = threads;
	smtp_closed(s, count, at_once);
	s->b.spec.timeout_ns = SQ_SEC;
	printf("%s\n", recipients);
	smtp_run_done(s);
}

/* Ten messages that come at once wait for one look-up, and no other asks again. */
static void one_lookup_for_all(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct named n;
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	named_start(&n);
	run_with(&s, &d, &n, "\"a{1-50}@good.test\", \"a@Good.TEST\"", 1, 60, 10);
	smtpd_stop(&d);
	assert_int_equal(smtp_n(&s, "ok@"), 60);
	assert_int_equal(d.seen->accepted, 60);
	assert_int_equal(*n.asked, 1);
	assert_int_equal(smtp_count(&s, "lookups"), 1);
	assert_int_equal(smtp_phase(&s, "resolve"), 10);
	assert_true(d.seen->connections <= 3);
	named_stop(&n);
	smtp_bench_fini(&s);
}

struct fate {
	const char *domain, *outcome;
	int next_mx; /* a message */
};

static const struct fate fates[] = {
	{ "good.test", "ok@", 0 },
	{ "implicit.test", "ok@", 0 },
	{ "two.test", "ok@", 1 },
	{ "dead.test", "ECONNREFUSED@connect", 0 },
	{ "null.test", "null-mx@resolve", 0 },
	{ "nx.test", "NXDOMAIN@resolve", 0 },
	{ "gone.test", "NXDOMAIN@resolve", 0 },
	{ "empty.test", "NODATA@resolve", 0 },
	{ "servfail.test", "SERVFAIL@resolve", 0 },
	{ "refused.test", "REFUSED@resolve", 0 },
	{ "garbage.test", "bad-answer@resolve", 0 },
	{ "no..name", "no-answer@resolve", 0 },
	{ "silent.test", "timeout@resolve", 0 },
	{ "outside.test", "EACCES@resolve", 0 },
	{ "mixed.test", "EACCES@resolve", 0 },
};

static void every_fate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++) {
		struct smtpd d = { .pipelining = true };
		struct named n;
		struct smtp_bench s;
		char recipient[64];
		bool ok = strcmp(fates[i].outcome, "ok@") == 0;

		smtpd_start(&d);
		named_start(&n);
		snprintf(recipient, sizeof(recipient), "\"u@%s\"", fates[i].domain);
		run_with(&s, &d, &n, recipient, 1, 6, 2);
		smtpd_stop(&d);
		assert_int_equal(smtp_n(&s, fates[i].outcome), 6);
		assert_int_equal(d.seen->accepted, ok ? 6 : 0);
		if (!ok)
			assert_int_equal(d.seen->connections, 0);
		assert_int_equal(smtp_count(&s, "next_mx") > 0, fates[i].next_mx);
		named_stop(&n);
		smtp_bench_fini(&s);
	}
}

/* An exchanger that has no IPv4: this test's server does not listen there, but is asked to. */
static void ipv6_exchanger(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct named n;
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	named_start(&n);
	run_with(&s, &d, &n, "\"u@six.test\"", 1, 3, 1);
	assert_int_equal(smtp_n(&s, "ECONNREFUSED@connect") + smtp_n(&s, "EADDRNOTAVAIL@connect") +
				 smtp_n(&s, "ENETUNREACH@connect"),
			 3);
	smtpd_stop(&d);
	named_stop(&n);
	smtp_bench_fini(&s);
}

/* More servers than connections: idle ones to other servers make room. */
static void all_kinds_together(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct named n;
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	named_start(&n);
	run_with(&s, &d, &n,
		 "\"u@good.test\", \"u@dead.test\", \"u@two.test\", \"u@nx.test\","
		 " \"u@implicit.test\", \"u@servfail.test\"",
		 2, 60, 12);
	smtpd_stop(&d);
	assert_int_equal(smtp_n(&s, "ok@"), 30);
	assert_int_equal(smtp_n(&s, "ECONNREFUSED@connect"), 10);
	assert_int_equal(smtp_n(&s, "NXDOMAIN@resolve"), 10);
	assert_int_equal(smtp_n(&s, "SERVFAIL@resolve"), 10);
	assert_int_equal(d.seen->accepted, 30);
	named_stop(&n);
	smtp_bench_fini(&s);
}

static void without_resolver(void **state)
{
	struct smtpd d = { .server = { .addr = { .sin_family = AF_INET } } };
	struct smtp_bench s;

	(void)state;
	assert_int_equal(smtp_bench_init(&s, &d, "{\"deliver\": \"mx\"}"), 0);
	smtp_closed(&s, 1, 1);
	smtp_run(&s);
	printf("  %s\n", s.b.said);
	assert_int_equal(WEXITSTATUS(s.b.status), 1);
	assert_non_null(strstr(s.b.said, "give the load a resolver"));
	smtp_bench_fini(&s);
}

/* Ctrl-C while a look-up is under way. */
static void stopped_while_asking(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct named n;
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	named_start(&n);
	assert_int_equal(
		smtp_bench_init(&s, &d,
				"{\"deliver\": \"mx\", \"recipients\": [\"u@silent.test\"]}"),
		0);
	use(&s, &n);
	s.b.spec.arrivals.rate_per_s = 20;
	s.b.command = "stop";
	s.b.command_ns = 500 * SQ_MS;
	smtp_run_done(&s);
	assert_int_equal(smtp_n(&s, "canceled@resolve") + smtp_n(&s, "canceled@"), s.b.scheduled);
	assert_int_equal(*n.asked, 1);
	smtpd_stop(&d);
	named_stop(&n);
	smtp_bench_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_lookup_for_all), cmocka_unit_test(every_fate),
		cmocka_unit_test(ipv6_exchanger),     cmocka_unit_test(all_kinds_together),
		cmocka_unit_test(without_resolver),   cmocka_unit_test(stopped_while_asking),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
