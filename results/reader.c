/* sq_run_load: the files of DIR/spool put together.
 *
 * run.jsonl comes first: it names the loads and says when t0 was, without which no other file can
 * be placed in time.  Then loads and captures in the order of their names, so that the same files
 * give the same record.  The axis is known when all have been read; only then are series cut. */
#include "results/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/spool.h"

static const char ending[] = ".jsonl";

int sq_reader_bad(const struct sq_reader *r, const char *kind, struct sq_err *err)
{
	return sq_err_set(
		err, -EINVAL, r->path,
		"a \"%s\" record does not hold what it should; the file is damaged, or of "
		"another version of squall",
		kind);
}

void sq_reader_saw(struct sq_reader *r, int64_t t_ns)
{
	if (t_ns > r->latest_ns)
		r->latest_ns = t_ns;
}

void sq_reader_event(struct sq_reader *r, int64_t t_ns, const char *host, const char *source,
		     const char *text)
{
	struct sq_run *run = r->run;

	run->events = sq_grow(run->events, run->n_events, &r->cap_events, sizeof(*run->events));
	run->events[run->n_events++] = (struct sq_event_rec){
		.t_ns = t_ns,
		.host = sq_strdup(host),
		.source = sq_strdup(source),
		.text = sq_strdup(text),
	};
}

