/* The catalogue of counters: strict where the build reads it, and complete where rules stand on it. */
#include "analyzers/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzers/ledger/rules.h"
#include "base/mem.h"

static bool is_source(const char *name)
{
	for (size_t i = 0; sq_sources[i]; i++)
		if (strcmp(sq_sources[i]->kind.name, name) == 0)
			return true;
	return strcmp(name, "capture") == 0; /* what the capture says of itself */
}

static void check_known(const char *file, const struct sq_known *k)
{
	if (!k->name[0] || !k->meaning[0] || strchr(k->meaning, '|'))
		fail_msg("%s: %s: no name, or no meaning", file, k->name);
	/* A line that has the same name, or a beginning of it that stands before, would hide it. */
	if (strcmp(sq_catalogue_find(k->name)->name, k->name) != 0 ||
	    strcmp(sq_catalogue_find(k->name)->meaning, k->meaning) != 0)
		fail_msg("%s: %s is hidden by %s", file, k->name, sq_catalogue_find(k->name)->name);
}

static void test_every_file(void **state)
{
	size_t rows = 0;

	(void)state;
	for (const struct sq_catalogue_part *p = sq_catalogue_parts; p->source; p++) {
		if (!is_source(p->source))
			fail_msg("%s.json is named after no source", p->source);
		for (size_t i = 0; i < p->n; i++)
			check_known(p->source, &p->known[i]);
		rows += p->n;
	}
	assert_in_range(rows, 300, 5000);
}

static void test_every_source(void **state)
{
	(void)state;
	for (size_t i = 0; sq_sources[i]; i++) {
		const struct sq_catalogue_part *p = sq_catalogue_parts;

		while (p->source && strcmp(p->source, sq_sources[i]->kind.name) != 0)
			p++;
		if (!p->source)
			fail_msg("%s has no file of counters", sq_sources[i]->kind.name);
	}
}

static void test_what_rules_stand_on(void **state)
{
	struct sq_rule_table rules;

	(void)state;
	assert_int_equal(sq_rule_table_load(sq_rules, &rules, NULL), 0);
	for (size_t i = 0; i < rules.n; i++)
		for (size_t c = 0; c < rules.v[i].counters.n; c++) {
			const struct sq_rule_counter *counter = sq_rule_counter(&rules.v[i], c);

			for (size_t n = 0; n < counter->names.n; n++) {
				const struct sq_known *k = sq_catalogue_find(counter->names.v[n]);

				if (!k || !k->unit[0])
					fail_msg("%s: %s is not in the catalogue", rules.v[i].id,
						 counter->names.v[n]);
			}
		}
	sq_rule_table_fini(&rules);
}

static void test_names_and_beginnings(void **state)
{
	(void)state;
	assert_string_equal(sq_catalogue_find("Tcp.CurrEstab")->unit, "connections");
	assert_int_equal(sq_catalogue_find("Tcp.CurrEstab")->kind, SQ_GAUGE);
	assert_int_equal(sq_catalogue_find("softnet.dropped")->width, 32);
	assert_int_equal(sq_catalogue_find("TcpExt.ListenOverflows")->width, 64);
	assert_string_equal(sq_catalogue_find("IcmpMsg.InType3")->name, "IcmpMsg.*");
	assert_string_equal(sq_catalogue_find("mem.HugePages_Free")->unit, "pages");
	assert_string_equal(sq_catalogue_find("mem.Mapped")->unit, "bytes");
	assert_null(sq_catalogue_find("TcpExt.ListenOverflow"));
	assert_null(sq_catalogue_find("TcpExt.ListenOverflowsX"));
	assert_null(sq_catalogue_find(""));
}

/* What the program said of a file with this text, and how it ended. */
static int make_table(const char *text, char *said, size_t size)
{
	char path[] = "/tmp/catalogue-XXXXXX", *command;
	int fd = mkstemp(path);
	FILE *f;
	size_t len;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	command = sq_printf_dup("%s %s 2>&1", CATALOGUE_TABLE, path);
	f = popen(command, "re");
	assert_non_null(f);
	len = fread(said, 1, size - 1, f);
	said[len] = '\0';
	unlink(path);
	free(command);
	return pclose(f);
}

static void test_misspelt(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{}", "metrics" },
		{ "{\"metrics\": [{\"name\": \"a\"}]}", "/metrics/0" },
		{ "{\"metrics\": [{\"name\": \"a\", \"meaning\": \"b\", \"untit\": \"c\"}]}",
		  "unit" },
		{ "{\"metrics\": [{\"name\": \"a\", \"meaning\": \"b\", \"kind\": \"gauges\"}]}",
		  "/metrics/0/kind" },
		{ "{\"metrics\": [{\"name\": \"a\", \"meaning\": \"b\", \"width\": 65}]}",
		  "/metrics/0/width" },
		{ "{\"metrics\": [}", "line 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char said[4096];

		assert_int_not_equal(make_table(cases[i].text, said, sizeof(said)), 0);
		if (!strstr(said, cases[i].want) || strstr(said, "#include"))
			fail_msg("%s: got \"%s\", want \"%s\"", cases[i].text, said, cases[i].want);
	}
}

/* A text comes through JSON and C as it was. */
static void test_quoted(void **state)
{
	char said[4096];

	(void)state;
	assert_int_equal(
		make_table("{\"metrics\": [{\"name\": \"a\\\\\", \"meaning\": \"\\\"b\\\"\"}]}",
			   said, sizeof(said)),
		0);
	assert_non_null(strstr(said, "{\"a\\\\\", \"\", SQ_COUNTER, 64, \"\\\"b\\\"\", NULL},"));
}

static void test_for_people(void **state)
{
	struct sq_buf out = { 0 };

	(void)state;
	sq_catalogue_markdown(&out);
	assert_non_null(strstr(out.data, "### netstat\n\nLinux's own counters"));
	assert_non_null(strstr(out.data, "| `TcpExt.ListenOverflows` | packets | counter | SYNs"));
	assert_non_null(strstr(out.data, "LINUX_MIB_LISTENOVERFLOWS |\n"));
	sq_buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_file),
		cmocka_unit_test(test_every_source),
		cmocka_unit_test(test_what_rules_stand_on),
		cmocka_unit_test(test_names_and_beginnings),
		cmocka_unit_test(test_misspelt),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
