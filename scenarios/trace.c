/* A recording as text.  Seconds are read as durations are: exactly, or not at all. */
#include "scenarios/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/value.h"

struct trace {
	const char *path;
	unsigned long line;
	int64_t *v;
	size_t n, cap;
};

static int fail(const struct trace *t, struct sq_err *err, const char *text)
{
	char *where = sq_printf_dup("%s:%lu", t->path, t->line);
	int rc = sq_err_set(err, -EINVAL, where, "%s", text);

	free(where);
	return rc;
}

static int add_time(struct trace *t, const char *word, struct sq_err *err)
{
	char text[64];
	int64_t ns;

	/* "1m" would be a duration of milliseconds. */
	if (word[strspn(word, "0123456789.")] ||
	    snprintf(text, sizeof(text), "%ss", word) >= (int)sizeof(text) ||
	    sq_parse_duration(text, &ns) < 0)
		return fail(t, err,
			    "expected a time in seconds such as 0.125, of at most nine decimals");
	if (t->n && ns < t->v[t->n - 1])
		return fail(t, err, "it is earlier than the one before; sort the file by time");
	if (t->n == SQ_TRACE_MAX)
		return fail(t, err, "more than 10000000 times; cut the file");
	t->v = sq_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = ns;
	return 0;
}

/* What stands on a line before a comment, without space around it. */
static char *strip(char *line)
{
	static const char space[] = " \t\r\n";
	size_t len;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, space);
	for (len = strlen(line); len && strchr(space, line[len - 1]); len--)
		line[len - 1] = '\0';
	return line;
}

static int read_lines(struct trace *t, FILE *file, struct sq_err *err)
{
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	while (rc == 0 && getline(&line, &size, file) != -1) {
		const char *word = strip(line);

		t->line++;
		if (*word)
			rc = add_time(t, word, err);
	}
	free(line);
	if (rc == 0 && ferror(file))
		rc = sq_err_set(err, -EIO, t->path, "cannot read it");
	if (rc == 0 && t->n == 0)
		rc = sq_err_set(err, -EINVAL, t->path,
				"no times stand in it; write one a line, in seconds");
	return rc;
}

int sq_trace_read(const char *path, int64_t **ret_at_ns, size_t *ret_n, struct sq_err *err)
{
	struct trace t = { .path = path };
	FILE *file = fopen(path, "re");
	int rc;

	if (!file)
		return sq_err_set(err, -errno, path, "cannot open it: %s", strerror(errno));
	rc = read_lines(&t, file, err);
	fclose(file);
	if (rc < 0) {
		free(t.v);
		return rc;
	}
	*ret_at_ns = t.v;
	*ret_n = t.n;
	return 0;
}

size_t sq_trace_play(int64_t *at_ns, size_t n, double speed, int64_t duration_ns)
{
	size_t due = 0;

	for (; due < n; due++) {
		long double ns = (long double)at_ns[due] / (long double)speed;

		if (ns >= (long double)duration_ns)
			break;
		at_ns[due] = (int64_t)ns;
	}
	return due;
}
