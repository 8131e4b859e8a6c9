/* The journal is a file of JSON lines, one a change: {"key", "before", "wrote", "pid"}.
 *
 * What a reader would get wrong: a line that is not whole is no damage.  Its writer was killed
 * before the line was on the disk, and so before it wrote the setting.  The lock's file is never
 * removed: whoever waits for it would else hold the lock of a file that nobody finds. */
#include "base/sysctl_journal.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sysctl.h"
#include "base/value.h"

struct sq_journal {
	json_t *changes; /* in the order in which they were made */
	int dir, lock, file;
	sq_journal_told *told;
	void *arg;
};

static const char journal_name[] = "sysctl.journal", lock_name[] = "sysctl.lock";

#define LOOK_EVERY_NS (50 * SQ_MS)

/* A Ctrl-C between two writes would leave half of them. */
static void signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, before);
}

static void signals_let(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

static int open_dir(const char *dir, struct sq_err *err)
{
	int fd;

	if (mkdir(dir, 0755) == -1 && errno != EEXIST)
		return sq_err_set(err, -errno, dir,
				  "cannot make the folder of the journal of changed settings: %s; "
				  "run as root",
				  strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return sq_err_set(err, -errno, dir, "%s", strerror(errno));
	return fd;
}

static int fail_busy(int lock, const char *dir, struct sq_err *err)
{
	char pid[32] = "";
	ssize_t len = pread(lock, pid, sizeof(pid) - 1, 0);

	pid[len > 0 ? len : 0] = '\0';
	return sq_err_set(err, -EBUSY, dir,
			  "another run changes settings of this machine (process %s); wait for it "
			  "to end",
			  *pid ? pid : "unknown");
}

static int take_lock(struct sq_journal *j, const char *dir, int64_t wait_ns, struct sq_err *err)
{
	int64_t until_ns = sq_now_ns() + wait_ns;
	char pid[32];
	int len = snprintf(pid, sizeof(pid), "%ld", (long)getpid());

	j->lock = openat(j->dir, lock_name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (j->lock == -1)
		return sq_err_set(err, -errno, dir, "cannot make %s: %s; run as root", lock_name,
				  strerror(errno));
	while (flock(j->lock, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return sq_err_set(err, -errno, dir, "%s: %s", lock_name, strerror(errno));
		if (sq_now_ns() >= until_ns)
			return fail_busy(j->lock, dir, err);
		sq_sleep_until(sq_now_ns() + LOOK_EVERY_NS);
	}
	if (ftruncate(j->lock, 0) == -1 || pwrite(j->lock, pid, (size_t)len, 0) != len)
		return sq_err_set(err, -EIO, dir, "cannot write %s", lock_name);
	return 0;
}

/* What a killed run left, if anything. */
static void read_changes(struct sq_journal *j)
{
	FILE *f = fdopen(dup(j->file), "re");
	char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) != -1) {
		json_t *change = json_loads(line, 0, NULL);
		const char *key, *before;

		if (json_unpack(change, "{s:s, s:s}", "key", &key, "before", &before) == 0)
			json_array_append(j->changes, change);
		json_decref(change);
	}
	free(line);
	if (f)
		fclose(f);
}

/* On the disk before the setting is touched. */
static int append_change(struct sq_journal *j, const json_t *change)
{
	char *text = json_dumps(change, JSON_COMPACT);
	char *line = sq_printf_dup("%s\n", text);
	size_t len = strlen(line);
	bool whole = write(j->file, line, len) == (ssize_t)len && fsync(j->file) == 0 &&
		     fsync(j->dir) == 0;

	free(text);
	free(line);
	return whole ? 0 : -EIO;
}

static int set_back(struct sq_journal *j, const json_t *change, struct sq_err *err)
{
	const char *key = json_string_value(json_object_get(change, "key"));
	const char *before = json_string_value(json_object_get(change, "before"));
	char now[SQ_SYSCTL_VALUE], found[SQ_SYSCTL_VALUE];
	int rc = sq_sysctl_read(key, now, sizeof(now));

	if (rc == 0 && strcmp(now, before) == 0)
		return 0;
	if (rc == 0)
		rc = sq_sysctl_write(key, before);
	if (rc == 0)
		rc = sq_sysctl_read(key, found, sizeof(found));
	if (rc == 0 && strcmp(found, before) != 0)
		rc = -ERANGE;
	if (rc < 0)
		return sq_err_set(err, rc, key,
				  "cannot be set back to %s: %s; do it by hand (sysctl -w), then: "
				  "squall restore",
				  before, strerror(-rc));
	if (j->told)
		j->told(j->arg, key, now, before);
	return 0;
}

/* The last change first; all of them, whatever becomes of one.  A journal in which nothing is left
 * is emptied. */
static int set_all_back(struct sq_journal *j, struct sq_err *err)
{
	sigset_t before;
	int rc = 0;

	signals_hold(&before);
	for (size_t i = json_array_size(j->changes); i > 0; i--) {
		int one = set_back(j, json_array_get(j->changes, i - 1), rc < 0 ? NULL : err);

		rc = rc < 0 ? rc : one;
	}
	if (rc == 0 && (ftruncate(j->file, 0) == -1 || fsync(j->file) == -1))
		rc = sq_err_set(err, -errno, journal_name, "%s", strerror(errno));
	if (rc == 0)
		json_array_clear(j->changes);
	signals_let(&before);
	return rc;
}

static struct sq_journal *journal_free(struct sq_journal *j)
{
	if (j->file != -1)
		close(j->file);
	if (j->lock != -1)
		close(j->lock);
	if (j->dir != -1)
		close(j->dir);
	json_decref(j->changes);
	free(j);
	return NULL;
}

static int journal_begin(struct sq_journal *j, const char *dir, int64_t wait_ns, struct sq_err *err)
{
	int rc = open_dir(dir, err);

	if (rc < 0)
		return rc;
	j->dir = rc;
	rc = take_lock(j, dir, wait_ns, err);
	if (rc < 0)
		return rc;
	j->file = openat(j->dir, journal_name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (j->file == -1)
		return sq_err_set(err, -errno, dir, "cannot make %s: %s", journal_name,
				  strerror(errno));
	read_changes(j);
	return set_all_back(j, err);
}

struct sq_journal *sq_journal_open(const char *dir, int64_t wait_ns, sq_journal_told *told,
				   void *arg, struct sq_err *err)
{
	struct sq_journal *j = sq_alloc(sizeof(*j));

	*j = (struct sq_journal){
		.changes = json_array(), .dir = -1, .lock = -1, .file = -1, .told = told, .arg = arg
	};
	if (journal_begin(j, dir, wait_ns, err) < 0)
		return journal_free(j);
	j->told = NULL; /* its own changes are no news */
	return j;
}

static int write_and_check(const char *key, const char *value, struct sq_err *err)
{
	char wanted[SQ_SYSCTL_VALUE], found[SQ_SYSCTL_VALUE];
	int rc = sq_sysctl_write(key, value);

	if (rc == 0)
		rc = sq_sysctl_read(key, found, sizeof(found));
	if (rc < 0)
		return sq_err_set(
			err, rc, key, "wrote %s, kernel says %s%s", value, strerror(-rc),
			rc == -EACCES || rc == -EPERM ? "; run as root"
			: rc == -EROFS ? "; /proc/sys is read-only, as in containers: run outside"
				       : "; correct the value");
	snprintf(wanted, sizeof(wanted), "%s", value);
	sq_text_squeeze(wanted);
	if (strcmp(wanted, found) == 0)
		return 0;
	return sq_err_set(err, -ERANGE, key,
			  "wrote %s, kernel says %s: it has bounds; correct the value", wanted,
			  found);
}

int sq_journal_set(struct sq_journal *j, const char *key, const char *value, struct sq_err *err)
{
	char before[SQ_SYSCTL_VALUE];
	json_t *change;
	sigset_t mask;
	int rc = sq_sysctl_read(key, before, sizeof(before));

	if (rc < 0)
		return sq_err_set(err, rc, key,
				  "%s; it is misspelt, or its module is not loaded, or this is no "
				  "machine's first network namespace",
				  strerror(-rc));
	change = json_pack("{s:s, s:s, s:s, s:I}", "key", key, "before", before, "wrote", value,
			   "pid", (json_int_t)getpid());
	signals_hold(&mask);
	rc = append_change(j, change);
	if (rc < 0)
		rc = sq_err_set(err, rc, journal_name, "cannot be written; free space on its disk");
	else
		json_array_append(j->changes, change);
	if (rc == 0)
		rc = write_and_check(key, value, err);
	signals_let(&mask);
	json_decref(change);
	return rc;
}

int sq_journal_close(struct sq_journal *j, struct sq_err *err)
{
	int rc;

	if (!j)
		return 0;
	rc = set_all_back(j, err);
	journal_free(j);
	return rc;
}
