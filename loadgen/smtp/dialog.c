/* What is said in a session, in the order of the protocol (RFC 5321; PIPELINING: RFC 2920; LMTP:
 * RFC 2033).  How it gets there, from the banner to the first envelope, is in hello.c.
 *
 * A message ends as soon as its fate is known, and the dialog goes on without it: the replies to
 * what is out already are waited for, RSET undoes a transaction that went halfway, and only then is
 * the session ready again.  With PIPELINING one write carries a whole envelope, and another the
 * text with what comes next: the next envelope, or QUIT behind the last message.
 *
 * A reply of 421 in any place is the server's goodbye: its FIN follows, and no QUIT is said. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/smtp/hello.h"
#include "loadgen/smtp/pool.h"
#include "loadgen/smtp/rest.h"
#include "loadgen/smtp/session.h"

/* ---- ways of going on ---- */

static void bad_reply(struct sq_smtp_session *s)
{
	sq_smtp_session_die(s, SQ_SMTP_BAD_REPLY);
}

void sq_smtp_dialog_refuse(struct sq_smtp_session *s, uint16_t outcome, uint8_t phase)
{
	sq_smtp_session_finish(s, outcome, phase);
	sq_smtp_rest_owing(s);
}

void sq_smtp_dialog_quit(struct sq_smtp_session *s)
{
	s->due = SQ_SMTP_QUIT;
	s->since_ns = sq_lane_now(s->pool->lane);
	sq_smtp_rest_owing(s);
	sq_lane_count(s->pool->lane, SQ_SMTP_QUITS, 1);
	sq_smtp_session_say(s, stpcpy(s->text, "QUIT\r\n"));
}

/* ---- envelopes ---- */

static char *put_envelope(struct sq_smtp_session *s, const struct sq_op *op, char *end)
{
	const struct sq_smtp_mail *mail = s->pool->conf->mail;
	const struct sq_smtp_which which = sq_smtp_pool_which(s->pool, op);

	end = sq_smtp_mail_from(mail, &which, s->extensions, end);
	if (!s->pipelining)
		return end;
	for (unsigned i = 0; i < sq_smtp_mail_recipients(mail); i++)
		end = sq_smtp_mail_rcpt(mail, which.number, i, end);
	return stpcpy(end, "DATA\r\n");
}

/* The envelope of the message in hand is out, as far as it can be. */
static void expect_envelope(struct sq_smtp_session *s)
{
	s->due = SQ_SMTP_MAIL;
	s->sent = s->pipelining ? SQ_SMTP_DATA : SQ_SMTP_MAIL;
	s->rcpt_due = s->rcpt_ok = s->text_due = s->text_ok = 0;
	s->since_ns = sq_lane_now(s->pool->lane);
}

void sq_smtp_dialog_envelope(struct sq_smtp_session *s)
{
	expect_envelope(s);
	sq_smtp_session_say(s, put_envelope(s, s->op, s->text));
}

static void take(struct sq_smtp_session *s, struct sq_op *op)
{
	s->messages++;
	s->last_due_ns = op->due_ns;
	op->sent_ns = sq_lane_clock(s->pool->lane);
	sq_smtp_of(op)->session = s;
}

void sq_smtp_dialog_begin(struct sq_smtp_session *s, struct sq_op *op)
{
	sq_smtp_rest_leave(s);
	take(s, op);
	s->op = op;
	sq_smtp_dialog_envelope(s);
}

static void send_rcpt(struct sq_smtp_session *s)
{
	const struct sq_smtp_which which = sq_smtp_pool_which(s->pool, s->op);

	s->due = s->sent = SQ_SMTP_RCPT;
	sq_smtp_session_say(
		s, sq_smtp_mail_rcpt(s->pool->conf->mail, which.number, s->rcpt_due, s->text));
}

static void send_data(struct sq_smtp_session *s)
{
	s->due = s->sent = SQ_SMTP_DATA;
	sq_smtp_session_say(s, stpcpy(s->text, "DATA\r\n"));
}

/* ---- after a message ---- */

static void send_rset(struct sq_smtp_session *s)
{
	s->due = SQ_SMTP_DUE_RSET;
	sq_smtp_rest_owing(s);
	sq_smtp_session_say(s, stpcpy(s->text, "RSET\r\n"));
}

static void promote_ahead(struct sq_smtp_session *s)
{
	sq_smtp_rest_leave(s);
	s->op = s->ahead;
	s->ahead = NULL;
	expect_envelope(s);
}

/* Nothing of the last message is waited for any more. */
static void transaction_over(struct sq_smtp_session *s)
{
	bool dirty = s->in_mail;

	s->in_mail = false;
	if (s->doomed) {
		sq_smtp_session_die(s, SQ_CODE_CANCELED);
	} else if (s->ahead) {
		promote_ahead(s);
	} else if (s->quit_sent) {
		s->due = SQ_SMTP_QUIT;
		s->since_ns = sq_lane_now(s->pool->lane);
		sq_smtp_rest_owing(s);
	} else if (s->fin) {
		s->due = SQ_SMTP_DUE_NOTHING; /* the FIN is read next */
	} else if (s->messages >= s->most) {
		sq_smtp_dialog_quit(s);
	} else if (dirty) {
		send_rset(s);
	} else {
		s->due = SQ_SMTP_DUE_NOTHING;
		sq_smtp_pool_ready(s->pool, s);
	}
}

