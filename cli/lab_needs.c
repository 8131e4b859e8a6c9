/* What a lab needs: programs (each with its package), root, leave to change the machine.  All of it is
 * looked for before anything is started. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/lab.h"

/* Where servers are, for users whose PATH has only half of it. */
static const char system_path[] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

static bool found_in(const char *path, const char *program)
{
	bool found = false;

	while (path && *path && !found) {
		int len = (int)strcspn(path, ":");
		char *file = sq_printf_dup("%.*s/%s", len, path, program);

		found = access(file, X_OK) == 0;
		free(file);
		path += len + (path[len] == ':');
	}
	return found;
}

static bool is_there(const char *program)
{
	return found_in(getenv("PATH"), program) || found_in(system_path, program);
}

static const json_t *globals(const json_t *doc)
{
	return json_object_get(json_object_get(doc, "world"), "sysctl");
}

static void add(struct sq_buf *out, const char *text)
{
	sq_buf_printf(out, "%s%s", out->len ? ", " : "", text);
}

void sq_lab_needs(const json_t *doc, struct sq_buf *out)
{
	const char *program;
	json_t *package;

	if (json_object_size(globals(doc)))
		add(out, "root, --allow-global");
	else if (json_object_get(json_object_get(doc, "needs"), "root"))
		add(out, "root");
	json_object_foreach(json_object_get(doc, "needs"), program, package)
		if (strcmp(program, "root") != 0)
			add(out, program);
}

bool sq_lab_possible(const json_t *doc, bool allow_global, struct sq_buf *because)
{
	size_t before = because->len;
	const char *program, *why;
	json_t *value;

	if (json_object_size(globals(doc)) && !allow_global)
		add(because, "it changes settings of the whole machine: give --allow-global");
	if (json_object_size(globals(doc)) && geteuid() != 0)
		add(because, "it needs root, to change settings of the whole machine");
	json_object_foreach(json_object_get(doc, "needs"), program, value) {
		char *text = NULL;

		why = json_string_value(value);
		if (strcmp(program, "root") == 0 && geteuid() != 0)
			text = sq_printf_dup("it needs root: %s", why);
		else if (strcmp(program, "root") != 0 && !is_there(program))
			text = sq_printf_dup("it needs %s: install the package %s", program, why);
		if (text)
			add(because, text);
		free(text);
	}
	return because->len == before;
}
