/* Servers of a world.  A sink is a fork that runs the sink's code; a program is a fork that execs
 * its argv, never a shell.  A sink says that it serves by a byte on a pipe; for a program the
 * scenario may name a port, which is watched for in the host's socket table, so that not a packet
 * reaches the server before the load does. */
#include "loadgen/campaign/servers.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/value.h"
#include "loadgen/campaign/quota.h"
#include "loadgen/engine/listen.h"
#include "loadgen/engine/sink.h"

struct server {
	const struct sq_process_spec *spec;
	const char *host;
	char what[64]; /* "sink tcp", "nginx" */
	/* Paths under the run's directory; "" where there is no such file. */
	char log[128], counts[128], receipts[128];
	pid_t pid;
	bool ended;
	int status;
};

struct sq_servers {
	struct server *v;
	size_t n;
	struct sq_quotas *quotas;
	int dirfd;
};

static const char *program_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	return slash ? slash + 1 : argv0;
}

static const struct sq_sink *sink_of(const struct sq_process_spec *spec)
{
	return (const struct sq_sink *)spec->sink.kind; /* its first member */
}

static void server_describe(struct server *s, const struct sq_process_spec *spec, const char *host,
			    size_t number)
{
	const char *word = spec->sink.kind ? spec->sink.kind->name : program_name(spec->argv.v[0]);

	s->spec = spec;
	s->host = host;
	snprintf(s->what, sizeof(s->what), "%s%s", spec->sink.kind ? "sink " : "", word);
	snprintf(s->log, sizeof(s->log), "servers/%s-%zu-%s.log", host, number, word);
	if (spec->sink.kind)
		snprintf(s->counts, sizeof(s->counts), "servers/%s-%zu-%s.counts", host, number,
			 word);
	if (spec->sink.kind && sink_of(spec)->record)
		snprintf(s->receipts, sizeof(s->receipts), "servers/%s-%zu-%s.receipts", host,
			 number, word);
}

/* Standard input from nowhere, output to the log. */
static void redirect(int dirfd, const char *log)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = openat(dirfd, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (null != -1)
		dup2(null, STDIN_FILENO);
	if (out != -1) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
	}
}

static void say_serving(void *arg)
{
	const int *fd = arg;

	if (write(*fd, "+", 1) == -1)
		_exit(1);
	close(*fd);
}

static void sink_become(const struct server *s, int dirfd, int *up, struct sq_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
	const struct sq_process_spec *spec = s->spec;
	int counts = openat(dirfd, s->counts, flags, 0644);

	/* A name of its own, by which the captures tell it from the run's workers. */
	prctl(PR_SET_NAME, s->what);
	if (s->receipts[0]) {
		int receipts = openat(dirfd, s->receipts, flags, 0644);

		if (receipts == -1) {
			sq_err_set(err, -errno, s->receipts, "cannot make it: %s", strerror(errno));
			return;
		}
		sink_of(spec)->record(spec->sink.conf, receipts);
	}
	if (sq_sink_run(spec->sink.kind, spec->sink.conf, -1, counts, say_serving, up, err) == 0)
		exit(0); /* not _exit: leak checks run at exit */
}

/* In the child: becomes the server.  Failures before it serves go up the pipe as text. */
static void server_become(const struct server *s, int dirfd, int up)
{
	const struct sq_process_spec *spec = s->spec;
	struct sq_err err = { 0 };

	if (spec->sink.kind) {
		sink_become(s, dirfd, &up, &err);
	} else {
		char **argv = sq_alloc_n(spec->argv.n + 1, sizeof(*argv));

		memcpy(argv, spec->argv.v, spec->argv.n * sizeof(*argv));
		execvp(argv[0], argv);
		sq_err_set(&err, -errno, s->what,
			   "cannot start it: %s; install it, or give its "
			   "full path",
			   strerror(errno));
	}
	if (write(up, err.text, strlen(err.text)) == -1)
		_exit(126);
	fprintf(stderr, "%s: %s\n", err.where, err.text);
	_exit(126);
}

