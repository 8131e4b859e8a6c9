/* Which names an expectation may use, and what each means.  A name that can't be is refused before
 * the run: a misspelt expectation must never pass for one that held. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/expect/private.h"
#include "analyzers/ledger/rules_own.h"
#include "base/mem.h"
#include "base/value.h"

static const char *const count_words[] = {
	"scheduled", "ok", "failures", "missed", "canceled", NULL
};
static const char *const rate_words[] = { "scheduled", "sent", "ok", NULL };
static const char *const finding_words[] = { "count", "explained", "unexplained", "counter_excess",
					     NULL };
static const char *const delivery_words[] = { "accepted",   "delivered",  "undelivered",
					      "queued",     "deferred",   "bounced",
					      "lost",       "duplicated", "corrupted",
					      "unaccepted", NULL };
static const char *const account_words[] = { "count", "explained", "unexplained", NULL };

static bool among(const char *const *words, const char *word)
{
	for (; words && *words; words++) {
		if (strcmp(*words, word) == 0)
			return true;
	}
	return false;
}

static bool copy(char *out, const char *word, size_t len)
{
	if (len == 0 || len >= SQ_EXPECT_WORD)
		return false;
	memcpy(out, word, len);
	out[len] = '\0';
	return true;
}

/* "mean", "min", "max", "p99", "p99.9" and as the report has it "p999". */
static bool stat_of(const char *word, struct sq_expect_name *ret)
{
	char *end;

	if (strcmp(word, "mean") == 0 || strcmp(word, "min") == 0 || strcmp(word, "max") == 0) {
		ret->stat = word[1] == 'e'   ? SQ_STAT_MEAN
			    : word[1] == 'i' ? SQ_STAT_MIN
					     : SQ_STAT_MAX;
		return true;
	}
	if (word[0] != 'p' || !isdigit((unsigned char)word[1]) ||
	    strspn(word + 1, "0123456789.") != strlen(word + 1))
		return false;
	ret->stat = SQ_STAT_PERCENTILE;
	ret->percentile = strtod(word + 1, &end);
	while (ret->percentile > 100 && !strchr(word, '.'))
		ret->percentile /= 10;
	return *end == '\0' && ret->percentile <= 100;
}

/* ":4.2.2", or nothing. */
static bool detail_of(const char *text, size_t len, struct sq_expect_name *ret)
{
	if (len == 1 || len > SQ_DETAIL_MAX)
		return false;
	if (len)
		memcpy(ret->detail, text + 1, len - 1);
	return true;
}

/* "timeout", "timeout@connect", "452:4.2.2@rcpt" */
static bool code_of(const struct sq_vocabulary *words, const char *rest, struct sq_expect_name *ret)
{
	const char *at = strchr(rest, '@');
	size_t len = at ? (size_t)(at - rest) : strlen(rest), code = strcspn(rest, ":@");

	ret->kind = SQ_EXPECT_CODE;
	if (!copy(ret->word, rest, code) || strchr(ret->word, '.') ||
	    !detail_of(rest + code, len - code, ret))
		return false;
	if (at && !copy(ret->phase, at + 1, strlen(at + 1)))
		return false;
	return !words || (sq_code_known(words->codes, ret->word) &&
			  (!at || among(words->phases, ret->phase)));
}

static bool timed(const char *rest, const char *word, enum sq_expect_kind kind,
		  struct sq_expect_name *ret)
{
	size_t len = strlen(word);

	if (strncmp(rest, word, len) != 0 || rest[len] != '.')
		return false;
	ret->kind = kind;
	return stat_of(rest + len + 1, ret);
}

/* "rcpt.p99" */
static bool phase_of(const struct sq_vocabulary *words, const char *rest,
		     struct sq_expect_name *ret)
{
	const char *dot = strchr(rest, '.');

	ret->kind = SQ_EXPECT_PHASE;
	return dot && copy(ret->phase, rest, (size_t)(dot - rest)) &&
	       (!words || among(words->phases, ret->phase)) && stat_of(dot + 1, ret);
}

