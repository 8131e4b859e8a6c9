/* Values as people write them: table cases, and that what is formatted reads back the same. */
#include "base/value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

struct integer_case {
	const char *text;
	int rc;
	int64_t want;
};

static void check_integers(int (*parse)(const char *, int64_t *), const struct integer_case *c)
{
	for (; c->text; c++) {
		int64_t got = -77;
		int rc = parse(c->text, &got);

		if (rc != c->rc || got != (rc ? -77 : c->want))
			fail_msg("\"%s\": got %d %lld, want %d %lld", c->text, rc, (long long)got,
				 c->rc, (long long)c->want);
	}
}

static void durations(void **state)
{
	static const struct integer_case cases[] = {
		{ "0s", 0, 0 },
		{ "1ns", 0, 1 },
		{ "1.5s", 0, 1500000000 },
		{ "0.1s", 0, 100000000 },
		{ "800ms", 0, 800000000 },
		{ "0800ms", 0, 800000000 },
		{ "2.50us", 0, 2500 },
		{ "1.000ns", 0, 1 },
		{ "1min", 0, 60000000000 },
		{ "0.5h", 0, 1800000000000 },
		{ "9223372036854775807ns", 0, INT64_MAX },
		{ "9223372036.854775807s", 0, INT64_MAX },
		{ "9223372036854775808ns", -ERANGE, 0 },
		{ "9223372036.854775808s", -ERANGE, 0 },
		{ "99999999999999999999999h", -ERANGE, 0 },
		{ "0.1ns", -EINVAL, 0 },
		{ "0.0000000001s", -EINVAL, 0 },
		{ "0.0000000000000000000001s", -EINVAL, 0 },
		{ "1.0000000000000000000000000s", 0, 1000000000 },
		{ "800 ms", -EINVAL, 0 },
		{ " 8ms", -EINVAL, 0 },
		{ "8ms ", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "+1s", -EINVAL, 0 },
		{ "1", -EINVAL, 0 },
		{ "0", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "1.s", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "1.5.5s", -EINVAL, 0 },
		{ "1e3s", -EINVAL, 0 },
		{ "1m", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "99999999999999999999999m", -EINVAL, 0 },
		{ NULL, 0, 0 },
	};

	(void)state;
	check_integers(sq_parse_duration, cases);
}

static void sizes(void **state)
{
	static const struct integer_case cases[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "512B", 0, 512 },
		{ "10KiB", 0, 10240 },
		{ "10kB", 0, 10000 },
		{ "0.5MiB", 0, 524288 },
		{ "1MB", 0, 1000000 },
		{ "2GiB", 0, INT64_C(2147483648) },
		{ "3GB", 0, INT64_C(3000000000) },
		{ "8589934592GiB", -ERANGE, 0 },
		{ "0.5", -EINVAL, 0 },
		{ "10K", -EINVAL, 0 },
		{ "10KB", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ NULL, 0, 0 },
	};

	(void)state;
	check_integers(sq_parse_size, cases);
}

static void bitrates(void **state)
{
	static const struct integer_case cases[] = {
		{ "9600bit", 0, 9600 },    { "400kbit", 0, 400000 },
		{ "10mbit", 0, 10000000 }, { "2.5gbit", 0, INT64_C(2500000000) },
		{ "400", -EINVAL, 0 },     { "400kbps", -EINVAL, 0 },
		{ "400k", -EINVAL, 0 },    { NULL, 0, 0 },
	};

	(void)state;
	check_integers(sq_parse_bitrate, cases);
}

static void rates(void **state)
{
	static const struct {
		const char *text;
		int rc;
		double want;
	} cases[] = {
		{ "2000", 0, 2000 },      { "0", 0, 0 },
		{ "2000/s", 0, 2000 },    { "24000/min", 0, 400 },
		{ "5/h", 0, 5.0 / 3600 }, { "10k/s", 0, 10000 },
		{ "1.5M", 0, 1500000 },   { "4.35k", 0, 4350 },
		{ "6k/min", 0, 100 },     { "0.5", 0, 0.5 },
		{ "10m", -EINVAL, 0 },    { "10/", -EINVAL, 0 },
		{ "10/d", -EINVAL, 0 },   { "10/sk", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },      { "1e3", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },     { "nan", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};
	char digits[401];
	double got = -77;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc;

		got = -77;
		rc = sq_parse_rate(cases[i].text, &got);
		if (rc != cases[i].rc || got != (rc ? -77 : cases[i].want))
			fail_msg("\"%s\": got %d %.17g, want %d %.17g", cases[i].text, rc, got,
				 cases[i].rc, cases[i].want);
	}
	memset(digits, '9', sizeof(digits) - 1);
	digits[sizeof(digits) - 1] = '\0';
	assert_int_equal(sq_parse_rate(digits, &got), -ERANGE);
	digits[350] = '\0';
	assert_int_equal(sq_parse_rate(digits, &got), -ERANGE);
}

