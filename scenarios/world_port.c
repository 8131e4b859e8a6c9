/* Waiting for a server without a packet: a probe connection would count in the very counters that
 * the run is about, so the kernel's socket tables are read.  /proc/thread-self/net follows
 * setns(2); /proc/net does not. */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/value.h"
#include "scenarios/world.h"
#include "scenarios/world_private.h"

enum { TCP_STATE_LISTEN = 0x0a };

#define LOOK_EVERY_NS (20 * SQ_MS)

/* Columns are found by shape: "sl: local:port remote:port st ...".  A missing table (no IPv6) has
 * no listeners. */
static bool table_listens(const char *path, int port)
{
	FILE *f = fopen(path, "re");
	char line[512];
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		unsigned local, state;

		/* The kernel's own text: four and two hexadecimal digits. NOLINTNEXTLINE(cert-err34-c) */
		found = sscanf(line, " %*[0-9]: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &local,
			       &state) == 2 &&
			state == TCP_STATE_LISTEN && local == (unsigned)port;
	}
	fclose(f);
	return found;
}

/* 1, 0 or -errno. */
static int host_listens(const struct sq_world *w, size_t host, int port, struct sq_err *err)
{
	int rc = w->plan->world ? sq_netns_enter(w->netns[host], err) : 0;
	bool found;

	if (rc < 0)
		return rc;
	found = table_listens("/proc/thread-self/net/tcp", port) ||
		table_listens("/proc/thread-self/net/tcp6", port);
	if (w->plan->world)
		rc = sq_netns_enter(w->own, err);
	return rc < 0 ? rc : found;
}

/* Leaves the process to be waited for. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		return info.si_pid == pid;
	return kill(pid, 0) == -1 && errno == ESRCH;
}

int sq_world_wait_port(const struct sq_world *w, size_t host, int port, pid_t pid,
		       int64_t timeout_ns, struct sq_err *err)
{
	int64_t until_ns = sq_now_ns() + timeout_ns;
	const char *name = w->plan->hosts[host].name;
	char where[128], limit[32];

	snprintf(where, sizeof(where), "host %s: port %d", name, port);
	for (;;) {
		/* Asked before the table is read: it may have listened and ended since. */
		bool ended = pid > 0 && has_ended(pid);
		int rc = host_listens(w, host, port, err);

		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (ended)
			return sq_err_set(
				err, -ECHILD, where,
				"the process that should listen there ended before it did; "
				"see what it printed");
		if (sq_now_ns() >= until_ns)
			break;
		sq_sleep_until(sq_now_ns() + LOOK_EVERY_NS);
	}
	sq_format_duration(limit, sizeof(limit), timeout_ns);
	return sq_err_set(err, -ETIMEDOUT, where,
			  "nothing listens there after %s; wait longer, or see what the server "
			  "printed",
			  limit);
}
