/* What each phase does when it is accepted and when it is refused, and the faults on its way.
 *
 * A phase's faults are drawn as it begins, a delay is slept, then it is answered.  What a command does
 * to its session it does with its answer, not before.
 *
 * A reader would get wrong: a message counts once its 250 is in the kernel, not when its final dot
 * came.  Its receipt is another thing: a message that was taken and whose answer never came (drop,
 * close, stall or garbage behind the final dot) has one, since its sender must think otherwise and send
 * it again (RFC 5321, section 6.1), and that is how duplicates come to be. */
#include "loadgen/smtp/sink_phase.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct phase_ops {
	void (*accept)(struct sq_smtpd *d, struct sq_smtpd_session *s);
	/* What a 4xx, a 5xx or garbage does; NULL: nothing. */
	void (*refuse)(struct sq_smtpd *d, struct sq_smtpd_session *s);
};

void sq_smtpd_reply(struct sq_smtpd *d, const char *text)
{
	sq_buf_puts(&d->tx, text);
	sq_buf_add(&d->tx, "\r\n", 2);
}

void sq_smtpd_transaction_end(struct sq_smtpd_session *s)
{
	if (s->state > SQ_SMTPD_READY)
		s->state = SQ_SMTPD_READY;
	s->recipients = s->answered = s->taken = s->acknowledged = 0;
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
	sq_buf_printf(&d->tx, "220 %s %s squall sink\r\n", d->host, d->lmtp ? "LMTP" : "ESMTP");
}

/* Section 3.1: such a session stays open for the client's QUIT. */
static void banner_refuse(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	(void)d;
	s->state = SQ_SMTPD_REFUSED;
}

static void helo_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	sq_smtpd_transaction_end(s);
	s->state = SQ_SMTPD_READY;
	if (!s->esmtp) {
		sq_buf_printf(&d->tx, "250 %s\r\n", d->host);
		return;
	}
	sq_buf_printf(&d->tx, "250-%s\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n", d->host);
	if (d->tls && !s->secured)
		sq_buf_puts(&d->tx, "250-STARTTLS\r\n");
	sq_buf_puts(&d->tx, "250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n");
}

static void tls_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	if (!d->tls_at_once)
		sq_smtpd_reply(d, "220 2.0.0 Ready to start TLS");
	s->next = SQ_SMTPD_SECURE;
}

static void auth_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	s->authenticated = true;
	sq_smtpd_count(&d->counts.authenticated, 1);
	sq_smtpd_reply(d, "235 2.7.0 Authentication successful");
}

static void mail_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	s->state = SQ_SMTPD_SENDER;
	sq_smtpd_reply(d, "250 2.1.0 Ok");
}

static void mail_refuse(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	(void)d;
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
	sq_smtpd_reply(d, "250 2.1.5 Ok");
}

static void rcpt_refuse(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	(void)d;
	s->rcpt_refused = true;
}

/* 354 is out before the text is looked at, so that between two flushes there is at most one message's
 * last 250, whatever a client sends at once. */
static void data_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	s->state = SQ_SMTPD_TEXT;
	s->body = (struct sq_smtpd_body){ .mark = d->receipts ? &s->mark : NULL };
	s->mark = (struct sq_smtpd_mark){ 0 };
	s->read_per_s = s->fate ? s->fate->bytes : 0;
	s->next = SQ_SMTPD_FLUSH;
	sq_smtpd_reply(d, "354 End data with <CR><LF>.<CR><LF>");
}

static void data_refuse(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	(void)d;
	sq_smtpd_transaction_end(s);
}

static void quit_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	sq_smtpd_reply(d, "221 2.0.0 Bye");
	s->next = SQ_SMTPD_BYE;
}

static void quit_refuse(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	(void)d;
	s->next = SQ_SMTPD_BYE;
}

/* ---- the final dot ---- */

static void write_receipt(struct sq_smtpd *d, const struct sq_smtpd_session *s)
{
	const struct sq_smtpd_mark *mark = &s->mark;
	struct sq_receipt receipt = { .name = mark->name,
				      .arrived_ns = s->arrived_ns,
				      .sent_ns = mark->is_stamped ? mark->sent_ns : -1,
				      .text = sq_smtpd_mark_judge(mark),
				      .recipients = s->hashes,
				      .n_recipients = (size_t)s->taken };

	if (!mark->is_named) {
		sq_smtpd_count(&d->counts.unmarked, 1);
		return;
	}
	sq_receipts_add(d->receipts, &receipt);
	sq_smtpd_count(&d->counts.receipts, 1);
	sq_smtpd_count(&d->counts.corrupt, receipt.text == SQ_RECEIPT_CORRUPT);
}

/* All recipients have had their answer. */
static void body_over(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	if (s->taken && d->receipts)
		write_receipt(d, s);
	if (s->acknowledged) {
		assert(!s->ack_end);
		s->messages++;
		s->ack_end = d->tx.len;
		s->ack_recipients = s->acknowledged;
		s->ack_bytes = s->body.bytes;
	}
	sq_smtpd_transaction_end(s);
}

/* The next n recipients: whether the message is the sink's for them from here on, whatever its sender
 * is told. */
static void body_answered(struct sq_smtpd *d, struct sq_smtpd_session *s, int64_t n, bool taken)
{
	if (taken && d->receipts)
		memmove(s->hashes + s->taken, s->hashes + s->answered,
			(size_t)n * sizeof(*s->hashes));
	s->taken += taken ? n : 0;
	s->answered += n;
	if (s->answered == s->recipients)
		body_over(d, s);
}

/* How many one answer is for. */
static int64_t at_once(const struct sq_smtpd *d, const struct sq_smtpd_session *s)
{
	return d->lmtp ? 1 : s->recipients;
}

