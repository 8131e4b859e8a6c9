/* Reading and writing whole documents.  jansson says where a text stopped making sense, but for a
 * duplicate key only "near": since the text is well-formed up to that key, a walk over its brackets
 * and strings gives the key's JSON pointer and its exact place. */
#include "base/json.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

/* Digits of a real number that are written: more than any measurement has, and 0.1 stays 0.1. */
enum { REAL_DIGITS = 12, TEMPORARY_NAMES = 100, READ_SIZE = 65536 };

/* One open object or array on the way to a place in the text. */
struct level {
	bool array;
	size_t index;    /* array: of the element */
	const char *key; /* object: the latest one, with its quotes */
	size_t key_len;
};

struct path {
	struct level *level;
	size_t n, cap;
};

static void path_push(struct path *p, bool array)
{
	p->level = sq_grow(p->level, p->n, &p->cap, sizeof(*p->level));
	p->level[p->n++] = (struct level){ .array = array };
}

/* The length of the string at s, its quotes included. */
static size_t string_len(const char *s, const char *end)
{
	const char *p = s + 1;

	while (p < end && *p != '"')
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return (size_t)((p < end ? p + 1 : end) - s);
}

/* Follows well-formed text up to end; what is open there is left in the path. */
static void path_walk(struct path *p, const char *text, const char *end)
{
	bool key_next = false;

	while (text < end) {
		struct level *top = p->n ? &p->level[p->n - 1] : NULL;
		size_t step = 1;

		if (*text == '{' || *text == '[') {
			path_push(p, *text == '[');
			key_next = *text == '{';
		} else if (!top) {
			text++;
			continue;
		} else if (*text == '}' || *text == ']') {
			p->n--;
		} else if (*text == ',') {
			top->index++;
			key_next = !top->array;
		} else if (*text == '"') {
			step = string_len(text, end);
			if (key_next) {
				top->key = text;
				top->key_len = step;
			}
			key_next = false;
		}
		text += step;
	}
}

static void add_token(struct sq_buf *out, const char *token)
{
	sq_buf_puts(out, "/");
	for (; *token; token++)
		if (*token == '~')
			sq_buf_puts(out, "~0");
		else if (*token == '/')
			sq_buf_puts(out, "~1");
		else
			sq_buf_add(out, token, 1);
}

static void add_level(struct sq_buf *out, const struct level *level)
{
	json_t *key;

	if (level->array) {
		sq_buf_printf(out, "/%zu", level->index);
		return;
	}
	key = json_loadb(level->key, level->key_len, JSON_DECODE_ANY, NULL);
	add_token(out, key ? json_string_value(key) : "?");
	json_decref(key);
}

/* Line and column, both from 1, the column in characters as editors count it. */
static void find_place(const char *text, const char *at, int *ret_line, int *ret_column)
{
	*ret_line = 1;
	*ret_column = 1;
	for (; text < at; text++) {
		if (*text == '\n') {
			++*ret_line;
			*ret_column = 1;
		} else if (((unsigned char)*text & 0xc0) != 0x80) {
			++*ret_column;
		}
	}
}

static void set_duplicate_error(const char *text, size_t len, const char *name,
				const json_error_t *error, struct sq_err *err)
{
	struct path path = { 0 };
	struct sq_buf where = { 0 };
	size_t position = error->position > 0 ? (size_t)error->position : 0;
	const struct level *last;
	int line, column;

	path_walk(&path, text, text + (position < len ? position : len));
	last = path.n ? &path.level[path.n - 1] : NULL;
	if (!last || !last->key) {
		sq_err_set(err, -EINVAL, name, "line %d: duplicate key; remove one", error->line);
	} else {
		sq_buf_printf(&where, "%s: ", name);
		for (size_t i = 0; i < path.n; i++)
			add_level(&where, &path.level[i]);
		find_place(text, last->key, &line, &column);
		sq_err_set(err, -EINVAL, where.data,
			   "duplicate key %.*s (line %d, column %d); remove one",
			   (int)last->key_len, last->key, line, column);
	}
	sq_buf_fini(&where);
	free(path.level);
}

json_t *sq_json_load_text(const char *text, size_t len, const char *name, struct sq_err *err)
{
	json_error_t error;
	json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (doc)
		return doc;
	if (json_error_code(&error) == json_error_duplicate_key)
		set_duplicate_error(text, len, name, &error, err);
	else if (len == 0)
		sq_err_set(err, -EINVAL, name, "it is empty; expected a JSON object");
	else
		sq_err_set(err, -EINVAL, name, "line %d, column %d: %s", error.line, error.column,
			   error.text);
	return NULL;
}

