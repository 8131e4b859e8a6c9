/* The options of the TCP sink, and which of them go together.
 *
 * A reader would get wrong: an option without effect is refused, not passed over.  A sink that was
 * told to reset after 1 KiB and to read nothing would never reset, and the run that was to show
 * resets would show a healthy server. */
#include "loadgen/tcp/sink_conf.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

static const char *const read_choices[] = { "fast", "slow", "never", NULL };
static const char *const close_choices[] = { "peer", "now", NULL };

const struct sq_opt sq_tcpd_opts[] = {
	{ .name = "listen",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcpd_conf, listen),
	  .required = true,
	  .help = "address and port, \"127.0.0.1:9000\" or \"[::1]:9000\"; port 0 takes a free one" },
	{ .name = "backlog",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_tcpd_conf, backlog),
	  .def = "4096",
	  .min = 1,
	  .max = 65535,
	  .help = "the accept queue asked of listen(2), each thread's; net.core.somaxconn caps it" },
	{ .name = "threads",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_tcpd_conf, threads),
	  .def = "1",
	  .min = 1,
	  .max = 256,
	  .help = "serving threads, each with a listener of its own (SO_REUSEPORT)" },
	{ .name = "files",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_tcpd_conf, files),
	  .min = 1,
	  .max = INT_MAX,
	  .help = "limit of the sink's open files (RLIMIT_NOFILE), connections and 10 to 30 of its "
		  "own; accepts beyond it fail with EMFILE" },
	{ .name = "receive_buffer",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcpd_conf, receive_buffer),
	  .min = 1,
	  .max = INT_MAX / 2,
	  .help = "SO_RCVBUF of each connection, which bounds its window; the kernel doubles it" },
	{ .name = "accept_delay",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcpd_conf, accept_delay_ns),
	  .def = "0s",
	  .help = "time that each accept takes, as a slow server's would" },
	{ .name = "accept_noise",
	  .type = SQ_OPT_REAL,
	  .offset = offsetof(struct sq_tcpd_conf, accept_noise),
	  .def = "0",
	  .max = 95,
	  .help = "how far from 1/accept_delay the rate of each 100 ms may lie, in percent, drawn at "
		  "random" },
	{ .name = "noise_seed",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_tcpd_conf, noise_seed),
	  .min = 0,
	  .max = 9e15,
	  .help = "what it is drawn from; absent: another each time" },
	{ .name = "work",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcpd_conf, work_ns),
	  .def = "0s",
	  .max = 10e9,
	  .help = "processor time that each connection costs before it is greeted, as a handshake of TLS does" },
	{ .name = "never_accept",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_tcpd_conf, never_accept),
	  .def = "false",
	  .help = "leave every connection in the accept queue" },
	{ .name = "pause_at",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcpd_conf, pause_at_ns),
	  .def = "0s",
	  .max = 86400e9,
	  .help = "when to stop accepting, counted from the first connection accepted" },
	{ .name = "pause_for",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcpd_conf, pause_for_ns),
	  .def = "0s",
	  .max = 86400e9,
	  .help = "for how long; connections that are open are served meanwhile" },
	{ .name = "read",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_tcpd_conf, read),
	  .def = "fast",
	  .choices = read_choices,
	  .help = "how it reads: all that comes, read_bytes every read_every, or nothing, so that "
		  "the window closes" },
	{ .name = "read_bytes",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcpd_conf, read_bytes),
	  .min = 1,
	  .max = 1 << 20,
	  .help = "bytes that a slow reader takes at a time" },
	{ .name = "read_every",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcpd_conf, read_every_ns),
	  .min = 1e3,
	  .max = 3600e9,
	  .help = "time between the reads of a slow reader, for each connection its own" },
	{ .name = "greeting",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcpd_conf, greeting),
	  .help = "text sent as it stands to each connection once it is accepted" },
	{ .name = "echo",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_tcpd_conf, echo),
	  .def = "false",
	  .help = "send back what is read" },
	{ .name = "request_bytes",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcpd_conf, request_bytes),
	  .min = 1,
	  .max = 1e12,
	  .help = "bytes received that make a request, which a reply follows" },
	{ .name = "reply_bytes",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcpd_conf, reply_bytes),
	  .min = 1,
	  .max = 1e12,
	  .help = "length of the reply, of letters x" },
	{ .name = "reply",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcpd_conf, reply),
	  .help = "the reply as a text, sent as it stands, instead of reply_bytes" },
	{ .name = "close",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_tcpd_conf, close),
	  .def = "peer",
	  .choices = close_choices,
	  .help = "who closes: the peer, or the sink as soon as the greeting is out" },
	{ .name = "close_after",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_tcpd_conf, close_after),
	  .min = 1,
	  .max = 1e15,
	  .help = "replies after which the sink closes, as HTTP/1.0 does after the first" },
	{ .name = "reset_after",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcpd_conf, reset_after),
	  .min = 1,
	  .max = 1e15,
	  .help = "bytes received after which the connection is reset" },
	{ .name = "lose_at",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcpd_conf, lose_at_ns),
	  .max = 86400e9,
	  .help = "when all connections that are open are reset at once, as a restart does, counted "
		  "from the first connection accepted" },
	{ 0 },
};

static bool given(int64_t value)
{
	return value != SQ_OPT_UNSET;
}

int sq_tcpd_conf_check(const struct sq_tcpd_conf *c, struct sq_err *err)
{
	bool replies = sq_tcpd_replies(c), slow = c->read == SQ_TCPD_READ_SLOW;
	bool reads = c->read != SQ_TCPD_READ_NEVER && c->close != SQ_TCPD_CLOSE_NOW;
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
		{ c->pause_for_ns == 0 && c->pause_at_ns > 0,
		  "pause_at: a pause without a length; give pause_for" },
		{ c->accept_noise > 0 && c->accept_delay_ns == 0,
		  "accept_noise: it varies accept_delay, and there is none; give it, for example "
		  "1ms" },
		{ slow && !(given(c->read_bytes) && given(c->read_every_ns)),
		  "read: slow, but not how slow; give both read_bytes and read_every, for example "
		  "1KiB and 100ms" },
		{ !slow && (given(c->read_bytes) || given(c->read_every_ns)),
		  "read: read_bytes and read_every are a slow reader's; set read to slow, or leave "
		  "them out" },
		{ !reads && (replies || c->echo || given(c->reset_after)),
		  "read: with read never or close now nothing is read, so nothing is echoed, "
		  "replied to or reset; leave out one of the two" },
		{ c->echo && replies,
		  "echo: what is read can be sent back or replied to, not both; leave out echo or "
		  "the reply" },
		{ replies != given(c->request_bytes),
		  "request_bytes: a reply follows a request of a known length; give request_bytes "
		  "together with reply or reply_bytes" },
		{ c->reply && given(c->reply_bytes),
		  "reply: it is given twice; leave out reply or reply_bytes" },
		{ c->reply && !*c->reply, "reply: it is empty; give a text, or leave it out" },
		{ given(c->close_after) && !replies,
		  "close_after: it counts replies, and there are none; give request_bytes and "
		  "reply_bytes" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].wrong)
			return sq_err_set(err, -EINVAL, "sink tcp", "%s", rules[i].text);
	return 0;
}
