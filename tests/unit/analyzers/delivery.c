/* The join: each accepted message is judged once, whatever receipts there are, and what is not known
 * is not said. */
#include "analyzers/delivery.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "results/hist.h"

#define T0    INT64_C(1764234304000000000)
#define FIRST "squall-receipts/1\n"

static struct sq_run run;
static struct sq_load_rec loads[2];
static struct sq_accepted lanes[3];
static char path[64];

static void accept(struct sq_accepted *a, uint64_t id, uint64_t lane, const char *runs)
{
	json_t *list = json_loads(runs, 0, NULL);

	*a = (struct sq_accepted){ .id = id, .lane = lane };
	assert_int_equal(sq_accepted_add_json(a, list), 0);
	sq_accepted_settle(a);
	json_decref(list);
}

/* Load a: lane 0 with messages 0 .. 9 of one recipient, but for 5; lane 1 with 0 .. 1 of two
 * recipients.  Load b: a lane of which nothing was accepted. */
static int set_up(void **state)
{
	static char a[] = "a", b[] = "b";

	(void)state;
	accept(&lanes[0], 0x5eed, 0, "[6, 4, 1, 0, 5, 1]");
	accept(&lanes[1], 0x5eee, 1, "[0, 1, 2, 1, 1, 2]");
	accept(&lanes[2], 0x5eef, 0, "[]");
	loads[0] = (struct sq_load_rec){ .name = a, .accepted = lanes, .n_accepted = 2 };
	loads[1] = (struct sq_load_rec){ .name = b, .accepted = lanes + 2, .n_accepted = 1 };
	run = (struct sq_run){ .loads = loads, .n_loads = 2, .t0_wall_ns = T0, .duration_s = 10 };
	run.servers = json_array();
	snprintf(path, sizeof(path), "/tmp/sq-delivery-%ld", (long)getpid());
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	run.delivery = sq_delivery_free(run.delivery);
	json_decref(run.servers);
	for (size_t i = 0; i < 3; i++)
		sq_accepted_fini(&lanes[i]);
	return 0;
}

