/* Texts of mail.  All that is the same in each message stands in pieces made beforehand, so that a
 * message costs a few copies.
 *
 * Each header says which message it is (X-Squall-Id: the lane's ID, its number among the lanes, the
 * message's number there), when it went out (X-Squall-Sent, by the wall clock) and what its body is
 * (X-Squall-Digest, loadgen/smtp/digest.h, and its length): who receives it knows whether it comes for
 * the first time, how long it took and whether it was changed.  The same name begins the Message-ID, also
 * of real messages: that is what a relay's log has of a header. */
#include "loadgen/smtp/message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "loadgen/smtp/digits.h"
#include "loadgen/smtp/reply.h"

enum { NUMBER_MAX = 20, FIXED_MAX = 640 };

struct sq_smtp_mail {
	struct sq_pattern *sender;
	struct sq_smtp_recipients *recipients;
	unsigned per_message;
	char *subject, *helo;
	struct sq_smtp_bodies *bodies;
};

static char *write_recipient(const struct sq_smtp_mail *m, uint64_t number, unsigned i, char *out)
{
	return sq_smtp_recipients_write(m->recipients, number * m->per_message + i, out);
}

/* ---- made and unmade ---- */

static int check_line(const char *text, const char *where, bool word, struct sq_err *err)
{
	if (strlen(text) > 255 || text[strcspn(text, "\r\n")] || (word && !*text) ||
	    (word && !sq_smtp_is_address(text, false)))
		return sq_err_set(err, -EINVAL, where, "'%.60s' is no %s", text,
				  word ? "name of a host" : "line of text, of 255 bytes at most");
	return 0;
}

/* A relay sends to an address once, however often a message names it; then what was accepted for two
 * recipients arrives for one. */
static int check_recipients(const struct sq_smtp_mail *m, struct sq_err *err)
{
	uint64_t n = sq_smtp_recipients_count(m->recipients);

	if (m->per_message > n)
		return sq_err_set(err, -EINVAL, "smtp: recipients_per_message",
				  "%u of %llu addresses: a message would name one twice; give as "
				  "many recipients at least, such as user{1-%u}@example.test",
				  m->per_message, (unsigned long long)n, m->per_message);
	return 0;
}

static int make(struct sq_smtp_mail *m, const struct sq_smtp_mail_spec *spec, struct sq_err *err)
{
	int rc = check_line(spec->subject, "smtp: subject", false, err);

	if (rc == 0)
		rc = check_line(spec->helo, "smtp: helo", true, err);
	if (rc == 0 && !sq_smtp_is_address(spec->sender, false))
		rc = sq_err_set(err, -EINVAL, "smtp: sender", "'%.320s' is no address",
				spec->sender);
	if (rc < 0)
		return rc;
	m->sender = sq_pattern_new(spec->sender, "smtp: sender", err);
	if (!m->sender)
		return -EINVAL;
	if (sq_pattern_longest(m->sender) > SQ_SMTP_ADDRESS_MAX)
		return sq_err_set(err, -EINVAL, "smtp: sender", "'%.320s' is too long",
				  spec->sender);
	m->subject = sq_strdup(spec->subject);
	m->helo = sq_strdup(spec->helo);
	m->per_message = (unsigned)spec->recipients_per_message;
	m->bodies = sq_smtp_bodies_new(&spec->body, err);
	if (m->bodies)
		m->recipients = sq_smtp_recipients_new(spec->recipients, spec->users, err);
	return m->recipients ? check_recipients(m, err) : -EINVAL;
}

struct sq_smtp_mail *sq_smtp_mail_new(const struct sq_smtp_mail_spec *spec, struct sq_err *err)
{
	struct sq_smtp_mail *m = sq_alloc(sizeof(*m));

	return make(m, spec, err) < 0 ? sq_smtp_mail_free(m) : m;
}

struct sq_smtp_mail *sq_smtp_mail_free(struct sq_smtp_mail *m)
{
	if (!m)
		return NULL;
	sq_smtp_recipients_free(m->recipients);
	sq_pattern_free(m->sender);
	free(m->subject);
	free(m->helo);
	sq_smtp_bodies_free(m->bodies);
	free(m);
	return NULL;
}

unsigned sq_smtp_mail_recipients(const struct sq_smtp_mail *m)
{
	return m->per_message;
}

/* ---- the names of messages ---- */

void sq_smtp_mail_lane_init(struct sq_smtp_mail_lane *l, uint64_t id, unsigned index)
{
	l->number = id;
	l->id_len = (size_t)snprintf(l->id, sizeof(l->id), "%016llx.%u.", (unsigned long long)id,
				     index);
}

