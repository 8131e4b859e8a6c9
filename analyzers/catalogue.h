/* What is known of counters by their names: the catalogue, a data file for each source in
 * analyzers/counters.  A row is added by a line there; a source registers its rows by name alone.
 * Counters that are not in it are read all the same, as counters of no known unit. */
#ifndef SQ_ANALYZERS_CATALOGUE_H
#define SQ_ANALYZERS_CATALOGUE_H

#include <stdint.h>

#include "analyzers/source.h"
#include "base/buf.h"
#include "base/embedded.h"

struct sq_known {
	char *name; /* with a final '*' its beginning: what no line names whole, and no beginning before */
	char *unit; /* what one of it is: "packets", "connections", "events", "bytes" ... */
	int kind;   /* enum sq_metric_kind */
	int64_t width;
	char *meaning;
	char *counted; /* where the kernel or the server counts it; NULL: there is no one place */
};

struct sq_catalogue_file {      /* of one source */
	char *note;             /* what its rows are, beyond the list; NULL */
	struct sq_list metrics; /* struct sq_known; none of a source whose rows others list */
};

/* Generated from the folder; a NULL name ends it. */
extern const struct sq_embedded sq_counters[];

/* One file's rows, parsed strictly. 0 or -EINVAL with err; sq_catalogue_file_fini undoes it. */
int sq_catalogue_file_load(const struct sq_embedded *file, struct sq_catalogue_file *ret,
			   struct sq_err *err);
void sq_catalogue_file_fini(struct sq_catalogue_file *f);

/* NULL when the name isn't known.  From any thread. */
const struct sq_known *sq_catalogue_find(const char *name);

/* Registers a row with the kind, unit and width that the catalogue has for its name. */
unsigned sq_catalogue_metric(struct sq_sample *s, const char *name, const char *instance);

/* All of it, for people. */
void sq_catalogue_markdown(struct sq_buf *out);

#endif
