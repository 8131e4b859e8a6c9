/* What the files of the option tables share: opt_value.c knows one scalar, opt_text.c texts and
 * defaults, opt_parse.c JSON objects, opt_echo.c the way back, opt_doc.c the words for people.
 * `where` is always the finished place of an error: "FILE: POINTER" or "--option". */
#ifndef SQ_BASE_OPT_PRIVATE_H
#define SQ_BASE_OPT_PRIVATE_H

#include "base/opt.h"

enum { SQ_OPT_WHERE = 512 };

static inline void *sq_opt_member(const struct sq_opt *opt, void *base)
{
	return (char *)base + opt->offset;
}

static inline const void *sq_opt_member_const(const struct sq_opt *opt, const void *base)
{
	return (const char *)base + opt->offset;
}

/* The mark of a value that was not given; frees nothing. */
void sq_opt_value_unset(const struct sq_opt *opt, void *member);
bool sq_opt_value_is_set(const struct sq_opt *opt, const void *member);

/* Scalars alone.  A string that stood in the member is freed. */
int sq_opt_value_from_json(const struct sq_opt *opt, const json_t *value, const char *where,
			   void *member, struct sq_err *err);
int sq_opt_value_from_text(const struct sq_opt *opt, const char *text, const char *where,
			   void *member, struct sq_err *err);

/* "1.5": the shortest text that strtod(3) reads back to the same number. */
void sq_opt_format_real(char *out, size_t size, double v);
/* A number of a double's value as people write the entry's type: "800ms", "10KiB". */
void sq_opt_format_limit(const struct sq_opt *opt, double v, char *out, size_t size);
/* max 0 beside a min above 0 is no limit. */
bool sq_opt_has_max(const struct sq_opt *opt);

/* "expected WHAT, found the number 800" */
int sq_opt_fail_expected(const char *what, const json_t *found, const char *where,
			 struct sq_err *err);

/* NULL-terminated when n > 0. */
struct sq_opt_words {
	const char **v;
	size_t n, cap;
};

void sq_opt_words_add(struct sq_opt_words *w, const char *word);
/* The keys of an object: the table's, and those of the plug-ins chosen in base. */
void sq_opt_words_add_keys(struct sq_opt_words *w, const struct sq_opt *opts, const void *base);

/* "SUBJECT; did you mean "word"?" or "SUBJECT; known here: a, b".  As options, the words are shown
 * as --accept-delay.  Frees the words. */
int sq_opt_fail_unknown(const char *subject, const char *word, struct sq_opt_words *known,
			bool options, int code, const char *where, struct sq_err *err);

/* NULL when the family is unknown in this context. */
const struct sq_family *sq_opt_family(const struct sq_opt_ctx *ctx, const char *name);

/* Chooses a plug-in by name, with its defaults, in place of what was chosen before. */
int sq_opt_plug_choose(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const char *name,
		       const char *where, struct sq_plug *plug, struct sq_err *err);

#endif
