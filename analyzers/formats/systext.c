/* The texts of /proc about processors, memory, interrupts and files.  As in nettext.c, what stood before
 * the values is kept with the rows that it led to; here each line is a group.
 *
 * What a reader would get wrong: a processor that comes or goes shifts the columns of softirqs and
 * interrupts, so a change of their first line forgets all groups. */
#include "analyzers/formats/systext.h"

#include <unistd.h>

#include "analyzers/formats/nettext_private.h"

/* In the order of the kernel's columns, which have only ever been added at the end. */
static const char *const cpu_columns[] = {
	"cpu.user", "cpu.nice",    "cpu.system", "cpu.idle",  "cpu.iowait",
	"cpu.irq",  "cpu.softirq", "cpu.steal",  "cpu.guest", "cpu.guest_nice",
};

enum { CPU_COLUMNS = sizeof(cpu_columns) / sizeof(cpu_columns[0]) };

/* Lines of one number; of intr's and softirq's many, the first is the sum of all. */
static bool is_single(struct sq_span name)
{
	static const char *const names[] = { "intr",          "ctxt",          "processes",
					     "procs_running", "procs_blocked", "softirq" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (same_span(name, span_of(names[i])))
			return true;
	return false;
}

static void map_stat_line(struct sq_nettext_group *g, struct sq_span name, struct sq_sample *s)
{
	char instance[NAME_SIZE];

	group_set(g, name);
	if (is_single(name)) {
		group_add(g, named_row(s, span_of("stat"), ".", name, NULL));
		return;
	}
	if (name.end - name.p < 3 || memcmp(name.p, "cpu", 3) != 0 ||
	    !join_name(instance, name, "", span_of("")))
		return;
	for (size_t i = 0; i < CPU_COLUMNS; i++)
		group_add(g, sq_catalogue_metric(s, cpu_columns[i],
						 name.end - name.p == 3 ? NULL : instance));
	g->highest = sq_alloc_n(CPU_COLUMNS, sizeof(*g->highest));
}

/* idle and iowait may step back by a tick (Documentation/filesystems/proc.rst).  That is no restart: a
 * value stays where it was until the kernel has caught up. */
static size_t put_processor(struct sq_nettext_group *g, struct sq_span line, uint64_t ms_per_tick,
			    struct sq_sample *s)
{
	struct sq_span word;
	uint64_t ticks;
	size_t n = 0;

	for (; n < g->n_rows && sq_span_word(&line, &word) && sq_span_number(word, &ticks); n++) {
		if (ticks > g->highest[n])
			g->highest[n] = ticks;
		sq_sample_put(s, g->rows[n], g->highest[n] * ms_per_tick);
	}
	return n;
}

size_t sq_systext_stat(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, line, name;
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	uint64_t ms_per_tick = 1000 / (uint64_t)(ticks_per_s > 0 ? ticks_per_s : 100);
	size_t n = 0, place = 0;

	while (sq_span_line(&rest, &line)) {
		struct sq_nettext_group *g;

		if (!sq_span_word(&line, &name))
			continue;
		g = group_at(t, place++);
		if (!group_is(g, name))
			map_stat_line(g, name, s);
		n += g->highest ? put_processor(g, line, ms_per_tick, s) : put_values(g, line, s);
	}
	return n;
}

size_t sq_systext_meminfo(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, line, name, word;
	size_t n = 0, place = 0;

	while (sq_span_line(&rest, &line)) {
		struct sq_nettext_group *g;
		uint64_t value;

		if (!table_prefix(&line, &name) || !sq_span_word(&line, &word) ||
		    !sq_span_number(word, &value))
			continue;
		g = group_at(t, place++);
		if (!group_is(g, name)) {
			group_set(g, name);
			group_add(g, named_row(s, span_of("mem"), ".", name, NULL));
		}
		if (g->rows[0] == NO_ROW)
			continue;
		if (sq_span_word(&line, &word) && same_span(word, span_of("kB")))
			value *= 1024;
		sq_sample_put(s, g->rows[0], value);
		n++;
	}
	return n;
}

/* The processors' line, "CPU0 CPU3", which the first group is. */
static bool take_processors(struct sq_nettext *t, struct sq_span *rest, struct sq_span *ret_header)
{
	if (!sq_span_line(rest, ret_header))
		return false;
	if (t->n_groups == 0 || !group_is(&t->groups[0], *ret_header)) {
		sq_nettext_fini(t);
		group_set(group_at(t, 0), *ret_header);
	}
	return true;
}

static void map_softirq(struct sq_nettext_group *g, struct sq_span kind, struct sq_span processors,
			struct sq_sample *s)
{
	struct sq_span cpu;

	group_set(g, kind);
	while (sq_span_word(&processors, &cpu)) {
		char instance[NAME_SIZE];

		if (cpu.end - cpu.p > 3 &&
		    join_name(instance, span_of("cpu"), "", (struct sq_span){ cpu.p + 3, cpu.end }))
			group_add(g, named_row(s, span_of("softirq"), ".", kind, instance));
		else
			group_add(g, NO_ROW);
	}
}

size_t sq_systext_softirqs(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, header, line, kind;
	size_t n = 0, place = 1;

	if (!take_processors(t, &rest, &header))
		return 0;
	while (sq_span_line(&rest, &line)) {
		struct sq_nettext_group *g;

		if (!table_prefix(&line, &kind))
			continue;
		g = group_at(t, place++);
		if (!group_is(g, kind))
			map_softirq(g, kind, header, s);
		n += put_values(g, line, s);
	}
	return n;
}

/* "38", and what is behind the counts, "PCI-MSIX-0000:00:03.0 1-edge virtio2-input.0": the last word
 * names who asked for it.  Those with a name of their own have a description there. */
static unsigned interrupt_row(struct sq_sample *s, struct sq_span number, struct sq_span rest)
{
	struct sq_span word, last = { 0 };
	char instance[NAME_SIZE];

	while (sq_span_word(&rest, &word))
		last = word;
	if (!last.p || *number.p < '0' || *number.p > '9')
		last = span_of("");
	if (!join_name(instance, number, last.p < last.end ? ":" : "", last))
		return NO_ROW;
	return sq_catalogue_metric(s, "irq", instance);
}

static bool sum_processors(struct sq_span *line, size_t processors, uint64_t *ret)
{
	struct sq_span ahead = *line, word;
	uint64_t sum = 0, value;
	size_t i = 0;

	for (; i < processors && sq_span_word(&ahead, &word) && sq_span_number(word, &value); i++) {
		sum += value;
		*line = ahead;
	}
	*ret = sum;
	return i > 0;
}

size_t sq_systext_interrupts(struct sq_nettext *t, const char *text, size_t len,
			     struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, header, line, number, word;
	size_t processors = 0, n = 0, place = 1;

	if (!take_processors(t, &rest, &header))
		return 0;
	while (sq_span_word(&header, &word))
		processors++;
	while (sq_span_line(&rest, &line)) {
		struct sq_nettext_group *g;
		uint64_t sum;

		if (!table_prefix(&line, &number) || number.p == number.end ||
		    !sum_processors(&line, processors, &sum))
			continue;
		g = group_at(t, place++);
		if (!group_is(g, number)) {
			group_set(g, number);
			group_add(g, interrupt_row(s, number, line));
		}
		if (g->rows[0] == NO_ROW)
			continue;
		sq_sample_put(s, g->rows[0], sum);
		n++;
	}
	return n;
}

size_t sq_systext_files(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	static const char *const names[] = { "file.allocated", "file.unused", "file.max" };
	struct sq_nettext_group *g = group_at(t, 0);
	struct sq_span rest = { text, text + len }, line = rest;

	for (size_t i = g->n_rows; i < sizeof(names) / sizeof(names[0]); i++)
		group_add(g, sq_catalogue_metric(s, names[i], NULL));
	return sq_span_line(&rest, &line) ? put_values(g, line, s) : 0;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123165554" */
static bool total_of(struct sq_span line, uint64_t *ret)
{
	struct sq_span word;

	while (sq_span_word(&line, &word))
		if (word.end - word.p > 6 && memcmp(word.p, "total=", 6) == 0)
			return sq_span_number((struct sq_span){ word.p + 6, word.end }, ret);
	return false;
}

size_t sq_systext_pressure(struct sq_nettext *t, const char *resource, const char *text, size_t len,
			   struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, line, whose;
	size_t n = 0, place = 0;

	while (sq_span_line(&rest, &line)) {
		struct sq_nettext_group *g;
		uint64_t us;

		if (!sq_span_word(&line, &whose) || !total_of(line, &us))
			continue;
		g = group_at(t, place++);
		if (!group_is(g, whose)) {
			char prefix[NAME_SIZE / 4];

			snprintf(prefix, sizeof(prefix), "psi.%s", resource);
			group_set(g, whose);
			group_add(g, named_row(s, span_of(prefix), ".", whose, NULL));
		}
		if (g->rows[0] == NO_ROW)
			continue;
		sq_sample_put(s, g->rows[0], us);
		n++;
	}
	return n;
}
