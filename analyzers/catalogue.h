/* What is known of counters by their names: the catalogue, a data file for each source in
 * analyzers/counters.  A row is added by a line there; a source registers its rows by name alone.
 * Counters that are not in it are read all the same, as counters of no known unit. */
#ifndef SQ_ANALYZERS_CATALOGUE_H
#define SQ_ANALYZERS_CATALOGUE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzers/source.h"
#include "base/buf.h"

struct sq_known {
	char *name; /* with a final '*' its beginning: what no line names whole, and no beginning before */
	char *unit; /* what one of it is: "packets", "connections", "events", "bytes" ... */
	int kind;   /* enum sq_metric_kind */
	int64_t width;
	char *meaning;
	char *counted; /* where the kernel or the server counts it; NULL: there is no one place */
};

/* The table, which the build makes of the folder. */
struct sq_catalogue_part {  /* a file's, of one source */
	const char *source; /* NULL ends the parts */
	const struct sq_known *known;
	size_t n;
	const char *note; /* what its rows are, beyond the list; NULL */
};

extern const struct sq_catalogue_part sq_catalogue_parts[];
extern const struct sq_known *const sq_catalogue_whole[]; /* by name */
extern const size_t sq_catalogue_n_whole;
extern const struct sq_known
	*const sq_catalogue_beginnings[]; /* as they stand there; NULL ends them */

/* NULL when the name isn't known.  From any thread. */
const struct sq_known *sq_catalogue_find(const char *name);

/* Registers a row with the kind, unit and width that the catalogue has for its name. */
unsigned sq_catalogue_metric(struct sq_sample *s, const char *name, const char *instance);

/* All of it, for people. */
void sq_catalogue_markdown(struct sq_buf *out);

#endif
