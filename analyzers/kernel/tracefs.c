/* An instance of ftrace below /sys/kernel/tracing/instances, which nobody else's tracing sees.
 *
 * What a reader would get wrong:
 * - An instance outlives the process that made it.  So each is locked (flock) for as long as it is in
 *   use, and whoever opens one removes those of ours that nobody holds.  The folder of instances is
 *   locked meanwhile, so that none is taken for abandoned between its making and its lock.
 * - A killed process leaves no load: closing free_buffer, which its death does, stops the tracing
 *   and gives the ring back.
 * - Removing takes that no file of it is open but the folder. */
#include "analyzers/kernel/tracefs.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"

static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

static const char prefix[] = "squall-";

/* What can't be set is an older kernel's, and does no harm. */
static const char *const settings[][2] = {
	{ "buffer_size_kb", "2048" }, /* for each processor: some 40,000 drops */
	{ "options/context-info", "0" },
	{ "options/hash-ptr", "0" },
	{ "options/disable_on_free", "1" },
};

/* Makes the instance and locks it; 0 or -errno. */
static int make_instance(struct sq_tracefs *t, const char *root)
{
	char instances[64];
	int all, rc = 0;

	snprintf(instances, sizeof(instances), "%s/instances", root);
	all = sq_folder_lock(instances, LOCK_EX);
	if (all < 0)
		return all;
	sq_folders_remove(instances, prefix);
	snprintf(t->path, sizeof(t->path), "%s/%sXXXXXX", instances, prefix);
	if (!mkdtemp(t->path)) {
		rc = -errno;
		t->path[0] = '\0';
	} else {
		t->folder = sq_folder_lock(t->path, LOCK_EX);
		rc = t->folder < 0 ? t->folder : 0;
	}
	close(all);
	return rc;
}

static int begin(struct sq_tracefs *t, const char *event)
{
	char enable[128];

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		sq_file_write(t->folder, settings[i][0], settings[i][1]);
	t->buffer = openat(t->folder, "free_buffer", O_WRONLY | O_CLOEXEC);
	t->pipe = openat(t->folder, "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (t->pipe == -1)
		return -errno;
	snprintf(enable, sizeof(enable), "events/%s/enable", event);
	return sq_file_write(t->folder, enable, "1");
}

static int complain(int rc, const char *what, struct sq_err *err)
{
	if (rc == -EACCES || rc == -EPERM)
		return sq_err_set(err, -EACCES, what,
				  "tracing the kernel takes root, outside of "
				  "containers and user namespaces");
	return sq_err_set(err, rc, what, "%s", strerror(-rc));
}

int sq_tracefs_open(struct sq_tracefs *t, const char *event, struct sq_err *err)
{
	const char *root = NULL;
	char path[128];
	int rc;

	*t = (struct sq_tracefs){ .folder = -1, .buffer = -1, .pipe = -1 };
	for (size_t i = 0; !root && i < sizeof(roots) / sizeof(roots[0]); i++) {
		snprintf(path, sizeof(path), "%s/instances", roots[i]);
		if (access(path, F_OK) == 0 || errno == EACCES)
			root = roots[i];
	}
	if (!root)
		return sq_err_set(err, -ENOENT, roots[0],
				  "no tracefs is mounted; mount -t tracefs none %s", roots[0]);
	rc = make_instance(t, root);
	if (rc < 0) {
		complain(rc, root, err);
	} else {
		rc = begin(t, event);
		if (rc < 0)
			complain(rc, event, err);
	}
	if (rc < 0)
		sq_tracefs_close(t);
	return rc;
}

ssize_t sq_tracefs_read(const struct sq_tracefs *t, char *text, size_t size)
{
	ssize_t len = read(t->pipe, text, size - 1);

	if (len == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	text[len] = '\0';
	return len;
}

void sq_tracefs_close(struct sq_tracefs *t)
{
	if (t->pipe != -1)
		close(t->pipe);
	if (t->buffer != -1)
		close(t->buffer);
	if (t->folder >= 0)
		close(t->folder);
	if (t->path[0])
		rmdir(t->path);
	*t = (struct sq_tracefs){ .folder = -1, .buffer = -1, .pipe = -1 };
}
