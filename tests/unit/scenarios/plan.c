/* Plans: addresses, devices, targets, times, permission, and loopback in place of a world. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "tests/unit/scenarios/kinds.h"

static const char two_links[] =
	"{\"name\": \"two\", \"seed\": 7, \"target\": \"server:9000\","
	" \"world\": {\"hosts\": {\"server\": {\"addresses\": [\"10.9.0.1/24\"],"
	"   \"sysctl\": {\"net.core.somaxconn\": 128}, \"nft\": [\"a\", \"b\"],"
	"   \"run\": [{\"sink\": \"tcp\", \"listen\": \"0.0.0.0:9000\"},"
	"             {\"argv\": [\"nginx\"]}]}, \"third\": {}, \"client\": {}},"
	"  \"links\": [{\"between\": [\"client\", \"server\"],"
	"               \"shape\": {\"rate\": \"1mbit\", \"limit\": 3000}},"
	"              {\"between\": [\"third\", \"server\"]}]},"
	" \"load\": [{\"name\": \"a\", \"driver\": \"tcp\", \"timeout\": \"3s\","
	"             \"arrivals\": {\"rate\": 10}, \"duration\": \"2s\"},"
	"            {\"name\": \"b\", \"driver\": \"dns\", \"from\": \"third\", \"at\": \"1s\","
	"             \"target\": \"10.9.0.1:53\", \"duration\": \"4s\", \"timeout\": \"2s\","
	"             \"arrivals\": {\"burst\": 10, \"every\": \"1s\", \"phase\": \"250ms\"}}],"
	" \"capture\": [{\"source\": \"linux\", \"host\": \"server\"}]}";

static const struct sq_plan_opts exec_opts = { .allow_exec = true };

static void assert_target(const struct sq_load_plan *load, const char *address, int port)
{
	const struct sockaddr_in *v4 = (const void *)&load->target.addr;
	char got[INET_ADDRSTRLEN];

	assert_int_equal(v4->sin_family, AF_INET);
	inet_ntop(AF_INET, &v4->sin_addr, got, sizeof(got));
	assert_string_equal(got, address);
	assert_int_equal(ntohs(v4->sin_port), port);
}

static void test_world(void **state)
{
	struct sq_plan *p = good_plan(two_links, exec_opts);

	(void)state;
	assert_true(p->world);
	assert_false(p->loopback);
	assert_int_equal(p->seed, 7);
	assert_int_equal(p->lost.n, 0);
	assert_int_equal(p->n_hosts, 3);
	assert_string_equal(p->hosts[0].name, "server");
	assert_string_equal(p->hosts[0].address, "198.18.0.2");
	assert_string_equal(p->hosts[1].address, "198.19.0.1");
	assert_string_equal(p->hosts[2].address, "198.18.0.1");
	assert_int_equal(sq_plan_host(p, "client"), 2);
	assert_int_equal(sq_plan_host(p, "nobody"), -1);
	assert_int_equal(p->n_links, 2);
	assert_string_equal(p->links[0].subnet, "198.18.0.0/16");
	assert_string_equal(p->links[0].address[0], "198.18.0.1/16");
	assert_string_equal(p->links[0].device[0], "eth0");
	assert_string_equal(p->links[0].device[1], "eth0");
	assert_int_equal(p->links[1].host[0], 1);
	assert_int_equal(p->links[1].host[1], 0);
	assert_string_equal(p->links[1].address[1], "198.19.0.2/16");
	assert_string_equal(p->links[1].device[0], "eth0");
	assert_string_equal(p->links[1].device[1], "eth1");
	sq_plan_free(p);
}

static void test_loads(void **state)
{
	struct sq_plan *p = good_plan(two_links, exec_opts);

	(void)state;
	assert_int_equal(p->n_loads, 2);
	assert_int_equal(p->loads[0].host, 2);
	assert_int_equal(p->loads[0].phase_ns, -1);
	assert_target(&p->loads[0], "198.18.0.2", 9000);
	assert_string_equal(p->loads[0].target.text, "server:9000");
	assert_int_equal(p->loads[1].host, 1);
	assert_int_equal(p->loads[1].index, 1);
	assert_int_equal(p->loads[1].phase_ns, 250 * SQ_MS);
	assert_target(&p->loads[1], "10.9.0.1", 53);
	assert_int_equal(p->end_ns, 5 * SQ_SEC);
	assert_int_equal(p->drain_ns, 4 * SQ_SEC);
	assert_false(p->hosts[0].loads);
	assert_true(p->hosts[1].loads && p->hosts[2].loads);
	assert_true(p->hosts[0].captured);
	assert_false(p->hosts[1].captured || p->hosts[2].captured);
	assert_int_equal(p->n_captures, 1);
	assert_ptr_equal(p->captures[0].kind, &source_linux);
	assert_int_equal(p->captures[0].interval_ns, 100 * SQ_MS);
	sq_plan_free(p);
}

static void test_loopback(void **state)
{
	static const char *const lost[] = {
		"counters of server, third and client are one and the same on loopback",
		"server: the address 10.9.0.1/24 is not added",
		"server: the sysctl net.core.somaxconn is not set to 128",
		"server: nft rule set 1 of 2 is not loaded",
		"server: nft rule set 2 of 2 is not loaded",
		"server: the program nginx is not started",
		"the link between client and server is not shaped to 1mbit",
	};
	/* No permission for programs is needed where none is started. */
	struct sq_plan *p = good_plan(two_links, (struct sq_plan_opts){ .loopback = true });

	(void)state;
	assert_false(p->world);
	assert_true(p->loopback);
	assert_int_equal(p->n_links, 0);
	assert_int_equal(p->n_hosts, 3);
	for (size_t h = 0; h < 3; h++)
		assert_string_equal(p->hosts[h].address, "127.0.0.1");
	assert_target(&p->loads[0], "127.0.0.1", 9000);
	assert_target(&p->loads[1], "127.0.0.1", 53);
	assert_int_equal(p->lost.n, sizeof(lost) / sizeof(lost[0]));
	for (size_t i = 0; i < p->lost.n; i++)
		assert_string_equal(p->lost.v[i], lost[i]);
	sq_plan_free(p);
}

