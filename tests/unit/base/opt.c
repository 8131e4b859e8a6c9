/* Option tables: what is accepted, exact places and texts of what is not, and that an echo parses
 * back to itself. */
#include "base/opt.h"

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

struct tcp_conf {
	int64_t port, delay_ns;
	char *greeting;
};

struct inner {
	struct sq_plug source;
	struct sq_strings tags;
};

struct shape {
	int64_t rate_bit_per_s, burst_bytes;
};

struct load {
	char *name;
	struct sq_plug driver;
	int64_t threads, timeout_ns;
	double rate_per_s;
	struct shape shape;
};

struct host {
	char *name;
	struct sq_pairs sysctl;
	struct sq_strings nft;
	struct sq_list run;
};

struct doc {
	bool flag;
	int64_t seed, offset, any;
	double factor, poisson_per_s;
	char *title;
	int close;
	struct sq_strings expect;
	struct sq_list hosts, load;
	struct sq_plug source;
	struct shape shape;
};

#define ENTRY(type_, member, name_, ...)                                               \
	{                                                                              \
		.name = (name_), .offset = offsetof(struct type_, member), __VA_ARGS__ \
	}

static const struct sq_opt tcp_opts[] = {
	ENTRY(tcp_conf, port, "port", .type = SQ_OPT_INT, .required = true, .min = 1, .max = 65535,
	      .help = "the port"),
	ENTRY(tcp_conf, delay_ns, "accept_delay", .type = SQ_OPT_DURATION, .def = "0s", .max = 1e9,
	      .help = "time that each accept takes"),
	ENTRY(tcp_conf, greeting, "greeting", .type = SQ_OPT_STRING, .help = "a | text"),
	{ 0 },
};

static const struct sq_opt inner_opts[] = {
	ENTRY(inner, source, "of", .type = SQ_OPT_PLUG, .plug = "source", .required = true,
	      .help = "what is wrapped"),
	ENTRY(inner, tags, "tags", .type = SQ_OPT_STRINGS, .def = "plain", .help = "words"),
	{ 0 },
};

static const struct sq_kind tcp = { "tcp", "connections", tcp_opts, sizeof(struct tcp_conf) };
static const struct sq_kind none = { "none", "nothing at all", NULL, 0 };
static const struct sq_kind wrap = { "wrap", "another", inner_opts, sizeof(struct inner) };
static const struct sq_kind *const drivers[] = { &none, &tcp, NULL };
static const struct sq_kind *const sources[] = { &none, &tcp, &wrap, NULL };
static const struct sq_family families[] = {
	{ "driver", drivers },
	{ "source", sources },
	{ NULL, NULL },
};
static const struct sq_opt_ctx ctx = { .file = "F", .families = families };

static const struct sq_opt shape_opts[] = {
	ENTRY(shape, rate_bit_per_s, "rate", .type = SQ_OPT_BITRATE, .required = true, .min = 1000,
	      .help = "bits a second"),
	ENTRY(shape, burst_bytes, "burst", .type = SQ_OPT_SIZE, .def = "1600B", .min = 1024,
	      .max = 1048576, .help = "bytes at once"),
	{ 0 },
};

static const struct sq_opt load_opts[] = {
	ENTRY(load, name, "name", .type = SQ_OPT_STRING, .required = true, .help = "its name"),
	ENTRY(load, driver, "driver", .type = SQ_OPT_PLUG, .plug = "driver", .required = true,
	      .help = "the protocol"),
	ENTRY(load, threads, "threads", .type = SQ_OPT_INT, .def = "1", .min = 1, .max = 1024,
	      .help = "threads"),
	ENTRY(load, timeout_ns, "timeout", .type = SQ_OPT_DURATION, .def = "5s", .min = 1e6,
	      .max = 3600e9, .help = "when an operation has failed"),
	ENTRY(load, rate_per_s, "rate", .type = SQ_OPT_RATE, .min = 0.001, .help = "arrivals"),
	ENTRY(load, shape, "shape", .type = SQ_OPT_TABLE, .sub = shape_opts, .help = "a shaper"),
	{ 0 },
};

static const struct sq_opt run_opts[] = {
	ENTRY(load, name, "name", .type = SQ_OPT_STRING, .help = "a program"),
	{ 0 },
};

static const struct sq_opt host_opts[] = {
	ENTRY(host, sysctl, "sysctl", .type = SQ_OPT_PAIRS, .help = "kernel settings"),
	ENTRY(host, nft, "nft", .type = SQ_OPT_STRINGS, .help = "rule sets"),
	ENTRY(host, run, "run", .type = SQ_OPT_LIST, .sub = run_opts,
	      .elem_size = sizeof(struct load), .help = "a process"),
	{ 0 },
};

static const char *const closes[] = { "peer", "now", NULL };

