/* squall tcp TARGET: TCP connections without a scenario file. */
#include "cli/command.h"
#include "cli/quick.h"

static const struct sq_quick form = {
	.driver = "tcp",
	.rate = "100/s",
};

static int run(int argc, char **argv)
{
	return sq_quick(&form, argc, argv);
}

static void options(struct sq_buf *out)
{
	sq_quick_help(&form, out);
}

const struct sq_command sq_command_tcp = {
	.name = "tcp",
	.args = "TARGET [options]",
	.summary = "TCP connections to one target, without a scenario file",
	.options = options,
	.run = run,
};
