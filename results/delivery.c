#include "results/delivery.h"

#include <stdlib.h>

#include "results/hist.h"

struct sq_delivery *sq_delivery_free(struct sq_delivery *d)
{
	if (!d)
		return NULL;
	for (size_t i = 0; i < d->n_loads; i++) {
		sq_hist_free(d->loads[i].sum.latency);
		json_decref(d->loads[i].undelivered);
		json_decref(d->loads[i].queued);
		json_decref(d->loads[i].bounced);
		json_decref(d->loads[i].lost);
		json_decref(d->loads[i].duplicated);
		json_decref(d->loads[i].corrupted);
	}
	for (size_t i = 0; i < d->n_files; i++)
		free(d->files[i].path);
	sq_hist_free(d->sum.latency);
	for (size_t i = 0; i < d->n_reasons; i++) {
		free(d->reasons[i].dsn);
		free(d->reasons[i].reason);
	}
	free(d->reasons);
	free(d->loads);
	free(d->files);
	free(d->because);
	free(d);
	return NULL;
}
