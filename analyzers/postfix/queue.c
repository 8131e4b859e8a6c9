/* Walks through Postfix's queue folders, which may be hashed: deferred/A/A2B3.
 *
 * What a reader would get wrong:
 * - A file in the queue incoming may be one that is still being received.
 * - A walk is no snapshot: files are renamed from one folder to another under it. */
#include "analyzers/postfix/queue.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 4 }; /* of hashed queue folders, below the queue's own: hash_queue_depth and some */

/* The first are counted. */
static const char *const queues[] = { "incoming", "active", "deferred", "hold" };
enum { QUEUES = sizeof(queues) / sizeof(queues[0]) };

struct walk {
	void (*each)(void *arg, const char *queue_id);
	void *arg;
};

int sq_postfix_queue_open(struct sq_postfix_queue *q, const char *path, struct sq_err *err)
{
	q->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (q->folder == -1)
		return sq_err_set(err, -errno, path, "%s; give Postfix's queue_directory",
				  strerror(errno));
	for (size_t i = 0; i < SQ_POSTFIX_QUEUES; i++)
		if (faccessat(q->folder, queues[i], R_OK | X_OK, AT_EACCESS) == -1)
			return sq_err_set(
				err, -errno, path,
				"%s: %s; counting its files takes root, or the user postfix",
				queues[i], strerror(errno));
	return 0;
}

void sq_postfix_queue_close(struct sq_postfix_queue *q)
{
	if (q->folder != -1)
		close(q->folder);
	q->folder = -1;
}

const char *sq_postfix_queue_name(unsigned i)
{
	return queues[i];
}

static unsigned char type_of(int folder, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return DT_UNKNOWN;
	return (unsigned char)IFTODT(st.st_mode);
}

/* All files below a folder.  0 or -errno. */
static int walk(int folder, const char *name, int depth, const struct walk *w)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int rc = 0;

	if (!dir) {
		rc = -errno;
		if (fd != -1)
			close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir))) {
		unsigned char type = type_of(fd, entry);

		if (type == DT_REG)
			w->each(w->arg, entry->d_name);
		if (type == DT_DIR && entry->d_name[0] != '.' && depth > 0)
			rc = walk(fd, entry->d_name, depth - 1, w);
		if (rc == -ENOENT) /* gone meanwhile */
			rc = 0;
	}
	closedir(dir);
	return rc;
}

static void count(void *arg, const char *queue_id)
{
	(void)queue_id;
	++*(uint64_t *)arg;
}

int sq_postfix_queue_count(const struct sq_postfix_queue *q, unsigned i, uint64_t *ret)
{
	const struct walk w = { count, ret };

	*ret = 0;
	return walk(q->folder, queues[i], DEPTH, &w);
}

int sq_postfix_queue_each(const struct sq_postfix_queue *q,
			  void (*each)(void *arg, const char *queue_id), void *arg)
{
	const struct walk w = { each, arg };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < QUEUES; i++) {
		rc = walk(q->folder, queues[i], DEPTH, &w);
		if (rc == -ENOENT && i >= SQ_POSTFIX_QUEUES) /* nothing was ever put on hold */
			rc = 0;
	}
	return rc;
}