/* An address of the world's subnet that no host has must not leave the machine. */
static void test_loopback_opens_no_link(void **state)
{
	struct sq_plan_opts opts = { .loopback = true };
	struct sq_err err = { 0 };

	(void)state;
	assert_null(plan_of("{\"name\": \"x\", \"target\": \"198.18.0.9:1\","
			    " \"world\": {\"hosts\": {\"a\": {}, \"b\": {}},"
			    "             \"links\": [{\"between\": [\"a\", \"b\"]}]},"
			    " \"load\": [{\"driver\": \"tcp\", \"arrivals\": {\"rate\": 1}}]}",
			    opts, &err));
	assert_int_equal(err.code, -EACCES);
}

/* A place elsewhere is a host that is read alone; a target that names it so has its server there. */
static void test_a_place_elsewhere(void **state)
{
	static const char text[] =
		"{\"name\": \"x\", \"authorized_targets\": [\"192.0.2.0/24\"],"
		" \"capture\": [{\"source\": \"linux\"},"
		"  {\"source\": \"linux\", \"host\": \"dns\", \"where\": \"ssh:192.0.2.1\"},"
		"  {\"source\": \"linux\", \"host\": \"dns\", \"where\": \"ssh:192.0.2.1\"}],"
		" \"load\": [{\"driver\": \"tcp\", \"target\": \"192.0.2.1:53\", \"arrivals\": {\"rate\": 1}},"
		"  {\"driver\": \"tcp\", \"name\": \"b\", \"target\": \"192.0.2.2:53\", \"arrivals\": {\"rate\": 1}}]}";
	struct sq_plan *p = good_plan(text, (struct sq_plan_opts){ .allow_exec = true });

	(void)state;
	assert_int_equal(p->n_hosts, 2);
	assert_string_equal(p->hosts[1].name, "dns");
	assert_string_equal(p->hosts[1].far, "ssh:192.0.2.1");
	assert_null(p->hosts[0].far);
	assert_false(p->hosts[1].loads);
	/* What names no host is read on the run's own alone. */
	assert_int_equal(p->n_captures, 3);
	assert_int_equal(p->captures[0].host, 0);
	assert_null(p->captures[0].where);
	assert_int_equal(p->captures[1].host, 1);
	assert_string_equal(p->captures[1].where, "ssh:192.0.2.1");
	assert_int_equal(sq_plan_server(p, &p->loads[0], &p->loads[0].target), 1);
	assert_int_equal(sq_plan_server(p, &p->loads[1], &p->loads[1].target), -1);
	sq_plan_free(p);
}

