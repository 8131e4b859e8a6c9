/* From a far capture's records to readings.
 *
 * What a reader would get wrong:
 * - The far end writes rises since its own first reading, and "raw" tells what a counter stood at then
 *   (docs/spool.md).  Here they become raw values again, so that a far end that was started anew, and
 *   begins with rises of 0, goes on where its counters are: only the sample decides what has risen, what
 *   has wrapped and what began anew.
 * - A source is marked as read only in ticks that name it, until it has been named once: one that fails
 *   at first must not have its rows taken for rows that appear in mid-run.
 * - Times are the far clock's, and are moved.  A time that can't be (a day off) would make an axis
 *   that no report can hold.
 * - The far end is not trusted: numbers are looked up, texts are bounded, and what fits nowhere ends
 *   the connection. */
#include "analyzers/capture/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"

enum { PARTS = 256, ROWS = 100000, ORIGINS = 1000, TEXT = 1024 /* the kernel log's lines */ };

#define FAR_TIME_MAX (INT64_C(1) << 61)
#define PAST_MAX     (60 * SQ_SEC)
#define FUTURE_MAX   (60 * SQ_SEC)

struct row {
	unsigned local;
	size_t origin;
	bool counter;
	bool raw;      /* base is a raw value whose rise comes with the same tick */
	uint64_t base; /* raw value less rise */
};

struct part { /* the rows of one far thread, by its numbers */
	struct row *v;
	size_t n, cap;
};

struct origin {
	char *name;
	unsigned number;
	bool seen, absent;
};

struct sq_relay {
	const char *host;
	struct sq_sample *sample;
	struct sq_far_clock *clock;
	struct part *parts;
	size_t n_parts, cap_parts;
	struct origin *origins;
	size_t n_origins, cap_origins;
	bool has_environment;
};

struct sq_relay *sq_relay_new(const char *host, struct sq_sample *sample,
			      struct sq_far_clock *clock)
{
	struct sq_relay *r = sq_alloc(sizeof(*r));

	r->host = host;
	r->sample = sample;
	r->clock = clock;
	return r;
}

void sq_relay_reset(struct sq_relay *r)
{
	for (size_t i = 0; i < r->n_parts; i++)
		free(r->parts[i].v);
	free(r->parts);
	r->parts = NULL;
	r->n_parts = r->cap_parts = 0;
}

struct sq_relay *sq_relay_free(struct sq_relay *r)
{
	if (!r)
		return NULL;
	sq_relay_reset(r);
	for (size_t i = 0; i < r->n_origins; i++)
		free(r->origins[i].name);
	free(r->origins);
	free(r);
	return NULL;
}

/* Of one line, since it may end on a terminal. */
static const char *text_of(const json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));
	size_t len = 0;

	while (text && (unsigned char)text[len] >= ' ' && text[len] != '\x7f')
		len++;
	return text && !text[len] && len <= TEXT ? text : NULL;
}

/* A far time on our clock; -1: it can't be one. */
static int64_t here_ns(const struct sq_relay *r, const json_t *record, const char *key)
{
	json_int_t far_ns = json_integer_value(json_object_get(record, key));
	int64_t now_ns = sq_now_ns(), ns;

	if (!r->clock->n || far_ns <= 0 || far_ns > FAR_TIME_MAX)
		return -1;
	ns = sq_far_clock_here(r->clock, far_ns);
	return ns < now_ns - PAST_MAX || ns > now_ns + FUTURE_MAX ? -1 : ns;
}

static struct part *part_of(struct sq_relay *r, const json_t *record)
{
	json_int_t number = json_integer_value(json_object_get(record, "part"));

	if (number < 0 || number >= PARTS)
		return NULL;
	while (r->n_parts <= (size_t)number) {
		r->parts = sq_grow(r->parts, r->n_parts, &r->cap_parts, sizeof(*r->parts));
		r->parts[r->n_parts++] = (struct part){ 0 };
	}
	return &r->parts[number];
}

static struct origin *origin_of(struct sq_relay *r, const char *name)
{
	for (size_t i = 0; i < r->n_origins; i++)
		if (strcmp(r->origins[i].name, name) == 0)
			return &r->origins[i];
	if (r->n_origins == ORIGINS)
		return NULL;
	r->origins = sq_grow(r->origins, r->n_origins, &r->cap_origins, sizeof(*r->origins));
	r->origins[r->n_origins] = (struct origin){
		.name = sq_strdup(name),
		.number = sq_sample_source(r->sample, name),
	};
	return &r->origins[r->n_origins++];
}

