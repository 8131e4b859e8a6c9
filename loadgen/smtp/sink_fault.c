/* Programmed faults: their one grammar, and who gets which.
 *
 * The draw is the smooth weighted round robin that nginx uses among upstreams: each outcome, that
 * of no fault included, gains its share at each turn; the richest is taken and pays a whole.  The
 * credits always add up to 0 and none falls to -1 whole, so that after a turn count at which each
 * is owed a whole number of turns all are 0: everybody had exactly his.  With one fault it is
 * Bresenham's line.
 *
 * A reader would get wrong: faults of one phase share one draw.  Two independent ones of 50 % would
 * now and then both want the same command, and one of them would go short. */
#include "loadgen/smtp/sink_fault.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/value.h"

enum { WORD = 32, CODE_MIN = 400, CODE_MAX = 599, PERCENT_DECIMALS = 6 };

#define ONE_PERCENT (SQ_SMTPD_WHOLE / 100)

const char *const sq_smtpd_phase_names[] = {
	[SQ_SMTPD_CONNECT] = "connect", [SQ_SMTPD_BANNER] = "banner", [SQ_SMTPD_HELO] = "helo",
	[SQ_SMTPD_MAIL] = "mail",       [SQ_SMTPD_RCPT] = "rcpt",     [SQ_SMTPD_DATA] = "data",
	[SQ_SMTPD_BODY] = "body",       [SQ_SMTPD_QUIT] = "quit",     [SQ_SMTPD_PHASES] = NULL,
};

const char *const sq_smtpd_action_names[] = {
	[SQ_SMTPD_REPLY] = "CODE",  [SQ_SMTPD_DROP] = "drop",   [SQ_SMTPD_CLOSE] = "close",
	[SQ_SMTPD_STALL] = "stall", [SQ_SMTPD_DELAY] = "delay", [SQ_SMTPD_ACTIONS] = NULL,
};

static int fail(const char *text, struct sq_err *err, const char *what)
{
	return sq_err_set(err, -EINVAL, "sink smtp",
			  "faults: \"%.80s\": %s; write PHASE:ACTION[:PERCENT%%], for example "
			  "\"rcpt:452:10%%\", \"body:drop:0.5%%\" or \"mail:delay:50ms\"",
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

/* The action's word, and the duration that follows "delay". */
static int action_parse(const char *text, const char *word, const char **at,
			struct sq_smtpd_fault *f, struct sq_err *err)
{
	char duration[WORD];
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
	if (action == SQ_SMTPD_DELAY &&
	    (!word_next(at, duration) || sq_parse_duration(duration, &f->delay_ns) < 0 ||
	     f->delay_ns <= 0))
		return fail(text, err, "expected a duration behind delay, as in delay:50ms");
	return 0;
}

static bool fits(const struct sq_smtpd_fault *f)
{
	return f->phase != SQ_SMTPD_CONNECT || f->action == SQ_SMTPD_DROP ||
	       f->action == SQ_SMTPD_CLOSE;
}

int sq_smtpd_fault_parse(const char *text, struct sq_smtpd_fault *ret_fault, struct sq_err *err)
{
	struct sq_smtpd_fault f = { .action = SQ_SMTPD_REPLY, .share = SQ_SMTPD_WHOLE };
	const char *at = text;
	char word[WORD];
	int phase, rc;

	word_next(&at, word);
	phase = index_of(word, sq_smtpd_phase_names);
	if (phase == -1)
		return fail_word(text, "phase", word, sq_smtpd_phase_names, err);
	f.phase = (enum sq_smtpd_phase)phase;
	if (!word_next(&at, word))
		return fail(text, err, "it has no action");
	rc = action_parse(text, word, &at, &f, err);
	if (rc < 0)
		return rc;
	if (!fits(&f))
		return fail(text, err, "a connection can only be met with drop or close");
	if (word_next(&at, word) && !percent_parse(word, &f.share))
		return fail(text, err, "expected a share above 0% and up to 100%");
	if (at)
		return fail(text, err, "there is more behind its share");
	*ret_fault = f;
	return 0;
}

static int faults_add(struct sq_smtpd_faults *faults, const char *text, struct sq_err *err)
{
	struct sq_smtpd_fault f = { 0 };
	struct sq_smtpd_draw *draw;
	int rc = sq_smtpd_fault_parse(text, &f, err);

	if (rc < 0)
		return rc;
	draw = f.action == SQ_SMTPD_DELAY ? &faults->delay[f.phase] : &faults->fate[f.phase];
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
		faults->fate[i].clear = faults->delay[i].clear = SQ_SMTPD_WHOLE;
	for (size_t i = 0; rc == 0 && i < texts->n; i++)
		rc = faults_add(faults, texts->v[i], err);
	if (rc < 0)
		sq_smtpd_faults_fini(faults);
	return rc;
}

void sq_smtpd_faults_fini(struct sq_smtpd_faults *faults)
{
	for (int i = 0; i < SQ_SMTPD_PHASES; i++) {
		free(faults->fate[i].v);
		free(faults->delay[i].v);
	}
	*faults = (struct sq_smtpd_faults){ 0 };
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
