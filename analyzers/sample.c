/* Rows and their readings.  Sources put raw values; this turns them into what docs/spool.md
 * promises: counters as their rise since the first reading, only what changed, falls told apart.
 *
 * What a reader would get wrong:
 * - Values wait in `pending` until the tick ends, because a source that fails half-way has given
 *   nothing: half a table would be a set of silent zeros.
 * - Sources that are read more rarely than others have no value at the ticks between: these name them.
 * - A row that first shows up after its source's first good reading has risen from 0 (kernels
 *   list some counters only once they have counted); one that is there from the start counts
 *   from where it stood.
 * - A counter of less than 64 bits that falls has wrapped if the way around is less than half its
 *   range, and was reset otherwise.  No counter read here goes 2^31 in one tick. */
#include "analyzers/sample.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/places/place.h"
#include "analyzers/sample_lines.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fnv.h"
#include "base/mem.h"

struct row {
	char *name, *instance, *unit;
	enum sq_metric_kind kind;
	unsigned width, source;
	bool known;    /* has had a value */
	uint64_t last; /* as read */
	uint64_t rise; /* counter */
	size_t place;  /* of its last put in pending, if that is of this tick */
};

struct origin {
	char *name;
	bool seen;       /* a reading has succeeded */
	bool read;       /* in this tick */
	int rc;          /* of this tick's reading */
	bool kept;       /* its last reading was good */
	int64_t took_ns; /* all its readings */
	unsigned took_row;
	bool told; /* took_row is registered */
};

struct reading {
	unsigned row;
	uint64_t value;
};

struct sq_sample {
	struct sq_spool *spool;
	struct sq_place *place;
	unsigned part;
	struct row *rows;
	size_t n_rows, cap_rows;
	size_t announced; /* rows whose "metric" record is written */
	unsigned *slots;  /* open addressing: row + 1, 0 free */
	size_t n_slots;   /* a power of two, at least twice n_rows */
	struct origin *origins;
	size_t n_origins, cap_origins;
	struct reading *pending;
	size_t n_pending, cap_pending;
	size_t mark; /* pending's length when the current source was entered */
	unsigned current;
	struct sq_buf lines, values, raw, unread; /* of the tick that ends */
	int64_t begin_ns, entered_ns;
	bool timed;
	unsigned timing; /* the source that tells took_ns */
};

struct sq_sample *sq_sample_new(struct sq_spool *spool)
{
	struct sq_sample *s = sq_alloc(sizeof(*s));

	s->spool = spool;
	s->place = sq_place_here();
	s->n_slots = 1024;
	s->slots = sq_alloc_n(s->n_slots, sizeof(*s->slots));
	return s;
}

struct sq_sample *sq_sample_free(struct sq_sample *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n_rows; i++) {
		free(s->rows[i].name);
		free(s->rows[i].instance);
		free(s->rows[i].unit);
	}
	for (size_t i = 0; i < s->n_origins; i++)
		free(s->origins[i].name);
	free(s->rows);
	free(s->slots);
	free(s->origins);
	free(s->pending);
	sq_buf_fini(&s->lines);
	sq_buf_fini(&s->values);
	sq_buf_fini(&s->raw);
	sq_buf_fini(&s->unread);
	free(s);
	return NULL;
}

void sq_sample_set_part(struct sq_sample *s, unsigned part)
{
	s->part = part;
}

int sq_sample_write(struct sq_sample *s, json_t *record, struct sq_err *err)
{
	if (s->part)
		json_object_set_new(record, "part", json_integer(s->part));
	return sq_spool_write(s->spool, record, err);
}

void sq_sample_stand(struct sq_sample *s, struct sq_place *place)
{
	s->place = place;
}

struct sq_place *sq_sample_place(struct sq_sample *s)
{
	return s->place;
}

unsigned sq_sample_source(struct sq_sample *s, const char *name)
{
	s->origins = sq_grow(s->origins, s->n_origins, &s->cap_origins, sizeof(*s->origins));
	s->origins[s->n_origins] = (struct origin){ .name = sq_strdup(name) };
	return (unsigned)s->n_origins++;
}

void sq_sample_enter(struct sq_sample *s, unsigned source)
{
	assert(source < s->n_origins);
	s->current = source;
	s->mark = s->n_pending;
	s->entered_ns = s->timed ? sq_now_ns() : 0;
}

void sq_sample_time(struct sq_sample *s)
{
	s->timed = true;
	s->timing = sq_sample_source(s, "capture");
}

/* With the NUL, so that "ab", "c" is not "a", "bc". */
static uint64_t hash_text(uint64_t h, const char *text)
{
	return sq_fnv64_add(h, text ? text : "", text ? strlen(text) + 1 : 1);
}

static uint64_t hash_row(unsigned source, const char *name, const char *instance)
{
	uint64_t h = SQ_FNV64_EMPTY ^ source;

	h = hash_text(hash_text(h, name), instance);
	return h ^ h >> 32;
}

