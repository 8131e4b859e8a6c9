/* The address of a name that a person gave as a target. */
#ifndef SQ_SCENARIOS_RESOLVE_H
#define SQ_SCENARIOS_RESOLVE_H

#include "base/err.h"
#include "scenarios/cidr.h"

/* /etc/hosts, then the name servers of the system's configuration; the first IPv4 address, else the
 * first IPv6 one.  Blocks for at most about 5 s.  where is the errors' place.  -EINVAL for what can
 * be no name, -ENOENT for a name that is not there or has no address, -ETIMEDOUT, -ECONNREFUSED or
 * -EIO for name servers that do not answer it. */
int sq_resolve(const char *name, const char *where, struct sq_ip *ret, struct sq_err *err);

/* The same with other name servers, "127.0.0.1:5353,[::1]:53"; NULL: the system's. */
int sq_resolve_by(const char *name, const char *servers, const char *where, struct sq_ip *ret,
		  struct sq_err *err);

#endif