static int take_metric(struct sq_relay *r, const json_t *record)
{
	const char *source = text_of(record, "source"), *kind = text_of(record, "kind");
	json_int_t width = json_integer_value(json_object_get(record, "width"));
	const struct sq_metric m = {
		.name = text_of(record, "metric"),
		.instance = text_of(record, "instance"),
		.unit = text_of(record, "unit"),
		.kind = kind && strcmp(kind, "gauge") == 0 ? SQ_GAUGE : SQ_COUNTER,
		.width = width >= 1 && width <= 64 ? (unsigned)width : 64,
	};
	struct part *p = part_of(r, record);
	struct origin *o = source ? origin_of(r, source) : NULL;

	/* Numbers are given in order. */
	if (!p || !o || !m.name || !m.unit || p->n == ROWS ||
	    json_integer_value(json_object_get(record, "i")) != (json_int_t)p->n)
		return -EBADMSG;
	p->v = sq_grow(p->v, p->n, &p->cap, sizeof(*p->v));
	sq_sample_enter(r->sample, o->number);
	p->v[p->n++] = (struct row){
		.local = sq_sample_metric(r->sample, &m),
		.origin = (size_t)(o - r->origins),
		.counter = m.kind == SQ_COUNTER,
	};
	return 0;
}

static struct row *row_of(struct part *p, const json_t *number)
{
	json_int_t i = json_integer_value(number);

	return json_is_integer(number) && i >= 0 && (size_t)i < p->n ? &p->v[i] : NULL;
}

/* [i,value, i,value ...]: calls each for every pair. */
static int each_pair(struct sq_relay *r, struct part *p, const json_t *pairs,
		     void (*each)(struct sq_relay *r, struct row *row, uint64_t value))
{
	if (json_array_size(pairs) % 2)
		return -EBADMSG;
	for (size_t k = 0; k < json_array_size(pairs); k += 2) {
		struct row *row = row_of(p, json_array_get(pairs, k));
		const json_t *value = json_array_get(pairs, k + 1);

		if (!row || !json_is_integer(value))
			return -EBADMSG;
		each(r, row, (uint64_t)json_integer_value(value));
	}
	return 0;
}

/* Before the tick's rises are added, which are of the same reading. */
static void take_raw(struct sq_relay *r, struct row *row, uint64_t value)
{
	(void)r;
	row->base = value;
	row->raw = true;
}

static void put(struct sq_relay *r, struct row *row, uint64_t value)
{
	struct origin *o = &r->origins[row->origin];

	o->seen = true;
	if (row->raw)
		row->base -= value;
	row->raw = false;
	sq_sample_enter(r->sample, o->number);
	sq_sample_put(r->sample, row->local, row->counter ? row->base + value : value);
	sq_sample_leave(r->sample, 0);
}

static bool names(const json_t *list, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
			return true;
	return false;
}

/* Silence is a reading too: that of a source which was seen, unless the tick says otherwise. */
static void take_silence(struct sq_relay *r, const struct part *p, const json_t *unread)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct origin *o = &r->origins[p->v[i].origin];

		if ((i > 0 && p->v[i].origin == p->v[i - 1].origin) || !o->seen ||
		    names(unread, o->name))
			continue;
		sq_sample_enter(r->sample, o->number);
		sq_sample_leave(r->sample, 0);
	}
}

static int take_tick(struct sq_relay *r, const json_t *record, struct sq_err *err)
{
	int64_t begin_ns = here_ns(r, record, "b"), end_ns = here_ns(r, record, "e");
	struct part *p = part_of(r, record);

	if (!p || begin_ns < 0 || end_ns < begin_ns ||
	    each_pair(r, p, json_object_get(record, "raw"), take_raw) < 0)
		return -EBADMSG;
	sq_sample_begin(r->sample, begin_ns);
	if (each_pair(r, p, json_object_get(record, "v"), put) < 0)
		return -EBADMSG;
	take_silence(r, p, json_object_get(record, "unread"));
	return sq_sample_end(r->sample, end_ns, err);
}