/* The slot that holds the row, or the free one where it belongs. */
static size_t find_slot(const struct sq_sample *s, unsigned source, const char *name,
			const char *instance)
{
	size_t at = hash_row(source, name, instance) & (s->n_slots - 1);

	for (; s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
		const struct row *r = &s->rows[s->slots[at] - 1];

		if (r->source == source && strcmp(r->name, name) == 0 &&
		    sq_same_text(r->instance, instance))
			break;
	}
	return at;
}

static void grow_slots(struct sq_sample *s)
{
	free(s->slots);
	s->n_slots *= 2;
	s->slots = sq_alloc_n(s->n_slots, sizeof(*s->slots));
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct row *r = &s->rows[i];

		s->slots[find_slot(s, r->source, r->name, r->instance)] = (unsigned)i + 1;
	}
}

unsigned sq_sample_metric(struct sq_sample *s, const struct sq_metric *m)
{
	size_t at = find_slot(s, s->current, m->name, m->instance);

	if (s->slots[at])
		return s->slots[at] - 1;
	s->rows = sq_grow(s->rows, s->n_rows, &s->cap_rows, sizeof(*s->rows));
	s->rows[s->n_rows++] = (struct row){
		.name = sq_strdup(m->name),
		.instance = sq_strdup(m->instance),
		.unit = sq_strdup(m->unit ? m->unit : ""),
		.kind = m->kind,
		.width = m->width ? m->width : 64,
		.source = s->current,
	};
	s->slots[at] = (unsigned)s->n_rows;
	if (2 * s->n_rows > s->n_slots)
		grow_slots(s);
	return (unsigned)s->n_rows - 1;
}

void sq_sample_put(struct sq_sample *s, unsigned metric, uint64_t value)
{
	struct row *r = &s->rows[metric];

	assert(metric < s->n_rows);
	/* Put once more in a tick: the last holds, and a tick names a row once. */
	if (r->place < s->n_pending && s->pending[r->place].row == metric) {
		s->pending[r->place].value = value;
		return;
	}
	r->place = s->n_pending;
	s->pending = sq_grow(s->pending, s->n_pending, &s->cap_pending, sizeof(*s->pending));
	s->pending[s->n_pending++] = (struct reading){ metric, value };
}

bool sq_sample_kept(const struct sq_sample *s)
{
	return s->origins[s->current].kept;
}

/* A spool that failed once fails on, so that the tick's end tells it. */
void sq_sample_event(struct sq_sample *s, int64_t mono_ns, const char *text)
{
	sq_sample_write(s,
			json_pack("{s:s, s:I, s:s, s:s}", "k", "event", "t", (json_int_t)mono_ns,
				  "source", s->origins[s->current].name, "text", text),
			NULL);
}

void sq_sample_begin(struct sq_sample *s, int64_t begin_ns)
{
	s->begin_ns = begin_ns;
	s->n_pending = 0;
	for (size_t i = 0; i < s->n_origins; i++)
		s->origins[i].read = false;
}

void sq_sample_leave(struct sq_sample *s, int rc)
{
	struct origin *o = &s->origins[s->current];

	o->read = true;
	o->rc = rc < 0 ? rc : 0;
	o->kept = rc >= 0;
	o->took_ns += s->timed ? sq_now_ns() - s->entered_ns : 0;
	if (rc < 0)
		s->n_pending = s->mark;
}

int sq_sample_absent(struct sq_sample *s, unsigned source, const char *because, struct sq_err *err)
{
	return sq_sample_write(s,
			       json_pack("{s:s, s:s, s:s}", "k", "absent", "source",
					 s->origins[source].name, "because", because),
			       err);
}

int sq_sample_there(struct sq_sample *s, unsigned source, struct sq_err *err)
{
	return sq_sample_write(s,
			       json_pack("{s:s, s:I, s:s}", "k", "there", "t",
					 (json_int_t)sq_now_ns(), "source",
					 s->origins[source].name),
			       err);
}

/* In the order of their numbers, each before the first tick that may name it. */
static int announce(struct sq_sample *s, struct sq_err *err)
{
	for (; s->announced < s->n_rows; s->announced++) {
		const struct row *r = &s->rows[s->announced];
		const struct sq_metric m = { r->name, r->instance, r->unit, r->kind, r->width };

		if (sq_lines_metric(&s->lines, s->part, s->announced, s->origins[r->source].name,
				    &m) < 0)
			return sq_err_set(err, -EINVAL, s->origins[r->source].name,
					  "a name of a counter that is not UTF-8");
	}
	return 0;
}

int sq_sample_gap(struct sq_sample *s, unsigned source, int64_t begin_ns, int64_t end_ns,
		  const char *because, struct sq_err *err)
{
	return sq_sample_write(s,
			       json_pack("{s:s, s:I, s:I, s:s, s:s}", "k", "gap", "b",
					 (json_int_t)begin_ns, "e", (json_int_t)end_ns, "source",
					 s->origins[source].name, "because", because),
			       err);
}

