/* The tcp driver's keys, and what of them contradicts each other.
 *
 * What a reader would get wrong: a key that would mean nothing is refused, not ignored, so that nobody
 * believes to have measured what was never done. */
#include "loadgen/tcp/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { BULK_BYTES = 64 << 10, PAYLOAD_MAX = 1 << 20 };

static const char *const until_choices[] = { "connected", "acked",  "greeting",
					     "answer",    "closed", NULL };
static const char *const close_choices[] = { "rst", "fin", "half", NULL };
static const char *const hold_choices[] = { "constant", "exponential", NULL };
static const char *const read_choices[] = { "fast", "slow", "never", NULL };

const struct sq_opt sq_tcp_opts[] = {
	{ .name = "until",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_tcp_conf, until),
	  .def = "acked",
	  .choices = until_choices,
	  .help = "what a success is: the handshake done, a byte of ours acknowledged by the "
		  "server's kernel, a first byte of the server's, all answers had, or after them "
		  "the server's close" },
	{ .name = "greeted",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_tcp_conf, greeted),
	  .def = "false",
	  .help = "until answer or closed: the server speaks first, and the first request waits "
		  "for that" },
	{ .name = "send",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcp_conf, send),
	  .help = "until answer or closed: the text of each request, as it stands" },
	{ .name = "send_size",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcp_conf, send_size),
	  .min = 1,
	  .max = PAYLOAD_MAX,
	  .help = "in place of send: so many bytes, the same ones each time" },
	{ .name = "answer",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcp_conf, answer),
	  .help = "what each answer must begin with; another one fails as mismatch" },
	{ .name = "answer_size",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcp_conf, answer_size),
	  .min = 1,
	  .max = INT32_MAX,
	  .help = "bytes of an answer, after which the next request goes out; 1 byte, or as many as "
		  "answer has, when not given" },
	{ .name = "rounds",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_tcp_conf, rounds),
	  .def = "1",
	  .min = 0,
	  .max = 1e9,
	  .help = "requests and answers of a connection, one after the other; 0 with until closed: "
		  "none, the server's close alone" },
	{ .name = "send_piece",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcp_conf, send_piece),
	  .min = 1,
	  .max = PAYLOAD_MAX,
	  .help = "send slowly: a request goes out in pieces of so many bytes, one each pause" },
	{ .name = "read",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_tcp_conf, read),
	  .def = "fast",
	  .choices = read_choices,
	  .help = "how answers, what follows them, and what comes while a connection is held, are "
		  "read: as they come, slowly, or never; what is left unread turns a FIN into a RST" },
	{ .name = "read_piece",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcp_conf, read_piece),
	  .min = 1,
	  .max = PAYLOAD_MAX,
	  .help = "read slow: so many bytes each pause; 1KiB when not given" },
	{ .name = "pause",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcp_conf, pause_ns),
	  .min = 1e6,
	  .max = 3600e9,
	  .help = "between pieces of slow sending and reading; 100ms when not given" },
	{ .name = "hold",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_tcp_conf, hold_ns),
	  .def = "0s",
	  .help = "how long a connection that succeeded stays open, at most until the load has "
		  "lasted its duration; one that its server ends meanwhile is let go" },
	{ .name = "hold_as",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_tcp_conf, hold_as),
	  .def = "constant",
	  .choices = hold_choices,
	  .help = "whether each is held as long, or by chance, with hold as the mean" },
	{ .name = "bulk",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_tcp_conf, bulk),
	  .def = "false",
	  .help = "send without end while a connection is held: cross-traffic" },
	{ .name = "rate_limit",
	  .type = SQ_OPT_BITRATE,
	  .offset = offsetof(struct sq_tcp_conf, rate),
	  .min = 8000,
	  .max = 1e12,
	  .help = "the kernel paces each connection to this (SO_MAX_PACING_RATE)" },
	{ .name = "receive_buffer",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_tcp_conf, receive_buffer),
	  .min = 1024,
	  .max = 1 << 30,
	  .help = "receive buffer of each socket (SO_RCVBUF): small, the window of one that is not "
		  "read closes soon" },
	{ .name = "close",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_tcp_conf, close),
	  .def = "rst",
	  .choices = close_choices,
	  .help = "how a connection that succeeded is closed: rst leaves no TIME_WAIT; half, with "
		  "until closed, ends our side after the last request and waits for the server's" },
	{ .name = "ports",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcp_conf, ports),
	  .help = "source ports, as 20000-59999, taken in turn; an address of a list of sources "
		  "uses each of them" },
	{ .name = "tls",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_tcp_conf, use_tls),
	  .def = "false",
	  .help = "a TLS handshake follows the connect, and all that is sent goes through it" },
	{ .name = "tls_ca",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcp_conf, tls.ca),
	  .help = "a file of certificates that the server's must come from; without it none is "
		  "checked" },
	{ .name = "tls_name",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_tcp_conf, tls.name),
	  .help = "the server's name, sent to it (SNI); with tls_ca its certificate must have it" },
	{ .name = "tls_resume",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_tcp_conf, tls.resume),
	  .def = "true",
	  .help = "go on from a session that the server gave a ticket for" },
	{ 0 },
};

/* ---- what contradicts itself ---- */

struct rule {
	const char *key;
	bool given, sensible;
	const char *advice;
};

