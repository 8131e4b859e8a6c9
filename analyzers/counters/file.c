/* What a file of the catalogue may say.
 *
 * What a reader would get wrong: kind and width are no ornament.  A gauge taken for a counter would
 * be said to begin anew whenever it falls, and a counter of 32 bits taken for one of 64 whenever it
 * wraps.  So a line that is misspelt ends the build, and each source's rows are compared with the
 * catalogue by a test. */
#include "analyzers/counters/file.h"

#include <errno.h>
#include <stddef.h>

#include <jansson.h>

#include "base/json.h"

/* In the order of enum sq_metric_kind. */
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

int sq_catalogue_file_load(const char *path, struct sq_catalogue_file *ret, struct sq_err *err)
{
	struct sq_opt_ctx ctx = { .file = path };
	json_t *doc = sq_json_load_file(path, err);
	int rc;

	if (!doc)
		return -EINVAL;
	rc = sq_opt_parse(&ctx, file_opts, doc, "", ret, err);
	json_decref(doc);
	if (rc == 0 && ret->metrics.n == 0 && !ret->note) {
		sq_catalogue_file_fini(ret);
		rc = sq_err_set(err, -EINVAL, path, "give \"metrics\", or a \"note\"");
	}
	return rc;
}

void sq_catalogue_file_fini(struct sq_catalogue_file *f)
{
	sq_opt_fini(file_opts, f);
}
