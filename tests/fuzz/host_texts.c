/* libFuzzer over texts of the kernel about processes, control groups and dropped packets: the bytes by
 * themselves, and behind a good beginning. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/formats/drops.h"
#include "analyzers/kernel/cgroup.h"
#include "analyzers/kernel/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Terminated, and no byte longer, so that a sanitizer sees what reads on. */
static char *text_of(const char *head, const uint8_t *data, size_t len)
{
	size_t head_len = strlen(head);
	char *text = malloc(head_len + len + 1);

	assert(text);
	memcpy(text, head, head_len);
	if (len)
		memcpy(text + head_len, data, len);
	text[head_len + len] = '\0';
	return text;
}

static void try_process(const char *text)
{
	struct sq_process_stat s;

	if (sq_process_parse(text, &s))
		assert(strlen(s.name) < SQ_PROCESS_NAME);
}

static void try_drop(const char *line)
{
	struct sq_drop d;

	sq_drop_parse(line, &d);
	assert(strlen(d.reason) < SQ_DROP_WORD && strlen(d.location) < SQ_DROP_WORD);
}

static void try_cgroup(const char *memberships, const char *mounts)
{
	struct sq_cgroup g;

	sq_cgroup_parse(memberships, mounts, NULL, &g);
	for (size_t i = 0; i < SQ_CGROUPS; i++)
		assert(strlen(g.at[i].folder) < sizeof(g.at[i].folder));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char mount[] = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
	char *text = text_of("", data, len),
	     *process = text_of("5 (a) S 1 1 1 0 -1 4 1 ", data, len),
	     *drop = text_of("kfree_skb: location=", data, len),
	     *mounts = text_of("31 23 0:28 / /sys/fs/cgroup rw ", data, len);

	try_process(text);
	try_process(process);
	try_drop(text);
	try_drop(drop);
	try_cgroup(text, mount);
	try_cgroup("4:cpu:/a\n0::/b\n", mounts);
	try_cgroup(text, text);
	free(text);
	free(process);
	free(drop);
	free(mounts);
	return 0;
}
