/* Files of /proc, kept open.  Reading at offset 0 makes the kernel write the text anew, and spares
 * the path look-up of open(2), which costs more than most of these texts.
 *
 * What a reader would get wrong: /proc/net and /proc/self/net show the namespace of the process's
 * main thread; only /proc/thread-self/net is the caller's.  An open descriptor stays in the
 * namespace that it was opened in.  And a large buffer doesn't always get a whole text: a file of
 * records (softnet_stat) comes as many records at a time as fit into a page, so reading ends only at 0, or
 * with so little that another record (they are lines of a kind) would have fitted beside it: most of
 * these texts are that short, and a reading of nothing costs half of one of something.  And not more is asked
 * for than is about there, since the files of /proc/sys take pages of the kernel for all that is. */
#include "analyzers/formats/procfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	FIRST_SIZE = 1024,
	SHORT = 1024, /* a quarter of a page */
	LARGEST = 64 * 1024 * 1024,
};

/* At a far place a first reading tells whether it is there, and the place remembers to fetch it. */
static int open_far(struct sq_procfile *f)
{
	struct sq_buf text = { 0 };
	int rc = sq_place_read(f->place, f->path, &text);

	sq_buf_fini(&text);
	return rc;
}

int sq_procfile_open(struct sq_procfile *f, struct sq_place *place, const char *path,
		     struct sq_err *err)
{
	int rc = 0;

	*f = (struct sq_procfile){ .place = place, .path = sq_strdup(path), .fd = -1 };
	if (sq_place_is_here(place)) {
		f->fd = open(path, O_RDONLY | O_CLOEXEC);
		rc = f->fd == -1 ? -errno : 0;
	} else {
		rc = open_far(f);
	}
	if (rc < 0) {
		sq_procfile_close(f);
		return sq_err_set(err, rc, path, "%s", strerror(-rc));
	}
	f->cap = f->cap_before = FIRST_SIZE;
	f->text = sq_alloc(f->cap);
	f->before = sq_alloc(f->cap_before);
	return 0;
}

static int read_far(struct sq_procfile *f)
{
	struct sq_buf text = { .data = f->text, .cap = f->cap };
	int rc = sq_place_read(f->place, f->path, &text);

	f->text = text.data;
	f->cap = text.cap;
	f->len = rc < 0 ? 0 : text.len;
	return rc;
}

static int read_here(struct sq_procfile *f)
{
	size_t room;
	ssize_t got;

	f->len = 0;
	do {
		if (2 * f->len + 1 >= f->cap) {
			if (f->cap >= LARGEST)
				return -EFBIG;
			f->cap *= 2;
			f->text = sq_realloc_n(f->text, f->cap, 1);
		}
		room = f->cap - 1 - f->len;
		got = pread(f->fd, f->text + f->len, room, (off_t)f->len);
		if (got == -1 && errno != EINTR)
			return -errno;
		if (got > 0)
			f->len += (size_t)got;
	} while (got != 0 && (got == -1 || (size_t)got == room || f->len > SHORT));
	f->text[f->len] = '\0';
	return 0;
}

static void turn(struct sq_procfile *f)
{
	char *text = f->text;
	size_t cap = f->cap;

	f->text = f->before;
	f->cap = f->cap_before;
	f->before = text;
	f->cap_before = cap;
	f->len_before = f->len;
}

int sq_procfile_read(struct sq_procfile *f)
{
	bool again = f->read;
	int rc;

	turn(f);
	rc = f->fd == -1 ? read_far(f) : read_here(f);
	f->read = rc == 0;
	f->same = again && rc == 0 && f->len == f->len_before &&
		  memcmp(f->text, f->before, f->len) == 0;
	return rc;
}

void sq_procfile_close(struct sq_procfile *f)
{
	if (f->path && f->fd != -1)
		close(f->fd);
	free(f->path);
	free(f->text);
	free(f->before);
	*f = (struct sq_procfile){ .fd = -1 };
}
