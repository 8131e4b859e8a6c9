/* Programmed faults: their one grammar, and who gets which.
 *
 * The draw is the smooth weighted round robin that nginx uses among upstreams: each outcome, that
 * of no fault included, gains its share at each turn; the richest is taken and pays a whole.  The
 * credits always add up to 0 and none falls to -1 whole, so that after a turn count at which each
 * is owed a whole number of turns all are 0: everybody had exactly his.  With one fault it is
 * Bresenham's line.
 *
 * A reader would get wrong: faults of one phase share one draw.  Two independent ones of 50 % would
 * now and then both want the same command, and one of them would go short.  So do those of one pattern
 * of recipients, whose commands are drawn for by themselves: 10 % of what fits, not of all. */
#include "loadgen/smtp/sink_fault.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/value.h"

/* RFC 5321, section 4.5.3.1: 64 and 255 octets and their @; what is longer is cut. */
enum { ADDRESS = 321 };

enum { WORD = 32, CODE_MIN = 400, CODE_MAX = 599, PERCENT_DECIMALS = 6 };

#define ONE_PERCENT (SQ_SMTPD_WHOLE / 100)

const char *const sq_smtpd_phase_names[] = {
	[SQ_SMTPD_CONNECT] = "connect", [SQ_SMTPD_BANNER] = "banner", [SQ_SMTPD_HELO] = "helo",
	[SQ_SMTPD_TLS] = "tls",         [SQ_SMTPD_AUTH] = "auth",     [SQ_SMTPD_MAIL] = "mail",
	[SQ_SMTPD_RCPT] = "rcpt",       [SQ_SMTPD_DATA] = "data",     [SQ_SMTPD_BODY] = "body",
	[SQ_SMTPD_QUIT] = "quit",       [SQ_SMTPD_PHASES] = NULL,
};

const char *const sq_smtpd_action_names[] = {
	[SQ_SMTPD_REPLY] = "CODE",  [SQ_SMTPD_DROP] = "drop",       [SQ_SMTPD_CLOSE] = "close",
	[SQ_SMTPD_STALL] = "stall", [SQ_SMTPD_GARBAGE] = "garbage", [SQ_SMTPD_SLOW] = "slow",
	[SQ_SMTPD_DELAY] = "delay", [SQ_SMTPD_ACTIONS] = NULL,
};

static int fail(const char *text, struct sq_err *err, const char *what)
{
	return sq_err_set(
		err, -EINVAL, "sink smtp",
		"faults: \"%.80s\": %s; write PHASE:ACTION[:PERCENT%%], for example "
		"\"rcpt:452:10%%\", \"rcpt=user1*:550\", \"body:drop:0.5%%\" or \"mail:delay:50ms\"",
		text, what);
}

static int fail_word(const char *text, const char *subject, const char *word,
		     const char *const *known, struct sq_err *err)
{
	const char *near = sq_nearest(word, known);
	struct sq_buf what = { 0 };
	int rc;

	sq_buf_printf(&what, "no %s \"%s\"", subject, word);
	if (near) {
		sq_buf_printf(&what, " (did you mean \"%s\"?)", near);
	} else {
		sq_buf_puts(&what, "; known are");
		for (size_t i = 0; known[i]; i++)
			sq_buf_printf(&what, "%s %s", i ? "," : "", known[i]);
	}
	rc = fail(text, err, what.data);
	sq_buf_fini(&what);
	return rc;
}

static int index_of(const char *word, const char *const *known)
{
	for (int i = 0; known[i]; i++)
		if (strcmp(known[i], word) == 0)
			return i;
	return -1;
}

/* The next word of text, up to a colon or the end; *at NULL once there is none.  A word that is
 * longer than any known one is cut: it is unknown either way. */
static bool word_next(const char **at, char word[WORD])
{
	size_t len;

	if (!*at)
		return false;
	len = strcspn(*at, ":");
	snprintf(word, WORD, "%.*s", (int)(len < WORD ? len : WORD), *at);
	*at = (*at)[len] == ':' ? *at + len + 1 : NULL;
	return true;
}

static bool is_number(const char *s, size_t len)
{
	return len > 0 && strspn(s, "0123456789") >= len;
}