static bool known_word(const char *const *words, const char *rest, enum sq_expect_kind kind,
		       struct sq_expect_name *ret)
{
	ret->kind = kind;
	return (!words || among(words, rest)) && copy(ret->word, rest, strlen(rest));
}

/* What follows the load's name. */
static bool of_load(const struct sq_vocabulary *words, const char *rest, struct sq_expect_name *ret)
{
	if (among(count_words, rest))
		return known_word(count_words, rest, SQ_EXPECT_COUNT, ret);
	if (strncmp(rest, "class.", 6) == 0)
		return sq_class_by_name(rest + 6) >= 0 &&
		       known_word(NULL, rest + 6, SQ_EXPECT_CLASS, ret);
	if (strncmp(rest, "rate.", 5) == 0)
		return known_word(rate_words, rest + 5, SQ_EXPECT_RATE, ret);
	if (strncmp(rest, "effort.", 7) == 0)
		return known_word(words ? words->efforts : NULL, rest + 7, SQ_EXPECT_EFFORT, ret) &&
		       (!words || words->efforts);
	if (strncmp(rest, "counts.", 7) == 0)
		return known_word(words ? words->counts : NULL, rest + 7, SQ_EXPECT_SEEN, ret) &&
		       (!words || words->counts);
	if (strncmp(rest, "phase.", 6) == 0)
		return phase_of(words, rest + 6, ret);
	return timed(rest, "latency", SQ_EXPECT_LATENCY, ret) ||
	       timed(rest, "service", SQ_EXPECT_SERVICE, ret) ||
	       timed(rest, "lag", SQ_EXPECT_LAG, ret) ||
	       timed(rest, "emission", SQ_EXPECT_EMISSION, ret) || code_of(words, rest, ret);
}

/* HOST.Word.Word: which metrics there will be, nobody knows before the run. */
static bool of_host(const char *rest, struct sq_expect_name *ret)
{
	const char *dot = strchr(rest, '.');

	ret->kind = SQ_EXPECT_METRIC;
	return dot && dot > rest && dot[1] && dot[1] != '.' && rest[strlen(rest) - 1] != '.' &&
	       copy(ret->word, rest, strlen(rest));
}

static bool known_mechanism(const char *id)
{
	for (const struct sq_embedded *rule = sq_rules_all(); rule->name; rule++) {
		if (strcmp(rule->name, id) == 0)
			return true;
	}
	return false;
}

static bool of_finding(const char *rest, struct sq_expect_name *ret)
{
	const char *dot = strrchr(rest, '.');

	return dot && copy(ret->subject, rest, (size_t)(dot - rest)) &&
	       known_mechanism(ret->subject) &&
	       known_word(finding_words, dot + 1, SQ_EXPECT_FINDING, ret);
}

/* The rest of text behind "NAME."; NULL when it does not begin so. */
static const char *behind(const char *text, const char *name)
{
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 && text[len] == '.' ? text + len + 1 : NULL;
}

/* Of two names that both fit, the longer one is meant: "a" and "a.b". */
static const struct sq_expect_load *load_of(const struct sq_expect_scope *scope, const char *text,
					    const char **ret_rest)
{
	const struct sq_expect_load *best = NULL;

	for (size_t i = 0; i < scope->n_loads; i++) {
		const char *rest = behind(text, scope->loads[i].name);

		if (rest && (!best || strlen(scope->loads[i].name) > strlen(best->name))) {
			best = &scope->loads[i];
			*ret_rest = rest;
		}
	}
	return best;
}

static const char *host_of(const struct sq_expect_scope *scope, const char *text,
			   const char **ret_rest)
{
	const char *best = NULL;

	for (size_t i = 0; i < scope->n_hosts; i++) {
		const char *rest = behind(text, scope->hosts[i]);

		if (rest && (!best || strlen(scope->hosts[i]) > strlen(best))) {
			best = scope->hosts[i];
			*ret_rest = rest;
		}
	}
	return best;
}

