/* Options from texts: the defaults of a table, one option of a command line, the choice of a
 * plug-in; and the words that help a person who misspelt one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt_private.h"
#include "base/value.h"

void sq_opt_words_add(struct sq_opt_words *w, const char *word)
{
	w->v = sq_grow(w->v, w->n + 1, &w->cap, sizeof(*w->v));
	w->v[w->n++] = word;
	w->v[w->n] = NULL;
}

void sq_opt_words_add_keys(struct sq_opt_words *w, const struct sq_opt *opts, const void *base)
{
	for (; opts && opts->name; opts++) {
		const struct sq_plug *plug = sq_opt_member_const(opts, base);

		sq_opt_words_add(w, opts->name);
		if (opts->type == SQ_OPT_PLUG && plug->kind)
			sq_opt_words_add_keys(w, plug->kind->opts, plug->conf);
	}
}

static void add_shown(struct sq_buf *out, const char *word, bool option)
{
	size_t start;

	if (option)
		sq_buf_puts(out, "--");
	start = out->len;
	sq_buf_puts(out, word);
	for (size_t i = start; option && i < out->len; i++)
		if (out->data[i] == '_')
			out->data[i] = '-';
}

int sq_opt_fail_unknown(const char *subject, const char *word, struct sq_opt_words *known,
			bool options, int code, const char *where, struct sq_err *err)
{
	struct sq_buf text = { 0 };
	const char *near = known->n ? sq_nearest(word, known->v) : NULL;

	sq_buf_puts(&text, subject);
	if (near) {
		sq_buf_puts(&text, "; did you mean \"");
		add_shown(&text, near, options);
		sq_buf_puts(&text, "\"?");
	} else {
		sq_buf_puts(&text, "; known here: ");
		for (size_t i = 0; i < known->n; i++) {
			sq_buf_puts(&text, i ? ", " : "");
			add_shown(&text, known->v[i], options);
		}
		if (!known->n)
			sq_buf_puts(&text, "none");
	}
	sq_err_set(err, code, where, "%s", text.data);
	sq_buf_fini(&text);
	free(known->v);
	*known = (struct sq_opt_words){ 0 };
	return code;
}

const struct sq_family *sq_opt_family(const struct sq_opt_ctx *ctx, const char *name)
{
	for (const struct sq_family *f = ctx->families; f && f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static const struct sq_kind *find_kind(const struct sq_family *family, const char *name)
{
	for (size_t i = 0; family && family->kinds[i]; i++)
		if (strcmp(family->kinds[i]->name, name) == 0)
			return family->kinds[i];
	return NULL;
}

static int fail_kind(const struct sq_family *family, const char *what, const char *name,
		     const char *where, struct sq_err *err)
{
	struct sq_opt_words known = { 0 };
	char subject[256];

	for (size_t i = 0; family && family->kinds[i]; i++)
		sq_opt_words_add(&known, family->kinds[i]->name);
	snprintf(subject, sizeof(subject), "unknown %s \"%.60s\"", what, name);
	return sq_opt_fail_unknown(subject, name, &known, false, -EINVAL, where, err);
}

int sq_opt_plug_choose(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const char *name,
		       const char *where, struct sq_plug *plug, struct sq_err *err)
{
	const struct sq_family *family = sq_opt_family(ctx, opt->plug);
	struct sq_plug made = { .kind = find_kind(family, name) };
	int rc;

	if (!made.kind)
		return fail_kind(family, opt->plug, name, where, err);
	made.conf = sq_alloc(made.kind->conf_size);
	rc = sq_opt_defaults(ctx, made.kind->opts, made.conf, err);
	if (rc < 0) {
		free(made.conf);
		return rc;
	}
	if (plug->kind)
		sq_opt_fini(plug->kind->opts, plug->conf);
	free(plug->conf);
	*plug = made;
	return 0;
}

void sq_strings_add(struct sq_strings *s, const char *text)
{
	s->v = sq_realloc_n(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = sq_strdup(text);
}

static void unset_all(const struct sq_opt *opts, void *base)
{
	for (; opts && opts->name; opts++) {
		void *member = sq_opt_member(opts, base);

		if (opts->type == SQ_OPT_TABLE)
			unset_all(opts->sub, member);
		else
			sq_opt_value_unset(opts, member);
	}
}

static int set_from_text(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const char *text,
			 const char *where, void *member, struct sq_err *err)
{
	switch (opt->type) {
	case SQ_OPT_PLUG:
		return sq_opt_plug_choose(ctx, opt, text, where, member, err);
	case SQ_OPT_STRINGS:
		sq_strings_add(member, text);
		return 0;
	case SQ_OPT_PAIRS:
	case SQ_OPT_TABLE:
	case SQ_OPT_LIST:
	case SQ_OPT_MAP:
		return sq_err_set(err, -EINVAL, where,
				  "it holds more than one text can say; write it in a file");
	default:
		return sq_opt_value_from_text(opt, text, where, member, err);
	}
}

/* A default that its own table refuses is an error too: its echo would not parse back. */
static int apply_defaults(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, void *base,
			  struct sq_err *err)
{
	int rc = 0;