/* RFC 5322, 3.3.  Not by strftime's %a and %b, which follow the locale. */
void sq_smtp_mail_lane_date(struct sq_smtp_mail_lane *l, int64_t wall_s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	l->date_len = (size_t)snprintf(
		l->date, sizeof(l->date), "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
		days + (size_t)tm.tm_wday * 3, tm.tm_mday, months + (size_t)tm.tm_mon * 3,
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* ---- one message ---- */

static char *put(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

static char *puts_to(char *out, const char *text)
{
	return put(out, text, strlen(text));
}

static char *put_number(char *out, uint64_t v)
{
	char digits[NUMBER_MAX];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + v % 10);
	while (v /= 10);
	return put(out, digits + at, sizeof(digits) - at);
}

static char *put_sender(const struct sq_smtp_mail *m, uint64_t number, char *out)
{
	return out + sq_pattern_write(m->sender, number, out, sq_pattern_longest(m->sender) + 1);
}

/* The sender and each recipient stand in a command and in the header. */
size_t sq_smtp_mail_room(const struct sq_smtp_mail *m)
{
	const size_t around = 16; /* "RCPT TO:<>\r\n", ",\r\n <>" */

	return 2 * (sq_pattern_longest(m->sender) + around) +
	       2 * (size_t)m->per_message * (sq_smtp_recipients_longest(m->recipients) + around) +
	       FIXED_MAX + 2 * sizeof(((struct sq_smtp_mail_lane *)0)->id) + strlen(m->helo) +
	       strlen(m->subject);
}

/* All of it but the sender, the recipients and what numbers have for digits is known; what is not
 * counts as long as it may be. */
static size_t size_told(const struct sq_smtp_mail *m, size_t body)
{
	return body + FIXED_MAX / 2 + sq_pattern_longest(m->sender) +
	       (size_t)m->per_message *
		       (sq_smtp_recipients_longest(m->recipients) + sizeof(",\r\n <>")) +
	       strlen(m->subject) + strlen(m->helo);
}

char *sq_smtp_mail_from(const struct sq_smtp_mail *m, const struct sq_smtp_which *which,
			unsigned extensions, char *out)
{
	bool eight_bit = false;
	size_t size = 0;

	if (extensions & (SQ_SMTP_EXT_SIZE | SQ_SMTP_EXT_8BITMIME))
		size = sq_smtp_body_size(m->bodies, which, &eight_bit);
	out = puts_to(out, "MAIL FROM:<");
	out = put_sender(m, which->number, out);
	out = puts_to(out, ">");
	if (extensions & SQ_SMTP_EXT_SIZE)
		out = put_number(puts_to(out, " SIZE="), size_told(m, size));
	if (extensions & SQ_SMTP_EXT_8BITMIME && eight_bit)
		out = puts_to(out, " BODY=8BITMIME");
	return puts_to(out, "\r\n");
}

char *sq_smtp_mail_rcpt(const struct sq_smtp_mail *m, uint64_t number, unsigned i, char *out)
{
	out = puts_to(out, "RCPT TO:<");
	out = write_recipient(m, number, i, out);
	return puts_to(out, ">\r\n");
}

static char *put_to(const struct sq_smtp_mail *m, uint64_t number, char *out)
{
	out = puts_to(out, "To: ");
	for (unsigned i = 0; i < m->per_message; i++) {
		out = puts_to(out, i ? ",\r\n <" : "<");
		out = write_recipient(m, number, i, out);
		*out++ = '>';
	}
	return out;
}

static char *put_id(const struct sq_smtp_mail_lane *l, uint64_t seq, char *out)
{
	return put_number(put(out, l->id, l->id_len), seq);
}

/* What tells this message from all others. */
static char *put_trace(const struct sq_smtp_mail_lane *l, uint64_t seq,
		       const struct sq_smtp_body *body, int64_t wall_ns, char *out)
{
	out = put_id(l, seq, puts_to(out, "X-Squall-Id: "));
	out = put_number(puts_to(out, "\r\nX-Squall-Sent: "), (uint64_t)(wall_ns / SQ_SEC));
	*out++ = '.';
	out = sq_smtp_put_digits(out, (uint64_t)(wall_ns % SQ_SEC), 10, 9);
	out = sq_smtp_put_digits(puts_to(out, "\r\nX-Squall-Digest: "), body->digest, 16, 16);
	*out++ = ' ';
	return puts_to(put_number(out, body->bytes), "\r\n");
}

/* Of a body that has no header of its own. */
static char *put_names(const struct sq_smtp_mail *m, const struct sq_smtp_mail_lane *l,
		       uint64_t number, char *out)
{
	out = put(puts_to(out, "Date: "), l->date, l->date_len);
	out = put_sender(m, number, puts_to(out, "\r\nFrom: <"));
	out = put_to(m, number, puts_to(out, ">\r\n"));
	out = puts_to(puts_to(out, "\r\nSubject: "), m->subject);
	return puts_to(out, "\r\n\r\n");
}

char *sq_smtp_mail_header(const struct sq_smtp_mail *m, const struct sq_smtp_mail_lane *l,
			  const struct sq_smtp_which *which, const struct sq_smtp_body *body,
			  int64_t wall_ns, char *out)
{
	out = put_id(l, which->seq, puts_to(out, "Message-ID: <"));
	*out++ = '@';
	out = puts_to(puts_to(out, m->helo), ">\r\n");
	out = put_trace(l, which->seq, body, wall_ns, out);
	return body->headed ? out : put_names(m, l, which->number, out);
}

void sq_smtp_mail_body(const struct sq_smtp_mail *m, const struct sq_smtp_which *which,
		       struct sq_smtp_body *ret)
{
	sq_smtp_body_make(m->bodies, which, ret);
}

const char *sq_smtp_mail_domain(const struct sq_smtp_mail *m, uint64_t number,
				char out[SQ_SMTP_ADDRESS_MAX + 1])
{
	write_recipient(m, number, 0, out);
	return strrchr(out, '@') + 1;
}
