/* Files and commands through a far shell, each tick's files in one round trip and by one process there:
 * cat FILE SEPARATOR FILE SEPARATOR ...
 *
 * What a reader would get wrong:
 * - The separator is itself a file, the kernel's boot_id: a line that is the same until the next boot
 *   and random enough to stand in no other file.  A cat for each file would cost the far machine 70
 *   processes a second instead of 10.
 * - A file that isn't there leaves nothing between two separators; files of /proc that are there are
 *   never empty.
 * - A machine without boot_id (no Linux) has each file read by itself. */
#include "analyzers/places/place_far.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/places/place_private.h"
#include "base/clock.h"
#include "base/mem.h"

#define ANSWER_LIMIT (3 * SQ_SEC)

static const char separator[] = "/proc/sys/kernel/random/boot_id";

struct sq_place *sq_place_new(struct sq_far *far)
{
	struct sq_place *p = sq_alloc(sizeof(*p));

	p->far = far;
	return p;
}

struct sq_place *sq_place_free(struct sq_place *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->n; i++) {
		free(p->files[i].path);
		sq_buf_fini(&p->files[i].text);
	}
	free(p->files);
	sq_buf_fini(&p->line);
	sq_buf_fini(&p->answer);
	free(p);
	return NULL;
}

struct sq_far_moment sq_place_when(const struct sq_place *p)
{
	return p->when;
}

static struct sq_place_file *file_of(struct sq_place *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->files[i].path, path) == 0)
			return &p->files[i];
	return NULL;
}

static int ask(struct sq_place *p, int *ret_status, int64_t limit_ns)
{
	return sq_far_ask(p->far, p->line.data, sq_now_ns() + limit_ns, &p->answer, ret_status,
			  &p->when);
}

static int read_one(struct sq_place *p, const char *path, struct sq_buf *out)
{
	int status, rc;

	sq_buf_reset(&p->line);
	sq_buf_puts(&p->line, "cat ");
	sq_far_quote(&p->line, path);
	sq_buf_puts(&p->line, " 2>/dev/null");
	rc = ask(p, &status, ANSWER_LIMIT);
	if (rc < 0)
		return rc;
	if (status != 0)
		return -ENOENT;
	sq_buf_reset(out);
	sq_buf_add(out, p->answer.data, p->answer.len);
	return 0;
}

static void remember(struct sq_place *p, const char *path)
{
	p->files = sq_grow(p->files, p->n, &p->cap, sizeof(*p->files));
	p->files[p->n++] = (struct sq_place_file){ .path = sq_strdup(path) };
}

int sq_place_far_read(struct sq_place *p, const char *path, struct sq_buf *out)
{
	struct sq_place_file *f = file_of(p, path);
	int rc;

	if (f && f->fresh) {
		f->fresh = false;
		sq_buf_reset(out);
		sq_buf_add(out, f->text.data, f->text.len);
		return f->rc;
	}
	rc = read_one(p, path, out);
	if (rc == 0 && !f)
		remember(p, path);
	return rc;
}

/* Whether files can be told apart in one answer. */
static int learn_mark(struct sq_place *p)
{
	struct sq_buf text = { 0 };
	int rc = read_one(p, separator, &text);
	bool good = rc == 0 && text.len == SQ_PLACE_MARK && text.data[SQ_PLACE_MARK - 1] == '\n';

	if (good)
		memcpy(p->mark, text.data, SQ_PLACE_MARK);
	if (rc == 0 || rc == -ENOENT)
		p->has_mark = good ? SQ_MARK_KNOWN : SQ_MARK_NONE;
	sq_buf_fini(&text);
	return rc == -ENOENT ? 0 : rc;
}

/* The part of the answer before the next separator; *text moves behind that.  -EBADMSG: there is none. */
static int take_part(struct sq_place *p, const char **text, struct sq_place_file *f)
{
	const char *end = strstr(*text, p->mark);

	if (!end)
		return -EBADMSG;
	sq_buf_reset(&f->text);
	sq_buf_add(&f->text, *text, (size_t)(end - *text));
	f->rc = end == *text ? -ENOENT : 0;
	f->fresh = true;
	*text = end + SQ_PLACE_MARK;
	return 0;
}

int sq_place_fetch(struct sq_place *p)
{
	const char *text;
	int rc = 0, status;

	if (!sq_far_is_open(p->far))
		rc = -EPIPE;
	else if (p->has_mark == SQ_MARK_UNASKED)
		rc = learn_mark(p);
	p->when = (struct sq_far_moment){ 0 };
	for (size_t i = 0; i < p->n; i++)
		p->files[i].fresh = false;
	if (rc < 0 || p->has_mark == SQ_MARK_NONE || p->n == 0)
		return rc;
	sq_buf_reset(&p->line);
	sq_buf_puts(&p->line, "cat");
	for (size_t i = 0; i < p->n; i++) {
		sq_buf_puts(&p->line, " ");
		sq_far_quote(&p->line, p->files[i].path);
		sq_buf_printf(&p->line, " %s", separator);
	}
	sq_buf_puts(&p->line, " 2>/dev/null");
	rc = ask(p, &status, ANSWER_LIMIT);
	text = p->answer.data;
	for (size_t i = 0; rc == 0 && i < p->n; i++)
		rc = take_part(p, &text, &p->files[i]);
	/* After a boot of its machine the separator is another one. */
	if (rc == -EBADMSG) {
		p->has_mark = SQ_MARK_UNASKED;
		sq_far_break(p->far, "its answer does not hold the files that were asked for");
	}
	return rc;
}

int sq_place_far_run(struct sq_place *p, const char *command_line, int64_t timeout_ns,
		     struct sq_buf *out, struct sq_err *err)
{
	int status, rc;

	/* A shell of its own: a quote that isn't closed must not swallow what comes next. */
	sq_buf_reset(&p->line);
	sq_buf_puts(&p->line, "sh -c ");
	sq_far_quote(&p->line, command_line);
	sq_buf_puts(&p->line, " </dev/null");
	rc = ask(p, &status, timeout_ns);
	if (rc < 0)
		return sq_err_set(err, rc, command_line, "%s", sq_far_why(p->far));
	if (status != 0)
		return sq_err_set(err, -EIO, command_line, "exit status %d%s%s", status,
				  *sq_far_complaint(p->far) ? ": " : "", sq_far_complaint(p->far));
	sq_buf_reset(out);
	sq_buf_add(out, p->answer.data, p->answer.len);
	return 0;
}
