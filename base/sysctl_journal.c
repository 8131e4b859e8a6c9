/* The journal is a file of JSON lines, one a change: {"place", "key", "before", "wrote", "pid"}, or one a command:
 * {"place", "run", "pid"}; without "place" it is of this machine.  {"ran": N} strikes out a command: change N,
 * from 0, of those above it that are not struck out yet.
 *
 * A command is run once, whatever becomes of it: one that fails for ever would keep all that come later from the
 * journal.  A setting stays, with all others, until the last of them is set back: what was set twice at a place that comes
 * and goes must go back through both.
 *
 * What a reader would get wrong: a line that is not whole is no damage.  Its writer was killed
 * before the line was on the disk, and so before it wrote the setting.  The lock's file is never
 * removed: whoever waits for it would else hold the lock of a file that nobody finds. */
#include "base/sysctl_journal.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <assert.h>
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
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/sysctl.h"
#include "base/value.h"

struct sq_journal {
	json_t *changes; /* in the order in which they were made */
	int dir, lock, file;
	struct sq_journal_hands hands;
	bool own; /* what is there are its own changes, which are no news */
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
		if (sq_interrupted())
			return sq_err_set(err, -EINTR, dir, "asked to end while waiting for it");
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
		const char *key, *before, *line_of_shell;
		json_int_t ran;