static void test_here(void **state)
{
	static const char text[] =
		"{\"name\": \"here\", \"target\": \"localhost:9\", \"load\": ["
		" {\"driver\": \"tcp\", \"arrivals\": {\"rate\": 1}, \"from\": \"localhost\"}]}";
	struct sq_plan *p = good_plan(text, (struct sq_plan_opts){ .loopback = true });
	struct sq_plan *again = good_plan(text, (struct sq_plan_opts){ 0 });

	(void)state;
	assert_false(p->world);
	assert_false(p->loopback);
	assert_int_equal(p->n_hosts, 1);
	assert_string_equal(p->hosts[0].name, "localhost");
	assert_null(p->hosts[0].spec);
	assert_string_equal(p->hosts[0].address, "127.0.0.1");
	assert_true(p->hosts[0].loads && p->hosts[0].captured);
	assert_int_equal(p->n_captures, 1);
	assert_ptr_equal(p->captures[0].kind, &source_linux);
	/* A drawn seed is told, and JSON readers keep it whole. */
	assert_int_equal(json_integer_value(json_object_get(p->echo, "seed")), p->seed);
	assert_true(p->seed <= UINT64_C(1) << 53);
	assert_true(p->seed != again->seed);
	sq_plan_free(p);
	sq_plan_free(again);
}

static void test_one_host(void **state)
{
	struct sq_plan *p = good_plan(
		"{\"name\": \"one\", \"target\": \"only:9\", \"world\": {\"hosts\": {\"only\": {}}},"
		" \"load\": [{\"driver\": \"tcp\", \"arrivals\": {\"rate\": 1}}]}",
		(struct sq_plan_opts){ 0 });

	(void)state;
	assert_true(p->world);
	assert_string_equal(p->hosts[0].address, "127.0.0.1");
	assert_target(&p->loads[0], "127.0.0.1", 9);
	sq_plan_free(p);
}

static void test_subnets(void **state)
{
	struct sq_plan *p = good_plan(
		"{\"name\": \"nets\", \"target\": \"[fd00::2]:9\", \"world\": {"
		" \"hosts\": {\"a\": {}, \"b\": {}, \"c\": {}},"
		" \"links\": [{\"between\": [\"a\", \"b\"], \"subnet\": \"fd00::/64\"},"
		"             {\"between\": [\"b\", \"c\"]},"
		"             {\"between\": [\"a\", \"c\"], \"subnet\": \"198.18.5.0/30\"}]},"
		" \"load\": [{\"driver\": \"tcp\", \"arrivals\": {\"rate\": 1}}]}",
		(struct sq_plan_opts){ 0 });

	(void)state;
	assert_string_equal(p->links[0].address[1], "fd00::2/64");
	/* 198.18.0.0/16 overlaps with a subnet that was asked for. */
	assert_string_equal(p->links[1].subnet, "198.19.0.0/16");
	assert_string_equal(p->links[2].address[1], "198.18.5.2/30");
	assert_string_equal(p->links[2].device[0], "eth1");
	assert_string_equal(p->hosts[0].address, "fd00::1");
	assert_int_equal(p->loads[0].target.addr.ss_family, AF_INET6);
	sq_plan_free(p);
}