/* "12.5%" in millionths of a per cent; false unless it is above 0 and at most 100 %. */
static bool percent_parse(const char *s, int64_t *ret_share)
{
	size_t whole = strspn(s, "0123456789"), decimals = 0;
	int64_t share, unit = ONE_PERCENT;

	if (whole == 0 || whole > 3)
		return false;
	share = strtol(s, NULL, 10) * ONE_PERCENT;
	s += whole;
	if (*s == '.') {
		decimals = strspn(++s, "0123456789");
		if (decimals == 0 || decimals > PERCENT_DECIMALS)
			return false;
		for (; decimals; decimals--, s++) {
			unit /= 10;
			share += (*s - '0') * unit;
		}
	}
	if (strcmp(s, "%") != 0 || share <= 0 || share > SQ_SMTPD_WHOLE)
		return false;
	*ret_share = share;
	return true;
}

/* The action's word, and what follows "delay" and "slow". */
static int action_parse(const char *text, const char *word, const char **at,
			struct sq_smtpd_fault *f, struct sq_err *err)
{
	char value[WORD];
	int action = index_of(word, sq_smtpd_action_names);

	if (is_number(word, strlen(word))) {
		f->code = (int)strtol(word, NULL, 10);
		if (strlen(word) != 3 || f->code < CODE_MIN || f->code > CODE_MAX)
			return fail(text, err, "expected a reply code from 400 to 599");
		return 0;
	}
	if (action <= SQ_SMTPD_REPLY)
		return fail_word(text, "action", word, sq_smtpd_action_names + SQ_SMTPD_DROP, err);
	f->action = (enum sq_smtpd_action)action;
	if (action == SQ_SMTPD_SLOW &&
	    (!word_next(at, value) || sq_parse_size(value, &f->bytes) < 0 || f->bytes <= 0))
		return fail(text, err, "expected octets a second behind slow, as in slow:10KiB");
	if (action == SQ_SMTPD_DELAY &&
	    (!word_next(at, value) || sq_parse_duration(value, &f->delay_ns) < 0 ||
	     f->delay_ns <= 0))
		return fail(text, err, "expected a duration behind delay, as in delay:50ms");
	return 0;
}

/* Why there can be no such fault; NULL: it can be. */
static const char *misfit(const struct sq_smtpd_fault *f)
{
	if (f->phase == SQ_SMTPD_CONNECT && f->action != SQ_SMTPD_DROP &&
	    f->action != SQ_SMTPD_CLOSE)
		return "a connection can only be met with drop or close";
	if (f->action == SQ_SMTPD_SLOW && f->phase != SQ_SMTPD_DATA)
		return "only the text of a message is read slowly, which is data:slow:SIZE";
	if (f->pattern[0] && f->phase != SQ_SMTPD_RCPT)
		return "only a recipient has a pattern, which is rcpt=PATTERN:ACTION";
	return NULL;
}

/* "rcpt" or "rcpt=PATTERN". */
static int phase_parse(const char *text, const char **at, struct sq_smtpd_fault *f,
		       struct sq_err *err)
{
	size_t len = strcspn(text, "=:");
	char word[WORD], pattern[SQ_SMTPD_PATTERN + 1] = "";
	int phase;

	snprintf(word, WORD, "%.*s", (int)(len < WORD ? len : WORD), text);
	phase = index_of(word, sq_smtpd_phase_names);
	if (phase == -1)
		return fail_word(text, "phase", word, sq_smtpd_phase_names, err);
	f->phase = (enum sq_smtpd_phase)phase;
	*at = text + len;
	if (**at == '=') {
		len = strcspn(++*at, ":");
		if (len == 0 || len >= SQ_SMTPD_PATTERN)
			return fail(text, err,
				    "expected a pattern of addresses behind =, as in "
				    "rcpt=user1*:452");
		memcpy(pattern, *at, len);
		*at += len;
	}
	memcpy(f->pattern, pattern, SQ_SMTPD_PATTERN);
	*at = **at == ':' ? *at + 1 : NULL;
	return 0;
}

int sq_smtpd_fault_parse(const char *text, struct sq_smtpd_fault *ret_fault, struct sq_err *err)
{
	struct sq_smtpd_fault f = { .action = SQ_SMTPD_REPLY, .share = SQ_SMTPD_WHOLE };
	const char *at = NULL;
	char word[WORD];
	int rc = phase_parse(text, &at, &f, err);

	if (rc < 0)
		return rc;
	if (!word_next(&at, word))
		return fail(text, err, "it has no action");
	rc = action_parse(text, word, &at, &f, err);
	if (rc < 0)
		return rc;
	if (misfit(&f))
		return fail(text, err, misfit(&f));
	if (word_next(&at, word) && !percent_parse(word, &f.share))
		return fail(text, err, "expected a share above 0% and up to 100%");
	if (at)
		return fail(text, err, "there is more behind its share");
	*ret_fault = f;
	return 0;
}