static const struct sq_delivery *join(const char *receipts)
{
	char *name = path;
	struct sq_strings files = { .v = &name, .n = receipts ? 1 : 0 };
	FILE *f = receipts ? fopen(path, "we") : NULL;
	struct sq_err err = { 0 };

	if (f) {
		fputs(receipts, f);
		fclose(f);
	}
	if (sq_delivery_join(&run, "/tmp", &files, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	return run.delivery;
}

/* Of lane 0, one recipient, 100 ms under way. */
#define OK(n) "0000000000005eed.0." #n " 1764234305000000000 100000000 sound 0000000" #n "\n"
#define TWO(n, recipients) \
	"0000000000005eee.1." #n " 1764234305500000000 200000000 sound " recipients "\n"
#define ALL OK(0) OK(1) OK(2) OK(3) OK(4) OK(6) OK(7) OK(8) OK(9)

static void test_all_arrived(void **state)
{
	const struct sq_delivery *d =
		join(FIRST ALL TWO(0, "1,2") TWO(1, "1") TWO(1, "2") "end 12\n");

	(void)state;
	assert_int_equal(d->sum.accepted, 11);
	assert_int_equal(d->sum.delivered, 11);
	assert_int_equal(d->sum.undelivered + d->sum.duplicated + d->sum.corrupted +
				 d->sum.unaccepted + d->sum.recipients.copies,
			 0);
	assert_int_equal(d->sum.recipients.accepted, 13);
	assert_int_equal(d->sum.recipients.delivered, 13);
	assert_true(d->lost == 0 && d->queued == 0);
	assert_int_equal(sq_hist_count(d->sum.latency), 13);
	assert_int_equal(sq_hist_max(d->sum.latency), 200 * SQ_MS);
	assert_int_equal(d->sum.last_ns, 1500 * SQ_MS);
	assert_int_equal(d->n_loads, 2);
	assert_int_equal(d->loads[1].sum.accepted, 0);
	assert_null(d->because);
	assert_true(isnan(d->drain_s)); /* no outcomes, no due times */
}

/* Two deliveries of two recipients, of which one had both: not delivered, and duplicated. */
static void test_copies_make_up_for_nobody(void **state)
{
	const struct sq_delivery *d =
		join(FIRST ALL OK(3) OK(3) TWO(0, "1,2") TWO(1, "1") TWO(1, "1") "end 14\n");

	(void)state;
	assert_int_equal(d->sum.accepted, 11);
	assert_int_equal(d->sum.delivered, 10);
	assert_int_equal(d->sum.undelivered, 1);
	assert_int_equal(d->sum.duplicated, 2);
	assert_int_equal(d->sum.recipients.delivered, 12);
	assert_int_equal(d->sum.recipients.undelivered, 1);
	assert_int_equal(d->sum.recipients.copies, 3);
	assert_string_equal(json_string_value(json_array_get(d->loads[0].undelivered, 0)),
			    "0000000000005eee.1.1");
	assert_string_equal(json_string_value(json_array_get(d->loads[0].duplicated, 0)),
			    "0000000000005eed.0.3");
}

/* 5 and 10 were never accepted, as far as the load knows; 9's text was changed; the rest are of other
 * runs, two of them from the same seed: one before, one after. */
static void test_strangers(void **state)
{
	const struct sq_delivery *d = join(FIRST ALL OK(5) TWO(0, "1,2") TWO(
		1, "1,2") "0000000000005eed.0.10 1764234305000000000 - unchecked 1\n"
			  "0000000000005eed.0.9 1764234306000000000 1 corrupt 00000009\n"
			  "0000000000005eed.0.2 1764234305000000000 2000000000 sound 00000002\n"
			  "0000000000005eed.0.2 1764234314000000001 0 sound 00000002\n"
			  "000000000000feed.0.2 1764234305000000000 1 sound 00000002\n"
			  "0000000000005eed.1.2 1764234305000000000 1 sound 00000002\n"
			  "end 18\n");

	(void)state;
	assert_int_equal(d->sum.delivered, 11);
	assert_int_equal(d->sum.unaccepted, 2);
	assert_int_equal(d->sum.corrupted, 1);
	assert_int_equal(d->sum.unchecked, 1);
	assert_int_equal(d->sum.duplicated, 1);
	assert_int_equal(d->files[0].receipts, 14);
	assert_int_equal(d->files[0].others, 4);
}

/* Late or lost is not told by what did not arrive. */
static void test_undelivered(void **state)
{
	static char postfix[] = "postfix.queue", bounced[] = "postfix.bounced";
	struct sq_metric_rec metrics[] = {
		{ .metric = postfix, .kind = SQ_GAUGE, .last = 0 },
		{ .metric = postfix, .kind = SQ_GAUGE, .last = 3 },
		{ .metric = bounced, .kind = SQ_COUNTER, .delta = 1 },
	};
	const struct sq_delivery *d = join(FIRST "end 0\n");

	(void)state;
	assert_int_equal(d->sum.undelivered, 11);
	assert_true(isnan(d->lost) && isnan(d->queued));
	assert_non_null(strstr(d->because, "no queue"));

	run.metrics = metrics;
	run.n_metrics = 3;
	d = join(FIRST "end 0\n");
	assert_true(d->queued == 3 && d->bounced == 1 && d->lost == 7);
	metrics[1].last = 300; /* of other mail too */
	d = join(FIRST "end 0\n");
	assert_true(d->queued == 10 && d->bounced == 1 && d->lost == 0);
	/* 13 recipients are missing, of 11 messages: two may be of one. */
	metrics[2].delta = 2;
	d = join(FIRST "end 0\n");
	assert_true(isnan(d->bounced) && isnan(d->queued) && isnan(d->lost));
	assert_non_null(strstr(d->because, "recipients bounced"));
	metrics[2].delta = 13;
	d = join(FIRST "end 0\n");
	assert_true(d->queued == 0 && d->bounced == 11 && d->lost == 0);
	/* Of one recipient each. */
	metrics[1].last = 3;
	metrics[2].delta = 2;
	d = join(FIRST TWO(0, "1,2") TWO(1, "1,2") "end 2\n");
	assert_true(d->queued == 3 && d->bounced == 2 && d->lost == 4);
	d = join(FIRST OK(0));
	assert_true(isnan(d->lost));
	assert_non_null(strstr(d->because, "stop short"));
}

/* A spool that somebody made by hand: as many as it says, at once. */
static void test_very_many(void **state)
{
	const struct sq_delivery *d;

	(void)state;
	sq_accepted_fini(&lanes[0]);
	accept(&lanes[0], 0x5eed, 0, "[0, 1000000000000, 3]");
	d = join(FIRST OK(7) OK(9) "end 2\n");
	assert_int_equal(d->sum.accepted, INT64_C(1000000000002));
	assert_int_equal(d->sum.recipients.accepted, INT64_C(3000000000004));
	assert_int_equal(d->sum.recipients.delivered, 2);
	assert_int_equal(d->sum.recipients.undelivered, INT64_C(3000000000002));
	assert_int_equal(json_array_size(d->loads[0].undelivered), 20);
	assert_string_equal(json_string_value(json_array_get(d->loads[0].undelivered, 19)),
			    "0000000000005eed.0.19");
}

static void test_nothing_known(void **state)
{
	const struct sq_delivery *d = join(NULL);
	struct sq_err err = { 0 };
	char *name = path;
	struct sq_strings files = { .v = &name, .n = 1 };

	(void)state;
	assert_int_equal(d->sum.accepted, 11);
	assert_true(isnan(d->lost));
	assert_non_null(strstr(d->because, "no sink"));
	assert_int_equal(sq_delivery_join(&run, "/tmp", &files, &err), -ENOENT);
	assert_null(run.delivery);
	loads[0].n_accepted = loads[1].n_accepted = 0;
	assert_null(join(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_arrived, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_copies_make_up_for_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_strangers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_undelivered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_very_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_known, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
