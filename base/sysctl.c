/* Reading and writing sysctls.  What a reader would get wrong: /proc/sys/net shows the namespace of the thread that
 * opens it, whichever /proc it is. */
#include "base/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/setting.h"
#include "base/value.h"

/* Below /proc/sys.  Most are absent or read-only in a namespace of today's kernels, but not of all.
 * nf_hooks_lwtunnel is writable from any namespace, global, and cannot be turned off again. */
static const char *const global_keys[] = {
	"net/core/bpf_*",
	"net/core/busy_*",
	"net/core/default_qdisc",
	"net/core/dev_weight*",
	"net/core/netdev_*",
	"net/core/rmem_default",
	"net/core/rmem_max",
	"net/core/rps_sock_flow_entries",
	"net/core/wmem_default",
	"net/core/wmem_max",
	"net/ipv4/inet_peer_*",
	"net/ipv[46]/neigh/default/gc_*",
	"net/ipv[46]/route/max_size",
	"net/ipv4/tcp_low_latency",
	"net/ipv4/tcp_max_orphans",
	"net/ipv4/tcp_mem",
	"net/ipv4/udp_mem",
	"net/netfilter/nf_conntrack_buckets",
	"net/netfilter/nf_conntrack_expect_max",
	"net/netfilter/nf_conntrack_max",
	"net/netfilter/nf_hooks_lwtunnel",
	"net/netfilter/nf_log_all_netns",
	"net/nf_conntrack_max",
};

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
	char path[SQ_SETTING_PATH], value[SQ_SYSCTL_VALUE];
	int fd, rc = sq_setting_path(key, path);
	ssize_t len;

	if (rc < 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	len = read(fd, value, sizeof(value) - 1);
	rc = len == -1 ? -errno : 0;
	/* The rest could not be read: the kernel tells a value at offset 0 only as well. */
	if (len == (ssize_t)sizeof(value) - 1)
		rc = -EOVERFLOW;
	close(fd);
	if (rc < 0)
		return rc;
	value[len] = '\0';
	sq_text_squeeze(value);
	snprintf(ret_value, size, "%s", value);
	return 0;
}

bool sq_sysctl_is_global(const char *key)
{
	char name[SQ_SYSCTL_NAME];

	if (sq_sysctl_name(key, name) < 0)
		return false;
	for (size_t i = 0; i < sizeof(global_keys) / sizeof(*global_keys); i++)
		if (fnmatch(global_keys[i], name, FNM_PATHNAME) == 0)
			return true;
	return false;
}

int sq_sysctl_write(const char *key, const char *value)
{
	char path[SQ_SETTING_PATH];
	int rc = sq_setting_path(key, path);

	/* One write: the kernel takes a value at offset 0 only, and one of no bytes not at all. */
	return rc < 0 ? rc : sq_file_write(AT_FDCWD, path, *value ? value : "\n");
}
