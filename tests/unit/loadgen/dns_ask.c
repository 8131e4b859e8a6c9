/* What is asked: every number has its question, whatever file or list it comes from, and what is
 * wrong with those is said with its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loadgen/dns/ask.h"
#include "loadgen/dns/wire.h"

static struct sq_strings strings(const char **v)
{
	struct sq_strings s = { .v = (char **)v };

	while (v[s.n])
		s.n++;
	return s;
}

static struct sq_dns_ask *ask_names(const char **v)
{
	struct sq_strings names = strings(v);
	struct sq_dns_ask_spec spec = { .names = &names, .type = "A", .recursion = true };
	struct sq_err err = { 0 };
	struct sq_dns_ask *ask = sq_dns_ask_new(&spec, &err);

	if (!ask)
		fail_msg("%s: %s", err.where, err.text);
	return ask;
}

/* "name. TYPE" of a question; static. */
static const char *text_of(const struct sq_dns_ask *ask, uint32_t index)
{
	static char text[SQ_DNS_TEXT_MAX + 20];
	struct sq_dns_asked asked = sq_dns_ask_get(ask, index, 0, NULL);
	struct sq_dns_question question;
	char type[16];
	size_t end;

	assert_true(sq_dns_question_read(asked.query, asked.len, &question, &end));
	assert_int_equal(end, SQ_DNS_HEADER + asked.question_len);
	assert_int_equal(question.class, SQ_DNS_CLASS_IN);
	sq_dns_name_format(&question.name, text);
	strcat(text, " ");
	return strcat(text, sq_dns_type_name(question.type, type));
}

static void names_in_turn(void **state)
{
	const char *names[] = { "a{1-3}.test", "b.test", NULL };
	const char *want[] = { "a1.test. A", "b.test. A", "a2.test. A", "b.test. A",
			       "a3.test. A", "b.test. A", "a1.test. A", "b.test. A" };
	struct sq_dns_ask *ask = ask_names(names);

	(void)state;
	assert_int_equal(sq_dns_ask_count(ask), 4);
	for (size_t i = 0; i < 8; i++) {
		assert_string_equal(text_of(ask, sq_dns_ask_turn(ask, i)), want[i]);
		assert_string_equal(text_of(ask, sq_dns_ask_turn(ask, i + 6000000)), want[i]);
	}
	sq_dns_ask_free(ask);
}

/* One wrong name in ten is one in ten queries, though its neighbours stand for thousands. */
static void one_in_ten(void **state)
{
	const char *names[11] = { "wrong{1-7}.test" };
	struct sq_dns_ask *ask;
	unsigned wrong = 0;

	(void)state;
	for (int i = 1; i < 10; i++)
		names[i] = "a{1-1000}.b{01-10}.test";
	ask = ask_names(names);
	assert_int_equal(sq_dns_ask_count(ask), 90007);
	for (uint64_t i = 0; i < 20000; i++)
		wrong += strncmp(text_of(ask, sq_dns_ask_turn(ask, i)), "wrong", 5) == 0;
	assert_int_equal(wrong, 2000);
	sq_dns_ask_free(ask);
}

static void random_ones(void **state)
{
	const char *names[] = { "a{0-99}.test", "b.test", NULL };
	struct sq_dns_ask *ask = ask_names(names);
	unsigned seen[101] = { 0 };
	struct sq_rng rng;

	(void)state;
	sq_rng_init(&rng, 1, 2);
	for (int i = 0; i < 100000; i++)
		seen[sq_dns_ask_random(ask, &rng)]++;
	assert_in_range(seen[100], 49000, 51000);
	for (int i = 0; i < 100; i++)
		assert_in_range(seen[i], 350, 650);
	sq_dns_ask_free(ask);
}

static void flags_and_edns(void **state)
{
	const struct {
		bool recursion, dnssec;
		uint16_t edns;
		struct sq_dns_edns want;
	} cases[] = {
		{ true, false, 0, { 0 } },
		{ false, false, 4096, { .present = true, .udp_size = 4096 } },
		{ true, true, 0, { .present = true, .do_bit = true, .udp_size = 1232 } },
		{ true, true, 512, { .present = true, .do_bit = true, .udp_size = 512 } },
	};
	const char *names[] = { "a.test", NULL };
	struct sq_strings list = strings(names);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_dns_ask_spec spec = { .names = &list,
						.type = "type65",
						.recursion = cases[i].recursion,
						.dnssec = cases[i].dnssec,
						.edns = cases[i].edns };
		struct sq_dns_ask *ask = sq_dns_ask_new(&spec, NULL);
		struct sq_dns_asked asked;
		struct sq_dns_edns edns;

		assert_non_null(ask);
		asked = sq_dns_ask_get(ask, 0, 0, NULL);
		assert_int_equal(sq_dns_get16(asked.query), 0);
		assert_int_equal(sq_dns_get16(asked.query + 2), cases[i].recursion ? SQ_DNS_RD : 0);
		assert_string_equal(text_of(ask, 0), "a.test. HTTPS");
		assert_true(sq_dns_edns_read(asked.query, asked.len,
					     SQ_DNS_HEADER + asked.question_len, &edns));
		assert_int_equal(edns.present, cases[i].want.present);
		assert_int_equal(edns.do_bit, cases[i].want.do_bit);
		assert_int_equal(edns.udp_size, cases[i].want.udp_size);
		sq_dns_ask_free(ask);
	}
}

