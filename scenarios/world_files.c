/* Files of a host's own, such as /etc/resolv.conf: a mount namespace in which a text of the scenario's
 * covers what stands there.  Nothing is written to the machine's disk: the texts lie in a memory file
 * system that only the mounts over the files still hold.
 *
 * What a reader would get wrong: to enter a mount namespace is to lose the working folder, since the
 * one before belongs to the mounts before; it is found again by its name. */
#include <sys/mount.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/world_private.h"

/* Any folder that is there, covered for a moment, in this namespace alone. */
static const char bench[] = "/tmp";

int sq_mntns_enter(int mntns, struct sq_err *err)
{
	char folder[PATH_MAX];

	if (!getcwd(folder, sizeof(folder)) || setns(mntns, CLONE_NEWNS) == -1)
		return sq_err_set(err, -errno, "world", "cannot enter a mount namespace: %s",
				  strerror(errno));
	if (chdir(folder) == -1)
		return sq_err_set(err, -errno, folder, "%s", strerror(errno));
	return 0;
}

static int cover(const struct sq_pair *file, size_t number, const char *where, struct sq_err *err)
{
	char path[64];
	FILE *f;
	int rc;

	snprintf(path, sizeof(path), "%s/%zu", bench, number);
	f = fopen(path, "we");
	if (!f)
		return sq_err_set(err, -errno, where, "%s: %s", path, strerror(errno));
	rc = fputs(file->value, f) == EOF;
	if (fclose(f) != 0 || rc)
		return sq_err_set(err, -EIO, where, "%s cannot be written", path);
	if (mount(path, file->key, NULL, MS_BIND, NULL) == -1)
		return sq_err_set(err, -errno, where,
				  "cannot cover %s: %s; what is covered must be there, so make it, "
				  "or leave it out",
				  file->key, strerror(errno));
	return 0;
}

static int cover_all(const struct sq_pairs *files, const char *where, struct sq_err *err)
{
	int rc = 0;

	if (mount("none", bench, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == -1)
		return sq_err_set(err, -errno, where, "cannot mount a memory file system: %s",
				  strerror(errno));
	for (size_t i = 0; rc == 0 && i < files->n; i++)
		rc = cover(&files->v[i], i, where, err);
	if (umount2(bench, MNT_DETACH) == -1 && rc == 0)
		rc = sq_err_set(err, -errno, where, "%s: %s", bench, strerror(errno));
	return rc;
}

int sq_world_files(struct sq_world *w, size_t host, struct sq_err *err)
{
	const struct sq_host_spec *spec = w->plan->hosts[host].spec;
	char where[128];
	int own, rc, back;

	if (!spec || !spec->files.n)
		return 0;
	snprintf(where, sizeof(where), "host %s: files", w->plan->hosts[host].name);
	own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (own == -1 || unshare(CLONE_NEWNS) == -1)
		return sq_err_set(err, -errno, where, "cannot make a mount namespace: %s",
				  strerror(errno));
	/* What is mounted in a namespace that shares its mounts would show outside, and stay. */
	rc = mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1
		     ? sq_err_set(err, -errno, where,
				  "mounts can't be kept to this host here (a chroot?): leave "
				  "\"files\" out")
		     : cover_all(&spec->files, where, err);
	w->mntns[host] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (w->mntns[host] == -1 && rc == 0)
		rc = sq_err_set(err, -errno, where, "/proc/self/ns/mnt: %s", strerror(errno));
	back = sq_mntns_enter(own, rc < 0 ? NULL : err);
	close(own);
	return rc < 0 ? rc : back;
}
