/* What tune and gate have in common on the command line. */
#include "cli/rounds_args.h"

#include <assert.h>
#include <string.h>

#include "base/rng.h"

#define ARG(member) offsetof(struct sq_rounds_args, member)

static const struct sq_opt rounds_opts[] = {
	{ .name = "gate",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(gate),
	  .help = "a measure that is judged, as in storm.latency.p99; may be repeated (default "
		  "rate.ok, latency.p99 and failures of each load)" },
	{ .name = "warmup",
	  .type = SQ_OPT_INT,
	  .offset = ARG(warmup),
	  .min = 0,
	  .max = 100,
	  .def = "1",
	  .help = "rounds before those that count" },
	{ .name = "margin",
	  .type = SQ_OPT_REAL,
	  .offset = ARG(margin),
	  .min = 0.01,
	  .max = 50,
	  .help = "the difference, in percent, that does not matter" },
	{ .name = "seed",
	  .type = SQ_OPT_INT,
	  .offset = ARG(seed),
	  .min = 1,
	  .max = 9e15,
	  .help = "of the orders and of the loads (default a fresh one)" },
	{ 0 },
};

const struct sq_opt *sq_rounds_args_extend(const struct sq_opt *own, const char *margin,
					   struct sq_opt *all)
{
	struct sq_opt both[SQ_RUN_ARGS_ROWS];
	size_t n = 0;

	for (; own->name; own++)
		both[n++] = *own;
	for (const struct sq_opt *o = rounds_opts; o->name; o++) {
		both[n] = *o;
		if (strcmp(o->name, "margin") == 0)
			both[n].def = margin;
		n++;
	}
	assert(n < SQ_RUN_ARGS_ROWS);
	both[n] = (struct sq_opt){ 0 };
	return sq_run_args_extend(both, all);
}

struct sq_rounds sq_rounds_of(const struct sq_rounds_args *args, const json_t *scenario,
			      const char *file, int argc, char **argv)
{
	return (struct sq_rounds){
		.scenario = scenario,
		.way = { .file = file, .args = &args->run, .argc = argc, .argv = argv },
		.seed = args->seed > 0 ? (uint64_t)args->seed : sq_rng_fresh_seed(),
		.warmup = (size_t)args->warmup,
	};
}

struct sq_judging sq_rounds_judging(const struct sq_rounds_args *args, size_t sides)
{
	return (struct sq_judging){
		.alpha = 0.05,
		.margin = args->margin / 100,
		.families = sides > 2 ? sides - 1 : 1,
	};
}
