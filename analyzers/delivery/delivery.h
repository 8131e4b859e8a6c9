/* The join of what servers accepted from the loads with what sinks say arrived. */
#ifndef SQ_ANALYZERS_DELIVERY_DELIVERY_H
#define SQ_ANALYZERS_DELIVERY_DELIVERY_H

#include "base/err.h"
#include "base/opt.h"
#include "results/run.h"

/* Fills run->delivery when one of its loads delivers.  Reads the receipts of the run's own sinks, in
 * dir, and those of others (files); what relays said stands in the run.  -EINVAL or -errno with err for a file that is none. */
int sq_delivery_join(struct sq_run *run, const char *dir, const struct sq_strings *files,
		     struct sq_err *err);

#endif
