/* The groups stand beside the machine's own, "squall-run-NUMBER-HOST", since a group that has processes of its own can
 * have none below it (version 2).
 *
 * What a reader would get wrong:
 * - A control group is the machine's and has a name: unlike all else of a world it outlives a keeper that is
 *   killed, as an empty folder.  Its name and a lock on it are all that is needed to find it: the lock ends
 *   with the run, and whoever gets it (the next run with a limit, `squall restore`) may remove the folder.
 * - No journal could be out of step with that, and a folder in which processes live is not removed: the
 *   kernel refuses it. */
#include "loadgen/campaign/quota.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/kernel/cgroup.h"
#include "base/clock.h"
#include "base/folder.h"
#include "base/mem.h"

#define PREFIX "squall-run-"

enum { PERIOD_US = 100000 };

struct quota {
	char *group, *folder; /* NULL: the host has no limit */
	int lock;
};

struct sq_quotas {
	const struct sq_plan *plan;
	char top[512]; /* the folder of the controller's first group */
	bool v2;
	struct quota *v; /* of each host */
};

/* Of the controller that limits processor time: its first group. */
static int find_top(char top[512], bool *ret_v2, struct sq_err *err)
{
	struct sq_cgroup first;
	struct sq_err none = { 0 };

	if (sq_cgroup_find(sq_place_here(), "/", &first, &none) < 0 ||
	    !first.at[SQ_CGROUP_CPU].folder[0])
		return sq_err_set(
			err, -ENOTSUP, "cpu_percent",
			"this machine shows no control groups of the cpu controller; mount "
			"them, or leave cpu_percent out");
	snprintf(top, 512, "%s", first.at[SQ_CGROUP_CPU].folder);
	top[strlen(top) - (top[strlen(top) - 1] == '/')] = '\0';
	*ret_v2 = first.at[SQ_CGROUP_CPU].v2;
	return 0;
}

/* ---- removing ---- */

static void kill_all(const char *folder)
{
	char *path = sq_printf_dup("%s/cgroup.procs", folder), line[32];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		long pid = strtol(line, NULL, 10);

		if (pid > 0) /* 0: of a PID namespace outside of ours */
			kill((pid_t)pid, SIGKILL);
	}
	if (f)
		fclose(f);
	free(path);
}

/* What was killed takes a moment to be gone. */
static int remove_group(const char *folder)
{
	int64_t until_ns = sq_now_ns() + SQ_SEC;

	while (rmdir(folder) == -1) {
		if (errno != EBUSY || sq_now_ns() > until_ns)
			return -errno;
		kill_all(folder);
		sq_sleep_until(sq_now_ns() + 5 * SQ_MS);
	}
	return 0;
}

unsigned sq_quotas_restore(void)
{
	struct sq_err none = { 0 };
	char top[512];
	bool v2;

	return find_top(top, &v2, &none) < 0 ? 0 : sq_folders_remove(top, PREFIX);
}

void sq_quotas_remove(struct sq_quotas *q)
{
	if (!q)
		return;
	for (size_t h = 0; h < q->plan->n_hosts; h++) {
		struct quota *one = &q->v[h];

		if (one->lock >= 0) {
			remove_group(one->folder);
			close(one->lock);
		}
		free(one->group);
		free(one->folder);
	}
	free(q->v);
	free(q);
}

/* ---- making ---- */

static int write_in(const char *folder, const char *name, const char *text)
{
	char *path = sq_printf_dup("%s/%s", folder, name);
	int rc = sq_file_write(AT_FDCWD, path, text);

	free(path);
	return rc;
}

static int set_limit(const struct sq_quotas *q, const char *folder, double percent)
{
	long long quota_us = llround(percent / 100 * PERIOD_US);
	char text[64];
	int rc;

	if (q->v2) {
		snprintf(text, sizeof(text), "%lld %d", quota_us, PERIOD_US);
		return write_in(folder, "cpu.max", text);
	}
	snprintf(text, sizeof(text), "%d", PERIOD_US);
	rc = write_in(folder, "cpu.cfs_period_us", text);
	snprintf(text, sizeof(text), "%lld", quota_us);
	return rc < 0 ? rc : write_in(folder, "cpu.cfs_quota_us", text);
}

static int fail_make(const struct sq_quotas *q, const char *host, const char *folder, int error,
		     struct sq_err *err)
{
	if (error == -ENOENT && q->v2)
		return sq_err_set(
			err, error, host,
			"cpu_percent: %s has no cpu.max; give groups that controller: echo "
			"+cpu > %s/cgroup.subtree_control",
			folder, q->top);
	return sq_err_set(err, error, host, "cpu_percent: cannot make the control group %s: %s%s",
			  folder, strerror(-error),
			  error == -EROFS ? "; run outside of a container" : "; run as root");
}

/* The first number that is free.  Between making and locking it, another may have taken it for one that was
 * left behind. */
enum { RIVALS = 1000 }; /* runs beside this one that may have made groups */

static int make_group(struct sq_quotas *q, size_t host, struct sq_err *err)
{
	const struct sq_host_plan *h = &q->plan->hosts[host];
	struct quota *one = &q->v[host];
	int rc = 0;

	for (int i = 1; rc == 0 && one->lock < 0 && i <= RIVALS; i++) {
		free(one->group);
		free(one->folder);
		one->group = sq_printf_dup("/" PREFIX "%d-%s", i, h->name);
		one->folder = sq_printf_dup("%s%s", q->top, one->group);
		if (mkdir(one->folder, 0755) == 0)
			one->lock = sq_folder_lock(one->folder, LOCK_EX | LOCK_NB);
		else if (errno != EEXIST)
			rc = -errno;
	}
	if (rc == 0 && one->lock < 0)
		rc = -EBUSY;
	if (rc == 0)
		rc = set_limit(q, one->folder, h->spec->cpu_percent);
	return rc < 0 ? fail_make(q, h->name, one->folder, rc, err) : 0;
}

struct sq_quotas *sq_quotas_make(const struct sq_plan *plan, struct sq_err *err)
{
	struct sq_quotas *q = sq_alloc(sizeof(*q));
	int rc = 0;

	*q = (struct sq_quotas){ .plan = plan, .v = sq_alloc_n(plan->n_hosts, sizeof(*q->v)) };
	for (size_t h = 0; h < plan->n_hosts; h++)
		q->v[h] = (struct quota){ .lock = -1 };
	for (size_t h = 0; rc == 0 && h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = plan->hosts[h].spec;

		if (!plan->world || !spec || !(spec->cpu_percent > 0))
			continue;
		if (!q->top[0]) {
			rc = find_top(q->top, &q->v2, err);
			sq_folders_remove(q->top, PREFIX);
		}
		if (rc == 0)
			rc = make_group(q, h, err);
	}
	if (rc == 0)
		return q;
	sq_quotas_remove(q);
	return NULL;
}

int sq_quota_join(const struct sq_quotas *q, size_t host, struct sq_err *err)
{
	const struct quota *one = &q->v[host];
	int rc = one->folder ? write_in(one->folder, "cgroup.procs", "0") : 0;

	return rc < 0 ? sq_err_set(err, rc, one->folder, "cannot enter it: %s", strerror(-rc)) : 0;
}

const char *sq_quota_group(const struct sq_quotas *q, size_t host)
{
	return q->v[host].group;
}
