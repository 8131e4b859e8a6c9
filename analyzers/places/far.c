/* A shell at the end of pipes.
 *
 * What a reader would get wrong:
 * - A shell may read ahead of the line that it is at (dash before 0.5.13 does), and what it has read is lost
 *   for the command on that line.  So nothing is sent before the last answer has come.
 * - The far end is not trusted: an answer or a line may be of any length, end anywhere, and never
 *   come.  All is bounded, and what exceeds the bounds closes the connection.
 * - An answer ends with a mark on a line of its own, with the exit status behind it; the mark is random, so
 *   that no file holds it by chance. */
#include "analyzers/places/far.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/places/spawn.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/value.h"
#include "scenarios/where.h"

enum {
	LARGEST = 16 * 1024 * 1024, /* an answer, or a line */
	CHUNK = 64 * 1024,
	COMPLAINT = 512,
	COMPLAINTS = 64, /* read in one go */
	SSH_BROKE = 255, /* ssh(1)'s status for an error of its own */
};

#define SEND_LIMIT (2 * SQ_SEC)
#define END_LIMIT  (300 * SQ_MS)

struct sq_far {
	const char *where;
	char **words; /* of its command, before those of where; NULL-terminated, or NULL */
	struct sq_spawned child; /* pid 0: closed */
	struct sq_buf in;        /* taken, and not handed out from `at` on */
	size_t at;
	int64_t took_ns;
	char mark[32], why[COMPLAINT + 64];
	char complaint[COMPLAINT]; /* the last of what it said on standard error */
};

struct sq_far *sq_far_new(const char *where)
{
	struct sq_far *f = sq_alloc(sizeof(*f));

	f->where = where;
	snprintf(f->mark, sizeof(f->mark), "squall-%016" PRIx64, sq_rng_fresh_seed());
	snprintf(f->why, sizeof(f->why), "not connected yet");
	return f;
}

struct sq_far *sq_far_free(struct sq_far *f)
{
	if (!f)
		return NULL;
	sq_far_close(f);
	sq_buf_fini(&f->in);
	sq_where_free(f->words);
	free(f);
	return NULL;
}

bool sq_far_is_open(const struct sq_far *f)
{
	return f->child.pid > 0;
}

const char *sq_far_why(const struct sq_far *f)
{
	return f->why;
}

void sq_far_set_why(struct sq_far *f, const char *why)
{
	snprintf(f->why, sizeof(f->why), "%s", why);
}

const char *sq_far_mark(const struct sq_far *f)
{
	return f->mark;
}

int sq_far_fd(const struct sq_far *f)
{
	return f->child.out;
}

int64_t sq_far_took_ns(const struct sq_far *f)
{
	return f->took_ns;
}

