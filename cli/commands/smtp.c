/* squall smtp TARGET: mail to one server without a scenario file, with Postal's letters for whoever
 * has them in the fingers. */
#include "cli/command.h"
#include "cli/quick.h"
#include "loadgen/smtp/postal.h"

static const struct sq_args_letter letters[] = {
	{ .letter = 'r', .option = "rate", .unit = "/min" },
	{ .letter = 't', .option = "connections" },
	{ .letter = 'c', .option = "messages_per_connection", .least = "1" },
	{ .letter = 'm', .option = "size", .unit = "KiB", .least = "1" },
	{ 0 },
};

static const struct sq_quick_lines lines = {
	.option = "postal",
	.help = "print Postal's line on stdout each so long, as in --postal 1min, and one for the rest; "
		"with --quiet nothing else",
	.head = SQ_SMTP_POSTAL_HEAD,
	.line = sq_smtp_postal_line,
};

static const struct sq_quick form = {
	.driver = "smtp",
	.port = 25,
	.rate = "10/s",
	.letters = letters,
	.lines = &lines,
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
