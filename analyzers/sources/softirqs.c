/* How often each processor ran each kind of soft interrupt: "softirq.NET_RX" of "cpu0".  Of the whole
 * machine.  The kernel counts with 32 bits.
 *
 * What a reader would get wrong: one run takes many packets; packets are softnet's. */
#include "analyzers/formats/systext.h"

static int softirqs_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/softirqs", err);
}

static int softirqs_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_systext_softirqs, s);
}

const struct sq_source sq_source_softirqs = {
	.kind = {
		.name = "softirqs",
		.summary = "soft interrupts of each processor, by kind (/proc/softirqs)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = softirqs_open,
	.sample = softirqs_sample,
	.close = sq_nettext_file_close,
};
