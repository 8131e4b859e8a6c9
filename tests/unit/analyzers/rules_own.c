/* The user's own rules: beside the shipped ones, in the place of one, and those that are refused. */
#include "analyzers/ledger/rules_own.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzers/ledger/rules.h"
#include "base/mem.h"
#include "ledger_bench.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/sq-rules-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	(void)state;
	sq_rules_forget();
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(folder);
}

static void put(const char *name, const char *text)
{
	char *path = sq_printf_dup("%s/%s", folder, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

#define RULE(id, counter, more) RULE_OF(id, counter, "timeout@query", more)
#define RULE_OF(id, counter, failure, more)                                               \
	"{\"id\": \"" id "\", \"summary\": \"s\", \"counters\": [{\"side\": \"server\", " \
	"\"names\": [\"" counter "\"]}], \"pays\": [{\"failures\": [\"" failure "\"], "   \
	"\"noun\": \"queries\"" more "}], \"advice\": \"a\", \"reference\": \"r\"}\n"

static size_t count(const struct sq_embedded *list)
{
	size_t n = 0;

	while (list[n].name)
		n++;
	return n;
}

static void test_none(void **state)
{
	(void)state;
	assert_ptr_equal(sq_rules_all(), sq_rules);
	assert_null(sq_rules_told());
}

static void test_added_and_replaced(void **state)
{
	struct sq_rule_table t;
	struct sq_err err = { 0 };
	char *told;
	bool mine = false, first = false;

	(void)state;
	put("a-new-one.json", RULE("a-new-one", "my.drops", ""));
	put("packet-filter.json", RULE("packet-filter", "my.filter", ""));
	put("notes.txt", "no rule");
	if (sq_rules_own(folder, &err) != 0)
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(count(sq_rules_all()), count(sq_rules) + 1);
	told = json_dumps(json_object_get(sq_rules_told(), "added"), 0);
	assert_string_equal(told, "[\"a-new-one\"]");
	free(told);
	told = json_dumps(json_object_get(sq_rules_told(), "replaced"), 0);
	assert_string_equal(told, "[\"packet-filter\"]");
	free(told);
	assert_int_equal(sq_rule_table_load(sq_rules_all(), &t, &err), 0);
	for (size_t i = 0; i < t.n; i++) {
		assert_true(i == 0 || strcmp(t.v[i - 1].id, t.v[i].id) < 0);
		mine |= strcmp(t.v[i].id, "packet-filter") == 0 &&
			strcmp(sq_rule_counter(&t.v[i], 0)->names.v[0], "my.filter") == 0;
		first |= i == 0 && strcmp(t.v[i].id, "a-new-one") == 0;
	}
	assert_true(mine && first);
	sq_rule_table_fini(&t);
}

/* Where it says that it is wrong begins with the file, and ends with what is wrong there. */
static void refused(const char *name, const char *text, const char *place, const char *words)
{
	struct sq_err err = { 0 };
	char *where = sq_printf_dup("%s/%s%s", folder, name, place);

	put(name, text);
	assert_true(sq_rules_own(folder, &err) < 0);
	if (strcmp(err.where, where) != 0 || !strstr(err.text, words))
		fail_msg("got %s: %s, want %s: .. %s ..", err.where, err.text, where, words);
	assert_ptr_equal(sq_rules_all(), sq_rules);
	free(where);
	where = sq_printf_dup("%s/%s", folder, name);
	unlink(where);
	free(where);
}

static void test_refused(void **state)
{
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_rules_own("/nonexistent", &err), -ENOENT);
	assert_string_equal(err.where, "/nonexistent");
	assert_int_equal(sq_rules_own(folder, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no rule stands there"));
	refused("x.json", RULE("x", "my.drops", ", \"dosis\": \"once\""), ": /pays/0/dosis",
		"dose");
	refused("x.json", RULE("x", "my.drops", ", \"dose\": \"twice\""), ": /pays/0/dose", "once");
	refused("x.json", RULE("y", "my.drops", ""), "", "calls itself y");
	refused("x.json", "{\"id\": ", "", "line 1");
	refused("x.json", "{\"id\": \"x\"}", "", "");
}

static uint64_t explained_by(const struct sq_run *run, const char *mechanism)
{
	uint64_t n = 0;

	for (size_t i = 0; i < run->findings.n; i++)
		if (strcmp(run->findings.v[i].mechanism, mechanism) == 0)
			n += run->findings.v[i].explained;
	return n;
}

/* A level of the client's says nothing of the server's. */
static void test_level_of_the_other_side(void **state)
{
	struct sq_err err = { 0 };
	struct sq_run *run = new_run(40);
	struct sq_metric_rec *m;

	(void)state;
	put("near-limit.json",
	    "{\"id\": \"near-limit\", \"summary\": \"s\", \"fact\": \"levels\", \"levels\": [{\"side\": "
	    "\"client\", \"names\": [\"sockstat.TCP.inuse\"], \"limit\": \"1000000\", \"text\": \"{value}\"}], "
	    "\"pays\": [{\"failures\": [\"timeout@*\"], \"noun\": \"operations\"}], \"advice\": \"a\", "
	    "\"reference\": \"r\"}");
	if (sq_rules_own(folder, &err) != 0)
		fail_msg("%s: %s", err.where, err.text);
	usual_sysctls(run);
	happen(run, add_load(run, "storm", "server:9000", SQ_SEC), "timeout", "connect",
	       SQ_CLASS_TIMEOUT, 0, 100, 0, 0);
	m = add_metric(run, "client", "sockstat.TCP.inuse", NULL, SQ_GAUGE);
	for (size_t i = 0; i < run->axis.n; i++)
		m->samples[i] = 5;
	no_rises(1, 0);
	add_counter(run, "server", "Tcp.InSegs", 1);
	analyze(run);
	assert_int_equal(explained_by(run, "near-limit"), 0);
	sq_run_free(run);
}

/* Of 130 ListenOverflows and 60 drops of a filter, no two rules have more than 190 SYNs' worth. */
static void test_same_counter(void **state)
{
	struct sq_err err = { 0 };
	struct sq_run *run = new_run(70);

	(void)state;
	put("a-own.json", RULE_OF("a-own", "TcpExt.ListenOverflows", "timeout@connect",
				  ", \"dose\": \"syn-schedule\""));
	if (sq_rules_own(folder, &err) != 0)
		fail_msg("%s: %s", err.where, err.text);
	usual_sysctls(run);
	happen(run, add_load(run, "storm", "server:9000", 2500 * SQ_MS), "timeout", "connect",
	       SQ_CLASS_TIMEOUT, 0, 90, 2, 0);
	no_rises(1, 0);
	rise_syns(20 * SQ_MS, 30, 3);
	rise(20 * SQ_MS, 20);
	rise(1048 * SQ_MS, 20);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	rise(2080 * SQ_MS, 60);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 5 * SQ_SEC);
	analyze(run);
	assert_in_range(account(run, "storm", "timeout@connect")->explained, 30, 50);
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_added_and_replaced, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_level_of_the_other_side, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_same_counter, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
