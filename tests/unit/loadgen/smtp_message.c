/* Texts of mail: the list of recipients, and the header. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loadgen/smtp/message.h"
#include "loadgen/smtp/reply.h"

static struct sq_smtp_mail *mail_of(char **recipients, size_t n, const char *users, int64_t each,
				    int64_t size, struct sq_err *err)
{
	const struct sq_strings list = { recipients, n };
	const struct sq_smtp_mail_spec spec = { .sender = "s{1-2}@client.test",
						.recipients = &list,
						.users = users,
						.recipients_per_message = each,
						.subject = "load",
						.helo = "client.test",
						.body = { .size = { size, size } } };

	return sq_smtp_mail_new(&spec, err);
}

static const char *rcpt(const struct sq_smtp_mail *m, uint64_t number, unsigned i)
{
	static char out[512];

	*sq_smtp_mail_rcpt(m, number, i, out) = '\0';
	return out;
}

static void recipients_in_turn(void **state)
{
	char *patterns[] = { (char *)"a{1-2}@one.test", (char *)"b@two.test",
			     (char *)"c{08-09}@three.test" };
	struct sq_smtp_mail *m = mail_of(patterns, 3, NULL, 2, 10, NULL);
	char domain[SQ_SMTP_ADDRESS_MAX + 1];

	(void)state;
	assert_non_null(m);
	assert_string_equal(rcpt(m, 0, 0), "RCPT TO:<a1@one.test>\r\n");
	assert_string_equal(rcpt(m, 0, 1), "RCPT TO:<a2@one.test>\r\n");
	assert_string_equal(rcpt(m, 1, 0), "RCPT TO:<b@two.test>\r\n");
	assert_string_equal(rcpt(m, 1, 1), "RCPT TO:<c08@three.test>\r\n");
	assert_string_equal(rcpt(m, 2, 0), "RCPT TO:<c09@three.test>\r\n");
	assert_string_equal(rcpt(m, 2, 1), "RCPT TO:<a1@one.test>\r\n");
	assert_string_equal(sq_smtp_mail_domain(m, 1, domain), "two.test");
	sq_smtp_mail_free(m);
}

/* Every text fits in the room, and the header is one. */
static void header(void **state)
{
	char *patterns[] = { (char *)"a-rather-long-name{1-100000}@one.test" };
	struct sq_smtp_mail *m = mail_of(patterns, 1, NULL, 3, 10, NULL);
	struct sq_smtp_mail_lane lane;
	struct sq_smtp_which which = { .number = UINT64_MAX };
	struct sq_smtp_body body;
	char *text, *end;

	(void)state;
	assert_non_null(m);
	sq_smtp_mail_lane_init(&lane, UINT64_MAX, 4294967295U);
	sq_smtp_mail_lane_date(&lane, 1764000000);
	assert_string_equal(lane.date, "Mon, 24 Nov 2025 16:00:00 +0000");
	text = malloc(sq_smtp_mail_room(m));
	end = sq_smtp_mail_from(m, &which, UINT_MAX, text);
	for (unsigned i = 0; i < 3; i++)
		end = sq_smtp_mail_rcpt(m, 33332, i, end);
	which = (struct sq_smtp_which){ .number = 33332, .seq = UINT64_MAX };
	sq_smtp_mail_body(m, &which, &body);
	end = sq_smtp_mail_header(m, &lane, &which, &body, INT64_MAX, end);
	assert_true((size_t)(end - text) < sq_smtp_mail_room(m));
	which.seq = 77;
	body.digest = 0x0123456789abcdef;
	end = sq_smtp_mail_header(m, &lane, &which, &body, 1764000000000012345, text);
	*end = '\0';
	assert_string_equal(text, "Message-ID: <ffffffffffffffff.4294967295.77@client.test>\r\n"
				  "X-Squall-Id: ffffffffffffffff.4294967295.77\r\n"
				  "X-Squall-Sent: 1764000000.000012345\r\n"
				  "X-Squall-Digest: 0123456789abcdef 10\r\n"
				  "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
				  "From: <s1@client.test>\r\n"
				  "To: <a-rather-long-name99997@one.test>,\r\n"
				  " <a-rather-long-name99998@one.test>,\r\n"
				  " <a-rather-long-name99999@one.test>\r\n"
				  "Subject: load\r\n"
				  "\r\n");
	free(text);
	sq_smtp_mail_free(m);
}

