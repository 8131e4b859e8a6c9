/* The SMTP sink's side of a session (RFC 5321, pipelining by RFC 2920).
 *
 * A command that may stand where it stands enters its phase: faults are drawn, a delay is slept,
 * then the phase is answered.  What the command does to the session it does with its answer, not
 * before.  A command that is wrong by itself is answered at once and takes no part in the draw:
 * "10 % of the RCPTs" means those that would have been accepted.
 *
 * A reader would get wrong: a message counts once its 250 is in the kernel, not when its final dot
 * came.  Its receipt is another thing: a message that was taken and whose answer never came (drop,
 * close, stall, behind the final dot) has one, since its sender must think otherwise and send it again
 * (RFC 5321, section 6.1), and that is how duplicates come to be.  354 is sent before the text is looked at, so that between two flushes there is at most one
 * such 250, whatever a client sends at once. */
#include "loadgen/smtp/sink_session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { TX_HIGH = 1 << 16, CODE_CLOSES = 421 };

struct phase_ops {
	void (*accept)(struct sq_smtpd *d, struct sq_smtpd_session *s);
	void (*refuse)(struct sq_smtpd_session *s); /* what a 4xx or 5xx does; NULL: nothing */
};

static void reply(struct sq_smtpd *d, const char *text)
{
	sq_buf_puts(&d->tx, text);
	sq_buf_add(&d->tx, "\r\n", 2);
}

/* The transaction's end (RSET, section 4.1.1.5). */
static void transaction_end(struct sq_smtpd_session *s)
{
	if (s->state > SQ_SMTPD_READY)
		s->state = SQ_SMTPD_READY;
	s->recipients = 0;
	s->mail_refused = s->rcpt_refused = false;
}

void sq_smtpd_session_ended(struct sq_smtpd_session *s, enum sq_smtpd_end end)
{
	if (s->end == SQ_SMTPD_END_NONE)
		s->end = end;
}

/* ---- phases in protocol order ---- */

static void connect_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	(void)d;
	(void)s;
}

static void banner_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	(void)s;
	sq_buf_printf(&d->tx, "220 %s ESMTP squall sink\r\n", d->host);
}

/* Section 3.1: such a session stays open for the client's QUIT. */
static void banner_refuse(struct sq_smtpd_session *s)
{
	s->state = SQ_SMTPD_REFUSED;
}

static void helo_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	transaction_end(s);
	s->state = SQ_SMTPD_READY;
	if (s->esmtp)
		sq_buf_printf(&d->tx,
			      "250-%s\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n"
			      "250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n",
			      d->host);
	else
		sq_buf_printf(&d->tx, "250 %s\r\n", d->host);
}

static void mail_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	s->state = SQ_SMTPD_SENDER;
	reply(d, "250 2.1.0 Ok");
}

static void mail_refuse(struct sq_smtpd_session *s)
{
	s->mail_refused = true;
}

static void rcpt_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	s->state = SQ_SMTPD_RCPTS;
	if (d->receipts) {
		s->hashes = sq_grow(s->hashes, (size_t)s->recipients, &s->cap_hashes,
				    sizeof(*s->hashes));
		s->hashes[s->recipients] = s->hash;
	}
	s->recipients++;
	reply(d, "250 2.1.5 Ok");
}

static void rcpt_refuse(struct sq_smtpd_session *s)
{
	s->rcpt_refused = true;
}

static void data_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	s->state = SQ_SMTPD_TEXT;
	s->body = (struct sq_smtpd_body){ .mark = d->receipts ? &s->mark : NULL };
	s->mark = (struct sq_smtpd_mark){ 0 };
	s->next = SQ_SMTPD_FLUSH;
	reply(d, "354 End data with <CR><LF>.<CR><LF>");
}

