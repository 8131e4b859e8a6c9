/* squall dns TARGET: DNS queries to one server without a scenario file, with
 * dnsperf's letters for whoever has them in the fingers. */
#include "cli/command.h"
#include "cli/quick.h"

static const struct sq_args_letter letters[] = {
	{ .letter = 's', .option = "server" },
	{ .letter = 'p', .option = "port" },
	{ .letter = 'd', .option = "queries" },
	{ .letter = 'Q', .option = "rate" },
	{ .letter = 'l', .option = "duration", .unit = "s" },
	{ .letter = 't', .option = "timeout", .unit = "s" },
	{ .letter = 'T', .option = "threads" },
	{ .letter = 'c', .option = "sockets" },
	{ .letter = 'q', .option = "closed" },
	{ .letter = 'e', .option = "edns", .value = "1232" },
	{ .letter = 'D', .option = "dnssec", .value = "true" },
	{ .letter = 'E', .option = "edns_options" },
	{ .letter = 'm', .option = "transport" },
	{ 0 },
};

static const struct sq_quick_port ports[] = {
	{ "transport", "dot", 853 },
	{ "transport", "doh", 443 },
	{ 0 },
};

static const struct sq_quick form = {
	.driver = "dns",
	.port = 53,
	.ports = ports,
	.rate = "1000/s",
	/* RFC 6761 keeps .test for tests: a resolver says NXDOMAIN, which is an
       answer. */
	.otherwise = { .key = "names",
		       .value = "example.test",
		       .instead = { "queries", "updates" } },
	.letters = letters,
};

static int run(int argc, char **argv)
{
	return sq_quick(&form, argc, argv);
}

static void options(struct sq_buf *out)
{
	sq_quick_help(&form, out);
}

const struct sq_command sq_command_dns = {
	.name = "dns",
	.args = "TARGET [options]",
	.summary = "DNS queries over UDP, TCP, TLS or HTTPS to one server, without a scenario file",
	.options = options,
	.run = run,
};
