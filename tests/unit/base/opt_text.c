/* Option tables and a command line: an option's text is taken like a document's value, its errors speak
 * of options, and help and reference say what the tables say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/opt_tables.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),      cmocka_unit_test(option_errors),
		cmocka_unit_test(bad_defaults), cmocka_unit_test(help),
		cmocka_unit_test(markdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
