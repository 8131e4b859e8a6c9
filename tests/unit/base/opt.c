/* Option tables and a document: what is accepted, exact places and texts of what is not, and that an
 * echo parses back to itself. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/base/opt_tables.h"

/* A text's quotes may be written ' in these tests. */
static json_t *load(const char *text)
{
	char *copy = strdup(text);
	struct sq_err err = { 0 };
	json_t *doc;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	doc = sq_json_load_text(copy, strlen(copy), "test", &err);
	if (!doc)
		fail_msg("%s: %s: %s", copy, err.where, err.text);
	free(copy);
	return doc;
}

#define LOAD "'load': [{'name': 'a', 'driver': 'none'}]"

static void accepted(void **state)
{
	json_t *json = load("{'seed': 7, 'load': [{'name': 'a', 'driver': 'tcp', 'port': 9000,"
			    " 'timeout': '800ms', 'rate': '24000/min', 'accept_delay': '1ms'},"
			    " {'name': 'b', 'driver': 'none', 'rate': 2.5,"
			    "  'shape': {'rate': '400kbit', 'burst': 65536}}],"
			    " 'hosts': {'server': {'sysctl': {'b': 128, 'a': 'x y', 'c': 0.1,"
			    " 'd': true}, 'run': [{}, {'name': 'r'}]}, 'client': {}},"
			    " 'close': 'now', 'expect': ['e', 'f'], 'a_flag': true,"
			    " 'source': 'wrap', 'of': 'tcp', 'port': 80, 'poisson': 7}");
	struct sq_err err = { 0 };
	struct doc doc;
	const struct load *loads;
	const struct host *hosts;
	const struct tcp_conf *conf;
	const struct inner *inner;

	(void)state;
	memset(&doc, 0xa5, sizeof(doc));
	if (sq_opt_parse(&ctx, doc_opts, json, "", &doc, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	json_decref(json);
	loads = doc.load.v;
	hosts = doc.hosts.v;
	assert_true(doc.flag);
	assert_int_equal(doc.seed, 7);
	assert_int_equal(doc.offset, -3);
	assert_true(doc.any == SQ_OPT_UNSET);
	assert_true(doc.factor == 1.5 && doc.poisson_per_s == 7);
	assert_string_equal(doc.title, "untitled");
	assert_int_equal(doc.close, 1);
	assert_int_equal(doc.expect.n, 2);
	assert_string_equal(doc.expect.v[1], "f");
	assert_int_equal(doc.load.n, 2);
	assert_string_equal(loads[0].name, "a");
	assert_ptr_equal(loads[0].driver.kind, &tcp);
	conf = loads[0].driver.conf;
	assert_int_equal(conf->port, 9000);
	assert_int_equal(conf->delay_ns, 1000000);
	assert_null(conf->greeting);
	assert_int_equal(loads[0].timeout_ns, 800000000);
	assert_true(loads[0].rate_per_s == 400);
	assert_true(loads[0].shape.rate_bit_per_s == SQ_OPT_UNSET);
	assert_int_equal(loads[0].shape.burst_bytes, 1600);
	assert_int_equal(loads[1].threads, 1);
	assert_int_equal(loads[1].timeout_ns, 5000000000);
	assert_int_equal(loads[1].shape.rate_bit_per_s, 400000);
	assert_int_equal(loads[1].shape.burst_bytes, 65536);
	assert_int_equal(doc.hosts.n, 2);
	assert_string_equal(hosts[0].name, "server");
	assert_string_equal(hosts[1].name, "client");
	assert_int_equal(hosts[0].sysctl.n, 4);
	assert_string_equal(hosts[0].sysctl.v[0].key, "b");
	assert_string_equal(hosts[0].sysctl.v[0].value, "128");
	assert_string_equal(hosts[0].sysctl.v[1].value, "x y");
	assert_string_equal(hosts[0].sysctl.v[2].value, "0.1");
	assert_string_equal(hosts[0].sysctl.v[3].value, "true");
	assert_int_equal(hosts[0].run.n, 2);
	inner = doc.source.conf;
	assert_ptr_equal(inner->source.kind, &tcp);
	assert_int_equal(((const struct tcp_conf *)inner->source.conf)->port, 80);
	assert_string_equal(inner->tags.v[0], "plain");
	sq_opt_fini(doc_opts, &doc);
	sq_opt_fini(doc_opts, &doc);
}

static void unset(void **state)
{
	json_t *json = load("{" LOAD "}");
	struct doc doc;

	(void)state;
	assert_int_equal(sq_opt_parse(&ctx, doc_opts, json, "", &doc, NULL), 0);
	json_decref(json);
	assert_false(doc.flag);
	assert_true(doc.seed == SQ_OPT_UNSET);
	assert_true(isnan(doc.poisson_per_s));
	assert_int_equal(doc.close, -1);
	assert_int_equal(doc.expect.n, 0);
	assert_int_equal(doc.hosts.n, 0);
	assert_null(doc.source.kind);
	assert_null(doc.source.conf);
	assert_true(doc.shape.rate_bit_per_s == SQ_OPT_UNSET);
	assert_int_equal(doc.shape.burst_bytes, 1600);
	sq_opt_fini(doc_opts, &doc);
}

static const struct {
	const char *text, *where, *want;
} error_cases[] = {
	/* keys */
	{ "{" LOAD ", 'sead': 1}", "F: /sead", "unknown key; did you mean \"seed\"?" },
	{ "{'lod': []}", "F: /lod", "unknown key; did you mean \"load\"?" },
	{ "{" LOAD ", 'a/b': 1}", "F: /a~1b",
	  "unknown key; known here: a_flag, seed, offset, any, factor, poisson, title, close, "
	  "expect, hosts, load, source, shape" },
	{ "{'load': [{'name': 'a', 'driver': 'tcp', 'port': 1, 'tiemout': '1s'}]}",
	  "F: /load/0/tiemout", "unknown key; did you mean \"timeout\"?" },
	{ "{'load': [{'name': 'a', 'driver': 'tcp', 'acept_delay': '1s'}]}",
	  "F: /load/0/acept_delay", "unknown key; did you mean \"accept_delay\"?" },
	{ "{'load': [{'name': 'a', 'driver': 'none', 'port': 1}]}", "F: /load/0/port",
	  "unknown key; known here: name, driver, threads, timeout, rate, shape" },
	{ "{'load': [{'nam': 'a', 'driver': 'none'}]}", "F: /load/0/nam",
	  "unknown key; did you mean \"name\"?" },
	{ "{'load': [{'name': 'a', 'drvier': 'none'}]}", "F: /load/0/drvier",
	  "unknown key; did you mean \"driver\"?" },
	{ "{'load': [{'name': 'a', 'port': 1}]}", "F: /load/0", "missing key \"driver\"" },
	{ "{'load': [{'driver': 'none'}]}", "F: /load/0", "missing key \"name\"" },
	{ "{'load': [{'name': 'a', 'driver': 'tcp'}]}", "F: /load/0", "missing key \"port\"" },
	{ "{}", "F", "missing key \"load\"" },
	{ "{'load': []}", "F: /load", "expected at least one element, found none" },
	{ "{" LOAD ", 'shape': {}}", "F: /shape", "missing key \"rate\"" },
	/* kinds */
	{ "{'load': [{'name': 'a', 'driver': 'tpc'}]}", "F: /load/0/driver",
	  "unknown driver \"tpc\"; did you mean \"tcp\"?" },
	{ "{'load': [{'name': 'a', 'driver': 'quic2'}]}", "F: /load/0/driver",
	  "unknown driver \"quic2\"; known here: none, tcp" },
	{ "{'load': [{'name': 'a', 'driver': 3}]}", "F: /load/0/driver",
	  "expected the name of a driver, found the number 3" },
	{ "{" LOAD ", 'source': 'wrap'}", "F", "missing key \"of\"" },
	/* types */
	{ "{" LOAD ", 'a_flag': 'yes'}", "F: /a_flag", "expected true or false, found \"yes\"" },
	{ "{" LOAD ", 'a_flag': 1}", "F: /a_flag", "expected true or false, found the number 1" },
	{ "{" LOAD ", 'seed': 1.5}", "F: /seed", "expected an integer, found the number 1.5" },
	{ "{" LOAD ", 'seed': '1'}", "F: /seed", "expected an integer, found \"1\"" },
	{ "{" LOAD ", 'factor': '1'}", "F: /factor", "expected a number, found \"1\"" },
	{ "{" LOAD ", 'title': null}", "F: /title", "expected a string, found null" },
	{ "{" LOAD ", 'title': true}", "F: /title", "expected a string, found true" },
	{ "{" LOAD ", 'close': 'peers'}", "F: /close",
	  "unknown close \"peers\"; did you mean \"peer\"?" },
	{ "{" LOAD ", 'close': 'never'}", "F: /close",
	  "unknown close \"never\"; known here: peer, now" },
	{ "{" LOAD ", 'close': 0}", "F: /close", "expected a string, found the number 0" },
	{ "{" LOAD ", 'expect': 'x'}", "F: /expect", "expected an array of strings, found \"x\"" },
	{ "{" LOAD ", 'expect': ['x', 4]}", "F: /expect/1",
	  "expected a string, found the number 4" },
	{ "{" LOAD ", 'hosts': []}", "F: /hosts", "expected an object of objects, found an array" },
	{ "{" LOAD ", 'hosts': {'a/b': 1}}", "F: /hosts/a~1b",
	  "expected an object, found the number 1" },
	{ "{" LOAD ", 'hosts': {'s': {'sysctl': {'net.x': []}}}}", "F: /hosts/s/sysctl/net.x",
	  "expected a string, a number, true or false, found an array" },
	{ "{" LOAD ", 'hosts': {'s': {'sysctl': 'x'}}}", "F: /hosts/s/sysctl",
	  "expected an object of strings and numbers, found \"x\"" },
	{ "{" LOAD ", 'hosts': {'s': {'run': [{}, {'x': 1}]}}}", "F: /hosts/s/run/1/x",
	  "unknown key; known here: name" },
	{ "{'load': {}}", "F: /load", "expected an array of objects, found an object" },
	{ "{'load': ['x']}", "F: /load/0", "expected an object, found \"x\"" },
	{ "{" LOAD ", 'shape': 'x'}", "F: /shape", "expected an object, found \"x\"" },
	{ "[]", "F", "expected an object, found an array" },
	/* values */
	{ "{'load': [{'name': 'a', 'driver': 'none', 'timeout': 800}]}", "F: /load/0/timeout",
	  "expected a duration such as \"800ms\", found the number 800" },
	{ "{'load': [{'name': 'a', 'driver': 'none', 'timeout': '800 ms'}]}", "F: /load/0/timeout",
	  "expected a duration such as \"800ms\", found \"800 ms\"" },
	{ "{'load': [{'name': 'a', 'driver': 'none', 'timeout': '9999999999h'}]}",
	  "F: /load/0/timeout",
	  "expected a duration such as \"800ms\", found \"9999999999h\", which is too large" },
	{ "{'load': [{'name': 'a', 'driver': 'none', 'rate': '5/day'}]}", "F: /load/0/rate",
	  "expected a rate such as 2000 or \"24000/min\", found \"5/day\"" },
	{ "{" LOAD ", 'shape': {'rate': 400}}", "F: /shape/rate",
	  "expected a bit rate such as \"400kbit\", found the number 400" },
	{ "{" LOAD ", 'shape': {'rate': '1mbit', 'burst': 1.5}}", "F: /shape/burst",
	  "expected a size such as 65536 or \"64KiB\", found the number 1.5" },
	/* ranges */
	{ "{'load': [{'name': 'a', 'driver': 'tcp', 'port': 70000}]}", "F: /load/0/port",
	  "expected a value from 1 to 65535, found 70000" },
	{ "{'load': [{'name': 'a', 'driver': 'tcp', 'port': 1, 'accept_delay': '2s'}]}",
	  "F: /load/0/accept_delay", "expected a value from 0s to 1s, found 2s" },
	{ "{'load': [{'name': 'a', 'driver': 'none', 'timeout': '0s'}]}", "F: /load/0/timeout",
	  "expected a value from 1ms to 1h, found 0s" },
	{ "{'load': [{'name': 'a', 'driver': 'none', 'rate': 0}]}", "F: /load/0/rate",
	  "expected a value of at least 0.001, found 0" },
	{ "{" LOAD ", 'seed': -1}", "F: /seed", "expected a value of at least 0, found -1" },
	{ "{" LOAD ", 'seed': -9223372036854775808}", "F: /seed",
	  "expected a value of at least 0, found -9223372036854775808" },
	{ "{" LOAD ", 'offset': -11}", "F: /offset", "expected a value from -10 to 10, found -11" },
	{ "{" LOAD ", 'factor': 0.25}", "F: /factor",
	  "expected a value of at least 0.5, found 0.25" },
	{ "{" LOAD ", 'poisson': -2.5}", "F: /poisson",
	  "expected a value of at least 0, found -2.5" },
	{ "{" LOAD ", 'shape': {'rate': '1mbit', 'burst': 10}}", "F: /shape/burst",
	  "expected a value from 1KiB to 1MiB, found 10B" },
	{ "{" LOAD ", 'shape': {'rate': '1bit'}}", "F: /shape/rate",
	  "expected a value of at least 1kbit, found 1bit" },
	/* long and strange texts are cut and escaped */
	{ "{" LOAD ", 'seed': '\\n\\u001b[2J'}", "F: /seed",
	  "expected an integer, found \"\\n\\u001B[2J\"" },
	{ "{" LOAD
	  ", 'seed': '0123456789012345678901234567890123456789012345678901234567890123456789012"
	  "345678901234567890'}",
	  "F: /seed",
	  "expected an integer, found "
	  "\"01234567890123456789012345678901234567890123456789012345678901234567890123...\"" },
};

static void errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
		json_t *json = load(error_cases[i].text);
		struct sq_err err = { 0 };
		struct doc doc;
		int rc;

		memset(&doc, 0xa5, sizeof(doc));
		rc = sq_opt_parse(&ctx, doc_opts, json, "", &doc, &err);
		json_decref(json);
		if (rc != -EINVAL || err.code != -EINVAL ||
		    strcmp(err.where, error_cases[i].where) != 0 ||
		    strcmp(err.text, error_cases[i].want) != 0)
			fail_msg("%s\n got %d %s: %s\nwant %d %s: %s", error_cases[i].text, rc,
				 err.where, err.text, -EINVAL, error_cases[i].where,
				 error_cases[i].want);
		assert_null(doc.title);
		assert_null(doc.load.v);
	}
}

