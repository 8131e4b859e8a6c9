/* The machine's memory: "mem.MemAvailable", "mem.Dirty", all in bytes.
 *
 * What a reader would get wrong: it is the machine's, in every namespace and container; what limits a
 * container is its cgroup.  The kernel's kB are KiB. */
#include "analyzers/formats/systext.h"

static int meminfo_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/meminfo", err);
}

static int meminfo_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_systext_meminfo, s);
}

const struct sq_source sq_source_meminfo = {
	.kind = {
		.name = "meminfo",
		.summary = "the machine's memory, by use (/proc/meminfo)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = meminfo_open,
	.sample = meminfo_sample,
	.close = sq_nettext_file_close,
};