static int write_gaps(struct sq_sample *s, int64_t end_ns, struct sq_err *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < s->n_origins; i++)
		if (s->origins[i].read && s->origins[i].rc < 0)
			rc = sq_sample_gap(s, i, s->begin_ns, end_ns, strerror(-s->origins[i].rc),
					   err);
	return rc;
}

/* The rise of a counter by a new reading; *ret_restart when it can't have risen to there. */
static uint64_t counter_rise(const struct row *r, uint64_t value, bool seen, bool *ret_restart)
{
	uint64_t around;

	if (!r->known)
		return seen ? value : 0;
	if (value >= r->last)
		return r->rise + (value - r->last);
	if (r->width < 64) {
		around = (value - r->last) & ((UINT64_C(1) << r->width) - 1);
		if (around < UINT64_C(1) << (r->width - 1))
			return r->rise + around;
	}
	*ret_restart = true;
	return 0;
}

/* JSON integers are signed: a gauge is two's complement, so that -1 stays -1; a rise that
 * doesn't fit can't be real and is held at the end of the range. */
static int64_t told_value(const struct row *r)
{
	if (r->kind == SQ_GAUGE)
		return (int64_t)r->last;
	return r->rise > INT64_MAX ? INT64_MAX : (int64_t)r->rise;
}

/* Into values when it has changed; into raw what a counter stands at where its rise begins. */
static void take(struct sq_sample *s, const struct reading *p, int64_t end_ns)
{
	struct row *r = &s->rows[p->row];
	bool restart = false, first = !r->known;
	uint64_t was = r->kind == SQ_COUNTER ? r->rise : r->last, is = p->value;

	if (r->kind == SQ_COUNTER) {
		r->rise = counter_rise(r, p->value, s->origins[r->source].seen, &restart);
		is = r->rise;
	}
	r->last = p->value;
	r->known = true;
	if (restart)
		sq_lines_restart(&s->lines, s->part, end_ns, p->row);
	if (first || restart || is != was)
		sq_lines_pair(&s->values, p->row, told_value(r));
	if (r->kind == SQ_COUNTER && (first || restart))
		sq_lines_pair(&s->raw, p->row, (int64_t)r->last);
}

/* Its rows stand where they stood, and that is no reading.  By its name, of which there may be several:
 * one of them that was read stands for all. */
static bool is_unread(const struct sq_sample *s, size_t origin)
{
	const struct origin *o = &s->origins[origin];

	if (!o->seen)
		return false;
	for (size_t i = 0; i < s->n_origins; i++) {
		const struct origin *other = &s->origins[i];

		if ((other->read || (i < origin && other->seen)) &&
		    strcmp(other->name, o->name) == 0)
			return false;
	}
	return true;
}

static void add_tick(struct sq_sample *s, int64_t end_ns)
{
	sq_buf_reset(&s->unread);
	for (size_t i = 0; i < s->n_origins; i++)
		if (is_unread(s, i))
			sq_lines_name(&s->unread, s->origins[i].name);
	sq_buf_reset(&s->values);
	sq_buf_reset(&s->raw);
	for (size_t i = 0; i < s->n_pending; i++)
		take(s, &s->pending[i], end_ns);
	sq_lines_tick(&s->lines, s->part, s->begin_ns, end_ns, &s->values, &s->raw, &s->unread);
}

/* Only of those that were read: a source that is read seldom rises seldom. */
static void put_times(struct sq_sample *s)
{
	sq_sample_enter(s, s->timing);
	for (size_t i = 0; i < s->n_origins; i++) {
		struct origin *o = &s->origins[i];

		if (!o->read || i == s->timing)
			continue;
		if (!o->told)
			o->took_row = sq_catalogue_metric(s, "capture.took", o->name);
		o->told = true;
		sq_sample_put(s, o->took_row, (uint64_t)(o->took_ns / SQ_US));
	}
	sq_sample_leave(s, 0);
}

int sq_sample_end(struct sq_sample *s, int64_t end_ns, struct sq_err *err)
{
	bool gave = false;
	int rc;

	for (size_t i = 0; i < s->n_origins; i++)
		gave = gave || (s->origins[i].read && s->origins[i].rc == 0);
	if (gave && s->timed)
		put_times(s);
	sq_buf_reset(&s->lines);
	rc = announce(s, err);
	/* A tick in which no source gave anything is no tick: a reader would take it for silence. */
	if (rc == 0 && gave)
		add_tick(s, end_ns);
	if (rc == 0 && s->lines.len)
		rc = sq_spool_write_lines(s->spool, s->lines.data, s->lines.len, err);
	if (rc == 0)
		rc = write_gaps(s, end_ns, err);
	for (size_t i = 0; i < s->n_origins; i++)
		s->origins[i].seen |= s->origins[i].read && s->origins[i].rc == 0;
	return rc;
}

/* A write that fails makes the next ones fail: the tick's end says so. */
void sq_sample_record(struct sq_sample *s, json_t *record)
{
	json_object_set_new(record, "source", json_string(s->origins[s->current].name));
	sq_sample_write(s, record, NULL);
}
