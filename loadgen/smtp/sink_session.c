/* The SMTP sink's side of a session (RFC 5321, pipelining by RFC 2920): from octets to commands, and
 * which of them may be obeyed.  What they come to is in sink_phase.c.
 *
 * A reader would get wrong: a command that is wrong by itself is answered at once and takes no part in
 * the draw of faults: "10 % of the RCPTs" means those that would have been accepted. */
#include "loadgen/smtp/sink_session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "loadgen/smtp/sink_phase.h"

enum { TX_HIGH = 1 << 16 };

void sq_smtpd_session_begin(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	*s = (struct sq_smtpd_session){ .state = SQ_SMTPD_START,
					.hashes = s->hashes,
					.cap_hashes = s->cap_hashes };
	sq_smtpd_phase_begin(d, s, SQ_SMTPD_CONNECT);
	if (s->next == SQ_SMTPD_INPUT)
		sq_smtpd_phase_begin(d, s, d->tls_at_once ? SQ_SMTPD_TLS : SQ_SMTPD_BANNER);
}

/* RFC 3207, section 4.2: what was said before is forgotten. */
void sq_smtpd_session_secured(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	sq_smtpd_count(&d->counts.secured, 1);
	sq_smtpd_transaction_end(s);
	s->secured = true;
	s->authenticated = false;
	s->state = SQ_SMTPD_START;
	s->next = SQ_SMTPD_INPUT;
	if (d->tls_at_once)
		sq_smtpd_phase_begin(d, s, SQ_SMTPD_BANNER);
}

void sq_smtpd_session_fini(struct sq_smtpd_session *s)
{
	free(s->hashes);
	s->hashes = NULL;
}

/* ---- commands ---- */

static void fail(struct sq_smtpd *d, const char *text)
{
	sq_smtpd_count(&d->counts.protocol_errors, 1);
	sq_smtpd_reply(d, text);
}

static void command_helo(struct sq_smtpd *d, struct sq_smtpd_session *s, enum sq_smtpd_verb verb)
{
	if (d->lmtp != (verb == SQ_SMTPD_VERB_LHLO)) {
		fail(d, d->lmtp ? "500 5.5.1 This is LMTP; say LHLO" : "500 5.5.1 This is no LMTP");
		return;
	}
	s->esmtp = verb != SQ_SMTPD_VERB_HELO;
	sq_smtpd_phase_begin(d, s, SQ_SMTPD_HELO);
}

static void command_starttls(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	if (!d->tls)
		fail(d, "502 5.5.1 Command not implemented");
	else if (s->secured)
		fail(d, "503 5.5.1 TLS is there already");
	else
		sq_smtpd_phase_begin(d, s, SQ_SMTPD_TLS);
}

/* Asks for what is missing; then all is well, whatever it was (RFC 4954). */
static void auth_go_on(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	if (s->auth_due == 0)
		sq_smtpd_phase_begin(d, s, SQ_SMTPD_AUTH);
	else if (!s->auth_login)
		sq_smtpd_reply(d, "334 ");
	else /* "Username:", "Password:" */
		sq_smtpd_reply(d, s->auth_due == 2 ? "334 VXNlcm5hbWU6" : "334 UGFzc3dvcmQ6");
}

/* A line of AUTH's own, or what stands behind the mechanism in its place. */
static void auth_line(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *line, size_t len)
{
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

	for (size_t i = 0; i < len; i++)
		if (!line[i] || !strchr(base64, line[i])) {
			s->auth_due = 0;
			fail(d,
			     *line == '*' ? "501 5.7.0 Cancelled" : "501 5.5.2 That is no base64");
			return;
		}
	s->auth_due--;
	auth_go_on(d, s);
}

static void command_auth(struct sq_smtpd *d, struct sq_smtpd_session *s,
			 const struct sq_smtpd_command *c)
{
	bool plain = c->path_len >= 5 && strncasecmp(c->path, "PLAIN", 5) == 0;
	bool more = c->path_len > 5;

	s->auth_login = c->path_len >= 5 && strncasecmp(c->path, "LOGIN", 5) == 0;
	if (s->authenticated) {
		fail(d, "503 5.5.1 Authenticated already");
	} else if ((!plain && !s->auth_login) || (more && c->path[5] != ' ')) {
		fail(d, "504 5.5.4 Mechanisms are PLAIN and LOGIN");
	} else {
		s->auth_due = s->auth_login ? 2 : 1;
		if (more)
			auth_line(d, s, c->path + 6, c->path_len - 6);
		else
			auth_go_on(d, s);
	}
}

static void command_mail(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	sq_smtpd_transaction_end(s);
	if (d->max_messages && s->messages >= d->max_messages)
		sq_smtpd_phase_reject(d, s, SQ_SMTPD_MAIL, SQ_SMTPD_CODE_CLOSES,
				      "4.7.0 Too many messages in this connection");
	else
		sq_smtpd_phase_begin(d, s, SQ_SMTPD_MAIL);
}

static void command_rcpt(struct sq_smtpd *d, struct sq_smtpd_session *s,
			 const struct sq_smtpd_command *c)
{
	if (d->max_recipients && s->recipients >= d->max_recipients)
		sq_smtpd_phase_reject(d, s, SQ_SMTPD_RCPT, 452, "4.5.3 Too many recipients");
	else
		sq_smtpd_phase_rcpt(d, s, c->path, c->path_len);
}

