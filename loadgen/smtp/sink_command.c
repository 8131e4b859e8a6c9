/* The command table of the SMTP sink (RFC 5321, section 4.1; extensions of RFC 1870, 3207, 4954, 6152, 6531;
 * LHLO of RFC 2033).
 *
 * A session's state machine is the `states` column: a bit for each state in which the command may
 * stand.  Section 4.1.4 allows RSET, NOOP, VRFY and QUIT at any time, and a new EHLO too.
 *
 * A reader would get wrong: mailbox names are not judged.  A path is angle brackets with no space
 * or bracket outside of quotes; a sink that knew better would refuse what its user wants to see
 * relayed. */
#include "loadgen/smtp/sink_command.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define IN(state) (1U << (state))

enum {
	ANY = IN(SQ_SMTPD_START) | IN(SQ_SMTPD_READY) | IN(SQ_SMTPD_SENDER) | IN(SQ_SMTPD_RCPTS),
	ALWAYS = ANY | IN(SQ_SMTPD_REFUSED),
};

static const char bad_parameter[] = "555 5.5.4 Parameter unknown";

/* What is left of a line. */
struct rest {
	const char *p, *end;
};

struct command {
	const char *name;
	enum sq_smtpd_verb verb;
	unsigned states;
	const char *(*parse)(struct rest args, struct rest *ret_path); /* NULL, or the reply */
};

static bool rest_is_empty(struct rest r)
{
	return r.p == r.end;
}

static void skip_spaces(struct rest *r)
{
	while (!rest_is_empty(*r) && (*r->p == ' ' || *r->p == '\t'))
		r->p++;
}

/* Up to a space, or to stop. */
static struct rest word_next(struct rest *r, char stop)
{
	struct rest word = { r->p, r->p };

	while (word.end < r->end && *word.end != ' ' && *word.end != '\t' && *word.end != stop)
		word.end++;
	r->p = word.end;
	return word;
}

static bool word_is(struct rest word, const char *wanted)
{
	size_t len = (size_t)(word.end - word.p);

	return len == strlen(wanted) && strncasecmp(word.p, wanted, len) == 0;
}

/* Beyond the octet that closes a quoted string, or to the end when none does. */
static const char *quoted_end(struct rest r)
{
	for (r.p++; r.p < r.end && *r.p != '"'; r.p++)
		if (*r.p == '\\' && r.p + 1 < r.end)
			r.p++;
	return r.p < r.end ? r.p + 1 : r.end;
}

/* "<path>" and what follows it; false when it is none. */
static bool path_next(struct rest *r, struct rest *ret_path)
{
	struct rest at = *r;

	if (rest_is_empty(at) || *at.p++ != '<')
		return false;
	ret_path->p = at.p;
	while (!rest_is_empty(at) && *at.p != '>' && *at.p != '<' && *at.p != ' ')
		at.p = *at.p == '"' ? quoted_end(at) : at.p + 1;
	if (rest_is_empty(at) || *at.p != '>')
		return false;
	ret_path->end = at.p++;
	if (!rest_is_empty(at) && *at.p != ' ' && *at.p != '\t')
		return false;
	*r = at;
	return true;
}

/* "FROM:" or "TO:".  Spaces behind the colon are no SMTP, but many clients send them. */
static bool prefix_next(struct rest *r, const char *wanted)
{
	struct rest word = word_next(r, ':');

	if (!word_is(word, wanted) || rest_is_empty(*r) || *r->p != ':')
		return false;
	r->p++;
	skip_spaces(r);
	return true;
}

static bool is_size(struct rest value)
{
	struct rest digits = value;

	while (!rest_is_empty(digits) && *digits.p >= '0' && *digits.p <= '9')
		digits.p++;
	return rest_is_empty(digits) && value.end - value.p >= 1 && value.end - value.p <= 20;
}

static const char *mail_parameter(struct rest *args)
{
	struct rest name = word_next(args, '='), value = { args->p, args->p };

	if (!rest_is_empty(*args) && *args->p == '=') {
		args->p++;
		value = word_next(args, ' ');
	}
	if (word_is(name, "SIZE"))
		return is_size(value) ? NULL : "501 5.5.4 Syntax: SIZE=octets";
	if (word_is(name, "BODY"))
		return word_is(value, "7BIT") || word_is(value, "8BITMIME")
			       ? NULL
			       : "501 5.5.4 Syntax: BODY=7BIT or 8BITMIME";
	return word_is(name, "SMTPUTF8") && rest_is_empty(value) ? NULL : bad_parameter;
}