/* The message is the sink's from here on, whatever its sender is told. */
static void body_take(struct sq_smtpd *d, const struct sq_smtpd_session *s)
{
	const struct sq_smtpd_mark *mark = &s->mark;
	struct sq_receipt receipt = { .id = mark->id,
				      .lane = mark->lane,
				      .number = mark->number,
				      .arrived_ns = s->arrived_ns,
				      .sent_ns = mark->is_stamped ? mark->sent_ns : -1,
				      .text = sq_smtpd_mark_judge(mark),
				      .recipients = s->hashes,
				      .n_recipients = (size_t)s->recipients };

	if (!d->receipts)
		return;
	if (!mark->is_named) {
		sq_smtpd_count(&d->counts.unmarked, 1);
		return;
	}
	sq_receipts_add(d->receipts, &receipt);
	sq_smtpd_count(&d->counts.receipts, 1);
	sq_smtpd_count(&d->counts.corrupt, receipt.text == SQ_RECEIPT_CORRUPT);
}

static void body_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	assert(!s->ack_end);
	body_take(d, s);
	s->messages++;
	reply(d, "250 2.0.0 Ok: discarded");
	s->ack_end = d->tx.len;
	s->ack_recipients = s->recipients;
	s->ack_bytes = s->body.bytes;
	transaction_end(s);
}

static void quit_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	reply(d, "221 2.0.0 Bye");
	s->next = SQ_SMTPD_BYE;
}

static void quit_refuse(struct sq_smtpd_session *s)
{
	s->next = SQ_SMTPD_BYE;
}

static const struct phase_ops phases[] = {
	[SQ_SMTPD_CONNECT] = { connect_accept, NULL },
	[SQ_SMTPD_BANNER] = { banner_accept, banner_refuse },
	[SQ_SMTPD_HELO] = { helo_accept, NULL },
	[SQ_SMTPD_MAIL] = { mail_accept, mail_refuse },
	[SQ_SMTPD_RCPT] = { rcpt_accept, rcpt_refuse },
	[SQ_SMTPD_DATA] = { data_accept, transaction_end },
	[SQ_SMTPD_BODY] = { body_accept, transaction_end },
	[SQ_SMTPD_QUIT] = { quit_accept, quit_refuse },
};

/* ---- a phase's way ---- */

static void phase_reject(struct sq_smtpd *d, struct sq_smtpd_session *s, enum sq_smtpd_phase phase,
			 int code, const char *text)
{
	sq_buf_printf(&d->tx, "%d %s\r\n", code, text);
	sq_smtpd_count(&d->counts.rejected[phase][code], 1);
	if (phases[phase].refuse)
		phases[phase].refuse(s);
	if (code == CODE_CLOSES) {
		s->next = SQ_SMTPD_FIN;
		sq_smtpd_session_ended(s, SQ_SMTPD_END_SINK);
	}
}

static void phase_break(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	enum sq_smtpd_action action = s->fate->action;

	sq_smtpd_count(&d->counts.faults[s->phase][action], 1);
	if (s->phase == SQ_SMTPD_BODY)
		body_take(d, s);
	s->next = action == SQ_SMTPD_STALL  ? SQ_SMTPD_DEAF
		  : action == SQ_SMTPD_DROP ? SQ_SMTPD_RST
					    : SQ_SMTPD_FIN;
	if (action != SQ_SMTPD_STALL)
		sq_smtpd_session_ended(s, SQ_SMTPD_END_SINK);
}

void sq_smtpd_session_resume(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	char text[64];

	s->next = SQ_SMTPD_INPUT;
	if (!s->fate) {
		phases[s->phase].accept(d, s);
	} else if (s->fate->action == SQ_SMTPD_REPLY) {
		snprintf(text, sizeof(text), "%d.0.0 Programmed fault", s->fate->code / 100);
		phase_reject(d, s, s->phase, s->fate->code, text);
	} else {
		phase_break(d, s);
	}
}

