/* The kernel's log, into which the test writes lines like the kernel's.  Without root there is none to
 * read, and what must be right then is the reason. */
#include <fcntl.h>

#include "source_bench.h"

static void say(const char *line)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	assert_int_not_equal(fd, -1);
	assert_true(write(fd, line, strlen(line)) > 0);
	close(fd);
}

static bool is_readable(void)
{
	const struct sq_source *source = source_named("kernel_log");
	void *memory = calloc(1, source->state_size);
	struct sq_err err = { 0 };
	struct bench b;
	int rc;

	bench_open(&b);
	rc = source->open(memory, NULL, b.sample, &err);
	json_decref(bench_close(&b));
	if (rc == 0)
		source->close(memory);
	else
		assert_non_null(strstr(err.text, "takes root"));
	free(memory);
	return rc == 0;
}

/* The test's own events: others may write to the log meanwhile. */
static size_t count_events(const json_t *records, const char *part, const json_t **ret_first)
{
	size_t i, n = 0;
	json_t *r;

	json_array_foreach(records, i, r)
		if (record_is(r, "event") && strstr(record_text(r, "text"), part) && n++ == 0)
			*ret_first = r;
	return n;
}

static void test_lines(void **state)
{
	int64_t begin_ns;
	const json_t *first = NULL, *none = NULL;
	struct probe p;
	json_t *records;

	(void)state;
	say("TCP: too many orphaned sockets (unit, before)\n");
	begin_ns = sq_now_ns();
	probe_open(&p, "kernel_log");
	say("TCP: too many orphaned sockets (unit, one)\n");
	say("a line of no meaning (unit, two)\n");
	say("neighbour: arp_cache: neighbor table overflow! (unit, three \xc3\xa9)\n");
	probe_tick(&p);
	for (int i = 0; i < 40; i++)
		say("TCP: request_sock_TCP: Possible SYN flooding on port 1. (unit, many)\n");
	probe_tick(&p);
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(count_events(records, "unit, before", &none), 0);
	assert_int_equal(count_events(records, "unit, two", &none), 0);
	assert_int_equal(count_events(records, "unit, three", &none), 1);
	assert_int_equal(count_events(records, "unit, one", &first), 1);
	assert_in_range(record_int(first, "t"), begin_ns, begin_ns + 5 * SQ_SEC);
	assert_non_null(strstr(record_text(first, "text"), "limits how often"));
	assert_in_range(count_events(records, "unit, many", &none), 5, 20);
	json_decref(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
	};

	if (!is_readable()) {
		fputs("the kernel's log is not readable here: the reason alone was looked at\n",
		      stderr);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
