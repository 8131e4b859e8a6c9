/* The user's rules among the shipped ones.
 *
 * The order of rules is that of their ids, whoever wrote them: it decides which of two mechanisms takes
 * a failure that both could pay for, and must not depend on where a rule came from. */
#include "analyzers/ledger/rules_own.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/rules.h"
#include "base/json.h"
#include "base/mem.h"

static struct {
	struct sq_embedded *all; /* NULL: the shipped ones */
	struct sq_embedded *own; /* of which these are the user's, names and texts owned */
	size_t n_own;
	json_t *told;
} rules;

static void free_own(struct sq_embedded *own, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)own[i].name);
		free((char *)own[i].text);
	}
	free(own);
}

void sq_rules_forget(void)
{
	free_own(rules.own, rules.n_own);
	free(rules.all);
	json_decref(rules.told);
	memset(&rules, 0, sizeof(rules));
}

/* A rule is parsed under its id; people know the file. */
static int fail_in(const char *path, const char *id, struct sq_err *err)
{
	const char *place = strncmp(err->where, id, strlen(id)) == 0 ? err->where + strlen(id) : "";
	char *where = sq_printf_dup("%s%s", path, place);
	int rc = sq_err_set(err, err->code, where, "%s", err->text);

	free(where);
	return rc;
}

/* Reads one file, and parses it alone, so that an error is known to be its own. */
static int read_one(const char *path, struct sq_embedded *one, struct sq_err *err)
{
	json_t *doc = sq_json_load_file(path, err);
	struct sq_embedded list[2] = { { 0 }, { 0 } };
	struct sq_rule_table table;
	int rc;

	if (!doc)
		return err->code;
	one->text = json_dumps(doc, JSON_COMPACT);
	one->len = strlen(one->text);
	json_decref(doc);
	list[0] = *one;
	rc = sq_rule_table_load(list, &table, err);
	if (rc != 0)
		return fail_in(path, one->name, err);
	sq_rule_table_fini(&table);
	return 0;
}

static int is_rule(const struct dirent *entry)
{
	return fnmatch("*.json", entry->d_name, FNM_PERIOD) == 0;
}

/* *ret_n of what was allocated, also when one of them is bad. */
static int read_folder(const char *dir, struct sq_embedded **ret, size_t *ret_n, struct sq_err *err)
{
	struct dirent **files = NULL;
	int n = scandir(dir, &files, is_rule, alphasort), rc = 0;

	if (n == -1)
		return sq_err_set(err, -errno, dir, "cannot read it: %s; give a folder of rules",
				  strerror(errno));
	*ret = sq_alloc_n((size_t)n + 1, sizeof(**ret));
	for (int i = 0; i < n; i++) {
		char *path = sq_printf_dup("%s/%s", dir, files[i]->d_name);

		if (rc == 0) {
			struct sq_embedded *one = &(*ret)[(*ret_n)++];

			one->name = sq_printf_dup("%.*s", (int)strlen(files[i]->d_name) - 5,
						  files[i]->d_name);
			rc = read_one(path, one, err);
		}
		free(path);
		free(files[i]);
	}
	free(files);
	if (n == 0)
		rc = sq_err_set(err, -ENOENT, dir, "no rule stands there; each is a file ID.json");
	return rc;
}

static const struct sq_embedded *find(const struct sq_embedded *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].name, id) == 0)
			return &list[i];
	}
	return NULL;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct sq_embedded *)a)->name, ((const struct sq_embedded *)b)->name);
}

/* The user's, and those of the shipped ones that they do not replace. */
static void merge(const char *dir)
{
	size_t n = rules.n_own, shipped = 0;
	json_t *added = json_array(), *replaced = json_array();

	while (sq_rules[shipped].name)
		shipped++;
	rules.all = sq_alloc_n(shipped + n + 1, sizeof(*rules.all));
	memcpy(rules.all, rules.own, n * sizeof(*rules.all));
	for (size_t i = 0; i < shipped; i++) {
		if (!find(rules.own, rules.n_own, sq_rules[i].name))
			rules.all[n++] = sq_rules[i];
	}
	qsort(rules.all, n, sizeof(*rules.all), by_id);
	for (size_t i = 0; i < rules.n_own; i++) {
		bool known = find(sq_rules, shipped, rules.own[i].name);

		json_array_append_new(known ? replaced : added, json_string(rules.own[i].name));
	}
	rules.told = json_pack("{s:s, s:o, s:o}", "dir", dir, "added", added, "replaced", replaced);
}

int sq_rules_own(const char *dir, struct sq_err *err)
{
	struct sq_embedded *own = NULL;
	size_t n = 0;
	int rc = read_folder(dir, &own, &n, err);

	if (rc != 0) {
		free_own(own, n);
		return rc;
	}
	sq_rules_forget();
	rules.own = own;
	rules.n_own = n;
	merge(dir);
	return 0;
}

const struct sq_embedded *sq_rules_all(void)
{
	return rules.all ? rules.all : sq_rules;
}

const json_t *sq_rules_told(void)
{
	return rules.told;
}