static const char *parse_mail(struct rest args, struct rest *ret_path)
{
	const char *reply = NULL;

	if (!prefix_next(&args, "FROM"))
		return "501 5.5.4 Syntax: MAIL FROM:<address>";
	if (!path_next(&args, ret_path))
		return "501 5.1.7 Bad sender address syntax";
	for (skip_spaces(&args); !reply && !rest_is_empty(args); skip_spaces(&args))
		reply = mail_parameter(&args);
	return reply;
}

static const char *parse_rcpt(struct rest args, struct rest *ret_path)
{
	if (!prefix_next(&args, "TO"))
		return "501 5.5.4 Syntax: RCPT TO:<address>";
	if (!path_next(&args, ret_path) || rest_is_empty(*ret_path))
		return "501 5.1.3 Bad recipient address syntax";
	skip_spaces(&args);
	return rest_is_empty(args) ? NULL : bad_parameter;
}

static const char *parse_some(struct rest args, struct rest *ret_path)
{
	*ret_path = args;
	return rest_is_empty(args) ? "501 5.5.4 An argument is missing" : NULL;
}

static const char *parse_none(struct rest args, struct rest *ret_path)
{
	(void)ret_path;
	return rest_is_empty(args) ? NULL : "501 5.5.4 No argument is allowed";
}

static const char *parse_any(struct rest args, struct rest *ret_path)
{
	(void)args;
	(void)ret_path;
	return NULL;
}

static const struct command commands[] = {
	{ "EHLO", SQ_SMTPD_VERB_EHLO, ANY, parse_some },
	{ "HELO", SQ_SMTPD_VERB_HELO, ANY, parse_some },
	{ "LHLO", SQ_SMTPD_VERB_LHLO, ANY, parse_some },
	{ "STARTTLS", SQ_SMTPD_VERB_STARTTLS, IN(SQ_SMTPD_READY), parse_none },
	{ "AUTH", SQ_SMTPD_VERB_AUTH, IN(SQ_SMTPD_READY), parse_some },
	{ "MAIL", SQ_SMTPD_VERB_MAIL, IN(SQ_SMTPD_READY), parse_mail },
	{ "RCPT", SQ_SMTPD_VERB_RCPT, IN(SQ_SMTPD_SENDER) | IN(SQ_SMTPD_RCPTS), parse_rcpt },
	{ "DATA", SQ_SMTPD_VERB_DATA, IN(SQ_SMTPD_SENDER) | IN(SQ_SMTPD_RCPTS), parse_none },
	{ "RSET", SQ_SMTPD_VERB_RSET, ANY, parse_none },
	{ "NOOP", SQ_SMTPD_VERB_NOOP, ANY, parse_any },
	{ "VRFY", SQ_SMTPD_VERB_VRFY, ANY, parse_some },
	{ "QUIT", SQ_SMTPD_VERB_QUIT, ALWAYS, parse_none },
};

static const char *const not_implemented[] = {
	"EXPN", "HELP", "SEND", "SOML", "SAML", "TURN", "ETRN", "BDAT",
};

static const char *fail_unknown(struct rest word)
{
	for (size_t i = 0; i < sizeof(not_implemented) / sizeof(*not_implemented); i++)
		if (word_is(word, not_implemented[i]))
			return "502 5.5.1 Command not implemented";
	return "500 5.5.1 Command unknown";
}

const char *sq_smtpd_command_parse(const char *line, size_t len, enum sq_smtpd_state state,
				   struct sq_smtpd_command *ret)
{
	struct rest args = { line, line + len }, path = { NULL, NULL };
	struct rest word;
	const char *reply;

	while (args.end > args.p && (args.end[-1] == ' ' || args.end[-1] == '\t'))
		args.end--;
	word = word_next(&args, ' ');
	skip_spaces(&args);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!word_is(word, commands[i].name))
			continue;
		if (!(commands[i].states & IN(state)))
			return "503 5.5.1 Bad sequence of commands";
		reply = commands[i].parse(args, &path);
		if (!reply)
			*ret = (struct sq_smtpd_command){ commands[i].verb, path.p,
							  (size_t)(path.end - path.p) };
		return reply;
	}
	return fail_unknown(word);
}
