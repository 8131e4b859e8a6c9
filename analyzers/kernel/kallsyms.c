/* /proc/kallsyms is not sorted across modules: the nearest function at or below the address is the one. */
#include "analyzers/kernel/kallsyms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sq_kallsyms_name(uint64_t address, char ret_name[SQ_KALLSYMS_NAME])
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[SQ_KALLSYMS_NAME], type, *rest;
	uint64_t at, best = 0;
	bool any = false;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		at = strtoull(line, &rest, 16);
		if (sscanf(rest, " %c %63s", &type, name) != 2 || !strchr("tTwW", type))
			continue;
		any |= at != 0;
		if (at <= address && at > best) {
			best = at;
			memcpy(ret_name, name, sizeof(name));
		}
	}
	fclose(f);
	return !any ? -EPERM : best ? 0 : -ENOENT;
}