static void test_authority(void **state)
{
	char range[] = "192.0.2.0/24", bad[] = "192.0.2.1/24";
	char *ranges[] = { range };
	struct sq_plan_opts opts = { .authorize = { ranges, 1 } };
	static const char text[] =
		"{\"name\": \"far\", \"authorized_targets\": [\"198.51.100.7\"], \"load\": ["
		" {\"name\": \"a\", \"target\": \"192.0.2.7:9\", \"driver\": \"tcp\","
		"  \"arrivals\": {\"rate\": 1}},"
		" {\"name\": \"b\", \"target\": \"198.51.100.7:9\", \"driver\": \"tcp\","
		"  \"arrivals\": {\"rate\": 1}},"
		" {\"name\": \"c\", \"target\": \"127.0.0.1:9\", \"driver\": \"tcp\","
		"  \"arrivals\": {\"rate\": 1}}]}";
	struct sq_plan *p = good_plan(text, opts);
	struct sq_err err = { 0 };

	(void)state;
	assert_true(p->loads[0].target.by_authority && p->loads[1].target.by_authority);
	assert_false(p->loads[2].target.by_authority);
	assert_int_equal(p->authorized.n, 2);
	assert_string_equal(p->authorized.v[0], "198.51.100.7");
	assert_string_equal(p->authorized.v[1], "192.0.2.0/24");
	sq_plan_free(p);
	assert_null(plan_of(text, (struct sq_plan_opts){ 0 }, &err));
	assert_int_equal(err.code, -EACCES);
	assert_string_equal(err.where, "input.json: /load/0/target");
	ranges[0] = bad;
	assert_null(plan_of(text, opts, &err));
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.where, "--authorize");
}

static void test_programs(void **state)
{
	struct sq_err err = { 0 };

	(void)state;
	assert_null(plan_of(two_links, (struct sq_plan_opts){ 0 }, &err));
	assert_int_equal(err.code, -EPERM);
	assert_string_equal(err.where, "input.json: /world/hosts/server/run/1/argv");
	assert_non_null(strstr(err.text, "needs --allow-exec"));
}

