/* Looking up the catalogue of counters, and the catalogue for people.
 *
 * Its table is made by the build (counters/table.c) with the strict parser beside it, since rows are
 * registered all through a run and parsing 98 KB of JSON was two thirds of what a capture did before its
 * first tick. */
#include "analyzers/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "analyzers/sample.h"

static int name_order(const void *name, const void *known)
{
	return strcmp(name, (*(const struct sq_known *const *)known)->name);
}

const struct sq_known *sq_catalogue_find(const char *name)
{
	const struct sq_known *const *whole =
		bsearch(name, sq_catalogue_whole, sq_catalogue_n_whole, sizeof(*whole), name_order);

	if (whole)
		return *whole;
	for (size_t i = 0; sq_catalogue_beginnings[i]; i++) {
		const struct sq_known *k = sq_catalogue_beginnings[i];

		if (strncmp(k->name, name, strlen(k->name) - 1) == 0)
			return k;
	}
	return NULL;
}

unsigned sq_catalogue_metric(struct sq_sample *s, const char *name, const char *instance)
{
	const struct sq_known *known = sq_catalogue_find(name);
	struct sq_metric m = { .name = name, .instance = instance, .unit = "" };

	if (known) {
		m.unit = known->unit;
		m.kind = (enum sq_metric_kind)known->kind;
		m.width = (unsigned)known->width;
	}
	return sq_sample_metric(s, &m);
}

static const char *summary_of(const char *source)
{
	for (size_t i = 0; sq_sources[i]; i++)
		if (strcmp(sq_sources[i]->kind.name, source) == 0)
			return sq_sources[i]->kind.summary;
	return NULL;
}

static void write_known(const struct sq_known *k, struct sq_buf *out)
{
	sq_buf_printf(out, "| `%s` | %s | %s | %s | %s |\n", k->name, k->unit,
		      k->kind == SQ_GAUGE ? "gauge" : "counter", k->meaning,
		      k->counted ? k->counted : "");
}

static void write_part(const struct sq_catalogue_part *p, struct sq_buf *out)
{
	if (p->note)
		sq_buf_printf(out, "\n%s\n", p->note);
	if (p->n)
		sq_buf_puts(out, "\n| metric | unit | kind | what it counts | counted in |\n"
				 "| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < p->n; i++)
		write_known(&p->known[i], out);
}

void sq_catalogue_markdown(struct sq_buf *out)
{
	sq_buf_puts(out,
		    "## The counters that are known\n\n"
		    "By source: what each metric counts, in what unit, and where. A `*` stands for"
		    " what varies. Metrics that a source\ngives beyond these are read all the same,"
		    " as counters without a unit.\n");
	for (const struct sq_catalogue_part *p = sq_catalogue_parts; p->source; p++) {
		const char *summary = summary_of(p->source);

		sq_buf_printf(out, "\n### %s\n", p->source);
		if (summary)
			sq_buf_printf(out, "\n%s\n", summary);
		write_part(p, out);
	}
}