static void body_accept(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	int64_t n = at_once(d, s);

	sq_smtpd_reply(d, "250 2.0.0 Ok: discarded");
	s->acknowledged += n;
	body_answered(d, s, n, true);
}

static void body_refuse(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	bool closes = s->next == SQ_SMTPD_FIN;

	body_answered(d, s, closes ? s->recipients - s->answered : at_once(d, s), false);
}

/* ---- a phase's way ---- */

static const struct phase_ops phases[] = {
	[SQ_SMTPD_CONNECT] = { connect_accept, NULL },
	[SQ_SMTPD_BANNER] = { banner_accept, banner_refuse },
	[SQ_SMTPD_HELO] = { helo_accept, NULL },
	[SQ_SMTPD_TLS] = { tls_accept, NULL },
	[SQ_SMTPD_AUTH] = { auth_accept, NULL },
	[SQ_SMTPD_MAIL] = { mail_accept, mail_refuse },
	[SQ_SMTPD_RCPT] = { rcpt_accept, rcpt_refuse },
	[SQ_SMTPD_DATA] = { data_accept, data_refuse },
	[SQ_SMTPD_BODY] = { body_accept, body_refuse },
	[SQ_SMTPD_QUIT] = { quit_accept, quit_refuse },
};

static void refuse(struct sq_smtpd *d, struct sq_smtpd_session *s, enum sq_smtpd_phase phase)
{
	if (phases[phase].refuse)
		phases[phase].refuse(d, s);
}

void sq_smtpd_phase_reject(struct sq_smtpd *d, struct sq_smtpd_session *s,
			   enum sq_smtpd_phase phase, int code, const char *text)
{
	sq_buf_printf(&d->tx, "%d %s\r\n", code, text);
	sq_smtpd_count(&d->counts.rejected[phase][code], 1);
	if (code == SQ_SMTPD_CODE_CLOSES) {
		s->next = SQ_SMTPD_FIN;
		sq_smtpd_session_ended(s, SQ_SMTPD_END_SINK);
	}
	refuse(d, s, phase);
}

static void phase_break(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	enum sq_smtpd_action action = s->fate->action;

	if (s->phase == SQ_SMTPD_BODY)
		body_answered(d, s, s->recipients - s->answered, true);
	s->next = action == SQ_SMTPD_STALL  ? SQ_SMTPD_DEAF
		  : action == SQ_SMTPD_DROP ? SQ_SMTPD_RST
					    : SQ_SMTPD_FIN;
	if (action != SQ_SMTPD_STALL)
		sq_smtpd_session_ended(s, SQ_SMTPD_END_SINK);
}

/* The client can't know what it means, so a message is the sink's. */
static void phase_garble(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	sq_smtpd_reply(d, "This is no reply");
	if (s->phase == SQ_SMTPD_BODY)
		body_answered(d, s, at_once(d, s), true);
	else
		refuse(d, s, s->phase);
}

static void phase_suffer(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	enum sq_smtpd_action action = s->fate->action;
	char text[64];

	if (action == SQ_SMTPD_REPLY) {
		snprintf(text, sizeof(text), "%d.0.0 Programmed fault", s->fate->code / 100);
		sq_smtpd_phase_reject(d, s, s->phase, s->fate->code, text);
		return;
	}
	sq_smtpd_count(&d->counts.faults[s->phase][action], 1);
	if (action == SQ_SMTPD_SLOW)
		phases[s->phase].accept(d, s);
	else if (action == SQ_SMTPD_GARBAGE)
		phase_garble(d, s);
	else
		phase_break(d, s);
}

static void phase_answer(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	s->next = SQ_SMTPD_INPUT;
	if (s->fate)
		phase_suffer(d, s);
	else
		phases[s->phase].accept(d, s);
}

static void phase_draw(struct sq_smtpd *d, struct sq_smtpd_session *s, enum sq_smtpd_phase phase,
		       struct sq_smtpd_draws *draws)
{
	const struct sq_smtpd_fault *delay = sq_smtpd_draw(&draws->delay);

	s->phase = phase;
	s->fate = sq_smtpd_draw(&draws->fate);
	s->delay_ns = delay ? delay->delay_ns : 0;
	if (delay)
		sq_smtpd_count(&d->counts.faults[phase][SQ_SMTPD_DELAY], 1);
	if (phase == SQ_SMTPD_BANNER)
		s->delay_ns += d->greeting_delay_ns;
	if (s->delay_ns > 0)
		s->next = SQ_SMTPD_SLEEP;
	else
		phase_answer(d, s);
}

void sq_smtpd_phase_begin(struct sq_smtpd *d, struct sq_smtpd_session *s, enum sq_smtpd_phase phase)
{
	phase_draw(d, s, phase, &d->faults.of[phase]);
}

void sq_smtpd_phase_rcpt(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *address,
			 size_t len)
{
	s->hash = d->receipts ? sq_receipt_recipient(address, len) : 0;
	phase_draw(d, s, SQ_SMTPD_RCPT, sq_smtpd_faults_of_rcpt(&d->faults, address, len));
}

void sq_smtpd_phase_body(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	do
		sq_smtpd_phase_begin(d, s, SQ_SMTPD_BODY);
	while (s->state == SQ_SMTPD_TEXT && s->next == SQ_SMTPD_INPUT);
}

void sq_smtpd_session_resume(struct sq_smtpd *d, struct sq_smtpd_session *s)
{
	phase_answer(d, s);
	if (s->phase == SQ_SMTPD_BODY && s->state == SQ_SMTPD_TEXT && s->next == SQ_SMTPD_INPUT)
		sq_smtpd_phase_body(d, s);
}