/* Reads the child's pipe: "+" it serves, the end of file a program has been started, else why not. */
static int server_await(const struct server *s, int fd, struct sq_err *err)
{
	char text[700];
	size_t len = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t until = sq_now_ns() + s->spec->wait_ns;

	while (len < sizeof(text) - 1) {
		int64_t left = until - sq_now_ns();
		ssize_t got;

		if (left <= 0 || poll(&p, 1, (int)(left / SQ_MS) + 1) == 0)
			return sq_err_set(err, -ETIMEDOUT, s->host,
					  "%s did not start within its \"wait\"; see %s", s->what,
					  s->log);
		got = read(fd, text + len, sizeof(text) - 1 - len);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
		if (text[0] == '+')
			return 0;
	}
	text[len] = '\0';
	if (len)
		return sq_err_set(err, -ECHILD, s->host, "%s: %s", s->what, text);
	if (s->spec->sink.kind)
		return sq_err_set(err, -ECHILD, s->host, "%s ended before it served; see %s",
				  s->what, s->log);
	return 0;
}

/* What a program said last; "" for nothing. */
static void read_last(int dirfd, const char *log, char text[300])
{
	int fd = openat(dirfd, log, O_RDONLY | O_CLOEXEC);
	off_t end = fd == -1 ? -1 : lseek(fd, 0, SEEK_END);
	ssize_t got = end == -1 ? -1 : pread(fd, text, 299, end > 299 ? end - 299 : 0);

	text[got > 0 ? got : 0] = '\0';
	sq_text_squeeze(text);
	if (fd != -1)
		close(fd);
}

/* For one that must end before the next is started. */
static int server_end(struct server *s, int dirfd, struct sq_err *err)
{
	int64_t until_ns = sq_now_ns() + s->spec->wait_ns;
	char said[300];
	pid_t got;

	while ((got = waitpid(s->pid, &s->status, WNOHANG)) == 0 && sq_now_ns() < until_ns)
		sq_sleep_until(sq_now_ns() + 2 * SQ_MS);
	if (got == 0)
		return sq_err_set(err, -ETIMEDOUT, s->host,
				  "%s did not end within its \"wait\"; see %s", s->what, s->log);
	s->ended = true;
	if (WIFEXITED(s->status) && WEXITSTATUS(s->status) == 0)
		return 0;
	read_last(dirfd, s->log, said);
	return sq_err_set(err, -ECHILD, s->host, "%s, which must end well, ended with %s %d%s%s",
			  s->what, WIFEXITED(s->status) ? "status" : "signal",
			  WIFEXITED(s->status) ? WEXITSTATUS(s->status) : WTERMSIG(s->status),
			  *said ? ": " : "", said);
}

static int server_start(const struct sq_servers *servers, struct server *s, size_t host,
			const struct sq_world *world, void (*prepare_child)(void *arg), void *arg,
			struct sq_err *err)
{
	int dirfd = servers->dirfd;
	int up[2];
	int rc;

	if (pipe2(up, O_CLOEXEC) == -1)
		return sq_err_set(err, -errno, s->host, "%s: %s", s->what, strerror(errno));
	s->pid = fork();
	if (s->pid == -1) {
		rc = sq_err_set(err, -errno, s->host, "%s: fork: %s", s->what, strerror(errno));
		close(up[0]);
		close(up[1]);
		return rc;
	}
	if (s->pid == 0) {
		struct sq_err child_err = { 0 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prepare_child(arg);
		redirect(dirfd, s->log);
		if (sq_quota_join(servers->quotas, host, &child_err) < 0 ||
		    sq_world_enter(world, host, &child_err) < 0 ||
		    sq_world_limit(world, host, &child_err) < 0) {
			if (write(up[1], child_err.text, strlen(child_err.text)) == -1)
				_exit(126);
			_exit(126);
		}
		server_become(s, dirfd, up[1]);
	}
	close(up[1]);
	rc = server_await(s, up[0], err);
	close(up[0]);
	if (rc == 0 && s->spec->once)
		return server_end(s, dirfd, err);
	if (rc == 0 && s->spec->wait_port != SQ_OPT_UNSET)
		rc = sq_world_wait_port(world, host, (int)s->spec->wait_port, s->pid,
					s->spec->wait_ns, err);
	return rc;
}

struct sq_servers *sq_servers_start(const struct sq_plan *plan, const struct sq_world *world,
				    int dirfd, void (*prepare_child)(void *arg), void *arg,
				    struct sq_err *err)
{
	struct sq_servers *servers = sq_alloc(sizeof(*servers));
	size_t cap = 0;