const char *sq_reader_kind(const json_t *record)
{
	const char *kind = json_string_value(json_object_get(record, "k"));

	return kind ? kind : "";
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static int take_head(struct sq_reader *r, const json_t *record, struct sq_err *err)
{
	struct sq_run *run = r->run;
	json_t *lost = json_object_get(record, "lost"), *text;
	json_int_t bin_ns = json_integer_value(json_object_get(record, "bin_ns"));
	size_t i;

	if (r->headed || bin_ns <= 0 || strcmp(text_of(record, "schema"), "squall-spool/1") != 0 ||
	    !json_is_object(json_object_get(record, "meta")))
		return sq_reader_bad(r, "head", err);
	r->headed = true;
	run->meta = json_incref(json_object_get(record, "meta"));
	run->scenario = json_incref(json_object_get(record, "scenario"));
	if (json_is_array(lost))
		json_array_extend(run->lost, lost);
	json_array_foreach(json_object_get(record, "warnings"), i, text)
		sq_run_warn(run, NAN, json_string_value(text));
	if (json_is_array(json_object_get(record, "links")))
		json_array_extend(run->links, json_object_get(record, "links"));
	r->globals = json_incref(json_object_get(record, "globals"));
	run->axis.bin_ns = bin_ns;
	return sq_reader_loads(r, json_object_get(record, "loads"), err);
}

static void take_server(struct sq_reader *r, const json_t *record)
{
	json_t *server = json_copy((json_t *)record);

	json_object_del(server, "k");
	json_array_append_new(r->run->servers, server);
}

static void take_end(struct sq_reader *r, const json_t *record)
{
	struct sq_run *run = r->run;

	r->ended = true;
	free(run->outcome);
	free(run->because);
	run->outcome = sq_strdup(text_of(record, "outcome"));
	run->because = sq_strdup(json_string_value(json_object_get(record, "because")));
	/* One that broke before t0 ended at a time below 0, and lasted none. */
	run->duration_s = fmax(0, (double)json_integer_value(json_object_get(record, "t")) / 1e9);
}

static int take_run_record(json_t *record, void *reader, struct sq_err *err)
{
	struct sq_reader *r = reader;
	const char *kind = sq_reader_kind(record);
	int64_t t = json_integer_value(json_object_get(record, "t"));

	if (strcmp(kind, "head") == 0)
		return take_head(r, record, err);
	if (!r->headed)
		return sq_reader_bad(r, "head", err);
	if (strcmp(kind, "start") == 0) {
		r->started = true;
		r->t0_mono_ns = json_integer_value(json_object_get(record, "t0_mono_ns"));
		r->run->t0_wall_ns = json_integer_value(json_object_get(record, "t0_wall_ns"));
		if (json_is_integer(json_object_get(record, "wall_error_ns")))
			r->wall_error_ns =
				json_integer_value(json_object_get(record, "wall_error_ns"));
	} else if (strcmp(kind, "event") == 0) {
		sq_reader_saw(r, t);
		sq_reader_event(r, t, text_of(record, "host"), text_of(record, "source"),
				text_of(record, "text"));
	} else if (strcmp(kind, "server") == 0) {
		take_server(r, record);
	} else if (strcmp(kind, "end") == 0) {
		take_end(r, record);
	}
	return 0;
}

/* That a killed run's files stop short is no news. */
int sq_reader_file(struct sq_reader *r, const char *path, const char *name,
		   int (*each)(json_t *, void *, struct sq_err *), struct sq_err *err)
{
	char *text = NULL;
	int torn = 0, rc;

	r->path = path;
	r->done = false;
	rc = sq_spool_read_quick(path,
				 each == sq_reader_capture_record ? sq_reader_capture_line : NULL,
				 each, r, &torn, err);
	if (rc == 0 && torn)
		text = sq_printf_dup("the last line of %s was cut and is left out", name);
	else if (rc == 0 && !r->done && r->started && r->ended && each != take_run_record)
		text = sq_printf_dup("%s stops short: its writer did not end in order", name);
	if (text)
		sq_reader_event(r, r->latest_ns, r->host ? r->host : "", "spool", text);
	free(text);
	r->path = NULL;
	return rc;
}

static int read_file(struct sq_reader *r, const char *folder, const char *name,
		     int (*each)(json_t *, void *, struct sq_err *), struct sq_err *err)
{
	char *path = sq_printf_dup("%s/%s", folder, name), *own = sq_printf_dup("spool/%s", name);
	int rc = sq_reader_file(r, path, own, each, err);

	free(path);
	free(own);
	return rc;
}

/* "load-client.jsonl" is client's, and so is "load-client.1.jsonl". */
static char *host_of(const char *name, const char *prefix)
{
	char *host = sq_strdup(name + strlen(prefix));

	host[strcspn(host, ".")] = '\0';
	return host;
}

static int read_kind(struct sq_reader *r, const char *folder, struct dirent **files, int n,
		     const char *prefix, int (*each)(json_t *, void *, struct sq_err *),
		     struct sq_err *err)
{
	char *pattern = sq_printf_dup("%s*%s", prefix, ending);
	int rc = 0;

	for (int i = 0; rc == 0 && i < n; i++) {
		if (fnmatch(pattern, files[i]->d_name, 0) != 0)
			continue;
		r->host = host_of(files[i]->d_name, prefix);
		sq_reader_capture_begin(r);
		rc = read_file(r, folder, files[i]->d_name, each, err);
		sq_reader_load_end(r);
		sq_reader_capture_end(r);
		free(r->host);
		r->host = NULL;
	}
	free(pattern);
	return rc;
}

static int read_all(struct sq_reader *r, const char *folder, struct sq_err *err)
{
	struct dirent **files = NULL;
	int n = scandir(folder, &files, NULL, alphasort), rc;

	if (n == -1)
		return sq_err_set(err, -errno, folder, "cannot read it: %s", strerror(errno));
	rc = read_kind(r, folder, files, n, "load-", sq_reader_load_record, err);
	if (rc == 0)
		rc = read_kind(r, folder, files, n, "capture-", sq_reader_capture_record, err);
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	return rc;
}

static int read_run(struct sq_reader *r, const char *dir, const char *folder, struct sq_err *err)
{
	int rc = read_file(r, folder, "run.jsonl", take_run_record, err);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return sq_err_set(
			err, rc, dir,
			"no run stands here (there is no spool/run.jsonl); give the folder "
			"of a run");
	if (rc == 0 && !r->headed)
		return sq_err_set(
			err, -EINVAL, dir,
			"its spool is empty: the run ended before it began; run it again");
	return rc;
}

/* Every cell of every series, the bin 0 at least. */
static void set_axis(struct sq_reader *r)
{
	int64_t lo = 0, hi = 0;

	sq_reader_loads_extent(r, &lo, &hi);
	sq_reader_capture_extent(r, &lo, &hi);
	r->run->axis.first_bin = lo;
	r->run->axis.n = (size_t)(hi - lo) + 1;
}

static void settle_outcome(struct sq_reader *r)
{
	struct sq_run *run = r->run;

	if (r->ended)
		return;
	run->outcome = sq_strdup("stopped");
	run->because = sq_strdup(r->started ? "it was killed: its spool has no end"
					    : "it was killed before anything was sent");
	run->duration_s = (double)r->latest_ns / 1e9;
}

/* By time; what came at one time stays in the order in which it was read. */
static void sort_events(struct sq_run *run)
{
	for (size_t i = 1; i < run->n_events; i++) {
		struct sq_event_rec e = run->events[i];
		size_t at = i;

		for (; at > 0 && run->events[at - 1].t_ns > e.t_ns; at--)
			run->events[at] = run->events[at - 1];
		run->events[at] = e;
	}
}

struct sq_run *sq_run_load(const char *dir, struct sq_err *err)
{
	return sq_run_load_with(dir, NULL, err);
}

struct sq_run *sq_run_load_with(const char *dir, const struct sq_strings *counters,
				struct sq_err *err)
{
	struct sq_run *run = sq_alloc(sizeof(*run));
	struct sq_reader r = { .run = run, .wall_error_ns = -1 };
	char *folder = sq_printf_dup("%s/spool", dir);
	int rc;

	run->environment = json_object();
	run->links = json_array();
	run->relays = json_array();
	run->mail = json_array();
	run->servers = json_array();
	run->lost = json_array();
	run->warnings = json_array();
	run->absent = json_array();
	run->clocks = json_array();
	rc = read_run(&r, dir, folder, err);
	if (rc == 0)
		rc = read_all(&r, folder, err);
	for (size_t i = 0; rc == 0 && counters && i < counters->n; i++)
		rc = sq_reader_join(&r, counters->v[i], err);
	if (rc == 0) {
		settle_outcome(&r);
		set_axis(&r);
		sq_reader_loads_settle(&r);
		sq_reader_rows_settle(&r);
		sort_events(run);
	}
	sq_reader_loads_free(&r);
	sq_reader_capture_free(&r);
	json_decref(r.globals);
	free(folder);
	return rc == 0 ? run : sq_run_free(run);
}
