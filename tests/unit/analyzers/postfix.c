/* The source "postfix" over a log and a queue folder that are written to, rotated, emptied and filled
 * under it. */
#include <sys/stat.h>

#include "source_bench.h"

#define LINE(what) "Nov 27 05:06:07 relay postfix/smtp[321]: 4F2A31: " what "\n"
#define TRIED(dsn, status)                                                         \
	LINE("to=<a@b.test>, relay=none, delay=2.1, delays=0.04/0/2/0.5, dsn=" dsn \
	     ", status=" status)
#define SENT     TRIED("2.0.0", "sent (250 Ok)")
#define DEFERRED TRIED("4.4.3", "deferred (Host or domain name not found. Name service error)")
#define REMOVED  LINE("removed")

struct relay {
	struct probe probe;
	char folder[64], log[96], queue[96];
	void *conf;
};

static void must_in(const struct relay *r, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", r->folder, command);
	must(line);
}

static void append_to(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void append(const struct relay *r, const char *text)
{
	append_to(r->log, text);
}

static void *conf_of(const char *log, const char *queue)
{
	const struct sq_source *source = source_named("postfix");
	json_t *object = json_pack("{s:s, s:s}", "log", log, "queue", queue);
	void *conf = calloc(1, source->kind.conf_size);
	struct sq_opt_ctx ctx = { .file = "test" };
	struct sq_err err = { 0 };

	if (sq_opt_parse(&ctx, source->kind.opts, object, "", conf, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	json_decref(object);
	return conf;
}

static void relay_open(struct relay *r)
{
	strcpy(r->folder, "/tmp/squall-unit-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->log, sizeof(r->log), "%s/mail.log", r->folder);
	snprintf(r->queue, sizeof(r->queue), "%s/queue", r->folder);
	must_in(r, "mkdir -p queue/incoming queue/active queue/deferred/A queue/deferred/B");
	append(r, DEFERRED SENT); /* before the run */
	r->conf = conf_of(r->log, r->queue);
	probe_open_conf(&r->probe, "postfix", r->conf);
	probe_tick(&r->probe);
}

static json_t *relay_close(struct relay *r)
{
	json_t *records = probe_close(&r->probe);

	must_in(r, "rm -r mail.log* queue && rmdir $PWD");
	sq_opt_fini(source_named("postfix")->kind.opts, r->conf);
	free(r->conf);
	return records;
}

static void assert_value(const json_t *records, const char *metric, const char *instance,
			 int64_t want)
{
	int64_t got = last_value(records, metric, instance);

	if (got != want)
		fail_msg("%s %s: got %lld, want %lld", metric, instance ? instance : "",
			 (long long)got, (long long)want);
}

static void test_counts(void **state)
{
	struct relay r;
	json_t *records;

	(void)state;
	relay_open(&r);
	append(&r, LINE("client=x[198.18.0.1]") DEFERRED SENT SENT REMOVED);
	append(&r, TRIED("5.4.4", "bounced (Host or domain name not found. Name service error)"));
	append(&r,
	       TRIED("4.4.3", "deferred (delivery temporarily suspended: Host or domain name not "
			      "found)"));
	append(&r, "what\n");
	must_in(&r, "touch queue/incoming/1 queue/deferred/A/A2 queue/deferred/A/A3 "
		    "queue/deferred/B/B4");
	usleep(200000); /* the count before is paid off */
	probe_tick(&r.probe);
	records = relay_close(&r);
	assert_value(records, "postfix.received", NULL, 1);
	assert_value(records, "postfix.sent", NULL, 2);
	assert_value(records, "postfix.removed", NULL, 1);
	assert_value(records, "postfix.deferred", "name service error", 2);
	assert_value(records, "postfix.deferred", "connection refused", 0);
	assert_value(records, "postfix.untried", "name service error", 1);
	assert_value(records, "postfix.bounced", "name service error", 1);
	assert_value(records, "postfix.dsn", "4.4.3", 2);
	assert_value(records, "postfix.dsn", "2.0.0", 2);
	assert_value(records, "postfix.delay", "before the queue manager", 200);
	assert_value(records, "postfix.delay", "look-up and connect", 10000);
	assert_value(records, "postfix.delay", "transmission", 2500);
	assert_value(records, "postfix.lines", NULL, 8);
	assert_value(records, "postfix.skipped", NULL, 1);
	assert_value(records, "postfix.queue", "incoming", 1);
	assert_value(records, "postfix.queue", "active", 0);
	assert_value(records, "postfix.queue", "deferred", 3);
	json_decref(records);
}

static json_t *record_of(const json_t *records, const char *kind, int nth)
{
	json_t *r;
	size_t i;

	json_array_foreach(records, i, r)
		if (strcmp(json_string_value(json_object_get(r, "k")), kind) == 0 && nth-- == 0)
			return r;
	fail_msg("no %s", kind);
	return NULL;
}

/* What it says of messages, while it goes on and at the end. */
static void test_messages(void **state)
{
	struct relay r;
	json_t *records, *mail, *relay;

	(void)state;
	relay_open(&r);
	append(&r, LINE("message-id=<0000000000005eed.0.1@c.test>") DEFERRED);
	append(&r, "a b postfix/cleanup[1]: B1: message-id=<0000000000005eed.0.2@c.test>\n");
	append(&r, "a b postfix/cleanup[1]: B2: message-id=<0000000000005eed.0.3@c.test>\n");
	append(&r, "a b postfix/smtp[1]: B1: to=<a>, relay=x, delays=0/0/0/0, dsn=5.0.0, "
		   "status=bounced (x)\na b postfix/qmgr[1]: B1: removed\n");
	must_in(&r, "touch queue/active/4F2A31 queue/deferred/B/B3");
	probe_tick(&r.probe);
	append(&r, "a b postfix/cleanup[1]: B4: message-id=<0000000000005eed.0.4@c.test>\n");
	must_in(&r, "mkdir queue/hold && touch queue/hold/B4");
	sq_sample_enter(r.probe.bench.sample, r.probe.bench.source);
	r.probe.source->last(r.probe.state);
	records = relay_close(&r);
	assert_int_equal(count_records(records, "mail"), 2);
	mail = json_object_get(record_of(records, "mail", 0), "messages");
	assert_int_equal(json_array_size(mail), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(mail, 0), "queue_id")),
			    "B1");
	mail = json_object_get(record_of(records, "mail", 1), "messages");
	assert_int_equal(json_array_size(mail), 3);
	for (size_t i = 0; i < 3; i++) {
		const json_t *m = json_array_get(mail, i);
		bool gone = strcmp(json_string_value(json_object_get(m, "queue_id")), "B2") == 0;

		assert_int_equal(json_is_true(json_object_get(m, "queued")), !gone);
	}
	assert_int_equal(count_records(records, "relay"), 2);
	relay = record_of(records, "relay", 0);
	assert_true(json_is_null(json_object_get(relay, "lost_lines")));
	relay = record_of(records, "relay", 1);
	assert_int_equal(json_integer_value(json_object_get(relay, "lost_lines")), 0);
	assert_string_equal(json_string_value(json_object_get(relay, "log")), r.log);
	json_decref(records);
}

/* The old file is written to after it was renamed; what it still gets is not lost, but for a line
 * whose end never comes. */
static void test_rotation(void **state)
{
	struct relay r;
	char old[100];
	json_t *records;

	(void)state;
	relay_open(&r);
	snprintf(old, sizeof(old), "%s.1", r.log);
	append(&r, SENT "Nov 27 05:06:07 relay post");
	probe_tick(&r.probe);
	must_in(&r, "mv mail.log mail.log.1");
	append_to(old, "fix/qmgr[1]: 4F2A31: removed\n" SENT);
	probe_tick(&r.probe);
	append_to(old, SENT "Nov 27 05:06:08 re");
	append(&r, DEFERRED);
	probe_tick(&r.probe);
	append(&r, SENT);
	probe_tick(&r.probe);
	records = relay_close(&r);
	assert_value(records, "postfix.removed", NULL, 1);
	assert_value(records, "postfix.sent", NULL, 4);
	assert_value(records, "postfix.deferred", "name service error", 1);
	assert_value(records, "postfix.lines", NULL, 7);
	assert_value(records, "postfix.skipped", NULL, 1);
	json_decref(records);
}

static void test_emptied_in_place(void **state)
{
	struct relay r;
	json_t *records;

	(void)state;
	relay_open(&r);
	append(&r, SENT SENT SENT);
	probe_tick(&r.probe);
	must_in(&r, ": > mail.log");
	probe_tick(&r.probe);
	append(&r, SENT);
	probe_tick(&r.probe);
	records = relay_close(&r);
	assert_value(records, "postfix.sent", NULL, 4);
	assert_value(records, "postfix.skipped", NULL, 0);
	json_decref(records);
}

/* Longer than any line that can be held, between others. */
static void test_long_lines(void **state)
{
	enum { LONG = 200000 };
	char *text = calloc(1, LONG + 2);
	struct relay r;
	json_t *records;

	(void)state;
	memset(text, 'x', LONG);
	text[LONG] = '\n';
	relay_open(&r);
	for (int i = 0; i < 50; i++) { /* more than one reading takes */
		append(&r, SENT);
		append(&r, text);
	}
	for (int i = 0; i < 4; i++)
		probe_tick(&r.probe);
	records = relay_close(&r);
	assert_value(records, "postfix.sent", NULL, 50);
	assert_value(records, "postfix.skipped", NULL, 50);
	assert_value(records, "postfix.lines", NULL, 100);
	json_decref(records);
	free(text);
}

/* However many DSNs somebody makes up, rows are few. */
static void test_made_up_dsns(void **state)
{
	struct relay r;
	json_t *records;

	(void)state;
	relay_open(&r);
	for (int i = 0; i < 300; i++) {
		char line[256];

		snprintf(
			line, sizeof(line),
			"a b postfix/smtp[1]: A: to=<a>, delays=0/0/0/0, dsn=4.%d.0, status=sent (x)\n",
			i);
		append(&r, line);
	}
	probe_tick(&r.probe);
	records = relay_close(&r);
	assert_value(records, "postfix.sent", NULL, 300);
	assert_value(records, "postfix.dsn", "4.62.0", 1);
	assert_value(records, "postfix.dsn", "others", 300 - 63);
	json_decref(records);
}

static void refuses(const struct relay *r, const char *log, const char *queue, int want)
{
	const struct sq_source *source = source_named("postfix");
	void *memory = calloc(1, source->state_size), *conf = conf_of(log, queue);
	struct sq_err err = { 0 };
	int rc = source->open(memory, conf, r->probe.bench.sample, &err);

	if (rc != want || !err.text[0])
		fail_msg("%s, %s: got %d, %s", log, queue, rc, err.text);
	sq_opt_fini(source->kind.opts, conf);
	free(conf);
	free(memory);
}

static void test_not_available(void **state)
{
	struct relay r;

	(void)state;
	relay_open(&r);
	must_in(&r, "mkfifo fifo");
	refuses(&r, "/nowhere/mail.log", r.queue, -ENOENT);
	refuses(&r, "/dev/null", r.queue, -EINVAL);
	refuses(&r, r.log, r.folder, -ENOENT);
	must_in(&r, "mv fifo mail.log.fifo");
	strcat(r.log, ".fifo");
	refuses(&r, r.log, r.queue, -EINVAL);
	json_decref(relay_close(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),      cmocka_unit_test(test_counts),
		cmocka_unit_test(test_rotation),      cmocka_unit_test(test_emptied_in_place),
		cmocka_unit_test(test_long_lines),    cmocka_unit_test(test_made_up_dsns),
		cmocka_unit_test(test_not_available),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