/* ---- files ---- */

static char path[] = "/tmp/sq-dns-ask-XXXXXX";

static struct sq_dns_ask *ask_file(const char *text, struct sq_err *err)
{
	struct sq_strings none = { 0 };
	struct sq_dns_ask_spec spec = { .file = path, .names = &none, .type = "A" };
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	return sq_dns_ask_new(&spec, err);
}

static void file_of_queries(void **state)
{
	const char *want[] = { "www.example.test. A", "example.test. MX",
			       "x\\.y.example.test. TYPE999", ". NS", "last.test. AAAA" };
	struct sq_err err = { 0 };
	struct sq_dns_ask *ask = ask_file("; as dnsperf has them\n"
					  "www.example.test A\n"
					  "\n"
					  "  example.test.\tmx  \r\n"
					  "# another\n"
					  "   \n"
					  "x\\.y.example.test TYPE999\n"
					  ". NS\n"
					  "last.test aaaa",
					  &err);

	(void)state;
	if (!ask)
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(sq_dns_ask_count(ask), 5);
	for (uint64_t i = 0; i < 10; i++)
		assert_string_equal(text_of(ask, sq_dns_ask_turn(ask, i)), want[i % 5]);
	sq_dns_ask_free(ask);
}

static void wrong_files(void **state)
{
	const struct {
		const char *text, *place, *part;
	} cases[] = {
		{ "a.test A\nb.test\n", ": line 2", "a name and a type" },
		{ "a.test A\n\n;\nb.test A IN\n", ": line 4", "a name and a type" },
		{ "a.test BANANA\n", ": line 1", "\"BANANA\" is no type" },
		{ "a.test A\na..test A\n", ": line 2", "empty label" },
		{ "; nothing\n", "", "holds no query" },
		{ "", "", "holds no query" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_err err = { 0 };
		char where[128];

		assert_null(ask_file(cases[i].text, &err));
		printf("  %s: %s\n", err.where, err.text);
		snprintf(where, sizeof(where), "%s%s", path, cases[i].place);
		assert_string_equal(err.where, where);
		assert_non_null(strstr(err.text, cases[i].part));
		assert_int_equal(err.code, -EINVAL);
	}
}

static void wrong_specs(void **state)
{
	const struct {
		const char *file, *names, *type, *where, *part;
		int code;
	} cases[] = {
		{ NULL, NULL, "A", "dns", "give names", -EINVAL },
		{ "/dev/null", "a.test", "A", "dns", "leave all but one out", -EINVAL },
		{ NULL, "a.test", "BANANA", "dns: type", "\"BANANA\" is no type", -EINVAL },
		{ NULL, "a{1-}.test", "A", "dns: names", "no range", -EINVAL },
		{ NULL, "a..test", "A", "dns: names", "empty label", -EINVAL },
		{ NULL, "a{1-5000000}.test", "A", "dns: names", "more than 4194304", -EINVAL },
		{ "/nonexistent/x", NULL, "A", "/nonexistent/x", "cannot be opened", -ENOENT },
		{ "/tmp", NULL, "A", "/tmp", "cannot be read", -EIO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *names[] = { cases[i].names, NULL };
		struct sq_strings list = strings(names);
		struct sq_dns_ask_spec spec = { .file = cases[i].file,
						.names = &list,
						.type = cases[i].type };
		struct sq_err err = { 0 };

		assert_null(sq_dns_ask_new(&spec, &err));
		printf("  %s: %s\n", err.where, err.text);
		assert_string_equal(err.where, cases[i].where);
		assert_non_null(strstr(err.text, cases[i].part));
		assert_int_equal(err.code, cases[i].code);
	}
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd == -1 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_turn),   cmocka_unit_test(one_in_ten),
		cmocka_unit_test(random_ones),     cmocka_unit_test(flags_and_edns),
		cmocka_unit_test(file_of_queries), cmocka_unit_test(wrong_files),
		cmocka_unit_test(wrong_specs),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
