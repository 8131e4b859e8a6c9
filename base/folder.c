#include "base/folder.h"

#include <sys/file.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

int sq_file_write(int folder, const char *path, const char *text)
{
	int fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text), put;
	int rc = 0;

	if (fd == -1)
		return -errno;
	put = write(fd, text, (size_t)len);
	if (put != len)
		rc = put == -1 ? -errno : -EIO;
	close(fd);
	return rc;
}

int sq_folder_lock(const char *path, int operation)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return -errno;
	if (flock(fd, operation) == -1) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* The lock is held until the folder is gone: it may be in the making. */
static bool remove_if_left(const char *path)
{
	int lock = sq_folder_lock(path, LOCK_EX | LOCK_NB);
	bool removed;

	if (lock < 0)
		return false;
	removed = rmdir(path) == 0;
	close(lock);
	return removed;
}

unsigned sq_folders_remove(const char *in, const char *prefix)
{
	DIR *folder = opendir(in);
	const struct dirent *entry;
	unsigned n = 0;

	while (folder && (entry = readdir(folder))) {
		char *path;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		path = sq_printf_dup("%s/%s", in, entry->d_name);
		n += remove_if_left(path);
		free(path);
	}
	if (folder)
		closedir(folder);
	return n;
}