/* ---- replies, in the order of the protocol ---- */

static void on_mail(struct sq_smtp_session *s, unsigned code)
{
	sq_smtp_session_phase(s, SQ_SMTP_MAIL);
	if (sq_smtp_is_success(code)) {
		s->in_mail = true;
	} else if (sq_smtp_is_refusal(code)) {
		sq_smtp_dialog_refuse(s, sq_smtp_reply_code(code), SQ_SMTP_MAIL);
	} else {
		bad_reply(s);
		return;
	}
	if (s->sent > SQ_SMTP_MAIL)
		s->due = SQ_SMTP_RCPT;
	else if (s->op)
		send_rcpt(s);
	else
		transaction_over(s);
}

/* All recipients were answered. */
static void recipients_over(struct sq_smtp_session *s)
{
	sq_smtp_session_phase(s, SQ_SMTP_RCPT);
	if (s->op && s->rcpt_ok == 0)
		sq_smtp_dialog_refuse(s, sq_smtp_of(s->op)->refusal, SQ_SMTP_RCPT);
	if (s->sent > SQ_SMTP_RCPT)
		s->due = SQ_SMTP_DATA;
	else if (s->op)
		send_data(s);
	else
		transaction_over(s);
}

static void note_refusal(struct sq_smtp_session *s, unsigned code)
{
	struct sq_smtp_op *m = sq_smtp_of(s->op);

	m->refusal = sq_smtp_reply_code(code);
	memcpy(m->status, s->reply.status, sizeof(m->status));
}

static void count_recipient(struct sq_smtp_session *s, unsigned code)
{
	if (sq_smtp_is_success(code)) {
		s->rcpt_ok++;
		sq_lane_count(s->pool->lane, SQ_SMTP_RECIPIENTS, 1);
		return;
	}
	sq_lane_count(s->pool->lane, SQ_SMTP_RECIPIENTS_REFUSED, 1);
	if (!sq_smtp_of(s->op)->refusal)
		note_refusal(s, code);
}

static void on_rcpt(struct sq_smtp_session *s, unsigned code)
{
	if (!sq_smtp_is_success(code) && !sq_smtp_is_refusal(code)) {
		bad_reply(s);
		return;
	}
	if (s->op)
		count_recipient(s, code);
	s->rcpt_due++;
	if (s->rcpt_due == sq_smtp_mail_recipients(s->pool->conf->mail))
		recipients_over(s);
	else if (s->sent == SQ_SMTP_RCPT)
		send_rcpt(s);
}

/* What goes out behind the final dot. */
static char *put_ahead(struct sq_smtp_session *s, char *end)
{
	struct sq_smtp_pool *p = s->pool;

	if (!s->pipelining)
		return end;
	if (s->messages >= s->most) {
		s->quit_sent = true;
		sq_lane_count(p->lane, SQ_SMTP_QUITS, 1);
		return stpcpy(end, "QUIT\r\n");
	}
	s->ahead = sq_smtp_pool_next(p, s);
	if (!s->ahead)
		return end;
	take(s, s->ahead);
	return put_envelope(s, s->ahead, end);
}

static void send_body(struct sq_smtp_session *s)
{
	struct sq_smtp_pool *p = s->pool;
	const struct sq_smtp_which which = sq_smtp_pool_which(p, s->op);
	char *header = s->text, *tail, *end;
	struct sq_smtp_body body;

	sq_smtp_mail_body(p->conf->mail, &which, &body);
	tail = sq_smtp_mail_header(p->conf->mail, &p->names, &which, &body, sq_wall_ns(), header);
	memcpy(tail, body.tail, body.tail_len);
	s->text_end = stpcpy(tail + body.tail_len, ".\r\n");
	end = put_ahead(s, s->text_end);
	s->due = s->sent = SQ_SMTP_BODY;
	s->out[0] = (struct iovec){ header, (size_t)(tail - header) };
	s->out[1] = (struct iovec){ (char *)body.text, body.text_len }; /* it is only read */
	s->out[2] = (struct iovec){ tail, (size_t)(end - tail) };
	sq_smtp_session_send(s, 3);
}

static void on_data(struct sq_smtp_session *s, unsigned code)
{
	sq_smtp_session_phase(s, SQ_SMTP_DATA);
	if (sq_smtp_is_refusal(code)) {
		if (s->op)
			sq_smtp_dialog_refuse(s, sq_smtp_reply_code(code), SQ_SMTP_DATA);
		transaction_over(s);
	} else if (sq_smtp_is_success(code)) {
		bad_reply(s);
	} else if (s->op) {
		send_body(s);
	} else {
		/* RFC 2920, 3.1: a server may take DATA though it refused all the rest. */
		s->due = s->sent = SQ_SMTP_BODY;
		sq_smtp_session_say(s, stpcpy(s->text, ".\r\n"));
	}
}