static void places(void **state)
{
	json_t *json = load("{'x': 1}");
	struct sq_opt_ctx no_file = { .families = families };
	struct sq_err err = { 0 };
	struct tcp_conf conf;

	(void)state;
	assert_int_equal(sq_opt_parse(&ctx, tcp_opts, json, "/a/0", &conf, &err), -EINVAL);
	assert_string_equal(err.where, "F: /a/0/x");
	assert_int_equal(sq_opt_parse(&no_file, tcp_opts, json, "", &conf, &err), -EINVAL);
	assert_string_equal(err.where, "/x");
	json_decref(json);
}

/* echo(parse(echo(parse(x)))) == echo(parse(x)), and the order of keys is the tables'. */
static void echoes(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{" LOAD "}",
		  "{'a_flag':false,'offset':-3,'factor':1.5,'title':'untitled','load':[{'name':'a',"
		  "'driver':'none','threads':1,'timeout':'5s'}]}" },
		{ "{'shape': {'rate': '0.4mbit', 'burst': '2.5KiB'}, 'source': 'wrap',"
		  " 'of': 'tcp', 'port': 80, 'tags': [], 'a_flag': true, 'seed': 9007199254740993,"
		  " 'any': -9223372036854775807, 'factor': 0.7, 'poisson': '5/h', 'title': '',"
		  " 'close': 'peer', 'expect': ['b', 'a'], 'hosts': {'z': {'sysctl': {'y': 1,"
		  " 'b': 'two'}, 'nft': ['n']}, 'a': {'run': [{}, {'name': 'r'}]}}, 'load': ["
		  " {'driver': 'tcp', 'name': 'a', 'timeout': '1500ms', 'rate': '120000/min',"
		  " 'greeting': 'hi', 'port': 1, 'accept_delay': '0.5ms'},"
		  " {'name': 'b', 'driver': 'none', 'rate': 2.5}]}",
		  "{'a_flag':true,'seed':9007199254740993,'offset':-3,'any':-9223372036854775807,"
		  "'factor':0.7,'poisson':'5/h','title':'','close':'peer','expect':['b','a'],"
		  "'hosts':{'z':{'sysctl':{'y':'1','b':'two'},'nft':['n']},"
		  "'a':{'run':[{},{'name':'r'}]}},"
		  "'load':[{'name':'a','driver':'tcp','port':1,'accept_delay':'500us',"
		  "'greeting':'hi','threads':1,'timeout':'1500ms','rate':2000},"
		  "{'name':'b','driver':'none','threads':1,'timeout':'5s','rate':'2.5'}],"
		  "'source':'wrap','of':'tcp','port':80,'accept_delay':'0s','tags':[],"
		  "'shape':{'rate':'400kbit','burst':'2560B'}}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *json = load(cases[i].text), *first, *second, *want;
		struct sq_err err = { 0 };
		struct doc doc;
		char *got;

		assert_int_equal(sq_opt_parse(&ctx, doc_opts, json, "", &doc, &err), 0);
		first = sq_opt_echo(doc_opts, &doc);
		sq_opt_fini(doc_opts, &doc);
		if (sq_opt_parse(&ctx, doc_opts, first, "", &doc, &err) < 0)
			fail_msg("echo of %s: %s: %s", cases[i].text, err.where, err.text);
		second = sq_opt_echo(doc_opts, &doc);
		sq_opt_fini(doc_opts, &doc);
		assert_true(json_equal(first, second));
		got = json_dumps(first, JSON_COMPACT | JSON_REAL_PRECISION(12));
		for (char *c = got; *c; c++)
			*c = *c == '"' ? '\'' : *c;
		assert_string_equal(got, cases[i].want);
		want = load(cases[i].want);
		free(got);
		json_decref(want);
		json_decref(json);
		json_decref(first);
		json_decref(second);
	}
}