/* How long loads of 10 s are seen to start operations, by what bounds them, and over what time these are spread. */
static void test_end(void **state)
{
	static const struct {
		const char *keys;
		int64_t end_ns, span_ns;
	} wants[] = {
		{ "\"arrivals\": {\"rate\": 10}", 10 * SQ_SEC, 10 * SQ_SEC },
		{ "\"arrivals\": {\"rate\": 10}, \"count\": 21", 2 * SQ_SEC + 1, 2100 * SQ_MS },
		{ "\"arrivals\": {\"rate\": 10}, \"count\": 21, \"at\": \"1s\"", 3 * SQ_SEC + 1,
		  2100 * SQ_MS },
		{ "\"arrivals\": {\"rate\": 10}, \"count\": 1000", 10 * SQ_SEC, 10 * SQ_SEC },
		{ "\"arrivals\": {\"closed\": 10}, \"count\": 1000", 10 * SQ_SEC, 10 * SQ_SEC },
		{ "\"arrivals\": {\"poisson\": 10}, \"count\": 1", 10 * SQ_SEC, 10 * SQ_SEC },
		{ "\"arrivals\": {\"burst\": 5}, \"count\": 5", 1, 10 * SQ_SEC },
		{ "\"arrivals\": {\"burst\": 5, \"phase\": \"2s\"}, \"count\": 5", 2 * SQ_SEC + 1,
		  10 * SQ_SEC },
		{ "\"arrivals\": {\"burst\": 5, \"every\": \"1s\"}, \"count\": 11", 3 * SQ_SEC + 1,
		  3 * SQ_SEC },
		{ "\"arrivals\": {\"burst\": 5, \"every\": \"1s\", \"phase\": \"100ms\","
		  " \"streams\": 2}, \"count\": 11",
		  1100 * SQ_MS + 1, 2 * SQ_SEC },
		{ "\"arrivals\": {\"burst\": 5, \"every\": \"1s\", \"phase\": \"stagger\","
		  " \"streams\": 2}, \"count\": 15",
		  2 * SQ_SEC + 1, 1500 * SQ_MS },
		{ "\"arrivals\": {\"rate\": 0.001}, \"count\": 1000000000", 10 * SQ_SEC,
		  10 * SQ_SEC },
		{ "\"arrivals\": {\"rate\": 100}, \"count\": 101, \"tick\": \"3ms\"",
		  SQ_SEC + 1 + 3 * SQ_MS, 1010 * SQ_MS },
		{ "\"arrivals\": {\"ramp\": [\"0\", \"10\"]}, \"count\": 51", 10 * SQ_SEC,
		  10 * SQ_SEC },
		{ "\"arrivals\": {\"ramp\": [\"0\", \"10\"]}, \"count\": 33", 8 * SQ_SEC + 1,
		  8124038404 },
		{ "\"arrivals\": {\"steps\": [\"1\", \"10\"]}, \"count\": 16", 6 * SQ_SEC + 1,
		  6100 * SQ_MS },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		struct sq_plan *p;

		snprintf(text, sizeof(text),
			 "{\"name\": \"x\", \"target\": \"127.0.0.1:9\","
			 " \"load\": [{\"driver\": \"tcp\", %s}]}",
			 wants[i].keys);
		p = good_plan(text, (struct sq_plan_opts){ 0 });
		if (p->end_ns != wants[i].end_ns || p->loads[0].span_ns != wants[i].span_ns)
			fail_msg("%s: got %lld, %lld, want %lld, %lld", wants[i].keys,
				 (long long)p->end_ns, (long long)p->loads[0].span_ns,
				 (long long)wants[i].end_ns, (long long)wants[i].span_ns);
		sq_plan_free(p);
	}
}

static bool all_batch(const struct sq_kind *driver)
{
	(void)driver;
	return true;
}

/* A recording of one operation in each second, from the first on. */
static int ten_seconds(const struct sq_kind *driver, const char *path, int64_t **ret_at_ns,
		       size_t *ret_n, struct sq_err *err)
{
	int64_t *at_ns = calloc(10, sizeof(*at_ns));

	(void)driver;
	(void)err;
	assert_string_equal(path, "recording");
	assert_non_null(at_ns);
	for (int i = 0; i < 10; i++)
		at_ns[i] = (i + 1) * SQ_SEC;
	*ret_at_ns = at_ns;
	*ret_n = 10;
	return 0;
}

static struct sq_plan *plan_keys(const char *keys, struct sq_err *err)
{
	struct sq_plan_opts opts = { .batches = all_batch, .trace = ten_seconds };
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"name\": \"x\", \"target\": \"127.0.0.1:9\","
		 " \"load\": [{\"driver\": \"dns\", %s}]}",
		 keys);
	return plan_of(text, opts, err);
}

