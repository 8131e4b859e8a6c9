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

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static int read_wanted(int folder, const char *id, uint64_t *ret)
{
	char path[32], text[96], *end;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%.16s/schedstat", id);
	fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		int rc = -errno;

		return rc == -ENOENT && faccessat(folder, id, F_OK, 0) == -1 ? -ESRCH : rc;
	}
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -ESRCH;
	text[len] = '\0';
	*ret = strtoull(text, &end, 10);
	*ret += strtoull(end, NULL, 10);
	return 0;
}

/* By what it rose; one that is new begins here. */
static uint64_t rise_of(struct sq_threads *t, pid_t id, uint64_t wanted_ns)
{
	uint64_t rise;

	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].id != id)
			continue;
		rise = wanted_ns > t->v[i].wanted_ns ? wanted_ns - t->v[i].wanted_ns : 0;
		t->v[i] = (struct sq_thread){ id, true, wanted_ns };
		return rise;
	}
	t->v = sq_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = (struct sq_thread){ id, true, wanted_ns };
	return 0;
}

static void forget_ended(struct sq_threads *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].seen)
			t->v[kept++] = t->v[i];
	}
	t->n = kept;
	for (size_t i = 0; i < t->n; i++)
		t->v[i].seen = false;
}

int sq_threads_read(struct sq_threads *t, const struct sq_process *p, bool counts)
{
	DIR *folder = sq_process_folder(p, "task");
	const struct dirent *entry;
	uint64_t most = 0;
	int rc = 0;

	if (!folder)
		return -errno;
	while (rc == 0 && (entry = readdir(folder))) {
		uint64_t wanted = 0, rise;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		rc = read_wanted(dirfd(folder), entry->d_name, &wanted);
		if (rc == -ESRCH) { /* it ended meanwhile */
			rc = 0;
			continue;
		}
		rise = rc == 0 ? rise_of(t, (pid_t)strtol(entry->d_name, NULL, 10), wanted) : 0;
		most = rise > most ? rise : most;
	}
	closedir(folder);
	forget_ended(t);
	t->busiest_ns += counts ? most : 0;
	return rc;
}

void sq_threads_fini(struct sq_threads *t)
{
	free(t->v);
	*t = (struct sq_threads){ 0 };
}