static int take_gap(struct sq_relay *r, const json_t *record, struct sq_err *err)
{
	const char *source = text_of(record, "source"), *because = text_of(record, "because");
	int64_t begin_ns = here_ns(r, record, "b"), end_ns = here_ns(r, record, "e");
	struct origin *o = source ? origin_of(r, source) : NULL;

	if (!o || !because || begin_ns < 0 || end_ns < begin_ns)
		return -EBADMSG;
	return sq_sample_gap(r->sample, o->number, begin_ns, end_ns, because, err);
}

static int take_absent(struct sq_relay *r, const json_t *record, struct sq_err *err)
{
	const char *source = text_of(record, "source"), *because = text_of(record, "because");
	struct origin *o = source ? origin_of(r, source) : NULL;

	if (!o || !because)
		return -EBADMSG;
	if (o->absent) /* told before the connection was made anew */
		return 0;
	o->absent = true;
	return sq_sample_absent(r->sample, o->number, because, err);
}

static int take_there(struct sq_relay *r, const json_t *record, struct sq_err *err)
{
	const char *source = text_of(record, "source");
	struct origin *o = source ? origin_of(r, source) : NULL;

	if (!o)
		return -EBADMSG;
	if (!o->absent)
		return 0;
	o->absent = false;
	return sq_sample_there(r->sample, o->number, err);
}

static int take_event(struct sq_relay *r, const json_t *record)
{
	const char *source = text_of(record, "source"), *text = text_of(record, "text");
	int64_t t_ns = here_ns(r, record, "t");
	struct origin *o = source ? origin_of(r, source) : NULL;

	if (!o || !text || t_ns < 0)
		return -EBADMSG;
	sq_sample_enter(r->sample, o->number);
	sq_sample_event(r->sample, t_ns, text);
	return 0;
}

static int take_environment(struct sq_relay *r, json_t *record, struct sq_err *err)
{
	json_t *environment = json_object_get(record, "environment");

	if (!json_is_object(environment))
		return -EBADMSG;
	if (r->has_environment)
		return 0;
	r->has_environment = true;
	return sq_sample_write(r->sample,
			       json_pack("{s:s, s:s, s:O}", "k", "env", "host", r->host,
					 "environment", environment),
			       err);
}

static int take_pong(const json_t *record, int64_t *ret_number, int64_t *ret_far_ns)
{
	*ret_number = json_integer_value(json_object_get(record, "n"));
	*ret_far_ns = json_integer_value(json_object_get(record, "t"));
	return *ret_far_ns > 0 && *ret_far_ns <= FAR_TIME_MAX ? SQ_RELAYED_PONG : -EBADMSG;
}

static int take_record(struct sq_relay *r, json_t *record, int64_t *ret_number, int64_t *ret_far_ns,
		       struct sq_err *err)
{
	const char *kind = text_of(record, "k");

	if (!kind)
		return -EBADMSG;
	if (strcmp(kind, "pong") == 0)
		return take_pong(record, ret_number, ret_far_ns);
	if (strcmp(kind, "done") == 0)
		return SQ_RELAYED_DONE;
	if (strcmp(kind, "metric") == 0)
		return take_metric(r, record);
	if (strcmp(kind, "tick") == 0)
		return take_tick(r, record, err);
	if (strcmp(kind, "gap") == 0)
		return take_gap(r, record, err);
	if (strcmp(kind, "absent") == 0)
		return take_absent(r, record, err);
	if (strcmp(kind, "there") == 0)
		return take_there(r, record, err);
	if (strcmp(kind, "event") == 0)
		return take_event(r, record);
	if (strcmp(kind, "env") == 0)
		return take_environment(r, record, err);
	return SQ_RELAYED; /* restarts the sample finds itself; others are a later version's */
}

int sq_relay_line(struct sq_relay *r, const char *line, size_t len, int64_t *ret_number,
		  int64_t *ret_far_ns, struct sq_err *err)
{
	json_t *record = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	int rc = record ? take_record(r, record, ret_number, ret_far_ns, err) : -EBADMSG;

	json_decref(record);
	if (rc == -EBADMSG)
		sq_err_set(err, rc, "", "what it says is no record of squall's: %.60s", line);
	return rc;
}
