/* A session's way to its first envelope: banner, EHLO, then STARTTLS (RFC 3207) and EHLO again, then
 * AUTH (RFC 4954).  A refusal on the way is the outcome of the message that the session was opened
 * for, and QUIT follows.
 *
 * STARTTLS and AUTH are said to a server that does not offer them too: what it says to that is a
 * truer outcome than a word of ours. */
#include "loadgen/smtp/hello.h"

#include <string.h>

#include "loadgen/smtp/auth.h"
#include "loadgen/smtp/pool.h"

/* What cannot be gone on from: refused, or no answer to what was said. */
static void give_up(struct sq_smtp_session *s, unsigned code)
{
	if (!sq_smtp_is_refusal(code)) {
		sq_smtp_session_die(s, SQ_SMTP_BAD_REPLY);
		return;
	}
	sq_smtp_dialog_refuse(s, sq_smtp_reply_code(code), sq_smtp_session_phase_due(s));
	sq_smtp_dialog_quit(s);
}

static void say_hello(struct sq_smtp_session *s, const char *verb)
{
	char *end = stpcpy(s->text, verb);

	s->due = SQ_SMTP_HELO;
	end = stpcpy(end, s->pool->conf->helo);
	sq_smtp_session_say(s, stpcpy(end, "\r\n"));
}

static void say_ehlo(struct sq_smtp_session *s)
{
	say_hello(s, s->pool->conf->lmtp ? "LHLO " : s->plain ? "HELO " : "EHLO ");
}

static void on_banner(struct sq_smtp_session *s, unsigned code)
{
	sq_smtp_session_phase(s, SQ_SMTP_BANNER);
	if (!sq_smtp_is_success(code)) {
		give_up(s, code);
		return;
	}
	s->plain = s->pool->conf->hello == SQ_SMTP_HELLO_HELO;
	say_ehlo(s);
}

/* ---- AUTH ---- */

static void say_auth(struct sq_smtp_session *s)
{
	char *line = s->pool->conf->auth->line[s->said++];

	s->due = SQ_SMTP_AUTH;
	s->out[0] = (struct iovec){ line, strlen(line) };
	sq_smtp_session_send(s, 1);
}

static void on_auth(struct sq_smtp_session *s, unsigned code)
{
	bool all_said = s->said == s->pool->conf->auth->n;

	if (code == 334 && !all_said) {
		say_auth(s);
		return;
	}
	sq_smtp_session_phase(s, SQ_SMTP_AUTH);
	if (sq_smtp_is_success(code) && all_said)
		sq_smtp_dialog_envelope(s);
	else
		give_up(s, code);
}

/* ---- EHLO and STARTTLS ---- */

static void on_welcome(struct sq_smtp_session *s)
{
	s->extensions = s->plain ? 0 : s->reply.extensions;
	s->pipelining = s->pool->conf->pipelining && s->extensions & SQ_SMTP_EXT_PIPELINING;
	if (s->starttls && !s->stream.ssl) {
		s->due = SQ_SMTP_TLS;
		sq_smtp_session_say(s, stpcpy(s->text, "STARTTLS\r\n"));
	} else if (s->pool->conf->auth) {
		say_auth(s);
	} else {
		sq_smtp_dialog_envelope(s);
	}
}

static void on_hello(struct sq_smtp_session *s, unsigned code)
{
	if (code >= 500 && !s->plain && !s->pool->conf->lmtp) { /* RFC 5321, 3.2: then HELO */
		s->plain = true;
		say_ehlo(s);
		return;
	}
	sq_smtp_session_phase(s, SQ_SMTP_HELO);
	if (sq_smtp_is_success(code))
		on_welcome(s);
	else
		give_up(s, code);
}

static void on_starttls(struct sq_smtp_session *s, unsigned code)
{
	if (sq_smtp_is_success(code))
		sq_smtp_session_secure(s);
	else
		give_up(s, code);
}

void sq_smtp_hello_secured(struct sq_smtp_session *s)
{
	if (s->starttls)
		say_ehlo(s);
	else
		s->due = SQ_SMTP_BANNER;
}

void sq_smtp_hello_reply(struct sq_smtp_session *s, unsigned code)
{
	switch (s->due) {
	case SQ_SMTP_BANNER:
		on_banner(s, code);
		break;
	case SQ_SMTP_HELO:
		on_hello(s, code);
		break;
	case SQ_SMTP_TLS:
		on_starttls(s, code);
		break;
	default:
		on_auth(s, code);
	}
}
