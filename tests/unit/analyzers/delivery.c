/* The join: each accepted message is judged once, whatever receipts there are, and what is not known
 * is not said. */
#include "analyzers/delivery/delivery.h"

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
	run.relays = json_array();
	run.mail = json_array();
	snprintf(path, sizeof(path), "/tmp/sq-delivery-%ld", (long)getpid());
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	run.delivery = sq_delivery_free(run.delivery);
	json_decref(run.servers);
	json_decref(run.relays);
	json_decref(run.mail);
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
	assert_int_equal(d->sum.lost + d->sum.queued + d->sum.bounced, 0);
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

/* A relay whose log was read to its end, and what it said: messages as in docs/spool.md. */
static void relay_says(const char *mail, const char *lost_lines)
{
	json_decref(run.relays);
	json_decref(run.mail);
	run.relays = json_pack("[{s:s, s:s, s:o}]", "host", "relay", "log", "/var/log/mail.log",
			       "lost_lines", json_loads(lost_lines, JSON_DECODE_ANY, NULL));
	run.mail = json_loads(mail, 0, NULL);
	assert_non_null(run.mail);
}

#define SAID(name, queued, recipients)                                                     \
	"{\"name\":\"0000000000005eed.0." name "\",\"queue_id\":\"A1\",\"queued\":" queued \
	",\"recipients\":[" recipients "]}"
#define SAID_TWO(name, queued, recipients)                                                 \
	"{\"name\":\"0000000000005eee.1." name "\",\"queue_id\":\"A1\",\"queued\":" queued \
	",\"recipients\":[" recipients "]}"
#define SENT(to)     "[\"" to "\",\"sent\",\"2.0.0\",\"something else\"]"
#define DEFERRED(to) "[\"" to "\",\"deferred\",\"4.2.2\",\"refused by the host\"]"
#define BOUNCED(to)  "[\"" to "\",\"bounced\",\"5.1.1\",\"refused by the host\"]"

static void check_sums(const struct sq_delivery *d)
{
	const struct sq_delivery_sum *s = &d->sum;

	assert_int_equal(s->accepted, s->delivered + s->undelivered);
	assert_int_equal(s->undelivered, s->queued + s->bounced + s->lost);
	assert_int_equal(s->recipients.accepted,
			 s->recipients.delivered + s->recipients.undelivered);
	assert_int_equal(s->recipients.undelivered,
			 s->recipients.queued + s->recipients.bounced + s->recipients.lost);
}

static const char *first(const json_t *list)
{
	return json_string_value(json_array_get(list, 0));
}

/* Late or lost is not told by what did not arrive. */
static void test_no_word(void **state)
{
	const struct sq_delivery *d = join(FIRST "end 0\n");

	(void)state;
	assert_int_equal(d->sum.undelivered, 11);
	assert_non_null(strstr(d->because, "no relay's log"));
	relay_says("[]", "null");
	d = join(FIRST "end 0\n");
	assert_non_null(strstr(d->because, "not read to its end"));
	relay_says("[]", "3");
	d = join(FIRST "end 0\n");
	assert_non_null(strstr(d->because, "3 lines"));
	relay_says("[]", "0");
	d = join(FIRST OK(0));
	assert_non_null(strstr(d->because, "stop short"));
	d = join(FIRST "end 0\n");
	assert_null(d->because);
	assert_int_equal(d->sum.lost, 11);
	assert_int_equal(d->sum.recipients.lost, 13);
}

