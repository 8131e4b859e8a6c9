/* What /proc says of a process.
 *
 * What a reader would get wrong:
 * - A name may hold spaces and parentheses; what follows it begins behind the last ')'.
 * - /proc/PID/status counts the context switches of the first thread alone, so all are added up;
 *   what a thread had that has ended is gone from the sum.
 * - The folder fd has the number of descriptors for its size from Linux 6.2 on.  Listing it takes
 *   the process's lock for each descriptor, which at 20,000 of them disturbs what is measured. */
#include "analyzers/kernel/process.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { TEXT_SIZE = 8192 };

int sq_process_open(struct sq_process *p, int proc, pid_t pid)
{
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "%d", (int)pid);
	*p = (struct sq_process){ .pid = pid, .stat = -1, .fds = -1 };
	p->dir = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir != -1)
		p->stat = openat(p->dir, "stat", O_RDONLY | O_CLOEXEC);
	if (p->stat != -1)
		return 0;
	rc = -errno;
	sq_process_close(p);
	return rc;
}

void sq_process_close(struct sq_process *p)
{
	if (p->dir != -1)
		close(p->dir);
	if (p->stat != -1)
		close(p->stat);
	if (p->fds != -1)
		close(p->fds);
	p->dir = p->stat = p->fds = -1;
}

/* ---- the line of figures ---- */

static void copy_name(char *out, const char *name, size_t len)
{
	size_t n = 0;

	for (; n < len && n < SQ_PROCESS_NAME - 1; n++)
		out[n] = isgraph((unsigned char)name[n]) || name[n] == ' ' ? name[n] : '?';
	out[n] = '\0';
}

/* proc(5): which of the numbers behind the name and the state. */
enum {
	PARENT = 0,
	SESSION = 2,
	USER_TICKS = 10,
	SYSTEM_TICKS = 11,
	THREADS = 16,
	BEGAN_TICKS = 18,
	PAGES = 20,
	NUMBERS
};

bool sq_process_parse(const char *text, struct sq_process_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')'), *at;
	const uint64_t ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t v[NUMBERS];

	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return false;
	at = close + 3;
	for (size_t i = 0; i < NUMBERS; i++) {
		char *end;

		v[i] = strtoull(at, &end, 10);
		if (end == at)
			return false;
		at = end;
	}
	*ret = (struct sq_process_stat){
		.state = close[2],
		.parent = (pid_t)v[PARENT],
		.session = (pid_t)v[SESSION],
		.cpu_ms = (v[USER_TICKS] + v[SYSTEM_TICKS]) * 1000 / ticks_per_s,
		.began_ms = v[BEGAN_TICKS] * 1000 / ticks_per_s,
		.threads = v[THREADS],
		.rss_bytes = v[PAGES] * (uint64_t)sysconf(_SC_PAGESIZE),
	};
	copy_name(ret->name, open + 1, (size_t)(close - open) - 1);
	return true;
}

/* A whole short text into `text`; 0 or -errno. */
static int read_text(int fd, char text[TEXT_SIZE])
{
	ssize_t len = pread(fd, text, TEXT_SIZE - 1, 0);

	if (len == -1)
		return -errno;
	text[len] = '\0';
	return 0;
}

int sq_process_read(const struct sq_process *p, struct sq_process_stat *ret)
{
	char text[TEXT_SIZE];
	int rc = read_text(p->stat, text);

	if (rc == 0 && !sq_process_parse(text, ret))
		rc = -EBADMSG;
	if (rc == 0 && (ret->state == 'Z' || ret->state == 'X'))
		rc = -ESRCH;
	return rc;
}

static int read_file(int dir, const char *name, char text[TEXT_SIZE])
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), rc;

	if (fd == -1)
		return -errno;
	rc = read_text(fd, text);
	close(fd);
	return rc;
}

/* The word behind "NAME" of a text of lines; NULL when it has none. */
static const char *value_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? at + strlen(name) + strspn(at + strlen(name), " \t") : NULL;
}

/* ---- descriptors ---- */