/* LMTP answers the text once for each recipient that it took. */
static bool is_last_of_text(struct sq_smtp_session *s, unsigned code)
{
	if (!s->pool->conf->lmtp)
		return true;
	if (sq_smtp_is_success(code))
		s->text_ok++;
	else
		sq_lane_count(s->pool->lane, SQ_SMTP_RECIPIENTS_UNDELIVERED, 1);
	return ++s->text_due >= s->rcpt_ok;
}

static void on_body(struct sq_smtp_session *s, unsigned code)
{
	bool ok = sq_smtp_is_success(code);

	if (!ok && !sq_smtp_is_refusal(code)) {
		bad_reply(s);
		return;
	}
	if (s->op && !ok)
		note_refusal(s, code);
	if (!is_last_of_text(s, code))
		return;
	sq_smtp_session_phase(s, SQ_SMTP_BODY);
	if (s->op)
		sq_smtp_session_finish(s,
				       ok || s->text_ok ? SQ_CODE_OK : sq_smtp_of(s->op)->refusal,
				       SQ_SMTP_BODY);
	s->in_mail = false;
	transaction_over(s);
}

static void on_rset(struct sq_smtp_session *s, unsigned code)
{
	if (sq_smtp_is_success(code))
		transaction_over(s);
	else
		sq_smtp_dialog_quit(s);
}

/* The message that paid for it has its outcome; its latency is booked where that one was due. */
static void on_quit(struct sq_smtp_session *s)
{
	struct sq_op paid = { .due_ns = s->last_due_ns };
	struct sq_lane *lane = s->pool->lane;

	sq_op_phase(lane, &paid, SQ_SMTP_QUIT, sq_lane_now(lane) - s->since_ns);
	s->due = SQ_SMTP_DUE_FIN;
}

static void on_stray(struct sq_smtp_session *s)
{
	sq_lane_count(s->pool->lane, SQ_SMTP_STRAY_REPLIES, 1);
	bad_reply(s);
}

static void on_421(struct sq_smtp_session *s)
{
	struct sq_op *ahead = s->ahead;

	if (s->op)
		sq_smtp_session_finish(s, sq_smtp_reply_code(421), sq_smtp_session_phase_due(s));
	else if (s->due == SQ_SMTP_DUE_NOTHING || s->due == SQ_SMTP_DUE_RSET)
		sq_lane_count(s->pool->lane, SQ_SMTP_CLOSED_BY_SERVER, 1);
	s->due = SQ_SMTP_DUE_FIN;
	s->ahead = NULL;
	sq_smtp_rest_owing(s);
	if (ahead)
		sq_smtp_pool_back(s->pool, ahead);
}

/* Whether what is due may be an answer although not all is out: of an envelope with PIPELINING each
 * command but the last may have come before the rest of them, and the text before what stands behind it. */
static bool may_be_answer(const struct sq_smtp_session *s)
{
	if (s->due == SQ_SMTP_MAIL || s->due == SQ_SMTP_RCPT)
		return s->sent > s->due;
	return s->due == SQ_SMTP_BODY && s->out_at == 2 &&
	       (const char *)s->out[2].iov_base >= s->text_end;
}

/* Before the command or the text was even out: whatever it is, the two ends are not in step any more. */
static void on_early(struct sq_smtp_session *s, unsigned code)
{
	if (s->op && sq_smtp_is_refusal(code))
		sq_smtp_session_die(s, sq_smtp_reply_code(code));
	else
		bad_reply(s);
}

static void on_due(struct sq_smtp_session *s, unsigned code)
{
	switch (s->due) {
	case SQ_SMTP_MAIL:
		on_mail(s, code);
		break;
	case SQ_SMTP_RCPT:
		on_rcpt(s, code);
		break;
	case SQ_SMTP_DATA:
		on_data(s, code);
		break;
	case SQ_SMTP_BODY:
		on_body(s, code);
		break;
	case SQ_SMTP_DUE_RSET:
		on_rset(s, code);
		break;
	case SQ_SMTP_QUIT:
		on_quit(s);
		break;
	case SQ_SMTP_DUE_NOTHING:
	case SQ_SMTP_DUE_FIN:
		on_stray(s);
		break;
	default:
		sq_smtp_hello_reply(s, code);
	}
}

void sq_smtp_dialog_reply(struct sq_smtp_session *s)
{
	unsigned code = s->reply.code;

	if (s->out_n && !may_be_answer(s))
		on_early(s, code);
	else if (code == 421 && s->due != SQ_SMTP_QUIT)
		on_421(s);
	else
		on_due(s, code);
}
