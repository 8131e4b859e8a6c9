/* JSON lines, written whole.
 *
 * A record and its newline go out in one write(2) to a file in append mode, so that processes
 * which share it (the supervisor and the keeper) don't mix their lines, and a kill tears the last
 * line at most.  After a failed write nothing more is written: a hole in mid-file would look like
 * a quiet server. */
#include "results/spool.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Decimal fractions of up to 15 digits come back as they were written. */
enum { REAL_DIGITS = 15 };

struct sq_spool {
	int fd;
	bool borrowed;
	pthread_mutex_t lock; /* a pipe takes long lines in parts */
	char *where;
	_Atomic int failed; /* -errno of the first write that failed; capture has many threads */
};

/* DIR is known by descriptor only; its path is for people. */
static char *make_where(int dirfd, const char *name)
{
	char link[64], dir[4096];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	len = readlink(link, dir, sizeof(dir) - 1);
	if (len == -1)
		return sq_printf_dup("spool/%s.jsonl", name);
	dir[len] = '\0';
	return sq_printf_dup("%s/spool/%s.jsonl", dir, name);
}

static int set_write_error(struct sq_err *err, const char *where, int code)
{
	if (code == -ENOSPC || code == -EDQUOT)
		return sq_err_set(err, code, where,
				  "no space left; free some, or use --out on another file system");
	if (code == -EINVAL)
		return sq_err_set(err, code, where,
				  "a record that is no JSON (text that is not UTF-8?)");
	return sq_err_set(err, code, where, "cannot write it: %s; use --out on another file system",
			  strerror(-code));
}

static struct sq_spool *new_spool(int fd, char *where)
{
	struct sq_spool *s = sq_alloc(sizeof(*s));
	pthread_mutexattr_t inherit;

	s->fd = fd;
	s->where = where;
	pthread_mutexattr_init(&inherit);
	pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&s->lock, &inherit);
	pthread_mutexattr_destroy(&inherit);
	return s;
}

struct sq_spool *sq_spool_open(int dirfd, const char *name, struct sq_err *err)
{
	char *where = make_where(dirfd, name), *path = sq_printf_dup("spool/%s.jsonl", name);
	struct sq_spool *s = NULL;
	int fd = -1;

	if (mkdirat(dirfd, "spool", 0777) == 0 || errno == EEXIST)
		fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (fd == -1) {
		set_write_error(err, where, -errno);
		free(where);
	} else {
		s = new_spool(fd, where);
	}
	free(path);
	return s;
}

struct sq_spool *sq_spool_on(int fd, const char *where)
{
	struct sq_spool *s = new_spool(fd, sq_strdup(where));

	s->borrowed = true;
	return s;
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_whole(struct sq_spool *s, const char *text, size_t len)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = write_all(s->fd, text, len);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int write_record(struct sq_spool *s, const json_t *record)
{
	char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	size_t len;
	int rc;

	if (!text)
		return -EINVAL;
	len = strlen(text);
	text[len] = '\n'; /* in place of the NUL: from here on it is bytes */
	rc = write_whole(s, text, len + 1);
	free(text);
	return rc;
}

static int settle(struct sq_spool *s, int rc, struct sq_err *err)
{
	if (rc == 0)
		return 0;
	s->failed = rc;
	return set_write_error(err, s->where, rc);
}

int sq_spool_write(struct sq_spool *s, json_t *record, struct sq_err *err)
{
	int rc = s->failed;

	if (rc == 0)
		rc = write_record(s, record);
	json_decref(record);
	return settle(s, rc, err);
}

int sq_spool_write_lines(struct sq_spool *s, const char *lines, size_t len, struct sq_err *err)
{
	int rc = s->failed;

	if (rc == 0)
		rc = write_whole(s, lines, len);
	return settle(s, rc, err);
}

int sq_spool_close(struct sq_spool *s, struct sq_err *err)
{
	int rc;

	if (!s)
		return 0;
	rc = s->failed;
	if (!s->borrowed && close(s->fd) == -1 && rc == 0)
		rc = -errno;
	if (rc < 0)
		set_write_error(err, s->where, rc);
	pthread_mutex_destroy(&s->lock);
	free(s->where);
	free(s);
	return rc;
}

static json_t *parse_line(const char *line, size_t len)
{
	json_t *record;

	if (len == 0 || line[len - 1] != '\n')
		return NULL;
	record = json_loadb(line, len - 1, JSON_REJECT_DUPLICATES, NULL);
	if (record && json_is_string(json_object_get(record, "k")))
		return record;
	json_decref(record);
	return NULL;
}

static bool at_end(FILE *f)
{
	int c = getc(f);

	if (c != EOF)
		ungetc(c, f);
	return c == EOF;
}

struct reading {
	const char *path;
	int (*quick)(const char *line, size_t len, void *arg, struct sq_err *err);
	int (*each)(json_t *record, void *arg, struct sq_err *err);
	void *arg;
	unsigned long number; /* of the line */
};

static int take_line(const struct reading *r, FILE *f, const char *line, size_t len, int *ret_torn,
		     struct sq_err *err)
{
	int rc = r->quick ? r->quick(line, len, r->arg, err) : 0;
	json_t *record;

	if (rc != 0)
		return rc < 0 ? rc : 0;
	record = parse_line(line, len);
	if (record)
		rc = r->each(record, r->arg, err);
	else if (at_end(f))
		*ret_torn = 1;
	else
		rc = sq_err_set(err, -EINVAL, r->path,
				"line %lu is no record; the file is damaged, remove the line to "
				"read the rest",
				r->number);
	json_decref(record);
	return rc;
}

static int read_lines(struct reading *r, FILE *f, int *ret_torn, struct sq_err *err)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int rc = 0;

	while (rc == 0 && (len = getline(&line, &cap, f)) != -1) {
		r->number++;
		rc = take_line(r, f, line, (size_t)len, ret_torn, err);
	}
	if (rc == 0 && ferror(f))
		rc = sq_err_set(err, -EIO, r->path, "cannot read it");
	free(line);
	return rc;
}

int sq_spool_read_quick(const char *path,
			int (*quick)(const char *line, size_t len, void *arg, struct sq_err *err),
			int (*each)(json_t *record, void *arg, struct sq_err *err), void *arg,
			int *ret_torn, struct sq_err *err)
{
	struct reading r = { .path = path, .quick = quick, .each = each, .arg = arg };
	FILE *f = fopen(path, "re");
	int rc;

	*ret_torn = 0;
	if (!f)
		return sq_err_set(err, -errno, path, "cannot read it: %s; check the path",
				  strerror(errno));
	rc = read_lines(&r, f, ret_torn, err);
	fclose(f);
	return rc;
}

int sq_spool_read(const char *path, int (*each)(json_t *record, void *arg, struct sq_err *err),
		  void *arg, int *ret_torn, struct sq_err *err)
{
	return sq_spool_read_quick(path, NULL, each, arg, ret_torn, err);
}