/* Only what is offered, and a size that is no less than it is and not much more. */
static void parameters_of_mail(void **state)
{
	char *patterns[] = { (char *)"a@one.test" };
	struct sq_smtp_mail *m = mail_of(patterns, 1, NULL, 1, 5000, NULL);
	const struct sq_smtp_which which = { .lane = 1 };
	struct sq_smtp_mail_lane lane;
	struct sq_smtp_body body;
	char *text = malloc(sq_smtp_mail_room(m)), *end;
	unsigned long size;

	(void)state;
	*sq_smtp_mail_from(m, &which, 0, text) = '\0';
	assert_string_equal(text, "MAIL FROM:<s1@client.test>\r\n");
	*sq_smtp_mail_from(m, &which, SQ_SMTP_EXT_8BITMIME, text) = '\0';
	assert_string_equal(text, "MAIL FROM:<s1@client.test>\r\n");
	*sq_smtp_mail_from(m, &which, SQ_SMTP_EXT_SIZE, text) = '\0';
	assert_int_equal(strncmp(text, "MAIL FROM:<s1@client.test> SIZE=", 32), 0);
	size = strtoul(text + 32, &end, 10);
	assert_string_equal(end, "\r\n");
	sq_smtp_mail_lane_init(&lane, UINT64_MAX, UINT_MAX);
	sq_smtp_mail_lane_date(&lane, 1764000000);
	sq_smtp_mail_body(m, &which, &body);
	end = sq_smtp_mail_header(m, &lane, &which, &body, INT64_MAX, text);
	assert_in_range(size, 5000 + (end - text), 5100 + (end - text));
	free(text);
	sq_smtp_mail_free(m);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void users_file(void **state)
{
	char path[] = "/tmp/sq-users-XXXXXX";
	struct sq_smtp_mail *m;

	(void)state;
	write_file(path, "# who gets mail\n\n  one@a.test \r\ntwo@b.test\nthree{1-2}@c.test");
	m = mail_of(NULL, 0, path, 1, 10, NULL);
	assert_non_null(m);
	assert_string_equal(rcpt(m, 0, 0), "RCPT TO:<one@a.test>\r\n");
	assert_string_equal(rcpt(m, 1, 0), "RCPT TO:<two@b.test>\r\n");
	assert_string_equal(rcpt(m, 3, 0), "RCPT TO:<three2@c.test>\r\n");
	assert_string_equal(rcpt(m, 4, 0), "RCPT TO:<one@a.test>\r\n");
	sq_smtp_mail_free(m);
	unlink(path);
}

static void bad_users_file(void **state)
{
	char path[] = "/tmp/sq-users-XXXXXX", where[64];
	struct sq_err err = { 0 };

	(void)state;
	write_file(path, "one@a.test\n\ntwo b.test\n");
	assert_null(mail_of(NULL, 0, path, 1, 10, &err));
	snprintf(where, sizeof(where), "%s:3", path);
	assert_string_equal(err.where, where);
	assert_non_null(strstr(err.text, "two b.test"));
	assert_int_equal(err.code, -EINVAL);
	unlink(path);
	assert_null(mail_of(NULL, 0, path, 1, 10, &err));
	assert_int_equal(err.code, -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_in_turn), cmocka_unit_test(header),
		cmocka_unit_test(parameters_of_mail), cmocka_unit_test(users_file),
		cmocka_unit_test(bad_users_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