static int check_rules(const struct sq_tcp_conf *c, struct sq_err *err)
{
	bool talks = sq_tcp_talks(c), held = c->hold_ns > 0;
	bool slow = c->read == SQ_TCP_READ_SLOW;
	const struct rule rules[] = {
		{ "greeted", c->greeted, talks, "it needs \"until\": \"answer\" or \"closed\"" },
		{ "send", c->send, talks, "it needs \"until\": \"answer\" or \"closed\"" },
		{ "send_size", c->send_size != SQ_OPT_UNSET, talks && !c->send,
		  "it needs \"until\": \"answer\" or \"closed\", and stands in place of send" },
		{ "until", talks && c->rounds > 0, c->send || c->send_size != SQ_OPT_UNSET,
		  "say what is sent, by send or send_size" },
		{ "answer", c->answer, talks, "it needs \"until\": \"answer\" or \"closed\"" },
		{ "answer_size", c->answer_size != SQ_OPT_UNSET, talks,
		  "it needs \"until\": \"answer\" or \"closed\"" },
		{ "rounds", c->rounds != 1,
		  talks && (c->rounds > 0 || c->until == SQ_TCP_UNTIL_CLOSED),
		  "it needs \"until\": \"answer\", or \"closed\", which may have none" },
		{ "send_piece", c->send_piece != SQ_OPT_UNSET, talks && c->rounds > 0,
		  "there is no request to be sent in pieces" },
		{ "read", c->read != SQ_TCP_READ_FAST, talks || held,
		  "nothing is read: have answers (until) or hold the connection" },
		{ "read", c->read == SQ_TCP_READ_NEVER, !talks,
		  "answers that are not read never come; choose slow, or another until" },
		{ "read_piece", c->read_piece != SQ_OPT_UNSET, slow,
		  "it needs \"read\": \"slow\"" },
		{ "pause", c->pause_ns != SQ_OPT_UNSET, slow || c->send_piece != SQ_OPT_UNSET,
		  "it needs \"read\": \"slow\" or send_piece" },
		{ "hold_as", c->hold_as != SQ_TCP_HOLD_CONSTANT, held, "it needs a hold" },
		{ "bulk", c->bulk, held && !(c->until == SQ_TCP_UNTIL_CLOSED),
		  "it needs a hold, and a connection that the server has not closed" },
		{ "hold", held, c->until != SQ_TCP_UNTIL_CLOSED,
		  "what the server has closed cannot be held; choose another until" },
		{ "close", c->close == SQ_TCP_CLOSE_HALF, c->until == SQ_TCP_UNTIL_CLOSED,
		  "half needs \"until\": \"closed\"" },
		{ "tls_ca", c->tls.ca, c->use_tls, "it needs \"tls\": true" },
		{ "tls_name", c->tls.name, c->use_tls, "it needs \"tls\": true" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].given && !rules[i].sensible)
			return sq_err_set(err, -EINVAL, rules[i].key, "%s", rules[i].advice);
	return 0;
}

static bool read_port(const char **text, char end, uint32_t *ret)
{
	char *rest;
	unsigned long port = strtoul(*text, &rest, 10);

	if (rest == *text || **text == '-' || *rest != end || port < 1 || port > UINT16_MAX)
		return false;
	*ret = (uint32_t)port;
	*text = rest + 1;
	return true;
}

static int read_ports(struct sq_tcp_conf *c, struct sq_err *err)
{
	const char *text = c->ports;
	uint32_t first, last;

	if (!text)
		return 0;
	if (!read_port(&text, '-', &first) || !read_port(&text, '\0', &last) || last < first)
		return sq_err_set(err, -EINVAL, "ports",
				  "\"%.40s\" is no range of ports; write it as 20000-59999",
				  c->ports);
	c->first_port = (uint16_t)first;
	c->n_ports = last - first + 1;
	return 0;
}

static int check_tls(const struct sq_tcp_conf *c, struct sq_err *err)
{
	struct sq_tls *tls = c->tls.ca ? sq_tls_new(&c->tls, NULL, err) : NULL;

	if (c->tls.ca && !tls)
		return err->code;
	sq_tls_free(tls);
	return 0;
}

/* ---- what is made of it ---- */

static void make_payload(struct sq_tcp_conf *c)
{
	size_t len = c->send            ? strlen(c->send)
		     : c->send_size > 0 ? (size_t)c->send_size
					: BULK_BYTES;

	if (!sq_tcp_talks(c) && !c->bulk)
		return;
	c->payload = sq_alloc(len + 1);
	c->payload_len = len;
	if (c->send)
		memcpy(c->payload, c->send, len);
	for (size_t i = 0; !c->send && i < len; i++)
		c->payload[i] = i % 64 == 63 ? '\n' : (char)('a' + i % 26);
}

int sq_tcp_conf_check(struct sq_tcp_conf *c, struct sq_err *err)
{
	int rc = check_rules(c, err);

	if (rc == 0)
		rc = read_ports(c, err);
	if (rc == 0)
		rc = check_tls(c, err);
	if (rc < 0)
		return rc;
	if (c->pause_ns == SQ_OPT_UNSET)
		c->pause_ns = 100 * SQ_MS;
	if (c->read_piece == SQ_OPT_UNSET)
		c->read_piece = 1024;
	c->answer_len = c->answer ? strlen(c->answer) : 0;
	if (c->answer_size == SQ_OPT_UNSET)
		c->answer_size = c->answer_len ? (int64_t)c->answer_len : 1;
	if ((size_t)c->answer_size < c->answer_len)
		return sq_err_set(err, -EINVAL, "answer_size",
				  "answer alone has %zu bytes; ask for as many", c->answer_len);
	make_payload(c);
	return 0;
}

void sq_tcp_conf_fini(struct sq_tcp_conf *c)
{
	free(c->payload);
	c->payload = NULL;
}
