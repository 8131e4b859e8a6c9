/* The catalogue of counters, as its files say it.
 *
 * What a reader would get wrong: kind and width are no ornament.  A gauge taken for a counter would
 * be said to begin anew whenever it falls, and a counter of 32 bits taken for one of 64 whenever it
 * wraps.  So a line that is misspelt ends the program, and each source's rows are compared with the
 * catalogue by a test. */
#include "analyzers/catalogue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/sample.h"
#include "base/json.h"
#include "base/mem.h"

static const char *const kind_names[] = { "counter", "gauge", NULL };

#define KNOWN(member) offsetof(struct sq_known, member)

static const struct sq_opt known_opts[] = {
	{ .name = "name",
	  .type = SQ_OPT_STRING,
	  .offset = KNOWN(name),
	  .required = true,
	  .help = "the metric; with a final * the beginning of many" },
	{ .name = "unit",
	  .type = SQ_OPT_STRING,
	  .offset = KNOWN(unit),
	  .def = "",
	  .help = "what one of it is" },
	{ .name = "kind",
	  .type = SQ_OPT_ENUM,
	  .offset = KNOWN(kind),
	  .def = "counter",
	  .choices = kind_names,
	  .help = "only ever rises, or stands at a value" },
	{ .name = "width",
	  .type = SQ_OPT_INT,
	  .offset = KNOWN(width),
	  .def = "64",
	  .min = 1,
	  .max = 64,
	  .help = "bits that it is counted with" },
	{ .name = "meaning",
	  .type = SQ_OPT_STRING,
	  .offset = KNOWN(meaning),
	  .required = true,
	  .help = "what it counts" },
	{ .name = "counted",
	  .type = SQ_OPT_STRING,
	  .offset = KNOWN(counted),
	  .help = "where it is counted, in the kernel's or the server's own source" },
	{ 0 },
};

static const struct sq_opt file_opts[] = {
	{ .name = "note",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_catalogue_file, note),
	  .help = "what its rows are, beyond the list" },
	{ .name = "metrics",
	  .type = SQ_OPT_LIST,
	  .offset = offsetof(struct sq_catalogue_file, metrics),
	  .sub = known_opts,
	  .elem_size = sizeof(struct sq_known),
	  .help = "what the source can give" },
	{ 0 },
};

int sq_catalogue_file_load(const struct sq_embedded *file, struct sq_catalogue_file *ret,
			   struct sq_err *err)
{
	struct sq_opt_ctx ctx = { .file = file->name };
	json_t *doc = sq_json_load_text(file->text, file->len, file->name, err);
	int rc;

	if (!doc)
		return -EINVAL;
	rc = sq_opt_parse(&ctx, file_opts, doc, "", ret, err);
	json_decref(doc);
	if (rc == 0 && ret->metrics.n == 0 && !ret->note) {
		sq_catalogue_file_fini(ret);
		rc = sq_err_set(err, -EINVAL, file->name, "give \"metrics\", or a \"note\"");
	}
	return rc;
}

void sq_catalogue_file_fini(struct sq_catalogue_file *f)
{
	sq_opt_fini(file_opts, f);
}

/* Loaded once and kept: rows are registered all through a run, a thousand in a tick when a resolver
 * opens as many sockets. */
static struct {
	struct sq_catalogue_file *files; /* in the order of sq_counters */
	size_t n;
	const struct sq_known **whole;      /* by name */
	const struct sq_known **beginnings; /* as they stand in the files */
	size_t n_whole, cap_whole, n_beginnings, cap_beginnings;
} catalogue;
static pthread_once_t catalogue_loaded = PTHREAD_ONCE_INIT;

static bool is_beginning(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && name[len - 1] == '*';
}

static void add_known(const struct sq_known *k)
{
	if (is_beginning(k->name)) {
		catalogue.beginnings = sq_grow(catalogue.beginnings, catalogue.n_beginnings,
					       &catalogue.cap_beginnings, sizeof(k));
		catalogue.beginnings[catalogue.n_beginnings++] = k;
	} else {
		catalogue.whole = sq_grow(catalogue.whole, catalogue.n_whole, &catalogue.cap_whole,
					  sizeof(k));
		catalogue.whole[catalogue.n_whole++] = k;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct sq_known *const *)a)->name,
		      (*(const struct sq_known *const *)b)->name);
}

static void index_all(void)
{
	for (size_t i = 0; i < catalogue.n; i++) {
		const struct sq_known *known = catalogue.files[i].metrics.v;

		for (size_t k = 0; k < catalogue.files[i].metrics.n; k++)
			add_known(&known[k]);
	}
	qsort(catalogue.whole, catalogue.n_whole, sizeof(const struct sq_known *), by_name);
}

static void load_all(void)
{
	size_t n = 0;

	while (sq_counters[n].name)
		n++;
	catalogue.files = sq_alloc_n(n, sizeof(*catalogue.files));
	for (; catalogue.n < n; catalogue.n++) {
		struct sq_err err = { 0 };
		int rc = sq_catalogue_file_load(&sq_counters[catalogue.n],
						&catalogue.files[catalogue.n], &err);

		if (rc < 0) /* a broken build */
			fprintf(stderr, "squall: counters/%s: %s\n", err.where, err.text);
		assert(rc == 0);
	}
	index_all();
}

static int name_order(const void *name, const void *known)
{
	return strcmp(name, (*(const struct sq_known *const *)known)->name);
}

const struct sq_known *sq_catalogue_find(const char *name)
{
	const struct sq_known *const *whole;

	pthread_once(&catalogue_loaded, load_all);
	whole = bsearch(name, catalogue.whole, catalogue.n_whole, sizeof(*whole), name_order);
	if (whole)
		return *whole;
	for (size_t i = 0; i < catalogue.n_beginnings; i++) {
		const struct sq_known *k = catalogue.beginnings[i];

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
	sq_buf_printf(out, "| `%s` | %s | %s | %s | %s |\n", k->name, k->unit, kind_names[k->kind],
		      k->meaning, k->counted ? k->counted : "");
}

static void write_file(const struct sq_catalogue_file *file, struct sq_buf *out)
{
	const struct sq_known *known = file->metrics.v;

	if (file->note)
		sq_buf_printf(out, "\n%s\n", file->note);
	if (file->metrics.n)
		sq_buf_puts(out, "\n| metric | unit | kind | what it counts | counted in |\n"
				 "| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < file->metrics.n; i++)
		write_known(&known[i], out);
}

void sq_catalogue_markdown(struct sq_buf *out)
{
	pthread_once(&catalogue_loaded, load_all);
	sq_buf_puts(out,
		    "## The counters that are known\n\n"
		    "By source: what each metric counts, in what unit, and where. A `*` stands for"
		    " what varies. Metrics that a source\ngives beyond these are read all the same,"
		    " as counters without a unit.\n");
	for (size_t i = 0; i < catalogue.n; i++) {
		const char *summary = summary_of(sq_counters[i].name);

		sq_buf_printf(out, "\n### %s\n", sq_counters[i].name);
		if (summary)
			sq_buf_printf(out, "\n%s\n", summary);
		write_file(&catalogue.files[i], out);
	}
}