/* A load's targets take turns: what stands in the queue of the one without a log is not lost. */
static void test_two_relays(void **state)
{
	static char watched[] = "relay", other[] = "other", nowhere[] = "192.0.2.1:25";
	static char lookups[] = "lookups";
	struct sq_target_rec targets[] = { { .target = watched, .server = watched },
					   { .target = nowhere },
					   { .target = other, .server = other } };
	struct sq_count_rec count = { .name = lookups, .n = 1 };
	const struct sq_delivery *d;

	(void)state;
	relay_says("[]", "0");
	loads[0].targets = targets;
	loads[0].n_targets = 2;
	d = join(FIRST "end 0\n");
	assert_null(d->because);
	loads[0].n_targets = 3;
	d = join(FIRST "end 0\n");
	assert_non_null(strstr(d->because, "other had mail too"));
	d = join(FIRST ALL TWO(0, "1,2") TWO(1, "1,2") "end 11\n");
	assert_null(d->because);
	/* Nobody asked these hosts to take it. */
	loads[0].counts = &count;
	loads[0].n_counts = 1;
	d = join(FIRST "end 0\n");
	assert_null(d->because);
	loads[0].n_counts = 0;
	/* A sink has no queue. */
	json_array_append_new(run.servers, json_pack("{s:s, s:s}", "host", "other", "receipts",
						     strrchr(path, '/') + 1));
	d = join(FIRST "end 0\n");
	assert_null(d->because);
	assert_int_equal(d->sum.lost, 11);
}

/* Each by its name: other mail in the queue, and messages of other lanes, hide none of these. */
static void test_undelivered(void **state)
{
	const struct sq_delivery *d;

	(void)state;
	relay_says(
		"[" SAID("3", "true", DEFERRED("00000003")) "," SAID("4", "true", "") "," SAID(
			"1", "false",
			BOUNCED("00000001")) "," SAID("77", "true",
						      "") ","
							  "{\"name\":\"000000000000feed.0.2\",\"queue_id\":\"B\",\"queued\":true,"
							  "\"recipients\":[]}]",
		"0");
	d = join(FIRST OK(0) OK(6) OK(7) OK(8) TWO(0, "1,2") TWO(1, "1,2") "end 6\n");
	check_sums(d);
	assert_null(d->because);
	assert_int_equal(d->sum.delivered, 6);
	assert_int_equal(d->sum.queued, 2);
	assert_int_equal(d->sum.deferred, 1);
	assert_int_equal(d->sum.bounced, 1);
	assert_int_equal(d->sum.lost, 2); /* 2 and 9 */
	assert_int_equal(d->sum.unaccepted, 0);
	assert_string_equal(first(d->loads[0].queued), "0000000000005eed.0.3");
	assert_string_equal(first(d->loads[0].bounced), "0000000000005eed.0.1");
	assert_string_equal(first(d->loads[0].lost), "0000000000005eed.0.2");
	assert_int_equal(json_array_size(d->loads[0].lost), 2);
	assert_int_equal(d->n_reasons, 3);
	assert_string_equal(d->reasons[0].place, "bounced");
	assert_string_equal(d->reasons[0].dsn, "5.1.1");
	assert_string_equal(d->reasons[1].reason, "refused by the host");
	assert_string_equal(d->reasons[2].reason, "not tried yet");
}

/* Two recipients a message, each in a place of its own; what the sink has arrived, whatever a relay
 * thinks of it. */