static void command_data(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	if (s->state == SQ_SMTPD_RCPTS)
		sq_smtpd_phase_begin(d, s, SQ_SMTPD_DATA);
	else if (s->rcpt_refused) /* pipelined, or a last try: nobody's error */
		sq_smtpd_phase_reject(d, s, SQ_SMTPD_DATA, 554, "5.5.1 No valid recipients");
	else
		fail(d, "503 5.5.1 No recipients yet");
}

static void command_obey(struct sq_smtpd *d, struct sq_smtpd_session *s,
			 const struct sq_smtpd_command *c)
{
	switch (c->verb) {
	case SQ_SMTPD_VERB_EHLO:
	case SQ_SMTPD_VERB_HELO:
	case SQ_SMTPD_VERB_LHLO:
		command_helo(d, s, c->verb);
		break;
	case SQ_SMTPD_VERB_STARTTLS:
		command_starttls(d, s);
		break;
	case SQ_SMTPD_VERB_AUTH:
		command_auth(d, s, c);
		break;
	case SQ_SMTPD_VERB_MAIL:
		command_mail(d, s);
		break;
	case SQ_SMTPD_VERB_RCPT:
		command_rcpt(d, s, c);
		break;
	case SQ_SMTPD_VERB_DATA:
		command_data(d, s);
		break;
	case SQ_SMTPD_VERB_RSET:
		sq_smtpd_transaction_end(s);
		sq_smtpd_reply(d, "250 2.0.0 Ok");
		break;
	case SQ_SMTPD_VERB_NOOP:
		sq_smtpd_reply(d, "250 2.0.0 Ok");
		break;
	case SQ_SMTPD_VERB_VRFY:
		sq_smtpd_reply(d, "252 2.0.0 Cannot verify, but will take mail for it");
		break;
	case SQ_SMTPD_VERB_QUIT:
		sq_smtpd_session_ended(s, SQ_SMTPD_END_QUIT);
		sq_smtpd_phase_begin(d, s, SQ_SMTPD_QUIT);
		break;
	}
}

static void command(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *line, size_t len)
{
	struct sq_smtpd_command c;
	const char *bad;

	if (s->auth_due) {
		auth_line(d, s, line, len);
		return;
	}
	bad = sq_smtpd_command_parse(line, len, s->state, &c);
	if (!bad)
		command_obey(d, s, &c);
	else if (s->mail_refused && strncmp(bad, "503", 3) == 0)
		sq_smtpd_reply(d, bad); /* RCPT or DATA that was pipelined behind MAIL */
	else
		fail(d, bad);
}

/* ---- input ---- */

/* One line, if it is there; the octets used.  Telnet and its like end commands with a bare LF, and
 * nothing can be smuggled into a command, so that is taken, and counted. */
static size_t line_input(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *data,
			 size_t len)
{
	const char *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;
	bool too_long = s->line_too_long || n > SQ_SMTPD_COMMAND_LINE;

	if (!lf) {
		s->line_too_long = too_long;
		return too_long ? n : 0;
	}
	s->line_too_long = false;
	if (n < 2 || data[n - 2] != '\r')
		sq_smtpd_count(&d->counts.bare_lf, 1);
	if (too_long)
		fail(d, "500 5.5.2 Line too long");
	else
		command(d, s, data, n - (n >= 2 && data[n - 2] == '\r' ? 2 : 1));
	return n;
}

static size_t text_input(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *data,
			 size_t len)
{
	bool end;
	size_t n = sq_smtpd_body_scan(&s->body, data, len, &end);

	if (end) {
		if (s->body.bare_lf)
			sq_smtpd_count(&d->counts.bare_lf, s->body.bare_lf);
		if (s->body.long_lines)
			sq_smtpd_count(&d->counts.long_lines, s->body.long_lines);
		if (d->receipts)
			s->arrived_ns = sq_wall_ns();
		s->read_per_s = 0;
		sq_smtpd_phase_body(d, s);
	}
	return n;
}

size_t sq_smtpd_session_input(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *data,
			      size_t len)
{
	size_t done = 0;

	while (done < len && s->next == SQ_SMTPD_INPUT) {
		size_t n = s->state == SQ_SMTPD_TEXT ? text_input(d, s, data + done, len - done)
						     : line_input(d, s, data + done, len - done);

		if (n == 0)
			break;
		done += n;
		if (d->tx.len >= TX_HIGH && s->next == SQ_SMTPD_INPUT)
			s->next = SQ_SMTPD_FLUSH;
	}
	return done;
}

void sq_smtpd_session_sent(struct sq_smtpd *d, struct sq_smtpd_session *s, size_t n)
{
	if (!s->ack_end)
		return;
	if (n < s->ack_end) {
		s->ack_end -= n;
		return;
	}
	s->ack_end = 0;
	sq_smtpd_count(&d->counts.messages, 1);
	sq_smtpd_count(&d->counts.recipients, s->ack_recipients);
	sq_smtpd_count(&d->counts.bytes, s->ack_bytes);
}