struct words {
	char **v;
	size_t n, cap;
};

static void add_word(struct words *w, const char *a, const char *b, const char *c)
{
	w->v = sq_grow(w->v, w->n, &w->cap, sizeof(*w->v));
	w->v[w->n++] = sq_printf_dup("%s%s%s", a, b, c);
}

static void add_words(struct words *w, const char *a, const char *const *list, const char *c)
{
	for (; list && *list; list++)
		add_word(w, a, *list, c);
}

static void add_load_words(struct words *w, const struct sq_vocabulary *words)
{
	static const char *const codes[] = { "timeout",      "eof",       "ECONNRESET",
					     "ECONNREFUSED", "ETIMEDOUT", "EADDRNOTAVAIL",
					     "EMFILE",       "ENOBUFS",   NULL };
	static const char *const times[] = { "latency.", "service.", "lag.", "emission.", NULL };
	static const char *const stats[] = {
		"p50", "p90", "p99", "p999", "mean", "min", "max", NULL
	};

	add_words(w, "", count_words, "");
	add_words(w, "", codes, "");
	add_words(w, "rate.", rate_words, "");
	for (size_t i = 0; times[i]; i++)
		add_words(w, times[i], stats, "");
	for (int i = 0; i < SQ_CLASSES; i++)
		add_word(w, "class.", sq_class_name((enum sq_class)i), "");
	if (!words)
		return;
	for (const struct sq_code *code = words->codes; code && code->name; code++)
		add_word(w, code->name, "", "");
	add_words(w, "effort.", words->efforts, "");
	add_words(w, "counts.", words->counts, "");
	add_words(w, "timeout@", words->phases, "");
	for (size_t i = 0; words->phases && words->phases[i]; i++) {
		char *phase = sq_printf_dup("phase.%s.", words->phases[i]);

		add_words(w, phase, stats, "");
		free(phase);
	}
}

/* "WHAT; did you mean "NEAR"?" or "WHAT; HINT".  Frees the words. */
static int fail_near(const char *text, const char *what, const char *word, const char *before,
		     struct words *w, const char *hint, struct sq_err *err)
{
	char where[sizeof(err->where)] = "";
	const char *near;

	w->v = sq_grow(w->v, w->n, &w->cap, sizeof(*w->v));
	w->v[w->n] = NULL;
	near = sq_nearest(word, (const char *const *)w->v);
	if (err)
		memcpy(where, err->where, sizeof(where));
	if (near)
		sq_err_set(err, -EINVAL, where, "\"%s\" %s; did you mean \"%s%s\"?", text, what,
			   before, near);
	else
		sq_err_set(err, -EINVAL, where, "\"%s\" %s; %s", text, what, hint);
	while (w->n > 0)
		free(w->v[--w->n]);
	free(w->v);
	return -EINVAL;
}

static int fail_load(const struct sq_expect_load *load, const char *text, const char *rest,
		     struct sq_err *err)
{
	char *before = sq_printf_dup("%s.", load->name);
	struct words w = { 0 };
	int rc;

	add_load_words(&w, load->words);
	rc = fail_near(
		text, "is nothing that a load is measured by", rest, before, &w,
		"a load has scheduled, ok, failures, missed, canceled, CODE, CODE@PHASE, "
		"CODE:DETAIL, "
		"class.CLASS, latency.p99, service.p99, lag.p99, emission.max, "
		"phase.PHASE.p99, rate.ok, effort.NAME; a difference needs spaces around its -",
		err);
	free(before);
	return rc;
}

