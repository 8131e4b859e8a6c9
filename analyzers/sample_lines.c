/* The lines of rows and ticks, most of what a capture writes: as text at once, without a JSON tree.
 * jansson's way of a tick of 60 values cost 200 allocations, and each row's record a write(2) of its own.
 *
 * What a reader would get wrong: these are the shapes of docs/spool.md, and readers take them for JSON like
 * any other record; that they are is what the unit test parses them for. */
#include "analyzers/sample_lines.h"

#include "base/json.h"

void sq_lines_pair(struct sq_buf *list, size_t row, int64_t value)
{
	if (list->len)
		sq_buf_puts(list, ",");
	sq_buf_integer(list, (int64_t)row);
	sq_buf_puts(list, ",");
	sq_buf_integer(list, value);
}

void sq_lines_name(struct sq_buf *list, const char *name)
{
	if (list->len)
		sq_buf_puts(list, ",");
	sq_json_quote(list, name);
}

static void add_number(struct sq_buf *out, const char *key, int64_t value)
{
	sq_buf_puts(out, key);
	sq_buf_integer(out, value);
}

static void add_list(struct sq_buf *out, const char *key, const struct sq_buf *list)
{
	sq_buf_puts(out, key);
	sq_buf_add(out, list->data, list->len);
	sq_buf_puts(out, "]");
}

static int add_text(struct sq_buf *out, const char *key, const char *text)
{
	sq_buf_puts(out, key);
	if (text)
		return sq_json_quote(out, text);
	sq_buf_puts(out, "null");
	return 0;
}

/* The first thread's records don't say whose they are. */
static void end_line(struct sq_buf *out, unsigned part)
{
	if (part)
		add_number(out, ",\"part\":", part);
	sq_buf_puts(out, "}\n");
}

int sq_lines_metric(struct sq_buf *lines, unsigned part, size_t number, const char *source,
		    const struct sq_metric *m)
{
	int rc;

	add_number(lines, "{\"k\":\"metric\",\"i\":", (int64_t)number);
	rc = add_text(lines, ",\"source\":", source);
	if (rc == 0)
		rc = add_text(lines, ",\"metric\":", m->name);
	if (rc == 0)
		rc = add_text(lines, ",\"instance\":", m->instance);
	if (rc == 0)
		rc = add_text(lines, ",\"unit\":", m->unit);
	add_text(lines, ",\"kind\":", m->kind == SQ_COUNTER ? "counter" : "gauge");
	add_number(lines, ",\"width\":", m->width);
	end_line(lines, part);
	return rc;
}

void sq_lines_restart(struct sq_buf *lines, unsigned part, int64_t t_ns, size_t row)
{
	add_number(lines, "{\"k\":\"restart\",\"t\":", t_ns);
	add_number(lines, ",\"i\":", (int64_t)row);
	end_line(lines, part);
}

void sq_lines_tick(struct sq_buf *lines, unsigned part, int64_t begin_ns, int64_t end_ns,
		   const struct sq_buf *values, const struct sq_buf *raw,
		   const struct sq_buf *unread)
{
	add_number(lines, "{\"k\":\"tick\",\"b\":", begin_ns);
	add_number(lines, ",\"e\":", end_ns);
	add_list(lines, ",\"v\":[", values);
	if (raw->len)
		add_list(lines, ",\"raw\":[", raw);
	if (unread->len)
		add_list(lines, ",\"unread\":[", unread);
	end_line(lines, part);
}
