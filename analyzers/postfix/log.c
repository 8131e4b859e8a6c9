/* Parsing of Postfix's log, postlogd's or syslog's:
 *
 *   Nov 27 05:06:07 relay postfix/smtp[321]: 4F2A31: to=<a@b.test>, relay=none, delay=2.1,
 *     delays=0.04/0/2/0, dsn=4.4.3, status=deferred (Host or domain name not found. ...)
 *
 * What a reader would get wrong:
 * - Addresses and the reason are other people's text, and may hold ", status=sent" too.  So the three
 *   fields delays, dsn, status count only side by side, as Postfix writes them; the reason's kind
 *   goes by how it begins, since what a host said stands at its end.
 * - It is not smtp(8) alone that delivers: lmtp, local, virtual, pipe and error log the same line.
 *   error(8) does so for messages that were deferred without an attempt, because others to the same
 *   destination failed ("delivery temporarily suspended").
 * - Every instance has a syslog_name of its own, which begins with postfix. */
#include "analyzers/postfix/log.h"

#include <ctype.h>
#include <string.h>

struct span { /* what is left of the line */
	const char *p, *end;
};

static size_t left(const struct span *s)
{
	return (size_t)(s->end - s->p);
}

static bool begins(const struct span *s, const char *word)
{
	size_t len = strlen(word);

	return left(s) >= len && memcmp(s->p, word, len) == 0;
}

static bool skip(struct span *s, const char *word)
{
	if (!begins(s, word))
		return false;
	s->p += strlen(word);
	return true;
}

static const char *find(const struct span *s, const char *word)
{
	return memmem(s->p, left(s), word, strlen(word));
}

static bool contains(const struct span *s, const char *word)
{
	return find(s, word) != NULL;
}

/* ---- "Nov 27 05:06:07 relay postfix/smtp[321]: " ---- */

/* The program's name, and the message behind it. */
static bool split_program(struct span *line, struct span *program)
{
	const char *close = find(line, "]: "), *p = close;

	while (p && p > line->p && isdigit((unsigned char)p[-1]))
		p--;
	if (!p || p == close || p == line->p || p[-1] != '[')
		return false;
	program->end = --p;
	while (p > line->p && p[-1] != ' ')
		p--;
	program->p = p;
	line->p = close + 3;
	return program->p < program->end;
}

/* "4F2A31: " or "NOQUEUE: " */
static bool take_queue_id(struct span *s, struct sq_postfix_text *ret)
{
	const char *p = s->p;

	while (p < s->end && isalnum((unsigned char)*p))
		p++;
	if (p == s->p || s->end - p < 2 || p[0] != ':' || p[1] != ' ')
		return false;
	*ret = (struct sq_postfix_text){ s->p, (size_t)(p - s->p) };
	s->p = p + 2;
	return true;
}

/* ---- a delivery ---- */

static const struct {
	const char *name;
	enum sq_postfix_status status;
} statuses[] = {
	{ "sent (", SQ_POSTFIX_SENT },
	{ "deferred (", SQ_POSTFIX_DEFERRED },
	{ "SOFTBOUNCE (", SQ_POSTFIX_DEFERRED },
	{ "bounced (", SQ_POSTFIX_BOUNCED },
};

/* The first row that fits. */
static const struct {
	const char *begin, *within;
	enum sq_postfix_reason reason;
} reasons[] = {
	{ "host ", " said: ", SQ_POSTFIX_BY_HOST },
	{ "host ", " refused to talk to me: ", SQ_POSTFIX_BY_HOST },
	{ "Host or domain name not found", "", SQ_POSTFIX_NAME_SERVICE },
	{ "Name service error", "", SQ_POSTFIX_NAME_SERVICE },
	{ "unable to look up host", "", SQ_POSTFIX_NAME_SERVICE },
	{ "connect to ", ": Connection timed out", SQ_POSTFIX_TIMED_OUT },
	{ "connect to ", ": Connection refused", SQ_POSTFIX_REFUSED },
	{ "connect to ", ": No route to host", SQ_POSTFIX_UNREACHABLE },
	{ "connect to ", ": Network is unreachable", SQ_POSTFIX_UNREACHABLE },
	{ "lost connection with ", "", SQ_POSTFIX_LOST },
	{ "conversation with ", " timed out ", SQ_POSTFIX_SILENT },
	{ "Cannot start TLS", "", SQ_POSTFIX_TLS },
	{ "TLS is required", "", SQ_POSTFIX_TLS },
	{ "Server certificate", "", SQ_POSTFIX_TLS },
};

static enum sq_postfix_reason reason_of(const struct span *text)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (begins(text, reasons[i].begin) && contains(text, reasons[i].within))
			return reasons[i].reason;
	return SQ_POSTFIX_ELSE;
}

static bool take_digits(struct span *s, unsigned most, uint64_t *ret)
{
	const char *begin = s->p;

	for (*ret = 0; s->p < s->end && isdigit((unsigned char)*s->p); s->p++)
		if ((size_t)(s->p - begin) < most)
			*ret = 10 * *ret + (uint64_t)(*s->p - '0');
		else
			return false;
	return s->p > begin;
}

/* "12", "0.04", "0.000123": seconds; what is finer than a millisecond is cut. */
static bool take_ms(struct span *s, uint64_t *ret)
{
	uint64_t ms = 0, unit = 100;

	if (!take_digits(s, 9, &ms))
		return false;
	ms *= 1000;
	if (skip(s, "."))
		for (; s->p < s->end && isdigit((unsigned char)*s->p); s->p++, unit /= 10)
			ms += unit * (uint64_t)(*s->p - '0');
	*ret = ms;
	return true;
}

