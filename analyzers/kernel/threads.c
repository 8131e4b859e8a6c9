/* What the scheduler says of a process's threads (/proc/PID/task/TID/schedstat).
 *
 * What a reader would get wrong:
 * - Processor time alone does not tell who has none left: a server that shares a processor with another
 *   program runs half of the time and waits for it in the other half.  Both together are what it wanted.
 * - A sum over threads tells nothing either: four threads at a quarter are one busy thread's sum.
 * - A thread that ends between its name and its file is no failure of the reading: a server with a thread for
 *   each connection has such a one in many.  A kernel without these files is.
 * - A wait is booked when it ends, so that who starves for a second shows it all at once. */
#include "analyzers/kernel/threads.h"

#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* To open a thread's file costs several times what reading it does: it is kept open while descriptors are few. */
enum { KEPT_BELOW = 128 };

static int open_account(const struct sq_process *p, pid_t id)
{
	char path[48];
	int fd, rc;

	snprintf(path, sizeof(path), "task/%d/schedstat", (int)id);
	fd = openat(p->dir, path, O_RDONLY | O_CLOEXEC);
	if (fd != -1)
		return fd;
	rc = -errno;
	path[strlen(path) - strlen("/schedstat")] = '\0';
	return rc == -ENOENT && faccessat(p->dir, path, F_OK, 0) == -1 ? -ESRCH : rc;
}

/* 0, -ESRCH when it has ended, or -errno. */
static int read_wanted(const struct sq_process *p, struct sq_thread *thread, uint64_t *ret)
{
	int fd = thread->fd != -1 ? thread->fd : open_account(p, thread->id);
	char text[96], *end;
	ssize_t len;

	if (fd < 0)
		return fd;
	len = pread(fd, text, sizeof(text) - 1, 0);
	if (fd < KEPT_BELOW)
		thread->fd = fd;
	else
		close(fd);
	if (len <= 0)
		return -ESRCH;
	text[len] = '\0';
	*ret = strtoull(text, &end, 10);
	*ret += strtoull(end, NULL, 10);
	return 0;
}

/* Adds to *most; one that is new begins here. */
static int read_thread(const struct sq_process *p, struct sq_thread *thread, uint64_t *most)
{
	uint64_t wanted = 0, rise;
	int rc = read_wanted(p, thread, &wanted);

	if (rc < 0)
		return rc;
	rise = thread->known && wanted > thread->wanted_ns ? wanted - thread->wanted_ns : 0;
	*most = rise > *most ? rise : *most;
	thread->known = thread->seen = true;
	thread->wanted_ns = wanted;
	return 0;
}

static struct sq_thread *thread_of(struct sq_threads *t, pid_t id)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].id == id)
			return &t->v[i];
	}
	t->v = sq_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n] = (struct sq_thread){ .id = id, .fd = -1 };
	return &t->v[t->n++];
}

static void forget_ended(struct sq_threads *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].seen)
			t->v[kept++] = t->v[i];
		else if (t->v[i].fd != -1)
			close(t->v[i].fd);
	}
	t->n = kept;
	for (size_t i = 0; i < t->n; i++)
		t->v[i].seen = false;
}

static int read_listed(struct sq_threads *t, const struct sq_process *p, uint64_t *most)
{
	DIR *folder = sq_process_folder(p, "task");
	const struct dirent *entry;
	int rc = 0;

	if (!folder)
		return -errno;
	while (rc == 0 && (entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		rc = read_thread(p, thread_of(t, (pid_t)strtol(entry->d_name, NULL, 10)), most);
		rc = rc == -ESRCH ? 0 : rc; /* it ended meanwhile */
	}
	closedir(folder);
	forget_ended(t);
	return rc;
}

/* Those of the last time, when they are all that there are: the folder has a link for each. */
static bool read_known(struct sq_threads *t, const struct sq_process *p, uint64_t *most)
{
	struct stat st;
	bool all = fstatat(p->dir, "task", &st, 0) == 0 && t->n > 0 && st.st_nlink == t->n + 2;

	for (size_t i = 0; all && i < t->n; i++)
		all = read_thread(p, &t->v[i], most) == 0;
	for (size_t i = 0; i < t->n; i++)
		t->v[i].seen = false;
	return all;
}

int sq_threads_read(struct sq_threads *t, const struct sq_process *p, bool counts)
{
	uint64_t most = 0;
	int rc = read_known(t, p, &most) ? 0 : read_listed(t, p, &most);

	t->busiest_ns += counts ? most : 0;
	return rc;
}

void sq_threads_fini(struct sq_threads *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].fd != -1)
			close(t->v[i].fd);
	}
	free(t->v);
	*t = (struct sq_threads){ 0 };
}
