/* What the files that read and check a scenario share with the plan's. */
#ifndef SQ_SCENARIOS_SCENARIO_PRIVATE_H
#define SQ_SCENARIOS_SCENARIO_PRIVATE_H

#include <sched.h>

#include "base/err.h"
#include "scenarios/scenario.h"

enum { SQ_POINTER_MAX = 192, SQ_PLACE_MAX = 256 };

/* The one host of a scenario without a world. */
#define SQ_HERE "localhost"

static inline struct sq_load_spec *sq_scenario_load(const struct sq_scenario *s, size_t i)
{
	return (struct sq_load_spec *)s->load.v + i;
}

static inline struct sq_host_spec *sq_scenario_host(const struct sq_scenario *s, size_t i)
{
	return (struct sq_host_spec *)s->world.hosts.v + i;
}

static inline struct sq_link_spec *sq_scenario_link(const struct sq_scenario *s, size_t i)
{
	return (struct sq_link_spec *)s->world.links.v + i;
}

static inline struct sq_capture_spec *sq_scenario_capture(const struct sq_scenario *s, size_t i)
{
	return (struct sq_capture_spec *)s->capture.v + i;
}

static inline struct sq_process_spec *sq_host_process(const struct sq_host_spec *h, size_t i)
{
	return (struct sq_process_spec *)h->run.v + i;
}

/* A host's "cpus" (world_cpus.c). 0 or -EINVAL. */
int sq_cpus_parse(const char *text, cpu_set_t *ret);

/* "FILE: POINTER". */
void sq_scenario_place(const struct sq_scenario *s, const char *pointer, char out[SQ_PLACE_MAX]);

/* -EINVAL at that place. */
int sq_scenario_fail(const struct sq_scenario *s, const char *pointer, struct sq_err *err,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* All that follows from more than one value, or from the form of a text.  -EINVAL. */
int sq_scenario_check(const struct sq_scenario *s, struct sq_err *err);
/* Its parts, a file each. */
int sq_scenario_check_loads(const struct sq_scenario *s, struct sq_err *err);
int sq_scenario_check_cure(const struct sq_scenario *s, struct sq_err *err);
int sq_scenario_check_variants(const struct sq_scenario *s, struct sq_err *err);

/* As many operations as a load can have; 0 for a trace and for a closed loop, which a file and time
 * alone bound. */
double sq_load_operations(const struct sq_load_spec *l);

/* Names of loads and hosts, the words of expectations. */
int sq_scenario_check_name(const struct sq_scenario *s, const char *name, const char *what,
			   const char *pointer, struct sq_err *err);
/* NULL is no reference, and fine. */
int sq_scenario_check_host(const struct sq_scenario *s, const char *host, const char *pointer,
			   struct sq_err *err);

#endif