static size_t count_words(char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

void sq_far_set_words(struct sq_far *f, const char *const *words)
{
	size_t n = count_words((char *const *)words);

	sq_where_free(f->words);
	f->words = sq_alloc_n(n + 1, sizeof(*f->words));
	for (size_t i = 0; i < n; i++)
		f->words[i] = sq_strdup(words[i]);
}

/* The program, the further words, and the rest of what the place says. */
static int spawn(struct sq_far *f, char **argv, struct sq_err *err)
{
	size_t n = count_words(argv), n_words = count_words(f->words);
	char **all = sq_alloc_n(n + n_words + 1, sizeof(*all));
	int rc;

	all[0] = argv[0];
	for (size_t i = 0; i < n_words; i++)
		all[1 + i] = f->words[i];
	for (size_t i = 1; i < n; i++)
		all[n_words + i] = argv[i];
	rc = sq_spawn(all, &f->child, err);
	free(all);
	return rc;
}

int sq_far_open(struct sq_far *f, struct sq_err *err)
{
	char **argv;
	int rc = sq_where_argv(f->where, &argv, err);

	if (rc < 0)
		return rc;
	sq_buf_reset(&f->in);
	f->at = 0;
	f->took_ns = 0;
	f->complaint[0] = '\0';
	rc = spawn(f, argv, err);
	sq_where_free(argv);
	return rc;
}

/* Keeps the end of what came on standard error, which must be emptied all the time. */
static void hear_complaint(struct sq_far *f)
{
	char text[COMPLAINT];
	ssize_t got;

	/* One that never stops is heard again with the next lines. */
	for (int i = 0; i < COMPLAINTS && sq_far_is_open(f) &&
			(got = read(f->child.err, text, sizeof(text) - 1)) > 0;
	     i++) {
		text[got] = '\0';
		sq_text_squeeze(text);
		if (*text)
			snprintf(f->complaint, sizeof(f->complaint), "%s", text);
	}
}

/* The texts of strangers go into JSON. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

const char *sq_far_complaint(struct sq_far *f)
{
	hear_complaint(f);
	make_plain(f->complaint);
	return f->complaint;
}

void sq_far_break(struct sq_far *f, const char *why)
{
	if (!sq_far_is_open(f))
		return;
	hear_complaint(f);
	sq_spawn_end(&f->child, 0);
	snprintf(f->why, sizeof(f->why), "%s%s%s", why, *f->complaint ? ": " : "", f->complaint);
	make_plain(f->why);
}

void sq_far_close(struct sq_far *f)
{
	size_t len;
	int status;

	if (!sq_far_is_open(f))
		return;
	hear_complaint(f);
	status = sq_spawn_end(&f->child, END_LIMIT);
	if (*f->complaint)
		snprintf(f->why, sizeof(f->why), "%s", f->complaint);
	else if (status == SSH_BROKE && sq_where_host(f->where, &len))
		snprintf(f->why, sizeof(f->why), "the ssh connection broke");
	else if (status > 128)
		snprintf(f->why, sizeof(f->why), "the command was killed by signal %d",
			 status - 128);
	else
		snprintf(f->why, sizeof(f->why), "the command ended with status %d", status);
	make_plain(f->why);
}

int sq_far_send(struct sq_far *f, const char *text)
{
	int64_t until_ns = sq_now_ns() + SEND_LIMIT;
	size_t len = strlen(text);

	while (len && sq_far_is_open(f)) {
		struct pollfd p = { .fd = f->child.in, .events = POLLOUT };
		ssize_t n = write(f->child.in, text, len);

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN && sq_now_ns() < until_ns) {
			poll(&p, 1, 100);
		} else if (errno == EAGAIN) {
			sq_far_break(f, "it does not read what is sent to it");
		} else if (errno != EINTR) {
			sq_far_close(f);
		}
	}
	return len ? -EPIPE : 0;
}

/* Makes room by dropping what was handed out. */
static void compact(struct sq_far *f)
{
	if (!f->at)
		return;
	memmove(f->in.data, f->in.data + f->at, f->in.len - f->at + 1);
	f->in.len -= f->at;
	f->at = 0;
}

int sq_far_take(struct sq_far *f)
{
	char text[CHUNK];
	ssize_t got;

	if (!sq_far_is_open(f))
		return -EPIPE;
	compact(f);
	hear_complaint(f);
	got = read(f->child.out, text, sizeof(text));
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		sq_far_close(f);
		return -EPIPE;
	}
	f->took_ns = sq_now_ns();
	sq_buf_add(&f->in, text, (size_t)got);
	if (f->in.len <= LARGEST)
		return 0;
	sq_far_break(f, "it said more than can be an answer");
	return -EFBIG;
}

char *sq_far_line(struct sq_far *f, size_t *ret_len)
{
	char *line = f->in.data ? f->in.data + f->at : NULL, *end;

	end = line ? memchr(line, '\n', f->in.len - f->at) : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	*ret_len = (size_t)(end - line);
	f->at += *ret_len + 1;
	return line;
}