static void test_tick(void **state)
{
	static const struct {
		const char *keys;
		int64_t want_ns;
	} wants[] = {
		{ "\"arrivals\": {\"rate\": 8000}", 500 * SQ_US },
		{ "\"arrivals\": {\"rate\": 7999}", 0 },
		{ "\"arrivals\": {\"rate\": 8000}, \"tick\": \"0s\"", 0 },
		{ "\"arrivals\": {\"rate\": 1}, \"tick\": \"2ms\"", 2 * SQ_MS },
		{ "\"arrivals\": {\"ramp\": [\"9000\", \"1\"]}", 500 * SQ_US },
		{ "\"arrivals\": {\"steps\": [\"1\", \"9000\"]}", 500 * SQ_US },
		{ "\"arrivals\": {\"steps\": [\"1\", \"2\"]}", 0 },
		{ "\"arrivals\": {\"poisson\": 9000}", 0 },
		{ "\"arrivals\": {\"burst\": 9000, \"every\": \"1s\"}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		struct sq_err err = { 0 };
		struct sq_plan *p = plan_keys(wants[i].keys, &err);

		if (!p || p->loads[0].tick_ns != wants[i].want_ns)
			fail_msg("%s: got %lld", wants[i].keys,
				 p ? (long long)p->loads[0].tick_ns : -1);
		sq_plan_free(p);
	}
}

static void test_trace(void **state)
{
	struct sq_err err = { 0 };
	struct sq_plan *p = plan_keys("\"arrivals\": {\"trace\": \"recording\"}", &err);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->loads[0].n_trace, 9); /* the tenth is due when the load has ended */
	assert_int_equal(p->loads[0].trace_ns[8], 9 * SQ_SEC);
	assert_int_equal(p->end_ns, 9 * SQ_SEC + 1);
	sq_plan_free(p);

	p = plan_keys("\"arrivals\": {\"trace\": \"recording\", \"speed\": 4}, \"count\": 7", &err);
	assert_non_null(p);
	assert_int_equal(p->loads[0].n_trace, 10);
	assert_int_equal(p->loads[0].trace_ns[0], 250 * SQ_MS);
	assert_int_equal(p->end_ns, 1750 * SQ_MS + 1);
	assert_int_equal(p->loads[0].span_ns, 2 * SQ_SEC); /* where the eighth would be due */
	sq_plan_free(p);

	p = plan_keys("\"arrivals\": {\"trace\": \"recording\"}, \"duration\": \"1s\"", &err);
	assert_null(p);
	assert_string_equal(err.where, "recording");
}

/* A tcp load as the test's driver has it: closes leave TIME_WAIT. */
static void fin_cost(const struct sq_plug *driver, struct sq_op_cost *ret)
{
	const struct tcp_driver_conf *conf = driver->conf;

	if (driver->kind == &driver_tcp)
		*ret = (struct sq_op_cost){ .socket = true,
					    .time_wait = conf->close == 1,
					    .hold_ns = conf->hold_ns };
}

static void assert_warned(const char *host_edit, const char *load_edit, const char *want)
{
	struct sq_plan_opts opts = { .cost = fin_cost, .trace = ten_seconds };
	char text[1024];
	struct sq_plan *p;

	snprintf(text, sizeof(text),
		 "{\"name\": \"x\", \"target\": \"server:9000\", \"world\": {\"hosts\":"
		 " {\"client\": {%s}, \"server\": {}}, \"links\": [{\"between\": [\"client\","
		 " \"server\"]}]}, \"load\": [{\"name\": \"a\", \"driver\": \"tcp\", %s}]}",
		 host_edit, load_edit);
	p = good_plan(text, opts);
	if (p->warnings.n != (want ? 1 : 0) || (want && !strstr(p->warnings.v[0], want)))
		fail_msg("%s: %s", load_edit, p->warnings.n ? p->warnings.v[0] : "no warning");
	sq_plan_free(p);
}

