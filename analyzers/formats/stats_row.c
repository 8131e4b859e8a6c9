/* What becomes of a name that a server or a tool printed: a row's.
 *
 * What a reader would get wrong:
 * - Names and instances go into JSON and into expectations, so each is plain ASCII, and what is not has
 *   a '?' in its place; one that is too long is no row, since cut to its length it might be another's.
 * - A row is looked up, in the catalogue and in the sample, when the text's shape has changed only. */
#include "analyzers/formats/stats_row.h"

#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "base/clock.h"
#include "base/mem.h"

struct sq_stats_known {
	char *name, *instance; /* instance: "" none */
	unsigned row;
	double scale; /* of a number with a fraction */
};

/* What a row is called, before it is known. */
struct identity {
	char name[SQ_STATS_NAME], instance[SQ_STATS_INSTANCE];
};

static void forget(struct sq_stats_known *k)
{
	free(k->name);
	free(k->instance);
}

void sq_stats_memory_fini(struct sq_stats_memory *m)
{
	for (size_t i = 0; i < m->n; i++)
		forget(&m->v[i]);
	free(m->v);
	*m = (struct sq_stats_memory){ 0 };
}

static bool copy_plain(char *out, size_t size, const char *prefix, struct sq_span text)
{
	size_t before = strlen(prefix), len = sq_span_len(text);

	if (before + len >= size)
		return false;
	memcpy(out, prefix, before);
	for (size_t i = 0; i < len; i++) {
		char c = text.p[i];

		out[before + i] = (char)(c < ' ' || c > '~' ? '?' : c);
	}
	out[before + len] = '\0';
	return true;
}

/* A text that names new rows for ever is followed no further; those it named before stand where they
 * stood. */
static bool stands_next(const struct sq_stats *t, const struct identity *id)
{
	const struct sq_stats_memory *m = t->memory;

	return t->n < m->n && sq_same_text(m->v[t->n].name, id->name) &&
	       sq_same_text(m->v[t->n].instance, id->instance);
}

static bool identify(struct sq_stats *t, const char *prefix, struct sq_span name,
		     struct sq_span instance, struct identity *ret)
{
	if (t->n < SQ_STATS_ROWS && sq_span_len(name) > 0 &&
	    copy_plain(ret->name, sizeof(ret->name), prefix, name) &&
	    copy_plain(ret->instance, sizeof(ret->instance), "", instance) &&
	    (t->memory->made < SQ_STATS_ROWS || stands_next(t, ret)))
		return true;
	t->passed++;
	return false;
}

static double scale_of(const char *unit)
{
	static const struct {
		const char *unit;
		double scale;
	} scales[] = { { "us", 1e6 }, { "millionths", 1e6 }, { "thousandths", 1e3 } };

	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++)
		if (strcmp(scales[i].unit, unit) == 0)
			return scales[i].scale;
	return 1;
}

/* The place of this reading's next row, which holds what the last reading had there. */
static struct sq_stats_known *next_place(struct sq_stats *t)
{
	struct sq_stats_memory *m = t->memory;

	if (t->n == m->n) {
		m->v = sq_grow(m->v, m->n, &m->cap, sizeof(*m->v));
		m->v[m->n++] = (struct sq_stats_known){ 0 };
	}
	return &m->v[t->n++];
}

/* typed: kind and unit of a row that the catalogue does not know. */
static const struct sq_stats_known *known_row(struct sq_stats *t, const struct identity *id,
					      const struct sq_metric *typed)
{
	const char *instance = id->instance[0] ? id->instance : NULL;
	struct sq_stats_known *k = next_place(t);
	const struct sq_known *words;

	if (sq_same_text(k->name, id->name) && sq_same_text(k->instance, id->instance))
		return k;
	forget(k);
	words = typed ? NULL : sq_catalogue_find(id->name);
	*k = (struct sq_stats_known){
		.name = sq_strdup(id->name),
		.instance = sq_strdup(id->instance),
		.scale = scale_of(typed   ? typed->unit
				  : words ? words->unit
					  : ""),
	};
	if (typed) {
		struct sq_metric m = *typed;

		m.name = id->name;
		m.instance = instance;
		k->row = sq_sample_metric(t->sample, &m);
	} else
		k->row = sq_catalogue_metric(t->sample, id->name, instance);
	if (k->row >= t->memory->next) {
		t->memory->next = k->row + 1;
		t->memory->made++;
	}
	return k;
}

void sq_stats_put(struct sq_stats *t, const char *prefix, struct sq_span name,
		  struct sq_span instance, uint64_t value)
{
	struct identity id;

	if (identify(t, prefix, name, instance, &id))
		sq_sample_put(t->sample, known_row(t, &id, NULL)->row, value);
}

static void put_number(struct sq_stats *t, const struct sq_stats_known *k, struct sq_span number)
{
	uint64_t value;

	if (sq_span_scaled(number, k->scale, &value))
		sq_sample_put(t->sample, k->row, value);
}

/* So that a row is not registered for what is no number. */
static bool is_number(struct sq_span number)
{
	uint64_t value;

	return sq_span_scaled(number, 1, &value);
}

void sq_stats_put_text(struct sq_stats *t, const char *prefix, struct sq_span name,
		       struct sq_span instance, struct sq_span number)
{
	struct identity id;

	if (is_number(number) && identify(t, prefix, name, instance, &id))
		put_number(t, known_row(t, &id, NULL), number);
}

void sq_stats_put_typed(struct sq_stats *t, struct sq_span name, struct sq_span instance,
			enum sq_metric_kind kind, const char *unit, struct sq_span number)
{
	struct sq_metric typed = { .unit = unit, .kind = kind, .width = 64 };
	struct identity id;

	if (is_number(number) && identify(t, "", name, instance, &id))
		put_number(t, known_row(t, &id, &typed), number);
}

void sq_stats_tell(struct sq_stats *t)
{
	char *text;

	if (!t->passed || t->memory->told)
		return;
	t->memory->told = true;
	text = sq_printf_dup("%zu of its figures are left out: more than %d, or names that are too "
			     "long; ask for fewer",
			     t->passed, SQ_STATS_ROWS);
	sq_sample_event(t->sample, sq_now_ns(), text);
	free(text);
}