static int set_read_error(struct sq_err *err, const char *path, int code)
{
	const char *advice = "";

	if (code == -ENOENT)
		advice = "; check the path";
	else if (code == -EACCES)
		advice = "; make it readable for this user";
	else if (code == -EISDIR)
		advice = "; name a file in it";
	return sq_err_set(err, code, path, "cannot read it: %s%s", strerror(-code), advice);
}

static int read_all(int fd, struct sq_buf *out)
{
	char *chunk = sq_alloc(READ_SIZE);
	ssize_t n;

	do {
		n = read(fd, chunk, READ_SIZE);
		if (n > 0)
			sq_buf_add(out, chunk, (size_t)n);
	} while (n > 0 || (n == -1 && errno == EINTR));
	free(chunk);
	return n == -1 ? -errno : 0;
}

json_t *sq_json_load_file(const char *path, struct sq_err *err)
{
	struct sq_buf text = { 0 };
	json_t *doc = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd == -1) {
		set_read_error(err, path, -errno);
		return NULL;
	}
	rc = read_all(fd, &text);
	close(fd);
	if (rc < 0)
		set_read_error(err, path, rc);
	else
		doc = sq_json_load_text(text.data ? text.data : "", text.len, path, err);
	sq_buf_fini(&text);
	return doc;
}

static int write_all(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(fd, s, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

static int set_write_error(struct sq_err *err, const char *path, int code)
{
	if (code == -ENOSPC || code == -EDQUOT)
		return sq_err_set(err, code, path,
				  "no space left on its disk (%s), nothing was written; make "
				  "room or write elsewhere",
				  strerror(-code));
	if (code == -ENOENT)
		return sq_err_set(err, code, path, "its folder does not exist; make it first");
	return sq_err_set(err, code, path, "cannot write it: %s", strerror(-code));
}

/* A new file beside path; not mkstemp(3), whose files others may not read. */
static int open_temporary(const char *path, char **ret_name)
{
	for (int i = 0; i < TEMPORARY_NAMES; i++) {
		char *name = sq_printf_dup("%s.%ld-%d.tmp", path, (long)getpid(), i);
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		int code = fd == -1 ? -errno : 0;

		if (fd != -1) {
			*ret_name = name;
			return fd;
		}
		free(name);
		if (code != -EEXIST)
			return code;
	}
	return -EEXIST;
}

/* Text goes to a file beside path, which then takes its place. */
static int replace_file(const char *path, const char *text)
{
	char *name = NULL;
	int fd = open_temporary(path, &name), rc;

	if (fd < 0 || !name)
		return fd;
	rc = write_all(fd, text, strlen(text));
	if (rc == 0)
		rc = write_all(fd, "\n", 1);
	if (rc == 0 && fsync(fd) == -1)
		rc = -errno;
	if (close(fd) == -1 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(name, path) == -1)
		rc = -errno;
	if (rc < 0)
		unlink(name);
	free(name);
	return rc;
}

int sq_json_save(const json_t *doc, const char *path, struct sq_err *err)
{
	/* Through a symbolic link the file itself is replaced, and the link stays. */
	char *real = realpath(path, NULL);
	const char *target = real ? real : path;
	struct stat st;
	char *text = NULL;
	int rc = 0;

	if (stat(target, &st) == 0 && !S_ISREG(st.st_mode))
		rc = sq_err_set(err, -EINVAL, path, "it is no regular file; give another path");
	if (rc == 0) {
		text = json_dumps(doc, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS));
		rc = text ? replace_file(target, text) : -EINVAL;
		if (!text)
			sq_err_set(err, rc, path, "nothing that JSON can hold to write");
		else if (rc < 0)
			set_write_error(err, path, rc);
	}
	free(text);
	free(real);
	return rc;
}

/* Most are the names of counters, in which nothing needs an escape. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
			return false;
	return true;
}

int sq_json_quote(struct sq_buf *out, const char *text)
{
	json_t *string;
	char *quoted;

	if (is_plain(text)) {
		sq_buf_puts(out, "\"");
		sq_buf_puts(out, text);
		sq_buf_puts(out, "\"");
		return 0;
	}
	string = json_string(text);
	if (!string)
		return -EINVAL;
	quoted = json_dumps(string, JSON_ENCODE_ANY);
	sq_buf_puts(out, quoted);
	free(quoted);
	json_decref(string);
	return 0;
}

json_t *sq_json_real(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}
