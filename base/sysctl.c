/* Reading sysctls.  What a reader would get wrong: /proc/sys/net shows the namespace of the thread that
 * opens it, whichever /proc it is. */
#include "base/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/value.h"

/* When the first separator is a dot, dots and slashes change places; when it is a slash all stay. */
int sq_sysctl_name(const char *key, char ret_name[SQ_SYSCTL_NAME])
{
	bool swap = key[strcspn(key, "./")] == '.';
	size_t len = strlen(key);

	if (len == 0 || len >= SQ_SYSCTL_NAME)
		return -EINVAL;
	for (size_t i = 0; i <= len; i++) {
		ret_name[i] = key[i];
		if (swap && key[i] == '.')
			ret_name[i] = '/';
		else if (swap && key[i] == '/')
			ret_name[i] = '.';
	}
	return 0;
}

int sq_sysctl_read(const char *key, char *ret_value, size_t size)
{
	char name[SQ_SYSCTL_NAME], path[SQ_SYSCTL_NAME + 16], value[SQ_SYSCTL_VALUE];
	int fd, rc = sq_sysctl_name(key, name);
	ssize_t len;

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	len = read(fd, value, sizeof(value) - 1);
	rc = len == -1 ? -errno : 0;
	close(fd);
	if (rc < 0)
		return rc;
	value[len] = '\0';
	sq_text_squeeze(value);
	snprintf(ret_value, size, "%s", value);
	return 0;
}