static void phase_begin(struct sq_smtpd *d, struct sq_smtpd_session *s, enum sq_smtpd_phase phase)
{
	const struct sq_smtpd_fault *delay = sq_smtpd_draw(&d->faults.delay[phase]);

	s->phase = phase;
	s->fate = sq_smtpd_draw(&d->faults.fate[phase]);
	s->delay_ns = delay ? delay->delay_ns : 0;
	if (delay)
		sq_smtpd_count(&d->counts.faults[phase][SQ_SMTPD_DELAY], 1);
	if (phase == SQ_SMTPD_BANNER)
		s->delay_ns += d->greeting_delay_ns;
	if (s->delay_ns > 0)
		s->next = SQ_SMTPD_SLEEP;
	else
		sq_smtpd_session_resume(d, s);
}

void sq_smtpd_session_begin(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	*s = (struct sq_smtpd_session){ .state = SQ_SMTPD_START,
					.hashes = s->hashes,
					.cap_hashes = s->cap_hashes };
	phase_begin(d, s, SQ_SMTPD_CONNECT);
	if (s->next == SQ_SMTPD_INPUT)
		phase_begin(d, s, SQ_SMTPD_BANNER);
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
	reply(d, text);
}

static void command_helo(struct sq_smtpd *d, struct sq_smtpd_session *s, bool esmtp)
{
	s->esmtp = esmtp;
	phase_begin(d, s, SQ_SMTPD_HELO);
}

static void command_mail(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	transaction_end(s);
	if (d->max_messages && s->messages >= d->max_messages)
		phase_reject(d, s, SQ_SMTPD_MAIL, CODE_CLOSES,
			     "4.7.0 Too many messages in this connection");
	else
		phase_begin(d, s, SQ_SMTPD_MAIL);
}

static void command_rcpt(struct sq_smtpd *d, struct sq_smtpd_session *s,
			 const struct sq_smtpd_command *c)
{
	s->hash = d->receipts ? sq_receipt_recipient(c->path, c->path_len) : 0;
	if (d->max_recipients && s->recipients >= d->max_recipients)
		phase_reject(d, s, SQ_SMTPD_RCPT, 452, "4.5.3 Too many recipients");
	else
		phase_begin(d, s, SQ_SMTPD_RCPT);
}

static void command_data(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	if (s->state == SQ_SMTPD_RCPTS)
		phase_begin(d, s, SQ_SMTPD_DATA);
	else if (s->rcpt_refused) /* pipelined, or a last try: nobody's error */
		phase_reject(d, s, SQ_SMTPD_DATA, 554, "5.5.1 No valid recipients");
	else
		fail(d, "503 5.5.1 No recipients yet");
}

static void command_obey(struct sq_smtpd *d, struct sq_smtpd_session *s,
			 const struct sq_smtpd_command *c)
{
	switch (c->verb) {
	case SQ_SMTPD_VERB_EHLO:
	case SQ_SMTPD_VERB_HELO:
		command_helo(d, s, c->verb == SQ_SMTPD_VERB_EHLO);
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
		transaction_end(s);
		reply(d, "250 2.0.0 Ok");
		break;
	case SQ_SMTPD_VERB_NOOP:
		reply(d, "250 2.0.0 Ok");
		break;
	case SQ_SMTPD_VERB_VRFY:
		reply(d, "252 2.0.0 Cannot verify, but will take mail for it");
		break;
	case SQ_SMTPD_VERB_QUIT:
		sq_smtpd_session_ended(s, SQ_SMTPD_END_QUIT);
		phase_begin(d, s, SQ_SMTPD_QUIT);
		break;
	}
}

static void command(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *line, size_t len)
{
	struct sq_smtpd_command c;
	const char *bad = sq_smtpd_command_parse(line, len, s->state, &c);

	if (!bad)
		command_obey(d, s, &c);
	else if (s->mail_refused && strncmp(bad, "503", 3) == 0)
		reply(d, bad); /* RCPT or DATA that was pipelined behind MAIL */
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
		phase_begin(d, s, SQ_SMTPD_BODY);
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
