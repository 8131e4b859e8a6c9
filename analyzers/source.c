/* The kinds that a scenario's "source" may name: the groups, and every source by itself. */
#include "analyzers/source.h"

#include "base/mem.h"

const struct sq_kind sq_source_group_linux = {
	.name = "linux",
	.summary = "all the kernel's counters that are cheap to read: snmp, netstat, sockstat ...",
};

const struct sq_kind *const *sq_source_kinds(void)
{
	/* Made once and kept: parsed scenarios point at it for as long as the program lives. */
	static const struct sq_kind **kinds;
	size_t n = 0;

	if (kinds)
		return kinds;
	while (sq_sources[n])
		n++;
	kinds = sq_alloc_n(n + 2, sizeof(const struct sq_kind *));
	kinds[0] = &sq_source_group_linux;
	for (size_t i = 0; i < n; i++)
		kinds[i + 1] = &sq_sources[i]->kind;
	return kinds;
}
