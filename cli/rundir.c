#include "cli/rundir.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

int sq_rundir_folder(const char *path, struct sq_err *err)
{
	if (mkdir(path, 0755) == -1 && errno != EEXIST)
		return sq_err_set(err, -errno, path,
				  "cannot make the folder: %s; give another one "
				  "with --out",
				  strerror(errno));
	return 0;
}

static int require_empty(const char *path, struct sq_err *err)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	int rc = 0;

	if (!dir)
		return sq_err_set(err, -errno, path, "%s", strerror(errno));
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = sq_err_set(err, -EINVAL, path,
					"--out must name a new or an empty folder, and this one "
					"holds something");
	closedir(dir);
	return rc;
}

/* runs/NAME/latest -> STAMP, replaced in one step. */
static void link_latest(const char *folder, const char *stamp)
{
	char *link = sq_printf_dup("%s/latest", folder);
	char *fresh = sq_printf_dup("%s/.latest-%ld", folder, (long)getpid());

	if (symlink(stamp, fresh) == 0 && rename(fresh, link) == -1)
		unlink(fresh);
	free(link);
	free(fresh);
}

/* FOLDER/NAME, or where that is taken NAME-2, NAME-3, ... */
static int make_numbered(const char *folder, const char *name, char **ret_dir, struct sq_err *err)
{
	char *dir = sq_printf_dup("%s/%s", folder, name);
	int rc = 0;

	for (int i = 2; mkdir(dir, 0755) == -1; i++) {
		if (errno != EEXIST) {
			rc = sq_err_set(err, -errno, dir,
					"cannot make the folder: %s; give another one with --out",
					strerror(errno));
			break;
		}
		free(dir);
		dir = sq_printf_dup("%s/%s-%d", folder, name, i);
	}
	if (rc == 0)
		*ret_dir = dir;
	else
		free(dir);
	return rc;
}

static int make_stamped(const char *name, char **ret_dir, char *id, size_t id_size,
			struct sq_err *err)
{
	char stamp[64];
	char *folder;
	struct tm tm;
	time_t now = time(NULL);
	int rc;

	/* Some commands have not parsed the scenario yet. */
	if (!*name || *name == '.' || strchr(name, '/'))
		return sq_err_set(err, -EINVAL, "/name", "\"%.60s\" can't name a folder", name);
	folder = sq_printf_dup("runs/%s", name);
	rc = sq_rundir_folder("runs", err);
	if (rc == 0)
		rc = sq_rundir_folder(folder, err);
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	if (rc == 0)
		rc = make_numbered(folder, stamp, ret_dir, err);
	if (rc == 0) {
		snprintf(id, id_size, "%s", strrchr(*ret_dir, '/') + 1);
		link_latest(folder, id);
	}
	free(folder);
	return rc;
}

int sq_rundir_beside(const char *dir, const char *name, char **ret_dir, struct sq_err *err)
{
	return make_numbered(dir ? dir : ".", name, ret_dir, err);
}

int sq_rundir_make(const char *out, const char *name, char **ret_dir, char *id, size_t id_size,
		   struct sq_err *err)
{
	const char *slash;
	int rc;

	if (!out)
		return make_stamped(name, ret_dir, id, id_size, err);
	rc = sq_rundir_folder(out, err);
	if (rc == 0)
		rc = require_empty(out, err);
	if (rc < 0)
		return rc;
	slash = strrchr(out, '/');
	snprintf(id, id_size, "%s", slash && slash[1] ? slash + 1 : out);
	*ret_dir = sq_strdup(out);
	return 0;
}
