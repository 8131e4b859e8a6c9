/* Following a log across its rotation.
 *
 * What a reader would get wrong:
 * - A log is rotated by renaming it; its writer goes on in the old file until it is told to open the
 *   new one.  So the name is looked at before the rest is read: once a new file has the name, the
 *   old one is complete, and what it still has is read first.
 * - A file that has become shorter than what was read of it was emptied in place (copytruncate), and
 *   is read from its begin.  One that has grown beyond that by the next reading can't be told.
 * - A FIFO or a terminal would block: only regular files are followed. */
#include "analyzers/kernel/follow.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { HOLD = 64 * 1024, MOST = 4 * 1024 * 1024 };

struct taker {
	void (*each)(void *arg, const char *text, size_t len);
	void *arg;
};

static int open_file(struct sq_follow *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	f->fd = fd;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	f->at = 0;
	return 0;
}

int sq_follow_open(struct sq_follow *f, const char *path, struct sq_err *err)
{
	int rc;

	*f = (struct sq_follow){ .path = path, .fd = -1 };
	rc = open_file(f);
	if (rc == -EINVAL)
		return sq_err_set(err, rc, path,
				  "this is no regular file; give the log's own path");
	if (rc < 0)
		return sq_err_set(err, rc, path, "%s", strerror(-rc));
	f->at = lseek(f->fd, 0, SEEK_END);
	f->text = sq_alloc(HOLD);
	return 0;
}

/* The lines of text[0, len), of which the last may be a begin: that is kept. */
static void take_lines(struct sq_follow *f, size_t len, const struct taker *taker)
{
	const char *p = f->text, *end = f->text + len, *newline;

	while ((newline = memchr(p, '\n', (size_t)(end - p)))) {
		if (!f->in_long)
			taker->each(taker->arg, p, (size_t)(newline - p));
		f->in_long = false;
		p = newline + 1;
	}
	f->held = (size_t)(end - p);
	if (f->held == HOLD) {
		f->lost += !f->in_long;
		f->in_long = true;
	}
	if (f->in_long)
		f->held = 0;
	memmove(f->text, p, f->held);
}

/* The line whose begin is held will not be ended. */
static void forget_begin(struct sq_follow *f)
{
	f->lost += f->held > 0;
	f->held = 0;
	f->in_long = false;
}

/* 1: to its end; 0: there is more; or -errno. */
static int read_rest(struct sq_follow *f, const struct taker *taker)
{
	struct stat st;

	if (fstat(f->fd, &st) == -1)
		return -errno;
	if (st.st_size < f->at) {
		forget_begin(f);
		f->at = 0;
	}
	for (size_t total = 0; total < MOST;) {
		ssize_t got = pread(f->fd, f->text + f->held, HOLD - f->held, f->at);

		if (got == -1)
			return -errno;
		if (got == 0)
			return 1;
		f->at += got;
		total += (size_t)got;
		take_lines(f, f->held + (size_t)got, taker);
	}
	return 0;
}

int sq_follow_read(struct sq_follow *f, void (*each)(void *arg, const char *text, size_t len),
		   void *arg)
{
	const struct taker taker = { each, arg };
	struct stat st;
	bool there = stat(f->path, &st) == 0;
	int rc;

	if (f->fd != -1) {
		rc = read_rest(f, &taker);
		if (rc <= 0 || !there || (st.st_dev == f->device && st.st_ino == f->inode))
			return rc < 0 ? rc : 0;
		forget_begin(f);
		close(f->fd);
		f->fd = -1;
	}
	rc = open_file(f);
	if (rc == 0)
		rc = read_rest(f, &taker);
	return rc < 0 ? rc : 0;
}

void sq_follow_close(struct sq_follow *f)
{
	if (f->fd != -1)
		close(f->fd);
	free(f->text);
	*f = (struct sq_follow){ .fd = -1 };
}