static void test_limits(void **state)
{
	(void)state;
	/* Half of 28,232 ports hold 60 s of 235.2/s. */
	assert_warned("", "\"close\": \"fin\", \"duration\": \"1h\", \"arrivals\": {\"rate\": 235}",
		      NULL);
	assert_warned(
		"", "\"close\": \"fin\", \"duration\": \"1h\", \"arrivals\": {\"rate\": 236}",
		"a: 14160 ports of client come to be in TIME_WAIT, and connect(2) slows down "
		"from half of its 28232 on, for each source address and target: it comes from "
		"1 and needs 2 addresses");
	assert_warned("", "\"close\": \"rst\", \"duration\": \"1h\", \"arrivals\": {\"rate\": 236}",
		      NULL);
	assert_warned("",
		      "\"close\": \"fin\", \"duration\": \"10s\", \"arrivals\": {\"rate\": 4000}",
		      "a: 40000 ports");
	assert_warned("",
		      "\"close\": \"fin\", \"duration\": \"10s\", \"count\": 14000,"
		      " \"arrivals\": {\"burst\": 400, \"every\": \"100ms\"}",
		      NULL);
	assert_warned(
		"\"addresses\": [\"198.18.7.1/16\"]",
		"\"close\": \"fin\", \"source\": [\"198.18.0.1\", \"198.18.7.1\"], \"duration\":"
		" \"1h\", \"arrivals\": {\"poisson\": 400}",
		NULL);
	assert_warned("\"sysctl\": {\"net.ipv4.ip_local_port_range\": \"1024 2023\"}",
		      "\"close\": \"fin\", \"duration\": \"10s\", \"arrivals\": {\"rate\": 80}",
		      "it comes from 1 and needs 2");
	/* Ten in ten seconds of an hour. */
	assert_warned(
		"\"sysctl\": {\"net.ipv4.ip_local_port_range\": \"1024 1041\"}",
		"\"close\": \"fin\", \"duration\": \"1h\", \"arrivals\": {\"trace\": \"recording\"}",
		"a: 10 ports");
	assert_warned("\"sysctl\": {\"net.ipv4.ip_local_port_range\": \"1024 1041\"}",
		      "\"close\": \"fin\", \"duration\": \"1h\", \"count\": 9,"
		      " \"arrivals\": {\"trace\": \"recording\"}",
		      NULL);
	assert_warned("\"sysctl\": {\"net/ipv4/tcp_tw_reuse\": 1}",
		      "\"close\": \"fin\", \"duration\": \"1h\", \"arrivals\": {\"rate\": 4000}",
		      NULL);
	assert_warned(
		"",
		"\"hold\": \"1h\", \"arrivals\": {\"closed\": 1000000}, \"max_in_flight\": 1000000",
		"client: 1000000 connections come to be open in one process");
	assert_warned("",
		      "\"hold\": \"1h\", \"arrivals\": {\"rate\": 1000000}, \"max_open\": 64,"
		      " \"duration\": \"1s\"",
		      NULL);
	assert_warned("",
		      "\"hold\": \"1h\", \"arrivals\": {\"rate\": 4000000}, \"threads\": 4,"
		      " \"workers\": 4, \"duration\": \"1s\"",
		      "client: 1000000 connections");
	assert_warned("", "\"arrivals\": {\"burst\": 1000000}, \"count\": 1000000",
		      "client: 1000000 connections");
}

/* A capture that names no host is one for each; an empty list is none at all. */
static void test_captures(void **state)
{
	static const char text[] =
		"{\"name\": \"x\", \"target\": \"b:9\", \"world\": {\"hosts\": {\"a\": {}, \"b\": {}},"
		" \"links\": [{\"between\": [\"a\", \"b\"]}]}, \"capture\": [%s],"
		" \"load\": [{\"driver\": \"tcp\", \"arrivals\": {\"rate\": 1}}]}";
	char full[512];
	struct sq_plan *p;

	(void)state;
	snprintf(full, sizeof(full), text,
		 "{\"source\": \"snmp\", \"interval\": \"1s\"}, {\"source\": \"linux\", \"host\": "
		 "\"a\"}");
	p = good_plan(full, (struct sq_plan_opts){ 0 });
	assert_int_equal(p->n_captures, 3);
	assert_int_equal(p->captures[0].host, 0);
	assert_int_equal(p->captures[1].host, 1);
	assert_int_equal(p->captures[1].interval_ns, SQ_SEC);
	assert_ptr_equal(p->captures[2].kind, &source_linux);
	sq_plan_free(p);
	snprintf(full, sizeof(full), text, "");
	p = good_plan(full, (struct sq_plan_opts){ 0 });
	assert_int_equal(p->n_captures, 0);
	assert_false(p->hosts[0].captured || p->hosts[1].captured);
	sq_plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_world),
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_loopback_opens_no_link),
		cmocka_unit_test(test_a_place_elsewhere),
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_one_host),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_tick),
		cmocka_unit_test(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
