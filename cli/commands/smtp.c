/* squall smtp TARGET: mail to one server without a scenario file. */
#include "cli/command.h"
#include "cli/quick.h"

static const struct sq_quick form = {
	.driver = "smtp",
	.port = 25,
	.rate = "10/s",
};

static int run(int argc, char **argv)
{
	return sq_quick(&form, argc, argv);
}

static void options(struct sq_buf *out)
{
	sq_quick_help(&form, out);
}

const struct sq_command sq_command_smtp = {
	.name = "smtp",
	.args = "TARGET [options]",
	.summary = "mail to one server, without a scenario file",
	.options = options,
	.run = run,
};