static int fail_first(const struct sq_expect_scope *scope, const char *text, struct sq_err *err)
{
	char first[SQ_EXPECT_WORD];
	struct words w = { 0 };
	size_t len = strcspn(text, ".");
	const char *rest = text + len;

	if (!copy(first, text, len))
		first[0] = '\0';
	for (size_t i = 0; i < scope->n_loads; i++)
		add_word(&w, scope->loads[i].name, rest, "");
	for (size_t i = 0; i < scope->n_hosts; i++)
		add_word(&w, scope->hosts[i], rest, "");
	add_word(&w, "finding", rest, "");
	add_word(&w, "account", rest, "");
	add_word(&w, "delivery", rest, "");
	return fail_near(text, "begins with no load, no host, nor finding, account or delivery",
			 text, "", &w,
			 "write LOAD.failures, HOST.TcpExt.ListenOverflows or "
			 "finding.MECHANISM.explained",
			 err);
}

static int fail_finding(const char *text, const char *rest, struct sq_err *err)
{
	struct words w = { 0 };

	for (const struct sq_embedded *rule = sq_rules_all(); rule->name; rule++) {
		for (size_t i = 0; finding_words[i]; i++) {
			char *id = sq_printf_dup("%s.", rule->name);

			add_word(&w, id, finding_words[i], "");
			free(id);
		}
	}
	return fail_near(text, "is no finding's number", rest, "finding.", &w,
			 "write finding.MECHANISM.count, explained, unexplained or counter_excess",
			 err);
}

static int fail_account(const char *text, const char *rest, struct sq_err *err)
{
	struct words w = { 0 };

	add_words(&w, "", account_words, "");
	return fail_near(text, "is not in the account", rest, "account.", &w,
			 "it has count, explained and unexplained", err);
}

static int fail_delivery(const char *text, const char *rest, struct sq_err *err)
{
	struct words w = { 0 };

	add_words(&w, "", delivery_words, "");
	return fail_near(
		text, "is no number of deliveries", rest, "delivery.", &w,
		"it has accepted, delivered, undelivered, queued, deferred, bounced, lost, "
		"duplicated, corrupted, unaccepted, latency.p99",
		err);
}

static int fail_host(const char *text, struct sq_err *err)
{
	struct words w = { 0 };

	return fail_near(text, "is no counter's name", "", "", &w,
			 "write HOST.GROUP.NAME such as server.TcpExt.ListenOverflows", err);
}

int sq_expect_classify(const struct sq_expect_scope *scope, const char *text,
		       struct sq_expect_name *ret, struct sq_err *err)
{
	const char *load_rest = NULL;
	const char *host_rest = NULL;
	const struct sq_expect_load *load = load_of(scope, text, &load_rest);
	const char *host = host_of(scope, text, &host_rest);
	const char *rest;

	memset(ret, 0, sizeof(*ret));
	if (load && of_load(load->words, load_rest, ret))
		return copy(ret->subject, load->name, strlen(load->name)) ? 0 : -EINVAL;
	memset(ret, 0, sizeof(*ret));
	if (host && of_host(host_rest, ret))
		return copy(ret->subject, host, strlen(host)) ? 0 : -EINVAL;
	if (load)
		return fail_load(load, text, load_rest, err);
	if (host)
		return fail_host(text, err);
	rest = behind(text, "finding");
	if (rest)
		return of_finding(rest, ret) ? 0 : fail_finding(text, rest, err);
	rest = behind(text, "account");
	if (rest)
		return known_word(account_words, rest, SQ_EXPECT_ACCOUNT, ret)
			       ? 0
			       : fail_account(text, rest, err);
	rest = behind(text, "delivery");
	if (rest)
		return timed(rest, "latency", SQ_EXPECT_DELIVERY_LATENCY, ret) ||
				       known_word(delivery_words, rest, SQ_EXPECT_DELIVERY, ret)
			       ? 0
			       : fail_delivery(text, rest, err);
	rest = strchr(text, '.');
	if (scope->any_host && rest && of_host(rest + 1, ret) &&
	    copy(ret->subject, text, (size_t)(rest - text)))
		return 0;
	return fail_first(scope, text, err);
}