static void test_recipients(void **state)
{
	static const struct {
		const char *receipts, *mail;
		uint64_t lost, queued, bounced, lost_messages, queued_messages, bounced_messages;
	} cases[] = {
		{ TWO(0, "1,2"), SAID_TWO("0", "true", DEFERRED("1") "," BOUNCED("2")), 0, 0, 0, 0,
		  0, 0 },
		{ TWO(0, "1"), SAID_TWO("0", "true", SENT("1") "," DEFERRED("2")), 0, 1, 0, 0, 1,
		  0 },
		{ TWO(0, "1"), SAID_TWO("0", "false", SENT("1") "," BOUNCED("2")), 0, 0, 1, 0, 0,
		  1 },
		{ TWO(0, "1"), SAID_TWO("0", "false", SENT("1") "," SENT("2")), 1, 0, 0, 1, 0, 0 },
		{ TWO(0, "1"), SAID_TWO("0", "false", SENT("1") "," DEFERRED("2")), 1, 0, 0, 1, 0,
		  0 },
		/* Its answer was lost: the relay would send it to 1 once more. */
		{ TWO(0, "1"), SAID_TWO("0", "true", DEFERRED("1")), 0, 1, 0, 0, 1, 0 },
		{ TWO(0, "1"), SAID_TWO("0", "true", DEFERRED("1") "," SENT("2")), 1, 0, 0, 1, 0,
		  0 },
		{ "", SAID_TWO("0", "true", BOUNCED("1")), 0, 1, 1, 0, 1, 0 },
		{ "", SAID_TWO("0", "false", BOUNCED("1")), 1, 0, 1, 1, 0, 0 },
		{ "", SAID_TWO("0", "false", BOUNCED("1") "," BOUNCED("2")), 0, 0, 2, 0, 0, 1 },
		/* A relay that made three of two, and a second one behind it. */
		{ "", SAID_TWO("0", "false", BOUNCED("1") "," BOUNCED("2") "," BOUNCED("3")), 0, 0,
		  2, 0, 0, 1 },
		{ "",
		  SAID_TWO("0", "true", SENT("1") "," DEFERRED("2")) "," SAID_TWO("0", "true", ""),
		  1, 1, 0, 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char mail[1024], receipts[2048];
		const struct sq_delivery *d;
		const struct sq_delivery_sum *s;

		snprintf(mail, sizeof(mail), "[%s]", cases[i].mail);
		snprintf(receipts, sizeof(receipts), FIRST ALL TWO(1, "1,2") "%send %d\n",
			 cases[i].receipts, 10 + (*cases[i].receipts != 0));
		relay_says(mail, "0");
		d = join(receipts);
		s = &d->sum;
		check_sums(d);
		if (s->recipients.lost != cases[i].lost ||
		    s->recipients.queued != cases[i].queued ||
		    s->recipients.bounced != cases[i].bounced ||
		    s->lost != cases[i].lost_messages || s->queued != cases[i].queued_messages ||
		    s->bounced != cases[i].bounced_messages)
			fail_msg("%zu: lost %llu %llu, queued %llu %llu, bounced %llu %llu", i,
				 (unsigned long long)s->recipients.lost,
				 (unsigned long long)s->lost,
				 (unsigned long long)s->recipients.queued,
				 (unsigned long long)s->queued,
				 (unsigned long long)s->recipients.bounced,
				 (unsigned long long)s->bounced);
	}
}

/* However many reasons somebody makes up. */
static void test_many_reasons(void **state)
{
	uint64_t n = 0;

	(void)state;
	relay_says("[]", "0");
	sq_accepted_fini(&lanes[0]);
	accept(&lanes[0], 0x5eed, 0, "[0, 300, 1]");
	for (int i = 0; i < 300; i++) {
		json_t *recipients = json_pack("[[s, s, o, s]]", "1", "bounced",
					       json_sprintf("5.%d.0", i), "something else");

		json_array_append_new(run.mail,
				      json_pack("{s:o, s:s, s:b, s:o}", "name",
						json_sprintf("5eed.0.%d", i), "queue_id", "A",
						"queued", 0, "recipients", recipients));
	}
	join(FIRST "end 0\n");
	check_sums(run.delivery);
	assert_int_equal(run.delivery->sum.bounced, 300);
	assert_in_range(run.delivery->n_reasons, 60, 65);
	for (size_t i = 0; i < run.delivery->n_reasons; i++)
		n += run.delivery->reasons[i].recipients;
	assert_int_equal(n, 300);
}

static void test_bad_word(void **state)
{
	static const char *const mails[] = { "[{}]", "[1]", "[" SAID("x", "true", "") "]",
					     "[" SAID("1", "true", "[]") "]",
					     "[" SAID("1", "true", SENT("x")) "]" };
	struct sq_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(*mails); i++) {
		relay_says(mails[i], "0");
		assert_int_equal(sq_delivery_join(&run, "/tmp", NULL, &err), -EINVAL);
		assert_null(run.delivery);
	}
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
		cmocka_unit_test_setup_teardown(test_no_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_relays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_undelivered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_recipients, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_reasons, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_very_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_known, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