static const struct sq_opt doc_opts[] = {
	ENTRY(doc, flag, "a_flag", .type = SQ_OPT_BOOL, .help = "a switch"),
	ENTRY(doc, seed, "seed", .type = SQ_OPT_INT, .help = "of random numbers"),
	ENTRY(doc, offset, "offset", .type = SQ_OPT_INT, .def = "-3", .min = -10, .max = 10,
	      .help = "may be negative"),
	ENTRY(doc, any, "any", .type = SQ_OPT_INT, .min = -0x1p63, .max = 0x1p63,
	      .help = "any integer"),
	ENTRY(doc, factor, "factor", .type = SQ_OPT_REAL, .def = "1.5", .min = 0.5,
	      .help = "a number"),
	ENTRY(doc, poisson_per_s, "poisson", .type = SQ_OPT_RATE, .help = "random arrivals"),
	ENTRY(doc, title, "title", .type = SQ_OPT_STRING, .def = "untitled", .help = "a text"),
	ENTRY(doc, close, "close", .type = SQ_OPT_ENUM, .choices = closes, .help = "who closes"),
	ENTRY(doc, expect, "expect", .type = SQ_OPT_STRINGS, .help = "what must hold"),
	ENTRY(doc, hosts, "hosts", .type = SQ_OPT_MAP, .sub = host_opts,
	      .elem_size = sizeof(struct host), .help = "a host"),
	ENTRY(doc, load, "load", .type = SQ_OPT_LIST, .sub = load_opts, .required = true,
	      .elem_size = sizeof(struct load), .help = "a load"),
	ENTRY(doc, source, "source", .type = SQ_OPT_PLUG, .plug = "source", .help = "a source"),
	ENTRY(doc, shape, "shape", .type = SQ_OPT_TABLE, .sub = shape_opts, .help = "a shaper"),
	{ 0 },
};

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

static void options(void **state)
{
	struct sq_err err = { 0 };
	struct doc doc;
	struct inner *inner;

	(void)state;
	assert_int_equal(sq_opt_defaults(&ctx, doc_opts, &doc, &err), 0);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "a-flag", NULL, &doc, &err), 0);
	assert_true(doc.flag);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "a_flag", "no", &doc, &err), 0);
	assert_false(doc.flag);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "seed", "42", &doc, &err), 0);
	assert_int_equal(doc.seed, 42);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "offset", "-4", &doc, &err), 0);
	assert_int_equal(doc.offset, -4);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "factor", "2.5", &doc, &err), 0);
	assert_true(doc.factor == 2.5);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "poisson", "60/min", &doc, &err), 0);
	assert_true(doc.poisson_per_s == 1);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "title", "t", &doc, &err), 0);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "title", "u", &doc, &err), 0);
	assert_string_equal(doc.title, "u");
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "close", "now", &doc, &err), 0);
	assert_int_equal(doc.close, 1);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "expect", "a", &doc, &err), 0);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "expect", "b", &doc, &err), 0);
	assert_int_equal(doc.expect.n, 2);
	assert_string_equal(doc.expect.v[1], "b");
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "source", "tcp", &doc, &err), 0);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "source", "wrap", &doc, &err), 0);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "of", "tcp", &doc, &err), 0);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "accept-delay", "1ms", &doc, &err), 0);
	inner = doc.source.conf;
	assert_int_equal(((struct tcp_conf *)inner->source.conf)->delay_ns, 1000000);
	sq_opt_fini(doc_opts, &doc);
}

static void option_errors(void **state)
{
	static const struct {
		const char *name, *text;
		int rc;
		const char *where, *want;
	} cases[] = {
		{ "sead", "1", -ENOENT, "--sead", "unknown option; did you mean \"--seed\"?" },
		{ "a-flg", NULL, -ENOENT, "--a-flg", "unknown option; did you mean \"--a-flag\"?" },
		{ "accept-dely", "1", -ENOENT, "--accept-dely",
		  "unknown option; did you mean \"--accept-delay\"?" },
		{ "x", "1", -ENOENT, "--x",
		  "unknown option; known here: --a-flag, --seed, --offset, --any, --factor, "
		  "--poisson, --title, --close, --expect, --hosts, --load, --source, --port, "
		  "--accept-delay, --greeting, --shape" },
		{ "seed", NULL, -EINVAL, "--seed", "it needs a value" },
		{ "seed", "x", -EINVAL, "--seed", "expected an integer, found \"x\"" },
		{ "seed", "", -EINVAL, "--seed", "expected an integer, found \"\"" },
		{ "seed", "1 ", -EINVAL, "--seed", "expected an integer, found \"1 \"" },
		{ "seed", "99999999999999999999", -EINVAL, "--seed",
		  "expected an integer, found \"99999999999999999999\", which is too large" },
		{ "factor", "nan", -EINVAL, "--factor", "expected a number, found \"nan\"" },
		{ "factor", "1e", -EINVAL, "--factor", "expected a number, found \"1e\"" },
		{ "factor", "1e999", -EINVAL, "--factor",
		  "expected a number, found \"1e999\", which is too large" },
		{ "a-flag", "maybe", -EINVAL, "--a-flag",
		  "expected true or false, found \"maybe\"" },
		{ "accept-delay", "1", -EINVAL, "--accept-delay",
		  "expected a duration such as \"800ms\", found \"1\"" },
		{ "port", "0", -EINVAL, "--port", "expected a value from 1 to 65535, found 0" },
		{ "close", "nov", -EINVAL, "--close",
		  "unknown close \"nov\"; did you mean \"now\"?" },
		{ "source", "tpc", -EINVAL, "--source",
		  "unknown source \"tpc\"; did you mean \"tcp\"?" },
		{ "hosts", "x", -EINVAL, "--hosts",
		  "it holds more than one text can say; write it in a file" },
	};
	struct sq_err err = { 0 };
	struct doc doc;

	(void)state;
	assert_int_equal(sq_opt_defaults(&ctx, doc_opts, &doc, &err), 0);
	assert_int_equal(sq_opt_set_text(&ctx, doc_opts, "source", "tcp", &doc, &err), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = sq_opt_set_text(&ctx, doc_opts, cases[i].name, cases[i].text, &doc, &err);

		assert_int_equal(rc, cases[i].rc);
		assert_int_equal(err.code, cases[i].rc);
		assert_string_equal(err.where, cases[i].where);
		assert_string_equal(err.text, cases[i].want);
	}
	assert_ptr_equal(doc.source.kind, &tcp);
	sq_opt_fini(doc_opts, &doc);
}

