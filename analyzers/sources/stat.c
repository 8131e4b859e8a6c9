/* What the processors did: "cpu.softirq" of "cpu0" and, without an instance, of all together, in ms;
 * context switches, new processes, and how many run or wait for a disk.  Of the whole machine.
 *
 * What a reader would get wrong:
 * - The kernel tells it in ticks of 10 ms (USER_HZ), so one of these is the least that shows, and a
 *   busy time shorter than a tick may be told as none: this is sampled time, unlike a process's.
 * - cpu.guest is a part of cpu.user, cpu.guest_nice one of cpu.nice. */
#include "analyzers/formats/systext.h"

static int stat_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/stat", err);
}

static int stat_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_systext_stat, s);
}

const struct sq_source sq_source_stat = {
	.kind = {
		.name = "stat",
		.summary = "what each processor's time went to, context switches (/proc/stat)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = stat_open,
	.sample = stat_sample,
	.close = sq_nettext_file_close,
};
