/* How often each interrupt came, summed over the processors: "irq" of "38:virtio2-input.0" or "LOC".
 * Of the whole machine.  The kernel counts with 32 bits.
 *
 * What a reader would get wrong: a driver that polls (NAPI) is not interrupted while it is busy, so
 * few interrupts may mean few packets or many.  On a machine of many processors the text is long, so
 * it is read only as often as 0.05 % of one of them allows. */
#include "analyzers/formats/systext.h"
#include "analyzers/thrift.h"

struct interrupts {
	struct sq_nettext_file text;
	struct sq_thrift thrift;
};

static int interrupts_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct interrupts *in = state;

	(void)conf;
	in->thrift.times = 2000;
	return sq_nettext_file_open(&in->text, sq_sample_place(s), "/proc/interrupts", err);
}

static int interrupts_sample(void *state, struct sq_sample *s)
{
	struct interrupts *in = state;
	int rc;

	if (!sq_thrift_begin(&in->thrift))
		return 0;
	rc = sq_nettext_file_sample(&in->text, sq_systext_interrupts, s);
	sq_thrift_end(&in->thrift);
	return rc;
}

static void interrupts_close(void *state)
{
	struct interrupts *in = state;

	sq_nettext_file_close(&in->text);
}

const struct sq_source sq_source_interrupts = {
	.kind = {
		.name = "interrupts",
		.summary = "how often each interrupt came (/proc/interrupts)",
	},
	.group = "linux",
	.state_size = sizeof(struct interrupts),
	.remote = true,
	.open = interrupts_open,
	.sample = interrupts_sample,
	.close = interrupts_close,
};