static void draws_init(struct sq_smtpd_draws *draws)
{
	*draws = (struct sq_smtpd_draws){ .fate.clear = SQ_SMTPD_WHOLE,
					  .delay.clear = SQ_SMTPD_WHOLE };
}

static struct sq_smtpd_draws *draws_of(struct sq_smtpd_faults *faults,
				       const struct sq_smtpd_fault *f)
{
	struct sq_smtpd_draws *some;

	if (!f->pattern[0])
		return &faults->of[f->phase];
	for (size_t i = 0; i < faults->n_some; i++)
		if (strcmp(faults->some[i].pattern, f->pattern) == 0)
			return &faults->some[i];
	faults->some =
		sq_grow(faults->some, faults->n_some, &faults->cap_some, sizeof(*faults->some));
	some = &faults->some[faults->n_some++];
	draws_init(some);
	memcpy(some->pattern, f->pattern, sizeof(some->pattern));
	return some;
}

static int faults_add(struct sq_smtpd_faults *faults, const char *text, struct sq_err *err)
{
	struct sq_smtpd_fault f = { 0 };
	struct sq_smtpd_draws *draws;
	struct sq_smtpd_draw *draw;
	int rc = sq_smtpd_fault_parse(text, &f, err);

	if (rc < 0)
		return rc;
	draws = draws_of(faults, &f);
	draw = f.action == SQ_SMTPD_DELAY ? &draws->delay : &draws->fate;
	if (draw->clear < f.share)
		return fail(text, err, "the shares of its phase add up to more than 100 %");
	draw->clear -= f.share;
	draw->v = sq_grow(draw->v, draw->n, &draw->cap, sizeof(*draw->v));
	draw->v[draw->n++] = f;
	return 0;
}

int sq_smtpd_faults_init(struct sq_smtpd_faults *faults, const struct sq_strings *texts,
			 struct sq_err *err)
{
	int rc = 0;

	for (int i = 0; i < SQ_SMTPD_PHASES; i++)
		draws_init(&faults->of[i]);
	for (size_t i = 0; rc == 0 && i < texts->n; i++)
		rc = faults_add(faults, texts->v[i], err);
	if (rc < 0)
		sq_smtpd_faults_fini(faults);
	return rc;
}

static void draws_fini(struct sq_smtpd_draws *draws)
{
	free(draws->fate.v);
	free(draws->delay.v);
}

void sq_smtpd_faults_fini(struct sq_smtpd_faults *faults)
{
	for (int i = 0; i < SQ_SMTPD_PHASES; i++)
		draws_fini(&faults->of[i]);
	for (size_t i = 0; i < faults->n_some; i++)
		draws_fini(&faults->some[i]);
	free(faults->some);
	*faults = (struct sq_smtpd_faults){ 0 };
}

struct sq_smtpd_draws *sq_smtpd_faults_of_rcpt(struct sq_smtpd_faults *faults, const char *address,
					       size_t len)
{
	char text[ADDRESS];

	if (!faults->n_some)
		return &faults->of[SQ_SMTPD_RCPT];
	snprintf(text, sizeof(text), "%.*s", (int)(len < ADDRESS ? len : ADDRESS), address);
	for (size_t i = 0; i < faults->n_some; i++)
		if (fnmatch(faults->some[i].pattern, text, FNM_CASEFOLD) == 0)
			return &faults->some[i];
	return &faults->of[SQ_SMTPD_RCPT];
}

const struct sq_smtpd_fault *sq_smtpd_draw(struct sq_smtpd_draw *draw)
{
	struct sq_smtpd_fault *got = NULL;
	int64_t *richest = &draw->clear_credit;

	if (!draw->n)
		return NULL;
	draw->clear_credit += draw->clear;
	for (size_t i = 0; i < draw->n; i++) {
		draw->v[i].credit += draw->v[i].share;
		if (draw->v[i].credit > *richest) {
			got = &draw->v[i];
			richest = &got->credit;
		}
	}
	*richest -= SQ_SMTPD_WHOLE;
	return got;
}
