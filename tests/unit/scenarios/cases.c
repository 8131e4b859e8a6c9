/* Scenarios that must be refused, one in each folder of tests/cases: input.json, and in `error` the
 * exact line that a person reads.  A new case is a new folder. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/unit/scenarios/kinds.h"

static const char folder[] = SQ_SOURCE_DIR "/tests/cases";

static char *read_text(const char *name, const char *file, size_t *ret_len)
{
	char *path = sq_printf_dup("%s/%s/%s", folder, name, file);
	FILE *f = fopen(path, "r");
	char *text = sq_alloc(65536);

	if (!f)
		fail_msg("%s is missing", path);
	*ret_len = fread(text, 1, 65535, f);
	fclose(f);
	free(path);
	return text;
}

static bool run_case(const char *name)
{
	struct sq_err err = { 0 };
	size_t len, want_len;
	char *text = read_text(name, "input.json", &len);
	char *want = read_text(name, "error", &want_len);
	json_t *doc = sq_json_load_text(text, len, "input.json", &err);
	struct sq_plan *plan = NULL;
	char *got;
	bool same;

	if (doc)
		plan = plan_of_doc(doc, (struct sq_plan_opts){ 0 }, &err);
	got = plan ? sq_strdup("it was planned\n") : sq_printf_dup("%s: %s\n", err.where, err.text);
	same = strcmp(got, want) == 0;
	if (!same)
		print_error("%s:\n  got  %s  want %s", name, got, want);
	sq_plan_free(plan);
	json_decref(doc);
	free(got);
	free(want);
	free(text);
	return same;
}

static void test_cases(void **state)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);
	int ran = 0, failed = 0;

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			ran++;
			failed += !run_case(entries[i]->d_name);
		}
		free(entries[i]);
	}
	free(entries);
	print_message("%d cases\n", ran);
	assert_true(ran >= 25);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
