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
#include "loadgen/smtp/auth.h"
#include "loadgen/smtp/pool.h"
#include "loadgen/smtp/words.h"

/* ---- before the run ---- */

static int check_ca(const struct sq_smtp_conf *c, struct sq_err *err)
{
	struct sq_tls *tls = c->tls.ca ? sq_tls_new(&c->tls, NULL, err) : NULL;

	sq_tls_free(tls);
	return c->tls.ca && !tls ? -EINVAL : 0;
}

static bool has_tls(const struct sq_smtp_conf *c)
{
	return c->use_tls || c->starttls_percent > 0;
}

/* Keys that would mean nothing, or contradict each other. */
static int check_keys(const struct sq_smtp_conf *c, struct sq_err *err)
{
	bool mx = c->deliver == SQ_SMTP_DELIVER_MX, ehlo = c->hello == SQ_SMTP_HELLO_EHLO;
	const struct {
		const char *key;
		bool given, sensible;
		const char *advice;
	} rules[] = {
		{ "recipients_per_message", c->recipients_per_message > 1, !mx,
		  "deliver \"mx\" sends a message to one domain; leave it at 1" },
		{ "starttls_percent", c->starttls_percent > 0, !c->use_tls && ehlo,
		  "it needs \"hello\": \"ehlo\", and no \"tls\": true" },
		{ "tls_ca", c->tls.ca, has_tls(c), "it needs \"tls\": true or starttls_percent" },
		{ "tls_name", c->tls.name, has_tls(c),
		  "it needs \"tls\": true or starttls_percent" },
		{ "user", c->user, c->password && ehlo,
		  "it needs a password, and \"hello\": \"ehlo\"" },
		{ "password", c->password, c->user, "it needs a user" },
		{ "lmtp", c->lmtp, !mx && ehlo,
		  "it needs \"hello\": \"ehlo\" and \"deliver\": \"target\"" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].given && !rules[i].sensible)
			return sq_err_set(err, -EINVAL, rules[i].key, "%s", rules[i].advice);
	return check_ca(c, err);
}

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
	if (check_keys(conf, err) < 0)
		return -EINVAL;
	if (conf->deliver == SQ_SMTP_DELIVER_MX && sq_ares_library("smtp", err) < 0)
		return -EIO;
	if (conf->user)
		conf->auth = sq_smtp_auth_new(conf->auth_as, conf->user, conf->password);
	conf->mail = sq_smtp_mail_new(&spec, err);
	return conf->mail ? 0 : err && err->code ? err->code : -EINVAL;
}

static void smtp_release(void *arg)
{
	struct sq_smtp_conf *conf = arg;

	conf->mail = sq_smtp_mail_free(conf->mail);
	conf->auth = sq_smtp_auth_free(conf->auth);
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

	if (s->stream.state == SQ_STREAM_CLOSED || s->generation != token >> 16)
		return;
	p->heard = s;
	sq_smtp_session_input(s, events);
	p->heard = NULL;
}

static void smtp_end(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	sq_smtp_pool_end(lane->state, op, code);
}

/* ---- tables ---- */

static const char *const hello_choices[] = { "ehlo", "helo", NULL };
static const char *const size_choices[] = { "uniform", "lognormal", NULL };
static const char *const auth_choices[] = { "plain", "login", NULL };
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
	  .help = "RCPTs of each message, no more than there are addresses; it goes on when at least one is accepted" },
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
	{ .name = "tls",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_smtp_conf, use_tls),
	  .def = "false",
	  .help = "TLS from the first byte on, as at port 465" },
	{ .name = "starttls_percent",
	  .type = SQ_OPT_REAL,
	  .offset = offsetof(struct sq_smtp_conf, starttls_percent),
	  .def = "0",
	  .max = 100,
	  .help = "so many of 100 sessions say STARTTLS, whether it is offered or not" },
	{ .name = "tls_ca",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, tls.ca),
	  .help = "a file of certificates that the server's must come from; without it none is "
		  "checked" },
	{ .name = "tls_name",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, tls.name),
	  .help = "the server's name, sent to it (SNI); with tls_ca its certificate must have it" },
	{ .name = "tls_resume",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_smtp_conf, tls.resume),
	  .def = "true",
	  .help = "go on from a session that the server gave a ticket for" },
	{ .name = "user",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, user),
	  .help = "who sessions say they are (AUTH), whether it is offered or not" },
	{ .name = "password",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_smtp_conf, password),
	  .help = "the user's; it stands in the report, so let it be one of a test" },
	{ .name = "auth",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_smtp_conf, auth_as),
	  .def = "plain",
	  .choices = auth_choices,
	  .help = "the mechanism of AUTH" },
	{ .name = "lmtp",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_smtp_conf, lmtp),
	  .def = "false",
	  .help = "LMTP: LHLO, and an answer for each recipient after the text; a message is ok when "
		  "one of them is" },
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