static void formats(void **state)
{
	static const struct {
		void (*format)(char *, size_t, int64_t);
		int64_t value;
		const char *want;
	} cases[] = {
		{ sq_format_duration, 0, "0s" },
		{ sq_format_duration, 1, "1ns" },
		{ sq_format_duration, 1500000000, "1500ms" },
		{ sq_format_duration, 60000000000, "1min" },
		{ sq_format_duration, 90000000000, "90s" },
		{ sq_format_duration, 3600000000000, "1h" },
		{ sq_format_duration, INT64_MAX, "9223372036854775807ns" },
		{ sq_format_duration, -5000000, "-5ms" },
		{ sq_format_size, 0, "0B" },
		{ sq_format_size, 1600, "1600B" },
		{ sq_format_size, 10240, "10KiB" },
		{ sq_format_size, 1048576, "1MiB" },
		{ sq_format_size, INT64_C(5) << 30, "5GiB" },
		{ sq_format_bitrate, 0, "0bit" },
		{ sq_format_bitrate, 400000, "400kbit" },
		{ sq_format_bitrate, 9600, "9600bit" },
		{ sq_format_bitrate, INT64_C(2500000000), "2500mbit" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[64];

		cases[i].format(got, sizeof(got), cases[i].value);
		assert_string_equal(got, cases[i].want);
	}
}

static void rate_formats(void **state)
{
	static const struct {
		double value;
		const char *want;
	} cases[] = {
		{ 0, "0" },
		{ 2000, "2000" },
		{ 1500000, "1500000" },
		{ 0.5, "0.5" },
		{ 2000.25, "2000.25" },
		{ 5.0 / 3600, "5/h" },
		{ 100.0 / 60, "100/min" },
		{ 0.1, "0.1" },
		{ 1e-6, "0.000001" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[64];

		sq_format_rate(got, sizeof(got), cases[i].value);
		assert_string_equal(got, cases[i].want);
	}
}

/* Values of every size: 7^k and its neighbours. */
static void round_trips(void **state)
{
	static const struct {
		void (*format)(char *, size_t, int64_t);
		int (*parse)(const char *, int64_t *);
	} pairs[] = {
		{ sq_format_duration, sq_parse_duration },
		{ sq_format_size, sq_parse_size },
		{ sq_format_bitrate, sq_parse_bitrate },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (int64_t v = 1; v < INT64_MAX / 7000; v *= 7)
			for (int64_t near = v * 1000 - 1; near <= v * 1000 + 1; near++) {
				int64_t got = -1;

				pairs[i].format(text, sizeof(text), near);
				assert_int_equal(pairs[i].parse(text, &got), 0);
				assert_true(got == near);
			}
	for (double v = 1e-12; v < 1e15; v *= 1.7) {
		double got = -1;

		sq_format_rate(text, sizeof(text), v);
		assert_int_equal(sq_parse_rate(text, &got), 0);
		assert_true(got == v);
	}
}

static void nearest(void **state)
{
	static const char *const words[] = { "timeout", "threads", "tcp", "dns", "smtp", NULL };
	static const char *const none[] = { NULL };
	static const struct {
		const char *word, *want;
	} cases[] = {
		{ "timeot", "timeout" },
		{ "tiemout", "timeout" },
		{ "tpc", "tcp" },
		{ "snmtp", "smtp" },
		{ "thread", "threads" },
		{ "tcp", "tcp" },
		{ "colour", NULL },
		{ "timed", NULL },
		{ "tc", "tcp" },
		{ "x", NULL },
		{ "", NULL },
		{ "a-word-that-is-longer-than-anybody-would-ever-write-as-a-key-of-a-table", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = sq_nearest(cases[i].word, words);

		if ((got == NULL) != (cases[i].want == NULL) ||
		    (got && strcmp(got, cases[i].want) != 0))
			fail_msg("\"%s\": got %s, want %s", cases[i].word, got ? got : "nothing",
				 cases[i].want ? cases[i].want : "nothing");
	}
	assert_null(sq_nearest("tcp", none));
}

static void squeeze(void **state)
{
	char triple[] = " 4096\t131072 \t 6291456\n", blank[] = "\n\t ", empty[] = "";

	(void)state;
	sq_text_squeeze(triple);
	assert_string_equal(triple, "4096 131072 6291456");
	sq_text_squeeze(blank);
	assert_string_equal(blank, "");
	sq_text_squeeze(empty);
	assert_string_equal(empty, "");
}

/* At every length of it, a text of characters of one to four bytes; and that of an error, which is cut too. */
static void cut_back(void **state)
{
	static const char all[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8c.";
	static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };
	char text[sizeof(all)], command[600] = "x";
	struct sq_err err;

	(void)state;
	for (size_t len = 0; len < sizeof(all); len++) {
		snprintf(text, sizeof(text), "%.*s", (int)len, all);
		sq_text_cut_back(text);
		assert_int_equal(strlen(text), want[len]);
	}
	snprintf(text, sizeof(text), "\x80\x80\x80\x80"); /* none of ours, and none begins */
	sq_text_cut_back(text);
	assert_int_equal(strlen(text), 4);
	while (strlen(command) < 500)
		strcat(command, "\xc3\xa9");
	sq_err_set(&err, -EIO, command + 1, "%s%s", command, command);
	assert_int_equal(strlen(err.where), 254);
	assert_int_equal(strlen(err.text), 766);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),   cmocka_unit_test(sizes),
		cmocka_unit_test(bitrates),    cmocka_unit_test(rates),
		cmocka_unit_test(formats),     cmocka_unit_test(rate_formats),
		cmocka_unit_test(round_trips), cmocka_unit_test(nearest),
		cmocka_unit_test(squeeze),     cmocka_unit_test(cut_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
