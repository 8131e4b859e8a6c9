/* Option tables in words: the help of a command line, and the reference in Markdown. */
#include <stdio.h>
#include <string.h>

#include "base/opt_private.h"

enum { HELP_COLUMN_MAX = 34, HEADING_TOP = 2, HEADING_MAX = 6 };

/* The value's place-holder on a command line; NULL for what a command line can't give. */
static const char *const placeholders[] = {
	[SQ_OPT_BOOL] = "",           [SQ_OPT_INT] = "N",
	[SQ_OPT_REAL] = "NUMBER",     [SQ_OPT_DURATION] = "DURATION",
	[SQ_OPT_RATE] = "RATE",       [SQ_OPT_SIZE] = "SIZE",
	[SQ_OPT_BITRATE] = "BITRATE", [SQ_OPT_STRING] = "TEXT",
	[SQ_OPT_ENUM] = "",           [SQ_OPT_STRINGS] = "TEXT",
	[SQ_OPT_INT_RANGE] = "N[-N]", [SQ_OPT_SIZE_RANGE] = "SIZE[-SIZE]",
	[SQ_OPT_PLUG] = "NAME",
};

static const char *const type_words[] = {
	[SQ_OPT_BOOL] = "true or false",
	[SQ_OPT_INT] = "integer",
	[SQ_OPT_REAL] = "number",
	[SQ_OPT_DURATION] = "duration",
	[SQ_OPT_RATE] = "rate",
	[SQ_OPT_SIZE] = "size",
	[SQ_OPT_BITRATE] = "bit rate",
	[SQ_OPT_INT_RANGE] = "integer or range",
	[SQ_OPT_SIZE_RANGE] = "size or range of sizes",
	[SQ_OPT_STRING] = "string",
	[SQ_OPT_ENUM] = "one of",
	[SQ_OPT_STRINGS] = "array of strings",
	[SQ_OPT_PAIRS] = "object of strings and numbers",
	[SQ_OPT_TABLE] = "object",
	[SQ_OPT_LIST] = "array of objects",
	[SQ_OPT_MAP] = "object of objects",
	[SQ_OPT_PLUG] = "name of a",
};

static void add_choices(struct sq_buf *out, const struct sq_opt *opt, const char *between,
			const char *quote)
{
	for (size_t i = 0; opt->choices[i]; i++)
		sq_buf_printf(out, "%s%s%s%s", i ? between : "", quote, opt->choices[i], quote);
}

static void add_option(struct sq_buf *out, const struct sq_opt *opt)
{
	sq_buf_puts(out, "  --");
	for (const char *c = opt->name; *c; c++)
		sq_buf_add(out, *c == '_' ? "-" : c, 1);
	if (opt->type == SQ_OPT_ENUM) {
		sq_buf_puts(out, " ");
		add_choices(out, opt, "|", "");
	} else if (*placeholders[opt->type]) {
		sq_buf_printf(out, " %s", placeholders[opt->type]);
	}
}

static bool is_option(const struct sq_opt *opt)
{
	return (size_t)opt->type < sizeof(placeholders) / sizeof(placeholders[0]) &&
	       placeholders[opt->type];
}

static size_t help_column(const struct sq_opt *opts)
{
	size_t column = 0;

	for (; opts && opts->name; opts++) {
		struct sq_buf option = { 0 };

		if (is_option(opts))
			add_option(&option, opts);
		if (option.len > column && option.len <= HELP_COLUMN_MAX)
			column = option.len;
		sq_buf_fini(&option);
	}
	return column + 2;
}

static bool is_switch(const struct sq_opt *opt)
{
	return opt->type == SQ_OPT_BOOL && (!opt->def || strcmp(opt->def, "false") == 0);
}

void sq_opt_help(const struct sq_opt *opts, struct sq_buf *out)
{
	size_t column = help_column(opts);

	for (; opts && opts->name; opts++) {
		struct sq_buf option = { 0 };

		if (!is_option(opts))
			continue;
		add_option(&option, opts);
		/* One that is longer than its column has its help on the next line. */
		if (option.len + 2 > column)
			sq_buf_printf(out, "%s\n%*s", option.data, (int)column, "");
		else
			sq_buf_printf(out, "%-*s", (int)column, option.data);
		sq_buf_puts(out, opts->help ? opts->help : "");
		if (opts->required)
			sq_buf_puts(out, " (required)");
		else if (opts->def && !is_switch(opts))
			sq_buf_printf(out, " (default %s)", opts->def);
		sq_buf_puts(out, "\n");
		sq_buf_fini(&option);
	}
}