	servers->dirfd = dirfd;
	servers->quotas = sq_quotas_make(plan, err);
	if (!servers->quotas)
		goto fail;
	if (mkdirat(dirfd, "servers", 0755) == -1 && errno != EEXIST) {
		sq_err_set(err, -errno, "servers", "cannot make the folder: %s", strerror(errno));
		goto fail;
	}
	for (size_t h = 0; h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = plan->hosts[h].spec;

		for (size_t i = 0; spec && i < spec->run.n; i++) {
			const struct sq_process_spec *p =
				(const struct sq_process_spec *)spec->run.v + i;
			struct server *s;

			if (plan->loopback && !p->sink.kind)
				continue; /* named in plan->lost */
			servers->v = sq_grow(servers->v, servers->n, &cap, sizeof(*servers->v));
			s = &servers->v[servers->n++];
			memset(s, 0, sizeof(*s));
			server_describe(s, p, plan->hosts[h].name, i);
			sq_listen_loopback_only = plan->loopback; /* inherited by the fork */
			if (server_start(servers, s, h, world, prepare_child, arg, err) < 0)
				goto fail;
		}
	}
	return servers;
fail:
	sq_servers_stop(servers, NULL, 0);
	return NULL;
}

bool sq_servers_reaped(struct sq_servers *servers, pid_t pid, int status, const char **ret_host,
		       char *ret_text, size_t size)
{
	for (size_t i = 0; i < servers->n; i++) {
		struct server *s = &servers->v[i];

		if (s->pid != pid || s->ended)
			continue;
		s->ended = true;
		s->status = status;
		*ret_host = s->host;
		if (WIFSIGNALED(status))
			snprintf(ret_text, size, "%s was ended by signal %d", s->what,
				 WTERMSIG(status));
		else
			snprintf(ret_text, size, "%s ended with status %d", s->what,
				 WEXITSTATUS(status));
		return true;
	}
	return false;
}

static void reap_until(struct sq_servers *servers, int64_t until_ns)
{
	for (;;) {
		size_t left = 0;

		for (size_t i = 0; i < servers->n; i++) {
			struct server *s = &servers->v[i];

			if (!s->ended && s->pid > 0 &&
			    waitpid(s->pid, &s->status, WNOHANG) == s->pid)
				s->ended = true;
			left += !s->ended;
		}
		if (left == 0 || sq_now_ns() >= until_ns)
			return;
		sq_sleep_until(sq_now_ns() + 5 * SQ_MS);
	}
}

static void signal_all(struct sq_servers *servers, int sig)
{
	for (size_t i = 0; i < servers->n; i++)
		if (!servers->v[i].ended && servers->v[i].pid > 0)
			kill(servers->v[i].pid, sig);
}

/* The last whole line of a sink's counts; NULL when it left none. */
static json_t *read_counts(int dirfd, const char *path)
{
	char text[65536];
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len;
	char *line;

	if (fd == -1)
		return NULL;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return NULL;
	while (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	line = strrchr(text, '\n');
	return json_loads(line ? line + 1 : text, 0, NULL);
}

static json_t *server_record(const struct server *s, int dirfd)
{
	json_t *counts = s->counts[0] ? read_counts(dirfd, s->counts) : NULL;
	bool by_signal = s->ended && WIFSIGNALED(s->status);

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s?}", "k", "server", "host",
			 s->host, "what", s->what, "exit",
			 s->ended && !by_signal ? json_integer(WEXITSTATUS(s->status))
						: json_null(),
			 "signal", by_signal ? json_integer(WTERMSIG(s->status)) : json_null(),
			 "counts", counts ? counts : json_null(), "log", s->log, "receipts",
			 s->receipts[0] ? s->receipts : NULL);
}

void sq_servers_stop(struct sq_servers *servers, struct sq_spool *spool, int64_t grace_ns)
{
	if (!servers)
		return;
	signal_all(servers, SIGTERM);
	reap_until(servers, sq_now_ns() + grace_ns);
	signal_all(servers, SIGKILL);
	reap_until(servers, sq_now_ns() + SQ_SEC);
	for (size_t i = 0; spool && i < servers->n; i++)
		sq_spool_write(spool, server_record(&servers->v[i], servers->dirfd), NULL);
	sq_quotas_remove(servers->quotas);
	free(servers->v);
	free(servers);
}

const char *sq_servers_group(const struct sq_servers *servers, size_t host)
{
	return sq_quota_group(servers->quotas, host);
}
