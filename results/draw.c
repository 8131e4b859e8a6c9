/* Series cut down to what a report may hold, and words for people.
 *
 * What a reader would get wrong: a point stands for step bins, and is what they came to together,
 * never an average: counts are summed, percentiles come from merged histograms, a counter's point
 * is its rise since the last reading before it.  So the points of a series always add up to the
 * row's total, over gaps too. */
#include "results/draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

size_t sq_draw_step(const struct sq_axis *axis)
{
	return (axis->n + SQ_DRAW_POINTS - 1) / SQ_DRAW_POINTS;
}

void sq_draw_axis(json_t *object, const struct sq_axis *axis)
{
	double bin_s = (double)axis->bin_ns / 1e9;

	json_object_set_new(object, "bin_s", json_real((double)sq_draw_step(axis) * bin_s));
	json_object_set_new(object, "start_s", json_real((double)axis->first_bin * bin_s));
}

static size_t end_of(size_t begin, const struct sq_axis *axis)
{
	size_t end = begin + sq_draw_step(axis);

	return end < axis->n ? end : axis->n;
}

json_t *sq_draw_counts(const uint64_t *const *series, size_t many, const struct sq_axis *axis)
{
	json_t *points = json_array();

	for (size_t i = 0; i < axis->n; i = end_of(i, axis)) {
		uint64_t sum = 0;

		for (size_t k = i; k < end_of(i, axis); k++)
			for (size_t s = 0; s < many; s++)
				sum += series[s][k];
		json_array_append_new(points, json_integer((json_int_t)sum));
	}
	return points;
}

json_t *sq_draw_percentile(struct sq_hist *const *hists, double p, const struct sq_axis *axis)
{
	struct sq_hist *sum = sq_hist_new(SQ_HIST_COARSE);
	json_t *points = json_array();

	for (size_t i = 0; i < axis->n; i = end_of(i, axis)) {
		int64_t ns;

		sq_hist_reset(sum);
		for (size_t k = i; k < end_of(i, axis); k++)
			if (hists[k])
				sq_hist_merge(sum, hists[k]);
		ns = sq_hist_percentile(sum, p);
		json_array_append_new(points, ns < 0 ? json_null() : json_real((double)ns / 1e9));
	}
	sq_hist_free(sum);
	return points;
}

json_t *sq_draw_max(const double *values, const struct sq_axis *axis)
{
	json_t *points = json_array();

	for (size_t i = 0; i < axis->n; i = end_of(i, axis)) {
		double max = NAN;

		for (size_t k = i; k < end_of(i, axis); k++)
			max = fmax(max, values[k]);
		json_array_append_new(points, sq_json_real(max));
	}
	return points;
}

json_t *sq_draw_number(double v)
{
	/* Beyond 2^53 a double's neighbours are not whole numbers apart. */
	if (isfinite(v) && v == trunc(v) && fabs(v) < 9007199254740992.0)
		return json_integer((json_int_t)v);
	return sq_json_real(v);
}

json_t *sq_draw_metric(const struct sq_metric_rec *m, const struct sq_axis *axis)
{
	json_t *points = json_array();
	double before = 0;

	for (size_t i = 0; i < axis->n; i = end_of(i, axis)) {
		double last = NAN;

		for (size_t k = i; k < end_of(i, axis); k++)
			if (!isnan(m->samples[k]))
				last = m->samples[k];
		json_array_append_new(points,
				      sq_draw_number(m->kind == SQ_COUNTER ? last - before : last));
		if (!isnan(last))
			before = last;
	}
	return points;
}

char *sq_draw_failure(const char *code, const char *phase)
{
	return sq_printf_dup("%s@%s", code, phase);
}

const char *sq_draw_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

double sq_draw_real(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

void sq_draw_seconds(char out[SQ_DRAW_DURATION], double seconds)
{
	static const struct {
		double unit;
		const char *name;
	} units[] = { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "us" }, { 1e-9, "ns" } };
	size_t i = 0;

	if (!isfinite(seconds)) {
		snprintf(out, SQ_DRAW_DURATION, "not known");
		return;
	}
	/* 999.5 would round to 1000 of a unit: the next one up has it as 1.00. */
	while (i < 3 && seconds < 0.9995 * units[i].unit)
		i++;
	snprintf(out, SQ_DRAW_DURATION, "%.3g %s", seconds / units[i].unit, units[i].name);
	if (seconds >= 999.5)
		snprintf(out, SQ_DRAW_DURATION, "%.0f s", seconds);
}

/* Columns of UTF-8 text: none of ours is wider than one to a character. */
static size_t columns(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

void sq_draw_wrap(struct sq_buf *out, int width, const char *lead, const char *text)
{
	size_t indent = columns(lead, strlen(lead)), at = indent;
	size_t limit = width > (int)indent + 20 ? (size_t)width : indent + 20;

	sq_buf_puts(out, lead);
	while (*text) {
		size_t len = strcspn(text, " \n"), wide = columns(text, len);

		if (at > indent && at + 1 + wide > limit) {
			sq_buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent && len) {
			sq_buf_puts(out, " ");
			at++;
		}
		sq_buf_add(out, text, len);
		at += wide;
		text += len;
		text += strspn(text, " \n");
	}
	sq_buf_puts(out, "\n");
}
