/* The ledger's mechanisms of datagrams: which budget pays for which lost query. */
#include "ledger_bench.h"

#define BINS 40

/* A load of queries, so many of which fail each 100 ms of its first second. */
static struct sq_load_rec *queries(struct sq_run *run, const char *name, const char *target,
				   const char *code, const char *phase, uint64_t each)
{
	struct sq_load_rec *load = add_load(run, name, target, SQ_SEC);
	enum sq_class class = strcmp(code, "timeout") == 0 ? SQ_CLASS_TIMEOUT : SQ_CLASS_LOCAL;

	for (int i = 0; i < 10 && each > 0; i++)
		happen(run, load, code, phase, class, i * 100 * SQ_MS, each, 0, 0);
	return load;
}

/* A counter that rises by so much each 100 ms of the first second. */
static void rises_each(struct sq_run *run, const char *host, const char *metric,
		       const char *instance, uint64_t each)
{
	no_rises(1, 20 * SQ_MS);
	for (int i = 0; i < 10; i++)
		rise(i * 100 * SQ_MS + 5 * SQ_MS, each);
	add_row(run, host, metric, instance, 1);
}

static struct sq_run *quiet(void)
{
	struct sq_run *run = new_run(BINS);

	rises_each(run, "server", "nft.uncounted_drops", NULL, 0);
	rises_each(run, "client", "nft.uncounted_drops", NULL, 0);
	set_sysctl(run, "client", "net.ipv4.conf.all.route_localnet", "0");
	return run;
}

static void counters(struct sq_run *run, const char *host, uint64_t rcvbuf, uint64_t sndbuf,
		     uint64_t qdisc)
{
	rises_each(run, host, "Udp.RcvbufErrors", NULL, rcvbuf);
	rises_each(run, host, "Udp.SndbufErrors", NULL, sndbuf);
	rises_each(run, host, "qdisc.drops", "eth0", qdisc);
}

static uint64_t explained(const struct sq_run *run, const char *load, const char *mechanism,
			  const char *host)
{
	uint64_t n = 0;

	for (size_t i = 0; i < run->findings.n; i++) {
		const struct sq_finding *f = &run->findings.v[i];

		if (strcmp(f->load, load) == 0 && strcmp(f->mechanism, mechanism) == 0 &&
		    strcmp(f->host, host) == 0)
			n += f->explained;
	}
	return n;
}

static void test_receive_buffer(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "q", "server:53", "timeout", "query", 100);
	rises_each(run, "server", "udp.drops", "0.0.0.0:53", 100);
	rises_each(run, "client", "udp.sockets", NULL, 0);
	counters(run, "server", 100, 0, 0);
	counters(run, "client", 0, 0, 0);
	analyze(run);
	assert_int_equal(run->findings.n, 1);
	assert_finding(run, "q", "timeout@query", 1000, SQ_EXACT);
	assert_int_equal(explained(run, "q", "receive-buffer-full", "server"), 1000);
	assert_true(says(finding(run, "q", "timeout@query"),
			 "udp.drops of 0.0.0.0:53 rose by 1000 on server"));
	sq_run_free(run);
}

/* The drops of one port explain nothing at another. */
static void test_two_ports(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "small", "server:53", "timeout", "query", 60);
	queries(run, "other", "server:54", "timeout", "query", 60);
	rises_each(run, "server", "udp.drops", "0.0.0.0:53", 60);
	rises_each(run, "server", "udp.drops", "0.0.0.0:54", 0);
	counters(run, "server", 60, 0, 0);
	analyze(run);
	assert_int_equal(explained(run, "small", "receive-buffer-full", "server"), 600);
	assert_int_equal(explained(run, "other", "receive-buffer-full", "server"), 0);
	assert_int_equal(account(run, "other", "timeout@query")->unexplained, 600);
	sq_run_free(run);
}

static void add_target(struct sq_load_rec *load, const char *target, const char *server)
{
	load->targets = sq_realloc_n(load->targets, load->n_targets + 1, sizeof(*load->targets));
	load->targets[load->n_targets++] =
		(struct sq_target_rec){ .target = sq_strdup(target), .server = sq_strdup(server) };
}

/* Of a load with several targets the rows of each count, on each of their hosts, and once; a target
 * that nobody watched is told. */
