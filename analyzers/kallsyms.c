/* /proc/kallsyms is not sorted across modules: the nearest function at or below the address is the one. */
#include "analyzers/kallsyms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int sq_kallsyms_name(uint64_t address, char ret_name[SQ_KALLSYMS_NAME])
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[SQ_KALLSYMS_NAME], type;
	uint64_t at, best = 0;
	bool any = false;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %c %63s", &at, &type, name) != 3 ||
		    !strchr("tTwW", type))
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
