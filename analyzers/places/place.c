/* This machine as a place: files are read whole, commands run in a shell of their own.
 *
 * What a reader would get wrong: a command may write more to standard error than a pipe holds, and
 * would wait for ever if only its output were read.  And one that ends while a child of it still holds
 * the pipe has ended all the same only when the pipe has: the time limit is for both. */
#include "analyzers/places/place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/places/place_private.h"
#include "analyzers/places/spawn.h"
#include "base/clock.h"
#include "base/value.h"

enum {
	LARGEST = 64 * 1024 * 1024,
	COMPLAINT = 512, /* of what a command says on standard error: the end of it */
};

struct sq_place *sq_place_here(void)
{
	static struct sq_place here;

	return &here;
}

bool sq_place_is_here(const struct sq_place *p)
{
	return !p->far;
}

bool sq_place_is_open(const struct sq_place *p)
{
	return sq_place_is_here(p) || sq_far_is_open(p->far);
}

/* 1: there is more; 0: the end, or (EAGAIN) nothing now; or -errno. */
static int read_some(int fd, struct sq_buf *out)
{
	char text[16 * 1024];
	ssize_t got = read(fd, text, sizeof(text));

	if (got == -1)
		return errno == EINTR ? 1 : -errno;
	if (out->len + (size_t)got > LARGEST)
		return -EFBIG;
	sq_buf_add(out, text, (size_t)got);
	return got > 0;
}

int sq_place_read(struct sq_place *p, const char *path, struct sq_buf *out)
{
	int fd, rc;

	if (p->far)
		return sq_place_far_read(p, path, out);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	sq_buf_reset(out);
	while ((rc = read_some(fd, out)) > 0)
		;
	close(fd);
	return rc;
}

/* Until both pipes have ended. 0, -ETIMEDOUT or -errno. */
static int gather(struct sq_spawned *child, int64_t until_ns, struct sq_buf *out,
		  struct sq_buf *complaint)
{
	struct pollfd fds[2] = { { .fd = child->out, .events = POLLIN },
				 { .fd = child->err, .events = POLLIN } };
	struct sq_buf *const into[2] = { out, complaint };

	while (fds[0].fd != -1 || fds[1].fd != -1) {
		int64_t left_ns = until_ns - sq_now_ns();

		if (left_ns <= 0)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)(left_ns / SQ_MS) + 1) == -1 && errno != EINTR)
			return -errno;
		for (int i = 0; i < 2; i++) {
			int rc = fds[i].fd != -1 && fds[i].revents ? read_some(fds[i].fd, into[i])
								   : 1;

			if (rc == 0)
				fds[i].fd = -1;
			else if (rc < 0 && rc != -EAGAIN)
				return rc;
		}
	}
	return 0;
}

int sq_place_run(struct sq_place *p, const char *command_line, int64_t timeout_ns,
		 struct sq_buf *out, struct sq_err *err)
{
	char *const argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, (char *)command_line,
			       NULL };
	struct sq_buf complaint = { 0 };
	struct sq_spawned child;
	int rc, status;

	if (p->far)
		return sq_place_far_run(p, command_line, timeout_ns, out, err);
	sq_buf_reset(out);
	rc = sq_spawn(argv, &child, err);
	if (rc < 0)
		return rc;
	close(child.in); /* nobody types anything */
	child.in = -1;
	sq_buf_puts(&complaint, "");
	rc = gather(&child, sq_now_ns() + timeout_ns, out, &complaint);
	status = sq_spawn_end(&child, rc == 0 ? SQ_SEC / 5 : 0);
	sq_text_squeeze(complaint.data);
	/* The texts of strangers go into JSON. */
	for (char *c = complaint.data; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (rc == -ETIMEDOUT)
		sq_err_set(err, rc, command_line, "no end of it within %.1f s",
			   sq_seconds(timeout_ns));
	else if (rc < 0)
		sq_err_set(err, rc, command_line, "%s", strerror(-rc));
	else if (status != 0)
		rc = sq_err_set(err, -EIO, command_line, "exit status %d%s%.*s", status,
				*complaint.data ? ": " : "", COMPLAINT, complaint.data);
	sq_buf_fini(&complaint);
	return rc;
}