static void bad_defaults(void **state)
{
	static const struct sq_opt opts[] = {
		ENTRY(doc, title, "title", .type = SQ_OPT_STRING, .def = "x"),
		ENTRY(doc, seed, "seed", .type = SQ_OPT_INT, .def = "0", .min = 1, .max = 5),
		{ 0 },
	};
	struct sq_err err = { 0 };
	struct doc doc;

	(void)state;
	assert_int_equal(sq_opt_defaults(&ctx, opts, &doc, &err), -EINVAL);
	assert_string_equal(err.where, "default of \"seed\"");
	assert_string_equal(err.text, "expected a value from 1 to 5, found 0");
	assert_null(doc.title);
}

static void help(void **state)
{
	struct sq_buf out = { 0 };

	(void)state;
	sq_opt_help(tcp_opts, &out);
	assert_string_equal(out.data,
			    "  --port N                 the port (required)\n"
			    "  --accept-delay DURATION  time that each accept takes (default 0s)\n"
			    "  --greeting TEXT          a | text\n");
	sq_buf_reset(&out);
	sq_opt_help(doc_opts, &out);
	assert_string_equal(out.data, "  --a-flag          a switch\n"
				      "  --seed N          of random numbers\n"
				      "  --offset N        may be negative (default -3)\n"
				      "  --any N           any integer\n"
				      "  --factor NUMBER   a number (default 1.5)\n"
				      "  --poisson RATE    random arrivals\n"
				      "  --title TEXT      a text (default untitled)\n"
				      "  --close peer|now  who closes\n"
				      "  --expect TEXT     what must hold\n"
				      "  --source NAME     a source\n");
	sq_buf_fini(&out);
}

static void markdown(void **state)
{
	static const char want[] =
		"## A load\n\n"
		"| key | type | default | meaning |\n|---|---|---|---|\n"
		"| `name` | string | required | its name |\n"
		"| `driver` | name of a driver | required | the protocol |\n"
		"| `threads` | integer, 1 to 1024 | `1` | threads |\n"
		"| `timeout` | duration, 1ms to 1h | `5s` | when an operation has failed |\n"
		"| `rate` | rate, at least 0.001 |  | arrivals |\n"
		"| `shape` | object |  | a shaper |\n"
		"\n### driver `none`\n\nnothing at all\n\nIt has no keys of its own.\n"
		"\n### driver `tcp`\n\nconnections\n\n"
		"| key | type | default | meaning |\n|---|---|---|---|\n"
		"| `port` | integer, 1 to 65535 | required | the port |\n"
		"| `accept_delay` | duration, 0s to 1s | `0s` | time that each accept takes |\n"
		"| `greeting` | string |  | a \\| text |\n"
		"\n### `shape`\n\n"
		"| key | type | default | meaning |\n|---|---|---|---|\n"
		"| `rate` | bit rate, at least 1kbit | required | bits a second |\n"
		"| `burst` | size, 1KiB to 1MiB | `1600B` | bytes at once |\n";
	struct sq_buf out = { 0 };

	(void)state;
	sq_opt_markdown(&ctx, load_opts, "A load", &out);
	assert_string_equal(out.data, want);
	sq_buf_fini(&out);
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
		cmocka_unit_test(ranges),       cmocka_unit_test(accepted),
		cmocka_unit_test(unset),        cmocka_unit_test(errors),
		cmocka_unit_test(places),       cmocka_unit_test(echoes),
		cmocka_unit_test(options),      cmocka_unit_test(option_errors),
		cmocka_unit_test(bad_defaults), cmocka_unit_test(help),
		cmocka_unit_test(markdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
