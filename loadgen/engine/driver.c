/* The drivers as a family of plug-ins that option tables choose from. */
#include "loadgen/engine/driver.h"

#include <errno.h>
#include <pthread.h>

#include "base/mem.h"
#include "scenarios/trace.h"

static const struct sq_kind **kinds;

static void make_kinds(void)
{
	size_t n = 0;

	while (sq_drivers[n])
		n++;
	kinds = sq_alloc_n(n + 1, sizeof(const struct sq_kind *));
	for (size_t i = 0; i < n; i++)
		kinds[i] = &sq_drivers[i]->kind;
}

const struct sq_kind *const *sq_driver_kinds(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_kinds);
	return kinds;
}

const struct sq_driver *sq_driver_of(const struct sq_kind *kind)
{
	return (const struct sq_driver *)kind;
}

const struct sq_vocabulary *sq_driver_words(const struct sq_kind *kind)
{
	return &sq_driver_of(kind)->words;
}

bool sq_driver_batches(const struct sq_kind *kind)
{
	return sq_driver_of(kind)->batches;
}

void sq_driver_cost(const struct sq_plug *plug, struct sq_op_cost *ret)
{
	const struct sq_driver *driver = sq_driver_of(plug->kind);

	if (driver->cost)
		driver->cost(plug->conf, ret);
}

int sq_driver_trace(const struct sq_kind *kind, const char *path, int64_t **ret_at_ns,
		    size_t *ret_n, struct sq_err *err)
{
	const struct sq_driver *driver = sq_driver_of(kind);

	int rc = driver->trace ? driver->trace(path, ret_at_ns, ret_n, err) : -ENOENT;

	return rc == -ENOENT ? sq_trace_read(path, ret_at_ns, ret_n, err) : rc;
}