DIR *sq_process_folder(const struct sq_process *p, const char *name)
{
	int fd = openat(p->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd == -1 ? NULL : fdopendir(fd);

	if (!folder && fd != -1)
		close(fd);
	return folder;
}

static int count_descriptors(const struct sq_process *p, uint64_t *ret)
{
	DIR *folder = sq_process_folder(p, "fd");
	const struct dirent *entry;
	uint64_t n = 0;

	if (!folder)
		return -errno;
	while ((entry = readdir(folder)))
		n += entry->d_name[0] != '.';
	closedir(folder);
	*ret = n;
	return 0;
}

/* Asked of the folder itself: the way to it costs more than its size. */
int sq_process_descriptors(struct sq_process *p, uint64_t *ret)
{
	struct stat st;

	if (p->fds == -1)
		p->fds = openat(p->dir, "fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->fds == -1 || fstat(p->fds, &st) == -1)
		return -errno;
	if (st.st_size == 0)
		return count_descriptors(p, ret);
	*ret = (uint64_t)st.st_size;
	return 0;
}

int sq_process_descriptor_limit(const struct sq_process *p, uint64_t *ret)
{
	char text[TEXT_SIZE];
	const char *value;
	int rc = read_file(p->dir, "limits", text);

	if (rc < 0)
		return rc;
	value = value_of(text, "Max open files");
	if (!value || !isdigit((unsigned char)*value))
		return -ENODATA;
	*ret = strtoull(value, NULL, 10);
	return 0;
}

/* ---- context switches ---- */

static int add_switches(int thread, uint64_t *voluntary, uint64_t *forced)
{
	char text[TEXT_SIZE];
	const char *v, *f;
	int rc = read_file(thread, "status", text);

	if (rc < 0)
		return rc;
	v = value_of(text, "\nvoluntary_ctxt_switches:");
	f = value_of(text, "\nnonvoluntary_ctxt_switches:");
	if (!v || !f)
		return -ENODATA;
	*voluntary += strtoull(v, NULL, 10);
	*forced += strtoull(f, NULL, 10);
	return 0;
}

int sq_process_switches(const struct sq_process *p, uint64_t *ret_voluntary, uint64_t *ret_forced)
{
	DIR *threads = sq_process_folder(p, "task");
	uint64_t voluntary = 0, forced = 0;
	const struct dirent *entry;
	int rc = 0;

	if (!threads)
		return -errno;
	while (rc == 0 && (entry = readdir(threads))) {
		int thread;

		if (entry->d_name[0] == '.')
			continue;
		thread = openat(dirfd(threads), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (thread == -1)
			continue; /* it ended meanwhile */
		rc = add_switches(thread, &voluntary, &forced);
		if (rc == -ESRCH || rc == -ENOENT)
			rc = 0;
		close(thread);
	}
	closedir(threads);
	if (rc == 0) {
		*ret_voluntary = voluntary;
		*ret_forced = forced;
	}
	return rc;
}

/* ---- which it is ---- */

static int64_t ns_of(const struct timespec *t)
{
	return t->tv_sec * SQ_SEC + t->tv_nsec;
}

pid_t sq_process_pidfile(const char *path, int64_t *ret_wall_ns)
{
	FILE *f = fopen(path, "re");
	char text[32] = "";
	struct stat st;
	long pid = 0;

	if (f && fgets(text, sizeof(text), f) && fstat(fileno(f), &st) == 0) {
		pid = strtol(text, NULL, 10);
		*ret_wall_ns = ns_of(&st.st_mtim);
	}
	if (f)
		fclose(f);
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

int64_t sq_process_age_ns(const struct sq_process_stat *s)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	return ns_of(&up) - (int64_t)s->began_ms * SQ_MS;
}

bool sq_process_began_by(int proc, pid_t pid, int64_t wall_ns)
{
	const int64_t blur_ns = 10 * SQ_MS; /* of both stamps: a process may write at once */
	struct sq_process process;
	struct sq_process_stat s;
	int rc = sq_process_open(&process, proc, pid);

	if (rc < 0)
		return false;
	rc = sq_process_read(&process, &s);
	sq_process_close(&process);
	return rc == 0 && sq_process_age_ns(&s) + blur_ns >= sq_wall_ns() - wall_ns;
}

/* ---- whose it is ---- */

static bool same_file(const struct sq_process *p, const char *name, const char *own)
{
	struct stat its, ours;

	return fstatat(p->dir, name, &its, 0) == 0 && stat(own, &ours) == 0 &&
	       its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

bool sq_process_same_network(const struct sq_process *p)
{
	return same_file(p, "ns/net", "/proc/thread-self/ns/net");
}

bool sq_process_same_numbers(const struct sq_process *p)
{
	return same_file(p, "ns/pid", "/proc/thread-self/ns/pid");
}

bool sq_process_same_program(const struct sq_process *p)
{
	return same_file(p, "exe", "/proc/self/exe");
}