struct ranges {
	struct sq_range count, size;
};

static const struct sq_opt range_opts[] = {
	ENTRY(ranges, count, "count", .type = SQ_OPT_INT_RANGE, .def = "1", .min = 1, .max = 100,
	      .help = "how many"),
	ENTRY(ranges, size, "size", .type = SQ_OPT_SIZE_RANGE, .min = 2, .help = "how large"),
	{ 0 },
};

static void ranges(void **state)
{
	static const struct {
		const char *json, *echo;
		struct ranges want;
	} goods[] = {
		{ "{\"count\": 7}", "{\"count\":7}", { { 7, 7 }, { SQ_OPT_UNSET, SQ_OPT_UNSET } } },
		{ "{\"count\": \"1-10\", \"size\": 512}",
		  "{\"count\":\"1-10\",\"size\":\"512B\"}",
		  { { 1, 10 }, { 512, 512 } } },
		{ "{\"size\": \"1-10KiB\"}",
		  "{\"count\":1,\"size\":\"1KiB-10KiB\"}",
		  { { 1, 1 }, { 1024, 10240 } } },
		{ "{\"size\": \"100B-1KiB\"}",
		  "{\"count\":1,\"size\":\"100B-1KiB\"}",
		  { { 1, 1 }, { 100, 1024 } } },
	};
	static const char *const bads[] = { "\"10-1\"", "\"0-5\"", "\"1-101\"", "\"1-\"",
					    "\"-5\"",   "\"a-b\"", "\"1-2-3\"", "true" };
	struct ranges got;

	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		json_t *object = json_loads(goods[i].json, 0, NULL), *echo;
		struct sq_err err = { 0 };
		char *text;

		if (sq_opt_parse(&ctx, range_opts, object, "", &got, &err) < 0)
			fail_msg("%s: %s", goods[i].json, err.text);
		assert_memory_equal(&got, &goods[i].want, sizeof(got));
		echo = sq_opt_echo(range_opts, &got);
		text = json_dumps(echo, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(text, goods[i].echo);
		json_decref(object);
		object = echo;
		assert_int_equal(sq_opt_parse(&ctx, range_opts, object, "", &got, &err), 0);
		assert_memory_equal(&got, &goods[i].want, sizeof(got));
		free(text);
		json_decref(object);
	}
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		char *json = sq_printf_dup("{\"count\": %s}", bads[i]);
		json_t *object = json_loads(json, 0, NULL);
		struct sq_err err = { 0 };

		if (sq_opt_parse(&ctx, range_opts, object, "", &got, &err) != -EINVAL)
			fail_msg("%s: taken", json);
		printf("  %s\n", err.text);
		json_decref(object);
		free(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted), cmocka_unit_test(unset),  cmocka_unit_test(errors),
		cmocka_unit_test(places),   cmocka_unit_test(echoes), cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
