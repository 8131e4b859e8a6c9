/* What the book says of messages, by the lines that a Postfix wrote of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzers/postfix/book.h"

#define NAME "0000000000005eed.0."

static struct sq_postfix_book *book;

static int set_up(void **state)
{
	(void)state;
	book = sq_postfix_book_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	book = sq_postfix_book_free(book);
	return 0;
}

static void line(const char *program, const char *queue_id, const char *text)
{
	struct sq_postfix_line parsed;
	char all[512];

	snprintf(all, sizeof(all), "Nov 27 05:06:07 relay postfix/%s[9]: %s: %s", program, queue_id,
		 text);
	sq_postfix_book_line(book, sq_postfix_log_parse(all, strlen(all), &parsed), &parsed);
}

static void named(const char *queue_id, const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "message-id=<%s@client.test>", name);
	line("cleanup", queue_id, text);
}

static void tried(const char *queue_id, const char *to, const char *status)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "to=<%s>, relay=x[198.18.0.9]:25, delay=1, delays=0/0/0/1, dsn=%s", to, status);
	line("smtp", queue_id, text);
}

#define SENT     "2.0.0, status=sent (250 Ok)"
#define DEFERRED "4.2.2, status=deferred (host x[198.18.0.9] said: 452 4.2.2 full)"
#define BOUNCED  "5.1.1, status=bounced (host x[198.18.0.9] said: 550 5.1.1 who)"

/* Takes the list, and says "queue_id queued: hash status dsn, ...; ..." of it. */
static void expect(json_t *list, const char *want)
{
	char got[2048] = "", part[256];
	const json_t *message, *r;
	size_t i, k;

	json_array_foreach(list, i, message) {
		const json_t *recipients = json_object_get(message, "recipients");

		snprintf(part, sizeof(part), "%s%s %s %d:", i ? "; " : "",
			 json_string_value(json_object_get(message, "name")),
			 json_string_value(json_object_get(message, "queue_id")),
			 json_is_true(json_object_get(message, "queued")));
		strcat(got, part);
		json_array_foreach(recipients, k, r) {
			snprintf(part, sizeof(part), " %s %s",
				 json_string_value(json_array_get(r, 1)),
				 json_string_value(json_array_get(r, 2)));
			strcat(got, part);
		}
	}
	assert_string_equal(got, want);
	json_decref(list);
}

/* Only what did not go its whole way is told of. */
static void test_left(void **state)
{
	(void)state;
	named("A1", NAME "1");
	named("A2", NAME "2");
	named("A3", NAME "3");
	named("B1", "2026.not.ours");
	tried("A1", "a@x.test", DEFERRED);
	tried("A1", "a@x.test", SENT);
	tried("A2", "a@x.test", SENT);
	tried("A2", "b@x.test", BOUNCED);
	tried("A3", "a@x.test", DEFERRED);
	tried("B1", "a@x.test", BOUNCED);
	line("qmgr", "A1", "removed");
	line("qmgr", "A2", "removed");
	line("postsuper", "A3", "removed");
	line("qmgr", "B1", "removed");
	line("qmgr", "C1", "removed");
	expect(sq_postfix_book_take(book),
	       NAME "2 A2 0: sent 2.0.0 bounced 5.1.1; " NAME "3 A3 0: deferred 4.2.2");
	expect(sq_postfix_book_take(book), "");
	expect(sq_postfix_book_rest(book, false), "");
}

/* Of a message that was given up no recipient is spoken of again. */
static void test_expired(void **state)
{
	(void)state;
	named("A1", NAME "1");
	tried("A1", "a@x.test", DEFERRED);
	tried("A1", "b@x.test", SENT);
	line("qmgr", "A1", "from=<c@d>, status=expired, returned to sender");
	line("qmgr", "A1", "removed");
	expect(sq_postfix_book_take(book), NAME "1 A1 0: bounced 4.2.2 sent 2.0.0");
}

/* The queue's files are the truth where they were looked at. */
static void test_queue(void **state)
{
	(void)state;
	named("A1", NAME "1");
	named("A2", NAME "2");
	tried("A1", "a@x.test", DEFERRED);
	assert_int_equal(sq_postfix_book_missing(book), 2);
	sq_postfix_book_stands(book, "A1");
	sq_postfix_book_stands(book, "A");
	sq_postfix_book_stands(book, "A11");
	assert_int_equal(sq_postfix_book_missing(book), 1);
	line("qmgr", "A1", "removed");
	named("A1", NAME "3");
	assert_int_equal(sq_postfix_book_missing(book), 2);
	sq_postfix_book_stands(book, "A1");
	line("qmgr", "A2", "removed");
	expect(sq_postfix_book_rest(book, true), NAME "3 A1 1:");
	named("A1", NAME "4");
	expect(sq_postfix_book_rest(book, true), NAME "4 A1 0:");
	expect(sq_postfix_book_rest(book, false), NAME "4 A1 1:");
}

/* A recipient that was rewritten, of two that became one; and a name without its digits. */
static void test_recipients(void **state)
{
	(void)state;
	named("A1", NAME "1");
	named("A2", "5eed.0.2");
	line("lmtp", "A1",
	     "to=<a@x.test>, orig_to=<b@x.test>, relay=y, delays=0/0/0/1, dsn=" DEFERRED);
	line("lmtp", "A1", "to=<a@x.test>, orig_to=<c@x.test>, relay=y, delays=0/0/0/1, dsn=" SENT);
	line("lmtp", "A1", "to=<a@x.test>, relay=y, delays=0/0/0/1, dsn=" BOUNCED);
	expect(sq_postfix_book_rest(book, false),
	       NAME "1 A1 1: deferred 4.2.2 sent 2.0.0 bounced 5.1.1");
}

static void test_many(void **state)
{
	enum { MANY = 20000 };
	char id[32], name[64];
	json_t *rest;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "%X", i);
		snprintf(name, sizeof(name), NAME "%d", i);
		named(id, name);
		if (i % 2)
			tried(id, "a@x.test", SENT);
	}
	for (int i = 1; i < MANY; i += 2) {
		snprintf(id, sizeof(id), "%X", i);
		line("qmgr", id, "removed");
	}
	expect(sq_postfix_book_take(book), "");
	rest = sq_postfix_book_rest(book, false);
	assert_int_equal(json_array_size(rest), MANY / 2);
	json_decref(rest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_expired, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_queue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_recipients, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