/* Inside a Markdown table a bar would end the cell. */
static void add_cell(struct sq_buf *out, const char *text)
{
	for (; text && *text; text++)
		if (*text == '|')
			sq_buf_puts(out, "\\|");
		else
			sq_buf_add(out, text, 1);
}

static void add_type(struct sq_buf *out, const struct sq_opt *opt)
{
	char min[400], max[400];

	sq_buf_printf(out, "%s%s", opt->lone ? "string or " : "", type_words[opt->type]);
	if (opt->type == SQ_OPT_ENUM) {
		sq_buf_puts(out, " ");
		add_choices(out, opt, ", ", "`");
	} else if (opt->type == SQ_OPT_PLUG) {
		sq_buf_printf(out, " %s", opt->plug);
	} else if (opt->min != 0 || opt->max != 0) {
		sq_opt_format_limit(opt, opt->min, min, sizeof(min));
		sq_opt_format_limit(opt, opt->max, max, sizeof(max));
		if (sq_opt_has_max(opt))
			sq_buf_printf(out, ", %s to %s", min, max);
		else
			sq_buf_printf(out, ", at least %s", min);
	}
}

static void add_row(struct sq_buf *out, const struct sq_opt *opt)
{
	sq_buf_printf(out, "| `%s` | ", opt->name);
	add_type(out, opt);
	sq_buf_puts(out, " | ");
	if (opt->required)
		sq_buf_puts(out, "required");
	else if (opt->def) {
		sq_buf_puts(out, "`");
		add_cell(out, opt->def);
		sq_buf_puts(out, "`");
	}
	sq_buf_puts(out, " | ");
	add_cell(out, opt->help);
	sq_buf_puts(out, " |\n");
}

static void add_heading(struct sq_buf *out, int level)
{
	for (int i = 0; i < (level < HEADING_MAX ? level : HEADING_MAX); i++)
		sq_buf_puts(out, "#");
	sq_buf_puts(out, " ");
}

static void add_table(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const char *path,
		      int level, struct sq_buf *out);

static void add_kinds(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const char *path,
		      int level, struct sq_buf *out)
{
	const struct sq_family *family = sq_opt_family(ctx, opt->plug);

	for (size_t i = 0; family && family->kinds[i]; i++) {
		const struct sq_kind *kind = family->kinds[i];

		sq_buf_puts(out, "\n");
		add_heading(out, level);
		sq_buf_printf(out, "%s `%s`\n\n", opt->plug, kind->name);
		if (kind->summary)
			sq_buf_printf(out, "%s\n\n", kind->summary);
		add_table(ctx, kind->opts, path, level, out);
	}
}

/* The rows of one table, then the tables below it under their paths. */
static void add_table(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const char *path,
		      int level, struct sq_buf *out)
{
	if (!opts || !opts->name) {
		sq_buf_puts(out, "It has no keys of its own.\n");
		return;
	}
	sq_buf_puts(out, "| key | type | default | meaning |\n|---|---|---|---|\n");
	for (const struct sq_opt *opt = opts; opt->name; opt++)
		add_row(out, opt);
	for (const struct sq_opt *opt = opts; opt->name; opt++) {
		char child[256];

		snprintf(child, sizeof(child), "%s%s%s%s", path, *path ? "." : "", opt->name,
			 opt->type == SQ_OPT_LIST  ? "[]"
			 : opt->type == SQ_OPT_MAP ? ".NAME"
						   : "");
		if (opt->type == SQ_OPT_PLUG) {
			add_kinds(ctx, opt, path, level + 1, out);
		} else if (opt->sub) {
			sq_buf_puts(out, "\n");
			add_heading(out, level + 1);
			sq_buf_printf(out, "`%s`\n\n", child);
			add_table(ctx, opt->sub, child, level + 1, out);
		}
	}
}

void sq_opt_markdown(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const char *title,
		     struct sq_buf *out)
{
	add_heading(out, HEADING_TOP);
	sq_buf_printf(out, "%s\n\n", title);
	add_table(ctx, opts, "", HEADING_TOP, out);
}