static void test_several_targets(void **state)
{
	struct sq_run *run = quiet();
	struct sq_load_rec *load = queries(run, "q", "server:53", "timeout", "query", 100);

	(void)state;
	add_target(load, "server:54", "server");
	add_target(load, "server:54", "server");
	add_target(load, "second:53", "second");
	add_target(load, "198.51.100.7:53", NULL);
	rises_each(run, "server", "udp.drops", "0.0.0.0:53", 20);
	rises_each(run, "server", "udp.drops", "0.0.0.0:54", 30);
	rises_each(run, "server", "udp.drops", "0.0.0.0:55", 500);
	rises_each(run, "second", "udp.drops", "0.0.0.0:53", 10);
	rises_each(run, "second", "udp.drops", "0.0.0.0:54", 500);
	analyze(run);
	assert_int_equal(explained(run, "q", "receive-buffer-full", "server"), 500);
	assert_int_equal(explained(run, "q", "receive-buffer-full", "second"), 100);
	assert_int_equal(account(run, "q", "timeout@query")->unexplained, 400);
	assert_string_equal(not_examined(run, "receive-buffer-full"),
			    "no counters of 198.51.100.7 were captured");
	sq_run_free(run);
}

/* Where the kernel's sockets can't be read, the host's counter serves. */
static void test_fallback(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "q", "server:53", "timeout", "query", 10);
	counters(run, "server", 10, 0, 0);
	analyze(run);
	assert_int_equal(explained(run, "q", "receive-buffer-full", "server"), 100);
	assert_true(says(finding(run, "q", "timeout@query"), "RcvbufErrors rose by 100"));
	sq_run_free(run);
}

/* Replies that the client's own sockets lost; what its servers' sockets lost is not among them. */
static void test_client_receive_buffer(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "q", "server:53", "timeout", "query", 30);
	rises_each(run, "server", "udp.drops", "0.0.0.0:53", 0);
	rises_each(run, "client", "udp.drops", "0.0.0.0:9", 40);
	counters(run, "server", 0, 0, 0);
	counters(run, "client", 70, 0, 0);
	analyze(run);
	assert_int_equal(explained(run, "q", "receive-buffer-full", "client"), 300);
	assert_int_equal(explained(run, "q", "receive-buffer-full", "server"), 0);
	sq_run_free(run);
}

/* Drops of the interface count as far as datagrams were among them (SndbufErrors); what SndbufErrors
 * has beyond them is the socket's buffer. */
static void test_queue_and_send_buffer(void **state)
{
	static const struct {
		uint64_t sndbuf, qdisc, queue, buffer;
	} cases[] = {
		{ 90, 90, 90, 0 },  { 90, 0, 0, 90 }, { 60, 80, 60, 0 }, /* 20 were of TCP */
		{ 90, 50, 50, 40 }, { 0, 80, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = quiet();

		queries(run, "q", "server:53", "timeout", "query", 90);
		rises_each(run, "server", "udp.drops", "0.0.0.0:53", 0);
		counters(run, "server", 0, cases[i].sndbuf, cases[i].qdisc);
		analyze(run);
		assert_int_equal(explained(run, "q", "interface-queue-full", "server"),
				 10 * cases[i].queue);
		assert_int_equal(explained(run, "q", "send-buffer-full", "server"),
				 10 * cases[i].buffer);
		sq_run_free(run);
	}
}

/* The same event seen by one counter before the reading and by the other behind it. */
static void test_slipped_readings(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "q", "server:53", "timeout", "query", 100);
	rises_each(run, "server", "udp.drops", "0.0.0.0:53", 0);
	rises_each(run, "server", "Udp.RcvbufErrors", NULL, 0);
	no_rises(7, 20 * SQ_MS);
	for (int i = 0; i < 1000; i++)
		rise(i * SQ_MS, 1);
	add_counter(run, "server", "Udp.SndbufErrors", 1);
	add_row(run, "server", "qdisc.drops", "eth0", 1);
	analyze(run);
	assert_finding(run, "q", "timeout@query", 1000, SQ_EXACT);
	assert_int_equal(explained(run, "q", "interface-queue-full", "server"), 1000);
	sq_run_free(run);
}

/* Only the device that leads to the client. */
static void test_path(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "q", "server:53", "timeout", "query", 20);
	rises_each(run, "server", "udp.drops", "0.0.0.0:53", 0);
	json_array_append_new(run->links, json_pack("{s:[s, s], s:[s, s]}", "hosts", "relay",
						    "server", "devices", "eth0", "eth0"));
	json_array_append_new(run->links, json_pack("{s:[s, s], s:[s, s]}", "hosts", "client",
						    "server", "devices", "eth0", "eth1"));
	counters(run, "server", 0, 50, 50);
	rises_each(run, "server", "qdisc.drops", "eth1", 5);
	analyze(run);
	assert_int_equal(explained(run, "q", "interface-queue-full", "server"), 50);
	sq_run_free(run);
}

