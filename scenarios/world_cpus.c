/* The processors that a host's servers and loads run on.
 *
 * What a reader would get wrong: it is affinity and no partition.  Other programs of the machine may run
 * there too, and who is kept to a processor waits for them. */
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/scenario_private.h"
#include "scenarios/world_private.h"

static bool read_number(const char **at, size_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	*ret = strtoul(*at, &end, 10);
	*at = end;
	return *ret < CPU_SETSIZE;
}

int sq_cpus_parse(const char *text, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	for (const char *at = text;; at++) {
		size_t first, last;

		if (!read_number(&at, &first))
			return -EINVAL;
		last = first;
		if (*at == '-' && (at++, !read_number(&at, &last) || last < first))
			return -EINVAL;
		for (size_t i = first; i <= last; i++)
			CPU_SET(i, ret);
		if (!*at)
			return 0;
		if (*at != ',')
			return -EINVAL;
	}
}

/* The kernel takes a set of which any processor is there, and leaves out the others. */
static bool are_there(const cpu_set_t *wanted)
{
	cpu_set_t found;

	return sched_getaffinity(0, sizeof(found), &found) == 0 && CPU_EQUAL(wanted, &found);
}

int sq_world_cpus(const struct sq_host_spec *host, struct sq_err *err)
{
	cpu_set_t set;

	if (!host->cpus || sq_cpus_parse(host->cpus, &set) < 0)
		return 0; /* it was checked with the scenario */
	if (sched_setaffinity(0, sizeof(set), &set) == 0 && are_there(&set))
		return 0;
	return sq_err_set(
		err, -EINVAL, host->name,
		"this machine lets it have no processors %s: it has %ld, from 0 on; name others",
		host->cpus, sysconf(_SC_NPROCESSORS_ONLN));
}
