/* Counters that were read on another machine by themselves, joined to a run by time.
 *
 * What a reader would get wrong:
 * - Nothing measured how the two machines' clocks stood to each other; both have wall clocks, and each may
 *   know from whoever sets it how wrong it can be.  Where one does not, the bound is not known, and
 *   the report says so.
 * - Only the time of the run is taken, or one file of a week would make a report of a week.
 * - A file of another time is a mistake, or a clock's, and no run without counters.
 * - A machine is a load's server when the load's target names it as the file does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "results/reader.h"

static bool captured(const struct sq_reader *r, const char *host)
{
	for (size_t i = 0; i < r->n_metrics; i++)
		if (strcmp(r->metrics[i].rec.host, host) == 0)
			return true;
	return false;
}

int sq_reader_place(struct sq_reader *r, const json_t *record, struct sq_err *err)
{
	struct sq_capture_draft *c = &r->capture;
	const char *host = json_string_value(json_object_get(record, "host"));
	const json_t *error = json_object_get(record, "error_ns");
	json_int_t t, wall;

	if (strcmp(sq_reader_kind(record), "wall") != 0 || !host ||
	    json_unpack((json_t *)record, "{s:I, s:I}", "t", &t, "wall", &wall) != 0)
		return sq_err_set(err, -EINVAL, r->path,
				  "this is no file of squall capture --out; give such a file");
	if (!r->host)
		r->host = sq_strdup(host);
	if (captured(r, r->host))
		return sq_err_set(err, -EINVAL, r->path,
				  "the run has counters of \"%s\" already; give the file's machine "
				  "another name, as in --counters NAME=%s",
				  r->host, r->path);
	/* t0 on that machine's monotonic clock */
	c->zero_ns = r->run->t0_wall_ns - (wall - t);
	c->error_ns = json_is_integer(error) ? json_integer_value(error) : -1;
	c->placed = true;
	return 0;
}

/* By how much that machine's wall clock went another way since the file began. */
void sq_reader_place_again(struct sq_reader *r, const json_t *record)
{
	struct sq_capture_draft *c = &r->capture;
	json_int_t t, wall;

	if (c->error_ns >= 0 &&
	    json_unpack((json_t *)record, "{s:I, s:I}", "t", &t, "wall", &wall) == 0)
		c->error_ns += llabs(r->run->t0_wall_ns - (wall - t) - c->zero_ns);
}

static void say_clock(struct sq_reader *r)
{
	const struct sq_capture_draft *c = &r->capture;
	bool known = c->error_ns >= 0 && r->wall_error_ns >= 0;
	double bound_s = (double)(c->error_ns + r->wall_error_ns) / 1e9;

	json_array_append_new(r->run->clocks,
			      json_pack("{s:s, s:s, s:s, s:n, s:o, s:i}", "host", r->host,
					"through", r->path, "how", "wall", "offset_s", "bound_s",
					known ? json_real(bound_s) : json_null(), "n", 1));
}

/* "192.0.2.1:53" of "192.0.2.1" */
static bool names(const char *target, const char *host)
{
	const char *colon = strrchr(target, ':');

	return colon && strlen(host) == (size_t)(colon - target) &&
	       strncmp(target, host, strlen(host)) == 0;
}

static void mark_servers(struct sq_reader *r)
{
	for (size_t i = 0; i < r->n_loads; i++) {
		const struct sq_load_rec *load = &r->loads[i].rec;

		for (size_t k = 0; k < load->n_targets; k++) {
			struct sq_target_rec *t = &load->targets[k];

			if (!t->server && (names(t->target, r->host) ||
					   (t->address && names(t->address, r->host))))
				t->server = sq_strdup(r->host);
		}
	}
}

/* The time of the run: what its own files cover. */
static void set_window(struct sq_reader *r)
{
	struct sq_capture_draft *c = &r->capture;

	c->first_bin = c->last_bin = 0;
	sq_reader_loads_extent(r, &c->first_bin, &c->last_bin);
	sq_reader_capture_extent(r, &c->first_bin, &c->last_bin);
}

static int check_window(struct sq_reader *r, const char *path, struct sq_err *err)
{
	const struct sq_capture_draft *c = &r->capture;
	int64_t begin_ns = c->first_bin * r->run->axis.bin_ns,
		end_ns = (c->last_bin + 1) * r->run->axis.bin_ns;
	bool early = c->ended_ns < begin_ns;
	char *text;

	if (!c->placed || !c->ticked)
		return sq_err_set(err, -EINVAL, path, "there is nothing in it");
	if (early || c->began_ns > end_ns)
		return sq_err_set(
			err, -EINVAL, path,
			"it has nothing of the run: by the wall clocks it %s %.1f s %s; give "
			"the file of that time, and see that both machines' clocks are right",
			early ? "ends" : "begins",
			sq_seconds(early ? begin_ns - c->ended_ns : c->began_ns - end_ns),
			early ? "before the run began" : "after the run ended");
	if (c->began_ns <= begin_ns + SQ_SEC && c->ended_ns >= end_ns - SQ_SEC)
		return 0;
	text = sq_printf_dup(
		"its counters are of %.1f to %.1f s alone, the run is of %.1f to %.1f s",
		sq_seconds(c->began_ns), sq_seconds(c->ended_ns), sq_seconds(begin_ns),
		sq_seconds(end_ns));
	sq_reader_event(r, c->began_ns > begin_ns ? c->began_ns : begin_ns, r->host, "file", text);
	free(text);
	return 0;
}

int sq_reader_join(struct sq_reader *r, const char *counters, struct sq_err *err)
{
	size_t len = strcspn(counters, "=/");
	const char *path = counters[len] == '=' ? counters + len + 1 : counters;
	int rc;

	if (!r->started)
		return sq_err_set(err, -EINVAL, path,
				  "the run never began, so that no counters can be joined to it");
	sq_reader_capture_begin(r);
	r->capture.joined = true;
	set_window(r);
	r->host = path == counters ? NULL : sq_printf_dup("%.*s", (int)len, counters);
	rc = sq_reader_file(r, path, path, sq_reader_capture_record, err);
	if (rc == 0)
		rc = check_window(r, path, err);
	r->path = path;
	if (rc == 0) {
		say_clock(r);
		mark_servers(r);
	}
	r->path = NULL;
	sq_reader_capture_end(r);
	free(r->host);
	r->host = NULL;
	return rc;
}
