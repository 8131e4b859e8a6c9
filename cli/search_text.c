/* search.json for people: load against p99 and loss, and what was found. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/search.h"
#include "results/draw.h"

enum { BAR = 20 };

/* A lower bound that falls by less when it is tried again may have been luck. */
#define TIRED 0.9

/* ---- the plot ---- */

static void draw_bar(struct sq_buf *out, double part)
{
	int n = isfinite(part) && part > 0 ? (int)ceil(part * BAR) : 0;

	for (int i = 0; i < BAR; i++)
		sq_buf_puts(out, i < n ? "\u2588" : " ");
}

struct axis {
	double least, most, lost;
};

static struct axis axis_of(const json_t *curve)
{
	struct axis a = { INFINITY, 0, 0 };
	const json_t *p;
	size_t i;

	json_array_foreach(curve, i, p) {
		double p99 = sq_draw_real(p, "p99_s");

		a.least = fmin(a.least, p99);
		a.most = fmax(a.most, p99);
		a.lost = fmax(a.lost, sq_draw_real(p, "lost"));
	}
	return a;
}

/* p99 on a logarithmic axis, so that a server far beyond its capacity leaves room for the others. */
static void draw_point(struct sq_buf *out, const json_t *p, const struct axis *a)
{
	double p99 = sq_draw_real(p, "p99_s"), lost = sq_draw_real(p, "lost");
	char seconds[SQ_DRAW_DURATION];

	sq_draw_seconds(seconds, p99);
	sq_buf_printf(out, "  %8.4g/s  p99 %8s ", sq_draw_real(p, "load_per_s"),
		      isnan(p99) ? "-" : seconds);
	draw_bar(out, a->most > a->least ? log(p99 / a->least) / log(a->most / a->least) : 0);
	sq_buf_printf(out, " lost %5.2f %% ", 100 * lost);
	draw_bar(out, a->lost > 0 ? lost / a->lost : 0);
	sq_buf_puts(out, "\n");
}

/* ---- goals ---- */

static void draw_bounds(struct sq_buf *out, const json_t *g)
{
	double lower = sq_draw_real(g, "lower_per_s"), upper = sq_draw_real(g, "upper_per_s");

	if (isnan(lower) && isnan(upper))
		sq_buf_puts(out, "  not known: the search ended before it had tried enough\n");
	else if (isnan(lower))
		sq_buf_printf(out, "  does not hold, not even at %.4g/s\n", upper);
	else if (strcmp(sq_draw_text(g, "bounded_by"), "range") == 0)
		sq_buf_printf(out,
			      "  holds at all loads up to %.4g/s, the highest that was tried\n",
			      lower);
	else if (isnan(upper))
		sq_buf_printf(out,
			      "  holds at %.4g/s; the search ended before it had an upper bound\n",
			      lower);
	else
		sq_buf_printf(out,
			      "  holds at %.4g/s (%.4g/s get through), no longer at %.4g/s%s\n",
			      lower, sq_draw_real(g, "throughput_per_s"), upper,
			      json_is_true(json_object_get(g, "regular"))
				      ? ""
				      : "; the bounds are further apart than --width");
}

/* How far the lower bound may be trusted. */
static void draw_again(struct sq_buf *out, const json_t *g)
{
	double lower = sq_draw_real(g, "lower_per_s"),
	       first = sq_draw_real(g, "lower_at_first_per_s");
	bool confirmed = json_is_true(json_object_get(g, "confirmed"));

	if (!isnan(lower) && !confirmed)
		sq_buf_printf(out,
			      "  no capacity: %.4g/s was not tried again, or did not hold then\n",
			      lower);
	if (!isnan(first) && (isnan(lower) || lower < first))
		sq_buf_printf(out,
			      "  it held at %.4g/s at first, but not when that was tried again%s\n",
			      first,
			      lower > TIRED * first ? ""
						    : ": the server tires, or what it did is not "
						      "over yet");
}

static void draw_goal(struct sq_buf *out, const json_t *g)
{
	const json_t *limit;
	size_t i;

	sq_buf_printf(out, "%s\n", sq_draw_text(g, "goal"));
	draw_bounds(out, g);
	draw_again(out, g);
	if (strcmp(sq_draw_text(g, "bounded_by"), "generator") == 0)
		sq_buf_puts(out,
			    "  limited by the generator: the server may hold more; give the load "
			    "more descriptors, ports, max_in_flight, threads or processors\n");
	json_array_foreach(json_object_get(g, "limited_by"), i, limit)
		sq_buf_printf(out, "  %s %s\n",
			      i ? "           " : "limited by:", sq_draw_text(limit, "text"));
}

/* ---- quiet times ---- */

static void draw_unrest(struct sq_buf *out, const json_t *trials)
{
	const json_t *t, *last = NULL;
	size_t i, n = 0;

	json_array_foreach(trials, i, t) {
		const json_t *rest = json_object_get(t, "rest");

		if (!json_is_object(rest) || json_is_true(json_object_get(rest, "at_rest")))
			continue;
		last = rest;
		n++;
	}
	if (n > 0)
		sq_buf_printf(out,
			      "%zu of %zu trials began before this machine was at rest (the last "
			      "one with %s); raise --rest\n",
			      n, json_array_size(trials), sq_draw_text(last, "because"));
}

void sq_search_text(const json_t *search, struct sq_buf *out)
{
	const json_t *curve = json_object_get(search, "curve"), *one;
	struct axis axis = axis_of(curve);
	size_t i;

	json_array_foreach(curve, i, one)
		draw_point(out, one, &axis);
	json_array_foreach(json_object_get(search, "goals"), i, one)
		draw_goal(out, one);
	draw_unrest(out, json_object_get(search, "trials"));
}