/* Until something was taken. 0, -ETIMEDOUT, or -errno: it is closed. */
static int wait_more(struct sq_far *f, int64_t until_ns)
{
	struct pollfd p[2] = { { .fd = f->child.out, .events = POLLIN },
			       { .fd = f->child.err, .events = POLLIN } };
	int64_t left_ns = until_ns - sq_now_ns();

	if (!sq_far_is_open(f))
		return -EPIPE;
	if (left_ns <= 0)
		return -ETIMEDOUT;
	if (poll(p, 2, (int)(left_ns / SQ_MS) + 1) == -1 && errno != EINTR)
		return -errno;
	if (p[1].revents & POLLIN)
		hear_complaint(f);
	return p[0].revents ? sq_far_take(f) : 0;
}

char *sq_far_wait_line(struct sq_far *f, int64_t until_ns, size_t *ret_len)
{
	char *line;

	while (!(line = sq_far_line(f, ret_len)))
		if (wait_more(f, until_ns) < 0)
			return NULL;
	return line;
}

bool sq_far_is_mark(const struct sq_far *f, const char *line, int *ret_status)
{
	size_t len = strlen(f->mark);

	if (strncmp(line, f->mark, len) != 0 || line[len] != ' ')
		return false;
	*ret_status = (int)strtol(line + len + 1, NULL, 10);
	return true;
}

/* The end of the answer in what was taken: where "\nMARK STATUS\n" begins, searched from *from on. */
static const char *find_mark(const struct sq_far *f, size_t *from, int *ret_status)
{
	char needle[sizeof(f->mark) + 2];
	const char *found;

	snprintf(needle, sizeof(needle), "\n%s ", f->mark);
	found = f->in.len > *from
			? memmem(f->in.data + *from, f->in.len - *from, needle, strlen(needle))
			: NULL;
	if (!found) {
		/* It may have come in part. */
		*from = f->in.len > strlen(needle) ? f->in.len - strlen(needle) : 0;
		return NULL;
	}
	*from = (size_t)(found - f->in.data);
	if (!memchr(found + 1, '\n', f->in.len - *from - 1))
		return NULL;
	sq_far_is_mark(f, found + 1, ret_status);
	return found;
}

static int send_question(struct sq_far *f, const char *line)
{
	char *text = sq_printf_dup("%s; printf '\\n%%s %%d\\n' %s $?\n", line, f->mark);
	int rc = sq_far_send(f, text);

	free(text);
	return rc;
}

int sq_far_ask(struct sq_far *f, const char *line, int64_t until_ns, struct sq_buf *out,
	       int *ret_status, struct sq_far_moment *ret_when)
{
	int64_t sent_ns = sq_now_ns();
	const char *end = NULL;
	size_t from = 0;
	int rc;

	/* Whatever came unasked. */
	sq_buf_reset(&f->in);
	f->at = 0;
	/* Of earlier commands; before the first answer it tells why there is none. */
	hear_complaint(f);
	if (f->took_ns)
		f->complaint[0] = '\0';
	rc = send_question(f, line);
	while (rc == 0 && !(end = find_mark(f, &from, ret_status)))
		rc = wait_more(f, until_ns);
	if (rc == -ETIMEDOUT)
		sq_far_break(f, "it did not answer in time");
	if (!end)
		return rc;
	sq_buf_reset(out);
	sq_buf_add(out, f->in.data, (size_t)(end - f->in.data));
	ret_when->half_ns = (f->took_ns - sent_ns + 1) / 2;
	ret_when->at_ns = f->took_ns - ret_when->half_ns;
	return 0;
}

void sq_far_quote(struct sq_buf *line, const char *text)
{
	sq_buf_puts(line, "'");
	for (; *text; text++)
		if (*text == '\'')
			sq_buf_puts(line, "'\\''");
		else
			sq_buf_add(line, text, 1);
	sq_buf_puts(line, "'");
}