/* A full backlog of the machine's: in a world as far as the sender's device says that it was its packets; elsewhere all of
 * it.  No send buffer was full. */
static void test_softnet_backlog(void **state)
{
	static const struct {
		bool world;
		uint64_t softnet, device, backlog, buffer;
	} cases[] = {
		{ true, 60, 50, 50, 0 },
		{ true, 0, 50, 0, 0 }, /* dropped for another reason */
		{ true, 60, 0, 0, 50 },
		{ false, 60, 0, 60, 20 }, /* 10 of 90 are of neither */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = quiet();
		uint64_t sndbuf = cases[i].world ? 50 : 20;

		if (cases[i].world)
			json_array_append_new(run->links,
					      json_pack("{s:[s, s], s:[s, s]}", "hosts", "client",
							"server", "devices", "eth0", "eth0"));
		queries(run, "q", "server:53", "timeout", "query", cases[i].world ? 50 : 90);
		rises_each(run, "server", "udp.drops", "0.0.0.0:53", 0);
		counters(run, "server", 0, sndbuf, 0);
		rises_each(run, "server", "link.tx_dropped", "eth0", cases[i].device);
		rises_each(run, "server", "softnet.dropped", "cpu0", cases[i].softnet);
		rises_each(run, "server", "softnet.dropped", "cpu1", 0);
		analyze(run);
		assert_int_equal(explained(run, "q", "softnet-backlog-full", "server"),
				 10 * cases[i].backlog);
		assert_int_equal(explained(run, "q", "send-buffer-full", "server"),
				 10 * cases[i].buffer);
		sq_run_free(run);
	}
}

static void test_both_at_once(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "q", "server:53", "timeout", "query", 120);
	rises_each(run, "server", "udp.drops", "0.0.0.0:53", 70);
	counters(run, "server", 70, 50, 50);
	analyze(run);
	assert_int_equal(explained(run, "q", "receive-buffer-full", "server"), 700);
	assert_int_equal(explained(run, "q", "interface-queue-full", "server"), 500);
	assert_int_equal(account(run, "q", "timeout@query")->unexplained, 0);
	for (size_t i = 0; i < run->findings.n; i++)
		assert_int_equal(run->findings.v[i].confidence, SQ_EXACT);
	sq_run_free(run);
}

static void test_refused_sends(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "a", "server:53", "ENOBUFS", "send", 40);
	queries(run, "b", "server:53", "EAGAIN", "send", 30);
	queries(run, "c", "server:53", "EPERM", "send", 20);
	rises_each(run, "client", "nft.drops", "ip t output 4", 20);
	rises_each(run, "client", "udp.sockets", NULL, 0);
	rises_each(run, "server", "udp.sockets", NULL, 0);
	counters(run, "client", 0, 70, 40);
	counters(run, "server", 0, 0, 0);
	analyze(run);
	assert_int_equal(explained(run, "a", "interface-queue-full", "client"), 400);
	assert_int_equal(explained(run, "b", "send-buffer-full", "client"), 300);
	assert_int_equal(explained(run, "c", "packet-filter", "client"), 200);
	assert_finding(run, "c", "EPERM@send", 200, SQ_EXACT);
	sq_run_free(run);
}

/* A filter for the port of one load, or for a well-known one, explains nothing of another's; one for a port that may be
 * a client's own might. */
