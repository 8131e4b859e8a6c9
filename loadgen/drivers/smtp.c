/* SMTP: whole sessions, several messages on each.  An operation is a message, from the time that it
 * was due until the server has answered its final dot; the session that carries it is an ordinary
 * thing that comes and goes (loadgen/smtp/pool.h, session.h).
 *
 * An open loop in front of sessions: a message that is due goes to an idle session, else to a new
 * one, else it waits for one of `connections`; its latency counts from its due time all the same.
 * One that waited for half of its timeout is "no-session", which is this load's own limit and no
 * fault of the server's.  A closed loop of more messages than connections always has one waiting, and so
 * makes the most of PIPELINING: the next envelope goes out with the text of the message before.
 *
 * What a reader would get wrong: a refusal fails the message and not the session, and a session
 * that ends fails one message and no other; what it had not begun goes elsewhere. */
#include <errno.h>
#include <stddef.h>

#include "loadgen/engine/ares.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/lane.h"
#include "loadgen/smtp/pool.h"
#include "loadgen/smtp/words.h"

/* ---- before the run ---- */

static int smtp_prepare(void *arg, const struct sq_load_plan *load, struct sq_err *err)
{
	struct sq_smtp_conf *conf = arg;
	const struct sq_smtp_mail_spec spec = {
		.sender = conf->sender,
		.recipients = &conf->recipients,
		.users = conf->users,
		.recipients_per_message = conf->recipients_per_message,
		.subject = conf->subject,
		.helo = conf->helo,
		.body = conf->body,
	};

	(void)load;
	if (conf->deliver == SQ_SMTP_DELIVER_MX && conf->recipients_per_message > 1)
		return sq_err_set(err, -EINVAL, "smtp: recipients_per_message",
				  "deliver \"mx\" sends a message to one domain; leave it at 1");
	if (conf->deliver == SQ_SMTP_DELIVER_MX && sq_ares_library("smtp", err) < 0)
		return -EIO;
	conf->mail = sq_smtp_mail_new(&spec, err);
	return conf->mail ? 0 : err && err->code ? err->code : -EINVAL;
}

static void smtp_release(void *arg)
{
	struct sq_smtp_conf *conf = arg;

	conf->mail = sq_smtp_mail_free(conf->mail);
}

/* ---- on a lane ---- */

static int smtp_lane_init(struct sq_lane *lane, struct sq_err *err)
{
	return sq_smtp_pool_init(lane->state, lane, err);
}

static void smtp_lane_fini(struct sq_lane *lane)
{
	sq_smtp_pool_fini(lane->state);
}

static unsigned smtp_start(struct sq_lane *lane, const int64_t *due_ns, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct sq_op *op = sq_op_new(lane, due_ns[i]);

		if (!op)
			return i;
		sq_smtp_pool_add(lane->state, op);
	}
	return n;
}

static void smtp_input(struct sq_lane *lane, uint32_t token, uint32_t events)
{
	struct sq_smtp_pool *p = lane->state;
	struct sq_smtp_session *s = &p->sessions[token & 0xffff];

	if (s->fd >= 0 && s->generation == token >> 16)
		sq_smtp_session_input(s, events);
}

static void smtp_end(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	sq_smtp_pool_end(lane->state, op, code);
}

/* ---- tables ---- */

static const char *const hello_choices[] = { "ehlo", "helo", NULL };
static const char *const size_choices[] = { "uniform", "lognormal", NULL };
static const char *const deliver_choices[] = { "target", "mx", NULL };

static const struct sq_opt smtp_opts[] = {
	{ .name = "messages_per_connection",
	  .type = SQ_OPT_INT_RANGE,
	  .offset = offsetof(struct sq_smtp_conf, messages_per_connection),
	  .def = "1",
	  .min = 1,
	  .max = 1e9,
	  .help = "a session says QUIT after so many messages, refused ones included; of a range each "
		  "draws its own" },
	{ .name = "connections",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_smtp_conf, connections),
	  .def = "100",
	  .min = 1,
	  .max = 65536,
	  .help = "most sessions at once; each thread has its share, rounded up" },
	{ .name = "keep",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_smtp_conf, keep_ns),
	  .def = "200ms",
	  .help = "how long an idle session waits for its next message before QUIT; 0s: not at all" },
	{ .name = "sender",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, sender),
	  .def = "sender@client.test",
	  .help = "address or pattern (user{1-100}@client.test); \"\" is the null sender" },
	{ .name = "recipients",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_smtp_conf, recipients),
	  .def = "user{1-1000}@example.test",
	  .help = "addresses or patterns, taken in turn" },
	{ .name = "users",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, users),
	  .help = "a file of recipients instead, one address a line; # begins a comment line" },
	{ .name = "recipients_per_message",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_smtp_conf, recipients_per_message),
	  .def = "1",
	  .min = 1,
	  .max = 1000,
	  .help = "RCPTs of each message; it goes on when at least one is accepted" },
	{ .name = "size",
	  .type = SQ_OPT_SIZE_RANGE,
	  .offset = offsetof(struct sq_smtp_conf, body.size),
	  .def = "1KiB",
	  .min = 2,
	  .max = 1 << 30,
	  .help = "bytes of a message's body, line ends included; its header comes on top; of a range "
		  "(1-10KiB) each draws its own" },
	{ .name = "size_as",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_smtp_conf, body.size_as),
	  .def = "uniform",
	  .choices = size_choices,
	  .help = "how sizes lie in their range: alike, or most of them small and few large, as mail "
		  "does: of a log-normal distribution the middle 95 %" },
	{ .name = "messages",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, body.messages),
	  .help = "real messages in place of made ones, in turn: an mbox, a message, or a folder of "
		  "them" },
	{ .name = "subject",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, subject),
	  .def = "squall",
	  .help = "the Subject; each message has its own Message-ID, X-Squall-Id (ID.THREAD.NUMBER), "
		  "X-Squall-Sent and X-Squall-Digest" },
	{ .name = "helo",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, helo),
	  .def = "client.test",
	  .help = "the name that this client gives for its own" },
	{ .name = "hello",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_smtp_conf, hello),
	  .def = "ehlo",
	  .choices = hello_choices,
	  .help = "the command to say it by; a server that refuses EHLO gets HELO" },
	{ .name = "pipelining",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_smtp_conf, pipelining),
	  .def = "true",
	  .help = "send an envelope in one write where the server announces PIPELINING" },
	{ .name = "deliver",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_smtp_conf, deliver),
	  .def = "target",
	  .choices = deliver_choices,
	  .help = "all to the load's target; or to the exchangers of each recipient's domain, asked of "
		  "the load's resolver, at the target's port" },
	{ 0 },
};

const struct sq_driver sq_driver_smtp = {
	.kind = { .name = "smtp",
		  .summary =
			  "SMTP sessions; an operation is a message, until its final dot is answered",
		  .opts = smtp_opts,
		  .conf_size = sizeof(struct sq_smtp_conf) },
	.words = { .codes = sq_smtp_codes,
		   .phases = sq_smtp_phases,
		   .efforts = sq_smtp_efforts,
		   .counts = sq_smtp_counts },
	.lane_size = sizeof(struct sq_smtp_pool),
	.op_size = sizeof(struct sq_smtp_op),
	.prepare = smtp_prepare,
	.release = smtp_release,
	.lane_init = smtp_lane_init,
	.lane_fini = smtp_lane_fini,
	.start = smtp_start,
	.input = smtp_input,
	.end = smtp_end,
};
