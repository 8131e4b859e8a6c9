/* One ssh connection for all that is read at a machine: OpenSSH's own multiplexing.  A thread keeps an ssh
 * that makes the connection (a master), and each reader's ssh asks that one, by a socket in a folder of ours,
 * for a session.
 *
 * What a reader would get wrong:
 * - Several streams through one shell would need FIFOs there, or lines that different commands interleave;
 *   ssh's channels have a flow control of their own, and one that waits holds up no other.
 * - The master has a thread, since a child ends with the thread that made it (spawn.h), and readers end
 *   at different times.
 * - The master has a shell at its far end that is never spoken to: an ssh without a command (-N) closes its
 *   standard output, which is how its end is seen here.
 * - The socket appears when the login has succeeded, and not before.  An ssh that finds none would make a
 *   connection of its own, so readers wait for it.
 * - A connection that is dead without a word would stay so for all sessions after it: the master asks for
 *   signs of life.
 * - An sshd grants ten sessions a connection (MaxSessions), of which the master has one.  One that is
 *   refused falls back to a connection of its own: ssh does so by itself, and data is worth more than a count. */
#include "analyzers/places/ssh_share.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* A socket's path holds 107 bytes, and ssh puts 17 behind it while it makes it. */
enum { PATH = 90, TMP_MOST = 60 };

enum state { DOWN, WANTED, UP, ENDED };

#define GLANCE (20 * SQ_MS)

struct sq_ssh_share {
	const char *where;
	char folder[PATH], path[PATH];
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	enum state state;
	unsigned downs; /* so often it could not be made, or was lost */
	char why[512];  /* the last time */
	bool joined;
};

static enum state state_of(struct sq_ssh_share *s)
{
	enum state state;

	pthread_mutex_lock(&s->lock);
	state = s->state;
	pthread_mutex_unlock(&s->lock);
	return state;
}

/* An end is for good. */
static void set_state(struct sq_ssh_share *s, enum state state, const char *why)
{
	pthread_mutex_lock(&s->lock);
	if (s->state != ENDED)
		s->state = state;
	s->downs += state == DOWN;
	snprintf(s->why, sizeof(s->why), "%.511s", why);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* Until the connection is gone, or not wanted any more. */
static void keep(struct sq_ssh_share *s, struct sq_far *master)
{
	while (state_of(s) != ENDED && sq_far_is_open(master)) {
		struct pollfd p = { .fd = sq_far_fd(master), .events = POLLIN };

		if (state_of(s) == WANTED && access(s->path, F_OK) == 0)
			set_state(s, UP, "");
		if (poll(&p, 1, (int)((state_of(s) == UP ? 5 * GLANCE : GLANCE) / SQ_MS)) > 0)
			sq_far_take(master);
	}
}

static void connect_once(struct sq_ssh_share *s)
{
	const char *const words[] = { "-o", "ControlMaster=yes",
				      "-o", "ControlPersist=no",
				      "-o", "ServerAliveInterval=2",
				      "-o", "ServerAliveCountMax=2",
				      "-S", s->path,
				      NULL };
	struct sq_far *master = sq_far_new(s->where);
	struct sq_err err = { 0 };

	unlink(s->path); /* of one that was killed */
	sq_far_set_words(master, words);
	if (sq_far_open(master, &err) == 0)
		keep(s, master);
	sq_far_break(master, "ended");
	set_state(s, DOWN, err.text[0] ? err.text : sq_far_why(master));
	sq_far_free(master);
}

static void *share_main(void *arg)
{
	struct sq_ssh_share *s = arg;

	for (;;) {
		enum state state;

		pthread_mutex_lock(&s->lock);
		while (s->state != WANTED && s->state != ENDED)
			pthread_cond_wait(&s->changed, &s->lock);
		state = s->state;
		pthread_mutex_unlock(&s->lock);
		if (state == ENDED)
			return NULL;
		connect_once(s);
	}
}

/* In a folder that nobody else may look into. */
static int make_folder(struct sq_ssh_share *s)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(s->folder, sizeof(s->folder), "%s/squall-ssh.XXXXXX",
		 tmp && *tmp == '/' && strlen(tmp) <= TMP_MOST ? tmp : "/tmp");
	if (!mkdtemp(s->folder))
		return -errno;
	snprintf(s->path, sizeof(s->path), "%.*s/s", PATH - 3, s->folder);
	return 0;
}

struct sq_ssh_share *sq_ssh_share_new(const char *where, struct sq_err *err)
{
	struct sq_ssh_share *s = sq_alloc(sizeof(*s));
	int rc;

	s->where = where;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	rc = make_folder(s);
	if (rc == 0) {
		rc = -pthread_create(&s->thread, NULL, share_main, s);
		if (rc < 0)
			rmdir(s->folder);
	}
	if (rc == 0)
		return s;
	sq_err_set(err, rc, where, "cannot share a connection: %s", strerror(-rc));
	s->joined = true;
	return sq_ssh_share_free(s);
}

void sq_ssh_share_end(struct sq_ssh_share *s)
{
	if (s->joined)
		return;
	set_state(s, ENDED, "the capture has ended");
	pthread_join(s->thread, NULL);
	s->joined = true;
	unlink(s->path);
	rmdir(s->folder);
}

struct sq_ssh_share *sq_ssh_share_free(struct sq_ssh_share *s)
{
	if (!s)
		return NULL;
	sq_ssh_share_end(s);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

int sq_ssh_share_ready(struct sq_ssh_share *s, unsigned *seen, struct sq_far *f)
{
	const char *const words[] = { "-S", s->path, NULL };
	int rc = -EINPROGRESS;

	pthread_mutex_lock(&s->lock);
	if (s->state == UP) {
		sq_far_set_words(f, words);
		rc = 0;
	} else if (s->state == ENDED || (s->state == DOWN && *seen != s->downs)) {
		sq_far_set_why(f, s->why);
		rc = -ENOTCONN;
	} else if (s->state == DOWN) {
		s->state = WANTED;
		pthread_cond_signal(&s->changed);
	}
	*seen = rc == -EINPROGRESS ? *seen : s->downs;
	pthread_mutex_unlock(&s->lock);
	return rc;
}