static void test_port_of_another(void **state)
{
	static const struct {
		double port; /* 0: not known */
		uint64_t of_a, of_b;
	} cases[] = {
		{ 53, 200, 0 }, { 54, 0, 200 }, { 22, 0, 0 }, { 40000, 100, 100 }, { 0, 100, 100 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = quiet();
		struct sq_metric_rec *m;

		queries(run, "a", "server:53", "timeout", "query", 20);
		queries(run, "b", "server:54", "timeout", "query", 20);
		rises_each(run, "server", "nft.drops", "ip t input 4", 20);
		if (cases[i].port > 0) {
			m = add_metric(run, "server", "nft.port", "ip t input 4", SQ_GAUGE);
			m->max = cases[i].port;
		}
		counters(run, "client", 0, 0, 0);
		counters(run, "server", 0, 0, 0);
		analyze(run);
		assert_int_equal(explained(run, "a", "packet-filter", "server"), cases[i].of_a);
		assert_int_equal(explained(run, "b", "packet-filter", "server"), cases[i].of_b);
		sq_run_free(run);
	}
}

/* What a rule about a port of nobody's dropped pays for nothing, beside one that dropped a little of the load. */
static void test_rules_about_others(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "a", "server:53", "timeout", "query", 20);
	rises_each(run, "server", "nft.drops", "ip t input 4", 5);
	rises_each(run, "server", "nft.drops", "ip t input 5", 20);
	add_metric(run, "server", "nft.port", "ip t input 4", SQ_GAUGE)->max = 53;
	add_metric(run, "server", "nft.port", "ip t input 5", SQ_GAUGE)->max = 22;
	counters(run, "client", 0, 0, 0);
	counters(run, "server", 0, 0, 0);
	analyze(run);
	assert_int_equal(explained(run, "a", "packet-filter", "server"), 50);
	assert_true(says(finding(run, "a", "timeout@query"), "nft.drops rose by 50 on server"));
	assert_int_equal(account(run, "a", "timeout@query")->unexplained, 150);
	sq_run_free(run);
}

/* A rule that drops without counting explains nothing, and is told. */
static void test_uncounted(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	run->metrics[0].max = 2;
	queries(run, "q", "server:53", "timeout", "query", 10);
	counters(run, "server", 0, 0, 0);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_string_equal(not_examined(run, "packet-filter"),
			    "nft.uncounted_drops is 2 on server: there packets are dropped that "
			    "nobody counts");
	sq_run_free(run);
}

static void test_wrong_source(void **state)
{
	static const struct {
		const char *source, *target;
		uint64_t explained;
	} cases[] = {
		{ "127.0.0.1", "198.18.0.2:53", 50 },
		{ "198.18.0.1", "198.18.0.2:53", 0 },
		{ "127.0.0.1", "127.0.0.1:53", 0 },
		{ "198.18.0.1, 127.0.0.0/24", "198.18.0.2:53", 50 },
		{ "198.127.0.1, 198.18.127.1", "198.18.0.2:53", 0 },
		{ "::1/128", "[fd00::2]:53", 50 },
		{ "::1:2", "[fd00::2]:53", 0 },
		{ NULL, "198.18.0.2:53", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = quiet();
		struct sq_load_rec *load = queries(run, "q", "server:53", "EINVAL", "send", 5);

		load->source = sq_strdup(cases[i].source);
		load->targets[0].address = sq_strdup(cases[i].target);
		analyze(run);
		assert_int_equal(explained(run, "q", "wrong-source-address", "client"),
				 cases[i].explained);
		if (cases[i].explained)
			assert_finding(run, "q", "EINVAL@send", 50, SQ_STRONG);
		sq_run_free(run);
	}
}

static void test_healthy(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	queries(run, "q", "server:53", "timeout", "query", 0);
	counters(run, "server", 9, 9, 9);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(run->findings.n_not_examined, 0);
	sq_run_free(run);
}

/* Queries to the load's own host go through lo, not through the device whose queue is full. */
static void test_own_host(void **state)
{
	struct sq_run *run = quiet();

	(void)state;
	json_array_append_new(run->links, json_pack("{s:[s, s], s:[s, s]}", "hosts", "client",
						    "server", "devices", "eth0", "eth0"));
	queries(run, "out", "server:53", "timeout", "query", 10);
	queries(run, "home", "client:53", "timeout", "query", 10);
	counters(run, "client", 0, 10, 10);
	analyze(run);
	assert_int_equal(explained(run, "out", "interface-queue-full", "client"), 100);
	assert_int_equal(explained(run, "home", "interface-queue-full", "client"), 0);
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_host),
		cmocka_unit_test(test_receive_buffer),
		cmocka_unit_test(test_two_ports),
		cmocka_unit_test(test_several_targets),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_client_receive_buffer),
		cmocka_unit_test(test_queue_and_send_buffer),
		cmocka_unit_test(test_slipped_readings),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_softnet_backlog),
		cmocka_unit_test(test_both_at_once),
		cmocka_unit_test(test_refused_sends),
		cmocka_unit_test(test_port_of_another),
		cmocka_unit_test(test_rules_about_others),
		cmocka_unit_test(test_uncounted),
		cmocka_unit_test(test_wrong_source),
		cmocka_unit_test(test_healthy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