		if (json_unpack(change, "{s:s, s:s}", "key", &key, "before", &before) == 0 ||
		    json_unpack(change, "{s:s}", "run", &line_of_shell) == 0)
			json_array_append(j->changes, change);
		else if (json_unpack(change, "{s:I}", "ran", &ran) == 0)
			json_array_remove(j->changes, (size_t)ran);
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

static const char *text_of(const json_t *change, const char *key)
{
	return json_string_value(json_object_get(change, key));
}

/* ---- here, or at a place of the hands' ---- */

static int hand_read(const struct sq_journal *j, const char *place, const char *key,
		     char ret_value[SQ_SYSCTL_VALUE], struct sq_err *err)
{
	int rc;

	assert(!place || j->hands.read); /* check_hands() */
	if (place)
		return j->hands.read(j->hands.arg, place, key, ret_value, err);
	rc = sq_sysctl_read(key, ret_value, SQ_SYSCTL_VALUE);
	return rc < 0 ? sq_err_set(err, rc, key, "%s", strerror(-rc)) : 0;
}

static int hand_write(const struct sq_journal *j, const char *place, const char *key,
		      const char *value, struct sq_err *err)
{
	int rc;

	assert(!place || j->hands.write);
	if (place)
		return j->hands.write(j->hands.arg, place, key, value, err);
	rc = sq_sysctl_write(key, value);
	return rc < 0 ? sq_err_set(err, rc, key, "%s", strerror(-rc)) : 0;
}

/* A journal may hold what only another program's hands can carry out. */
static int check_hands(const struct sq_journal *j, const char *place, bool command,
		       struct sq_err *err)
{
	if (command ? !!j->hands.run : !place || j->hands.read)
		return 0;
	return sq_err_set(err, -ENOTSUP, journal_name, "try: squall restore");
}

/* ---- setting back ---- */

static int cannot_set_back(const struct sq_journal *j, const json_t *change,
			   const struct sq_err *because, struct sq_err *err)
{
	const char *place = text_of(change, "place");
	const char *before = text_of(change, "before");
	bool may_give_up = j->hands.give_up && !j->own;
	struct sq_err why = { 0 };

	sq_err_set(&why, because->code, text_of(change, "key"),
		   "cannot be set back to %s%s%s: %s%s", *before ? before : "nothing",
		   place ? " at " : "", place ? place : "", because->text,
		   may_give_up ? ""
			       : "; try again: squall restore, or leave it as it is: squall "
				 "restore --forget");
	if (may_give_up && j->hands.give_up(j->hands.arg, &why))
		return 0;
	if (err)
		*err = why;
	return because->code;
}

static int set_back(struct sq_journal *j, const json_t *change, struct sq_err *err)
{
	const char *place = text_of(change, "place"), *key = text_of(change, "key");
	const char *before = text_of(change, "before");
	char now[SQ_SYSCTL_VALUE], found[SQ_SYSCTL_VALUE];
	struct sq_err why = { 0 };
	int rc = check_hands(j, place, false, &why);

	if (rc == 0)
		rc = hand_read(j, place, key, now, &why);
	if (rc == 0 && strcmp(now, before) == 0)
		return 0;
	if (rc == 0)
		rc = hand_write(j, place, key, before, &why);
	if (rc == 0)
		rc = hand_read(j, place, key, found, &why);
	if (rc == 0 && strcmp(found, before) != 0)
		rc = sq_err_set(&why, -ERANGE, key, "the kernel says %s", found);
	if (rc < 0)
		return cannot_set_back(j, change, &why, err);
	if (j->hands.told && !j->own)
		j->hands.told(j->hands.arg, place, key, now, before);
	return 0;
}

static int run_back(struct sq_journal *j, const json_t *change, struct sq_err *err)
{
	const char *place = text_of(change, "place"), *line = text_of(change, "run");
	int rc = check_hands(j, place, true, err);

	if (rc < 0)
		return rc;
	assert(j->hands.run);
	rc = j->hands.run(j->hands.arg, place, line, err);
	if (rc == 0 && j->hands.told && !j->own)
		j->hands.told(j->hands.arg, place, line, NULL, NULL);
	return rc;
}

/* A command that was run, well or not.  (Where the disk takes no more, it may be run twice.) */
static void strike_out(struct sq_journal *j, size_t at)
{
	json_t *ran = json_pack("{s:I}", "ran", (json_int_t)at);

	append_change(j, ran);
	json_decref(ran);
	json_array_remove(j->changes, at);
}

/* -errno with err; *left stays as it is when the change is done with. */
static int undo_one(struct sq_journal *j, size_t at, bool *left, struct sq_err *err)
{
	const json_t *change = json_array_get(j->changes, at);
	int rc;

	if (text_of(change, "run")) {
		rc = run_back(j, change, err);
		if (rc == -ENOTSUP)
			*left = true;
		else
			strike_out(j, at);
		return rc;
	}
	rc = set_back(j, change, err);
	*left = *left || rc < 0;
	return rc;
}

/* The last change first; all of them, whatever becomes of one.  A journal in which nothing is left
 * is emptied. */
static int set_all_back(struct sq_journal *j, struct sq_err *err)
{
	bool left = false;
	sigset_t before;
	int rc = 0;

	signals_hold(&before);
	for (size_t i = json_array_size(j->changes); i > 0; i--) {
		int one = undo_one(j, i - 1, &left, rc < 0 ? NULL : err);

		rc = rc < 0 ? rc : one;
	}
	if (!left && (ftruncate(j->file, 0) == -1 || fsync(j->file) == -1)) {
		left = true;
		rc = sq_err_set(err, -errno, journal_name, "%s", strerror(errno));
	}
	if (!left)
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

struct sq_journal *sq_journal_open(const char *dir, int64_t wait_ns,
				   const struct sq_journal_hands *hands, struct sq_err *err)
{
	struct sq_journal *j = sq_alloc(sizeof(*j));

	*j = (struct sq_journal){ .changes = json_array(), .dir = -1, .lock = -1, .file = -1 };
	if (hands)
		j->hands = *hands;
	if (journal_begin(j, dir, wait_ns, err) < 0)
		return journal_free(j);
	j->own = true;
	return j;
}

static const char *advice(int rc)
{
	return rc == -EACCES || rc == -EPERM ? "; run as root"
	       : rc == -EROFS ? "; it is read-only here, as in containers: run outside"
			      : "; correct the value";
}

static int write_and_check(const struct sq_journal *j, const char *place, const char *key,
			   const char *value, struct sq_err *err)
{
	char wanted[SQ_SYSCTL_VALUE], found[SQ_SYSCTL_VALUE];
	struct sq_err why = { 0 };
	int rc = hand_write(j, place, key, value, &why);

	if (rc == 0)
		rc = hand_read(j, place, key, found, &why);
	if (rc < 0)
		return sq_err_set(err, rc, key, "wrote %s, kernel says %s%s", value, why.text,
				  advice(rc));
	snprintf(wanted, sizeof(wanted), "%s", value);
	sq_text_squeeze(wanted);
	if (sq_setting_is_same(wanted, found))
		return 0;
	return sq_err_set(err, -ERANGE, key,
			  "wrote %s, kernel says %s: it has bounds; correct the value", wanted,
			  found);
}

/* Into the file and among its own.  what: it is of that; change NULL: jansson takes UTF-8 alone, and it is none. */
static int note_change(struct sq_journal *j, const char *place, const char *what, json_t *change,
		       struct sq_err *err)
{
	int rc;

	if (!change || (place && json_object_set_new(change, "place", json_string(place)) < 0)) {
		json_decref(change);
		return sq_err_set(err, -EILSEQ, what,
				  "is or was no UTF-8, so that the journal could not tell what to "
				  "undo; change it by hand");
	}
	json_object_set_new(change, "pid", json_integer((json_int_t)getpid()));
	rc = append_change(j, change);
	if (rc == 0)
		json_array_append(j->changes, change);
	json_decref(change);
	return rc < 0 ? sq_err_set(err, rc, journal_name,
				   "cannot be written; free space on its disk")
		      : 0;
}

int sq_journal_set(struct sq_journal *j, const char *place, const char *key, const char *value,
		   struct sq_err *err)
{
	char before[SQ_SYSCTL_VALUE];
	struct sq_err why = { 0 };
	sigset_t mask;
	int rc = check_hands(j, place, false, err);

	if (rc < 0)
		return rc;
	rc = hand_read(j, place, key, before, &why);
	if (rc == -EOVERFLOW)
		return sq_err_set(err, rc, key,
				  "what it is now is too long to be set back; change it by hand");
	if (rc < 0)
		return sq_err_set(err, rc, key, "%s; it is misspelt, or %s", why.text,
				  place ? "that machine has no such setting, or cannot be reached"
				  : sq_setting_is_sysctl(key)
					  ? "its module is not loaded, or this is no machine's "
					    "first network namespace"
					  : "this machine does not let it be changed");
	if (sq_setting_is_fixed(key, before))
		return sq_err_set(err, -ENODEV, key, "%s says %s: it cannot be changed there",
				  place ? place : "this machine", before);
	signals_hold(&mask);
	rc = note_change(j, place, key,
			 json_pack("{s:s, s:s, s:s}", "key", key, "before", before, "wrote", value),
			 err);
	if (rc == 0)
		rc = write_and_check(j, place, key, value, err);
	signals_let(&mask);
	return rc;
}

int sq_journal_run(struct sq_journal *j, const char *place, const char *line, struct sq_err *err)
{
	int rc = check_hands(j, place, true, err);

	return rc < 0 ? rc : note_change(j, place, line, json_pack("{s:s}", "run", line), err);
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
