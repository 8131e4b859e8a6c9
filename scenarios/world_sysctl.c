/* Sysctls of a host.  The danger is a key that is not the namespace's but the machine's: as root
 * a write to one would change the machine.  Three nets: keys known to be global are refused by
 * name; a key that the namespace lacks is refused; and where a write shows outside all the same,
 * it is undone and reported.
 *
 * A write that the kernel takes proves nothing: it clamps some values and drops others, so each is
 * read back and compared. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/setting.h"
#include "base/sysctl.h"
#include "base/value.h"
#include "scenarios/world_private.h"

static bool is_below_net(const char *name)
{
	char last = name[strlen(name) - 1];

	return strncmp(name, "net/", 4) == 0 && !strstr(name, "//") && !strstr(name, "/./") &&
	       !strstr(name, "/../") && last != '/' && last != '.';
}

static int check_key(const char *where, const char *key, char name[SQ_SYSCTL_NAME],
		     struct sq_err *err)
{
	if (sq_sysctl_name(key, name) < 0 || !is_below_net(name))
		return sq_err_set(err, -EINVAL, where,
				  "a host may set sysctls below net. only; name one, such as "
				  "net.core.somaxconn");
	if (sq_sysctl_is_global(name))
		return sq_err_set(err, -EPERM, where,
				  "is global, no host has it for itself: set it in /world/sysctl, "
				  "which needs --allow-global");
	return 0;
}

static int explain_write(const char *where, const char *key, const char *value, int error,
			 struct sq_err *err)
{
	switch (-error) {
	case ENOENT:
		return sq_err_set(err, error, where,
				  "this kernel has no %s in a network namespace (it is global, or "
				  "misspelt, or its module is not loaded); leave it out",
				  key);
	case EACCES:
	case EPERM:
		return sq_err_set(err, error, where,
				  "wrote %s, kernel says %s; this setting is global or read-only "
				  "in a namespace, leave it out",
				  value, strerror(-error));
	case EROFS:
		return sq_err_set(err, error, where,
				  "/proc/sys is read-only here, as in containers; run outside, or "
				  "use --loopback");
	default:
		return sq_err_set(err, error, where, "wrote %s, kernel says %s; correct the value",
				  value, strerror(-error));
	}
}

/* In the host's namespace.  found: what the kernel says afterwards. */
static int write_and_read(const char *name, const char *value, char found[SQ_SYSCTL_VALUE])
{
	int rc = sq_sysctl_read(name, found, SQ_SYSCTL_VALUE);

	/* EACCES: a key without a read side (route.flush) is an action and no setting. */
	if (rc == 0)
		rc = sq_sysctl_write(name, value);
	return rc < 0 ? rc : sq_sysctl_read(name, found, SQ_SYSCTL_VALUE);
}

/* In the keeper's own namespace: a changed value there was the machine's. */
static int check_outside(const char *where, const char *name, const char *before,
			 struct sq_err *err)
{
	char after[SQ_SYSCTL_VALUE];
	int rc;

	if (sq_sysctl_read(name, after, sizeof(after)) < 0 || strcmp(before, after) == 0)
		return 0;
	rc = sq_sysctl_write(name, before);
	return sq_err_set(err, -EPERM, where,
			  "is global on this kernel: the write changed it outside the host from %s "
			  "to %s, %s; leave it out",
			  before, after,
			  rc < 0 ? "AND IT COULD NOT BE RESTORED" : "and it was restored");
}

int sq_sysctl_set(int own, int netns, const char *host, const char *key, const char *value,
		  struct sq_err *err)
{
	char where[sizeof(err->where)], name[SQ_SYSCTL_NAME];
	char before[SQ_SYSCTL_VALUE], found[SQ_SYSCTL_VALUE], wanted[SQ_SYSCTL_VALUE];
	bool outside;
	int rc, written;

	snprintf(where, sizeof(where), "host %s: sysctl %s", host, key);
	rc = check_key(where, key, name, err);
	if (rc < 0)
		return rc;
	outside = sq_sysctl_read(name, before, sizeof(before)) == 0;
	rc = sq_netns_enter(netns, err);
	if (rc < 0)
		return rc;
	written = write_and_read(name, value, found);
	rc = sq_netns_enter(own, err);
	if (rc == 0 && outside)
		rc = check_outside(where, name, before, err);
	if (rc < 0)
		return rc;
	if (written < 0)
		return explain_write(where, key, value, written, err);
	snprintf(wanted, sizeof(wanted), "%s", value);
	sq_text_squeeze(wanted);
	if (sq_setting_is_same(wanted, found))
		return 0;
	return sq_err_set(err, -ERANGE, where,
			  "wrote %s, kernel says %s; this setting is bounded, global or read-only "
			  "in a namespace",
			  wanted, found);
}

static bool is_default(const char *key)
{
	return strstr(key, ".default.") || strstr(key, "/default/");
}

int sq_world_sysctls(const struct sq_world *w, size_t host, enum sq_sysctl_pass pass,
		     struct sq_err *err)
{
	const struct sq_host_plan *plan = &w->plan->hosts[host];

	for (size_t i = 0; plan->spec && i < plan->spec->sysctl.n; i++) {
		const struct sq_pair *p = &plan->spec->sysctl.v[i];
		int rc;

		if (is_default(p->key) != (pass == SQ_SYSCTL_DEFAULTS))
			continue;
		rc = sq_sysctl_set(w->own, w->netns[host], plan->name, p->key, p->value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void sq_sysctl_quiet_ipv6(void)
{
	static const char *const quiet[][2] = {
		{ "net/ipv6/conf/all/accept_dad", "0" },
		{ "net/ipv6/conf/default/accept_dad", "0" },
		{ "net/ipv6/conf/default/accept_ra", "0" },
		{ "net/ipv6/conf/default/router_solicitations", "0" },
		{ "net/ipv6/conf/default/addr_gen_mode", "1" },
	};

	for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++)
		if (sq_sysctl_write(quiet[i][0], quiet[i][1]) < 0)
			return;
}