static bool take_delays(struct span *s, uint64_t *ret)
{
	for (size_t i = 0; i < SQ_POSTFIX_DELAYS; i++)
		if ((i > 0 && !skip(s, "/")) || !take_ms(s, &ret[i]))
			return false;
	return true;
}

/* "4.4.3" (RFC 3463) */
static bool take_dsn(struct span *s, char *ret)
{
	const char *begin = s->p;
	uint64_t number;

	if (!take_digits(s, 1, &number) || !skip(s, ".") || !take_digits(s, 3, &number) ||
	    !skip(s, ".") || !take_digits(s, 3, &number))
		return false;
	memcpy(ret, begin, (size_t)(s->p - begin));
	ret[s->p - begin] = '\0';
	return true;
}

/* "deferred (delivery temporarily suspended: ..." */
static enum sq_postfix_event take_status(struct span *s, struct sq_postfix_line *ret)
{
	/* What verify(8) asked for is no delivery. */
	if (begins(s, "deliverable (") || begins(s, "undeliverable ("))
		return SQ_POSTFIX_OTHER;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (!skip(s, statuses[i].name))
			continue;
		ret->status = statuses[i].status;
		ret->untried = skip(s, "delivery temporarily suspended: ");
		ret->reason = reason_of(s);
		return SQ_POSTFIX_DELIVERY;
	}
	return SQ_POSTFIX_GARBAGE;
}

/* "a@b>, orig_to=<c@d>, relay=..., delay=2.1".  An address may hold a ">, " of its own; what follows the
 * relay's name holds none. */
static void take_addresses(struct span s, struct sq_postfix_line *ret)
{
	static const char before[] = ">, orig_to=<", behind[] = ">, relay=";
	struct span rest = s;
	const char *end = memchr(s.p, '>', left(&s)), *at;

	while ((at = find(&rest, behind))) {
		end = at;
		rest.p = at + 1;
	}
	s.end = end ? end : s.p;
	at = find(&s, before);
	ret->to = (struct sq_postfix_text){ s.p, (size_t)((at ? at : s.end) - s.p) };
	ret->orig_to = (struct sq_postfix_text){ s.end, 0 };
	if (at)
		ret->orig_to = (struct sq_postfix_text){ at + strlen(before),
							 (size_t)(s.end - at) - strlen(before) };
}

static enum sq_postfix_event parse_delivery(struct span *s, struct sq_postfix_line *ret)
{
	static const char delays[] = ", delays=";
	struct span addresses = *s;

	while ((addresses.end = find(s, delays))) {
		s->p = addresses.end + strlen(delays);
		if (!take_delays(s, ret->delays_ms) || !skip(s, ", dsn=") ||
		    !take_dsn(s, ret->dsn) || !skip(s, ", status="))
			continue;
		take_addresses(addresses, ret);
		return take_status(s, ret);
	}
	return SQ_POSTFIX_GARBAGE;
}

static enum sq_postfix_event parse_name(const struct span *s, struct sq_postfix_line *ret)
{
	const char *end = memchr(s->p, '>', left(s));

	ret->message_id = (struct sq_postfix_text){ s->p, end ? (size_t)(end - s->p) : left(s) };
	return SQ_POSTFIX_NAMED;
}

/* ---- the line ---- */

enum sq_postfix_event sq_postfix_log_parse(const char *text, size_t len,
					   struct sq_postfix_line *ret)
{
	struct span line = { text, text + len }, program;

	if (!split_program(&line, &program))
		return SQ_POSTFIX_GARBAGE;
	if (!begins(&program, "postfix") || !take_queue_id(&line, &ret->queue_id))
		return SQ_POSTFIX_OTHER;
	if (skip(&line, "to=<"))
		return parse_delivery(&line, ret);
	if (skip(&line, "message-id=<"))
		return parse_name(&line, ret);
	if (begins(&line, "client=") || begins(&line, "uid="))
		return SQ_POSTFIX_RECEIVED;
	if (begins(&line, "reject: "))
		return SQ_POSTFIX_REJECTED;
	if (begins(&line, "removed"))
		return SQ_POSTFIX_REMOVED;
	if (begins(&line, "from=<") && contains(&line, " (queue active)"))
		return SQ_POSTFIX_ACTIVATED;
	if (begins(&line, "from=<") &&
	    (contains(&line, ", status=expired, ") || contains(&line, ", status=force-expired, ")))
		return SQ_POSTFIX_EXPIRED;
	return SQ_POSTFIX_OTHER;
}

const char *sq_postfix_reason_name(enum sq_postfix_reason reason)
{
	static const char *const names[] = {
		[SQ_POSTFIX_BY_HOST] = "refused by the host",
		[SQ_POSTFIX_NAME_SERVICE] = "name service error",
		[SQ_POSTFIX_TIMED_OUT] = "connection timed out",
		[SQ_POSTFIX_REFUSED] = "connection refused",
		[SQ_POSTFIX_UNREACHABLE] = "unreachable",
		[SQ_POSTFIX_LOST] = "lost connection",
		[SQ_POSTFIX_SILENT] = "session timed out",
		[SQ_POSTFIX_TLS] = "TLS",
		[SQ_POSTFIX_ELSE] = "something else",
	};

	return names[reason];
}
