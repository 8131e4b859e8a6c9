/* What the join is of: the lanes that made messages which must arrive elsewhere, and the receipts of the
 * sinks at which some did, each as one arrival for each recipient.
 *
 * What a reader would get wrong: two runs from one seed have messages of the same names.  What was sent
 * before this run began or after it ended is not its own, whatever it is called. */
#include "analyzers/delivery/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "analyzers/delivery/private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "results/hist.h"

/* ---- lanes ---- */

static int by_name(const void *a, const void *b)
{
	const struct sq_accepted *x = ((const struct sq_join_lane *)a)->accepted,
				 *y = ((const struct sq_join_lane *)b)->accepted;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->lane > y->lane) - (x->lane < y->lane);
}

static void add_load(struct sq_join *j, const struct sq_load_rec *l)
{
	struct sq_delivery_load *load = &j->d->loads[j->d->n_loads++];

	*load = (struct sq_delivery_load){ .name = l->name,
					   .sum.latency = sq_hist_new(SQ_HIST_FINE),
					   .undelivered = json_array(),
					   .queued = json_array(),
					   .bounced = json_array(),
					   .lost = json_array(),
					   .duplicated = json_array(),
					   .corrupted = json_array() };
	j->lanes = sq_realloc_n(j->lanes, j->n_lanes + l->n_accepted, sizeof(*j->lanes));
	for (size_t i = 0; i < l->n_accepted; i++)
		j->lanes[j->n_lanes++] = (struct sq_join_lane){ &l->accepted[i], load };
}

static void find_lanes(struct sq_join *j)
{
	j->d->loads = sq_alloc_n(j->run->n_loads, sizeof(*j->d->loads));
	for (size_t i = 0; i < j->run->n_loads; i++)
		if (j->run->loads[i].n_accepted)
			add_load(j, &j->run->loads[i]);
	if (j->n_lanes)
		qsort(j->lanes, j->n_lanes, sizeof(*j->lanes), by_name);
}

size_t sq_join_lane_of(const struct sq_join *j, const struct sq_message_name *name)
{
	const struct sq_accepted named = { .id = name->id, .lane = name->lane };
	const struct sq_join_lane key = { .accepted = &named }, *lane;

	lane = bsearch(&key, j->lanes, j->n_lanes, sizeof(*j->lanes), by_name);
	return lane ? (size_t)(lane - j->lanes) : j->n_lanes;
}

/* ---- receipts ---- */

/* One that does not say when it was sent is taken for it. */
static bool is_of_run(const struct sq_run *run, const struct sq_receipt *r)
{
	int64_t at_ns = r->sent_ns - run->t0_wall_ns;

	return r->sent_ns < 0 || (at_ns >= 0 && sq_seconds(at_ns) <= run->duration_s);
}

static void take_receipt(const struct sq_receipt *r, void *arg)
{
	struct sq_join *j = arg;
	size_t lane = sq_join_lane_of(j, &r->name);

	if (lane == j->n_lanes || !is_of_run(j->run, r)) {
		j->file->others++;
		return;
	}
	j->file->receipts++;
	for (size_t i = 0; i < r->n_recipients; i++) {
		j->arrivals = sq_grow(j->arrivals, j->n, &j->cap, sizeof(*j->arrivals));
		j->arrivals[j->n++] = (struct sq_arrival){ .number = r->name.number,
							   .arrived_ns = r->arrived_ns,
							   .sent_ns = r->sent_ns,
							   .lane = (uint32_t)lane,
							   .recipient = r->recipients[i],
							   .text = r->text };
	}
}

/* path is the file's, name what the report calls it. */
static int read_file(struct sq_join *j, const char *path, const char *name, struct sq_err *err)
{
	struct sq_delivery *d = j->d;
	struct sq_receipts_file file;
	int rc;

	d->files = sq_realloc_n(d->files, d->n_files + 1, sizeof(*d->files));
	j->file = &d->files[d->n_files++];
	*j->file = (struct sq_delivery_file){ .path = sq_strdup(name) };
	rc = sq_receipts_read(path, take_receipt, j, &file, err);
	j->file->whole = file.whole;
	return rc;
}

static int read_files(struct sq_join *j, const char *dir, const struct sq_strings *files,
		      struct sq_err *err)
{
	const json_t *server;
	size_t i;
	int rc = 0;

	json_array_foreach(j->run->servers, i, server) {
		const char *name = json_string_value(json_object_get(server, "receipts"));
		char *path = name ? sq_printf_dup("%s/%s", dir, name) : NULL;

		if (path && rc == 0)
			rc = read_file(j, path, name, err);
		free(path);
	}
	for (i = 0; files && i < files->n && rc == 0; i++)
		rc = read_file(j, files->v[i], files->v[i], err);
	return rc;
}

static int by_message(const void *a, const void *b)
{
	const struct sq_arrival *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->recipient != y->recipient)
		return x->recipient < y->recipient ? -1 : 1;
	return (x->arrived_ns > y->arrived_ns) - (x->arrived_ns < y->arrived_ns);
}

/* ---- the join ---- */

static int join(struct sq_join *j, const char *dir, const struct sq_strings *files,
		struct sq_err *err)
{
	int rc = read_files(j, dir, files, err);

	if (rc < 0)
		return rc;
	rc = sq_join_fates(j);
	if (rc < 0)
		return sq_err_set(
			err, rc, dir,
			"what it says of a relay's messages is not what it should be; its "
			"spool is damaged, or of another version of squall");
	if (j->n)
		qsort(j->arrivals, j->n, sizeof(*j->arrivals), by_message);
	sq_join_merge(j);
	sq_join_settle(j->run, j->d);
	return 0;
}

int sq_delivery_join(struct sq_run *run, const char *dir, const struct sq_strings *files,
		     struct sq_err *err)
{
	struct sq_join j = { .run = run, .d = sq_alloc(sizeof(*j.d)) };
	int rc = 0;

	run->delivery = sq_delivery_free(run->delivery);
	find_lanes(&j);
	if (j.d->n_loads)
		rc = join(&j, dir, files, err);
	if (j.d->n_loads && rc == 0)
		run->delivery = j.d;
	else
		sq_delivery_free(j.d);
	free(j.lanes);
	free(j.arrivals);
	free(j.fates);
	return rc;
}
