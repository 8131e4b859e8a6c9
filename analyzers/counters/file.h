/* A file of the catalogue, read strictly. */
#ifndef SQ_ANALYZERS_COUNTERS_FILE_H
#define SQ_ANALYZERS_COUNTERS_FILE_H

#include "analyzers/catalogue.h"
#include "base/err.h"
#include "base/opt.h"

struct sq_catalogue_file {      /* of one source */
	char *note;             /* what its rows are, beyond the list; NULL */
	struct sq_list metrics; /* struct sq_known; none of a source whose rows others list */
};

/* 0 or -EINVAL with err, which says where in the file; sq_catalogue_file_fini undoes it. */
int sq_catalogue_file_load(const char *path, struct sq_catalogue_file *ret, struct sq_err *err);
void sq_catalogue_file_fini(struct sq_catalogue_file *f);

#endif
