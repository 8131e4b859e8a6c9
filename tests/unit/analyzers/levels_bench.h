/* For the tests of the ledger's mechanisms that have levels or counters of a host: a load of connections, and what
 * was seen beside it. */
#ifndef SQ_TESTS_LEVELS_BENCH_H
#define SQ_TESTS_LEVELS_BENCH_H

#include "ledger_bench.h"

#define BINS 60

/* A load of connections, so many of which fail each 100 ms of its first two seconds. */
static inline struct sq_load_rec *connections(struct sq_run *run, const char *code,
					      const char *phase, uint64_t each)
{
	struct sq_load_rec *load = add_load(run, "l", "server:9000", SQ_SEC);
	enum sq_class class = strcmp(code, "timeout") == 0      ? SQ_CLASS_TIMEOUT
			      : strcmp(code, "ECONNRESET") == 0 ? SQ_CLASS_RESET
			      : strcmp(code, "SERVFAIL") == 0   ? SQ_CLASS_HARD
								: SQ_CLASS_LOCAL;

	load->duration_ns = 2 * SQ_SEC;
	load->cpu_s = 0.5;
	for (int i = 0; i < 20 && each > 0; i++)
		happen(run, load, code, phase, class, i * 100 * SQ_MS, each, 0, 0);
	return load;
}

static inline void succeed(struct sq_run *run, struct sq_load_rec *load, int64_t from_ns,
			   int64_t to_ns, uint64_t each)
{
	for (int64_t t = from_ns; t < to_ns; t += 100 * SQ_MS)
		happen(run, load, "ok", "", SQ_CLASS_OK, t, each, 0, 0);
}

/* A gauge that stands at `high` from one time to another, else at `low`. */
static inline void gauge(struct sq_run *run, const char *host, const char *metric,
			 const char *instance, double low, double high, int64_t from_ns,
			 int64_t to_ns)
{
	struct sq_metric_rec *m = add_metric(run, host, metric, instance, SQ_GAUGE);

	m->max = low;
	for (size_t i = 0; i < run->axis.n; i++) {
		int64_t at_ns = (run->axis.first_bin + (int64_t)i) * run->axis.bin_ns;

		m->samples[i] = at_ns >= from_ns && at_ns < to_ns ? high : low;
		m->max = m->samples[i] > m->max ? m->samples[i] : m->max;
	}
}

static inline void counter(struct sq_run *run, const char *host, const char *metric, uint64_t each)
{
	no_rises(1, 20 * SQ_MS);
	for (int i = 0; i < 20; i++)
		rise(i * 100 * SQ_MS + 5 * SQ_MS, each);
	add_row(run, host, metric, NULL, 1);
}

static inline uint64_t explained_by(const struct sq_run *run, const char *mechanism,
				    const char *host)
{
	uint64_t n = 0;

	for (size_t i = 0; i < run->findings.n; i++) {
		const struct sq_finding *f = &run->findings.v[i];

		if (strcmp(f->mechanism, mechanism) == 0 && strcmp(f->host, host) == 0)
			n += f->explained;
	}
	return n;
}

static inline const struct sq_finding *by(const struct sq_run *run, const char *mechanism)
{
	for (size_t i = 0; i < run->findings.n; i++) {
		if (strcmp(run->findings.v[i].mechanism, mechanism) == 0)
			return &run->findings.v[i];
	}
	fail_msg("no finding names %s", mechanism);
	return NULL;
}

#endif