	for (; rc == 0 && opts && opts->name; opts++) {
		void *member = sq_opt_member(opts, base);
		char where[SQ_OPT_WHERE];

		snprintf(where, sizeof(where), "default of \"%s\"", opts->name);
		if (opts->type == SQ_OPT_TABLE)
			rc = apply_defaults(ctx, opts->sub, member, err);
		else if (opts->def)
			rc = set_from_text(ctx, opts, opts->def, where, member, err);
	}
	return rc;
}

int sq_opt_defaults(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, void *base,
		    struct sq_err *err)
{
	int rc;

	unset_all(opts, base);
	rc = apply_defaults(ctx, opts, base, err);
	if (rc < 0)
		sq_opt_fini(opts, base);
	return rc;
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

/* Looks into the chosen plug-ins too; moves *base to the struct that the entry belongs to. */
static const struct sq_opt *find_option(const struct sq_opt *opts, const char *name, void **base)
{
	const struct sq_opt *opt;

	for (opt = opts; opt && opt->name; opt++)
		if (same_name(opt->name, name))
			return opt;
	for (opt = opts; opt && opt->name; opt++) {
		const struct sq_plug *plug = sq_opt_member(opt, *base);
		const struct sq_opt *found;
		void *conf;

		if (opt->type != SQ_OPT_PLUG || !plug->kind)
			continue;
		conf = plug->conf;
		found = find_option(plug->kind->opts, name, &conf);
		if (found) {
			*base = conf;
			return found;
		}
	}
	return NULL;
}

static int fail_option(const struct sq_opt *opts, const char *name, const void *base,
		       const char *where, struct sq_err *err)
{
	struct sq_opt_words known = { 0 };
	char *word = sq_strdup(name);
	int rc;

	for (char *c = word; *c; c++)
		*c = *c == '-' ? '_' : *c;
	sq_opt_words_add_keys(&known, opts, base);
	rc = sq_opt_fail_unknown("unknown option", word, &known, true, -ENOENT, where, err);
	free(word);
	return rc;
}

int sq_opt_set_text(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const char *name,
		    const char *text, void *base, struct sq_err *err)
{
	void *owner = base;
	const struct sq_opt *opt = find_option(opts, name, &owner);
	char where[SQ_OPT_WHERE];

	snprintf(where, sizeof(where), "--%s", name);
	if (!opt)
		return fail_option(opts, name, base, where, err);
	if (!text && opt->type == SQ_OPT_BOOL)
		text = "true";
	if (!text)
		return sq_err_set(err, -EINVAL, where, "it needs a value");
	return set_from_text(ctx, opt, text, where, sq_opt_member(opt, owner), err);
}
