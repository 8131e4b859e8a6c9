/* A file of sessions.  Lines of JSON, so that a version control shows what was added. */
#include "results/baseline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "results/verdict.h"

static json_t *environment_of(const json_t *report)
{
	static const char *const kept[] = { "kernel", "machine", "cpus", "cpu_model" };
	json_t *hosts = json_object_get(report, "environment"), *kind = json_object(), *host;
	const char *name;

	/* All hosts of a world are one machine; where they are not, each has its own lines. */
	json_object_foreach(hosts, name, host) {
		json_t *one = json_object();

		for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
			if (json_object_get(host, kept[i]))
				json_object_set(one, kept[i], json_object_get(host, kept[i]));
		json_object_set_new(kind, name, one);
	}
	return kind;
}

json_t *sq_session_make(const json_t *const *reports, size_t n, const json_t *names)
{
	json_t *scenario = json_deep_copy(json_object_get(reports[0], "scenario"));

	json_object_del(scenario, "seed");
	return json_pack("{s:s, s:O, s:I, s:o, s:o, s:o}", "schema", "squall-baseline/1", "started",
			 sq_json_pointer_get(reports[0], "/run/started"), "runs", (json_int_t)n,
			 "environment", environment_of(reports[0]), "scenario", scenario,
			 "measures", sq_session_measures(reports, n, names));
}

static char *path_of(const char *dir, const char *name)
{
	return sq_printf_dup("%s/%s.jsonl", dir, name);
}

static int load_line(json_t *sessions, const char *line, size_t len, const char *where,
		     struct sq_err *err)
{
	json_t *session = sq_json_load_text(line, len, where, err);
	const char *schema = json_string_value(json_object_get(session, "schema"));

	if (!session)
		return err->code;
	if (!schema || strcmp(schema, "squall-baseline/1") != 0 ||
	    !json_is_object(json_object_get(session, "measures"))) {
		json_decref(session);
		return sq_err_set(err, -EINVAL, where, "is no session of a baseline");
	}
	json_array_append_new(sessions, session);
	return 0;
}

json_t *sq_baseline_load(const char *dir, const char *name, struct sq_err *err)
{
	char *path = path_of(dir, name), *line = NULL;
	json_t *sessions = json_array();
	FILE *f = fopen(path, "re");
	size_t size = 0, number = 0;
	ssize_t len;
	int rc = !f && errno != ENOENT ? sq_err_set(err, -errno, path, "%s", strerror(errno)) : 0;

	while (rc == 0 && f && (len = getline(&line, &size, f)) > 0) {
		char *where = sq_printf_dup("%s:%zu", path, ++number);

		rc = load_line(sessions, line, (size_t)len, where, err);
		free(where);
	}
	free(line);
	if (f)
		fclose(f);
	free(path);
	if (rc == 0)
		return sessions;
	json_decref(sessions);
	return NULL;
}

static int write_all(FILE *f, const json_t *sessions)
{
	const json_t *session;
	size_t i;

	json_array_foreach(sessions, i, session)
		if (json_dumpf(session, f, JSON_COMPACT) < 0 || fputc('\n', f) == EOF)
			return -EIO;
	if (fflush(f) == EOF || fsync(fileno(f)) < 0)
		return -errno;
	return 0;
}

int sq_baseline_save(const char *dir, const char *name, const json_t *sessions, struct sq_err *err)
{
	char *path = path_of(dir, name), *fresh = sq_printf_dup("%s.new", path);
	FILE *f = fopen(fresh, "we");
	int rc = f ? write_all(f, sessions) : -errno;

	if (f && fclose(f) == EOF && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(fresh, path) < 0)
		rc = -errno;
	if (rc < 0) {
		sq_err_set(err, rc, path, "cannot be written: %s", strerror(-rc));
		if (f)
			unlink(fresh);
	}
	free(fresh);
	free(path);
	return rc;
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	return json_equal(json_object_get(a, key), json_object_get(b, key)) != 0;
}

json_t *sq_baseline_alike(const json_t *sessions, const json_t *session, bool any,
			  const char **ret_because)
{
	json_t *alike = json_array(), *one;
	size_t i;

	*ret_because = NULL;
	json_array_foreach((json_t *)sessions, i, one) {
		if (!same(one, session, "scenario"))
			*ret_because = "they are of another scenario of that name";
		else if (!any && !same(one, session, "environment"))
			*ret_because = "they were made in another environment (kernel, machine or "
				       "processors); --any-environment compares with them all the "
				       "same";
		else
			json_array_append(alike, one);
	}
	return alike;
}
