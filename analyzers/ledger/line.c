#include "analyzers/ledger/line.h"

#include "base/mem.h"

/* Longer than any run with its time-outs. */
static const int64_t stretch_ns = INT64_C(1) << 48;

int64_t sq_line_stretch_ns(size_t number)
{
	return (int64_t)number * stretch_ns;
}

size_t sq_line_add(struct sq_readings *line, size_t number, const struct sq_case *c)
{
	size_t first = line->n;

	line->v = sq_realloc_n(line->v, line->n + c->readings.n + 1, sizeof(*line->v));
	for (size_t i = 0; i < c->readings.n; i++) {
		struct sq_reading r = c->readings.v[i];

		r.from_ns += sq_line_stretch_ns(number);
		r.to_ns += sq_line_stretch_ns(number);
		line->total += r.rise;
		line->v[line->n++] = r;
	}
	return first;
}
