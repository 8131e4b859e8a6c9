/* Bodies: of the very size asked for, legal, each another one, and of the digest that is said; drawn
 * sizes lie as they should, and real messages are what they were. */
#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loadgen/smtp/body.h"
#include "loadgen/smtp/digest.h"

static struct sq_smtp_bodies *made(int64_t least, int64_t most, int size_as)
{
	const struct sq_smtp_body_spec spec = { .size = { least, most }, .size_as = size_as };

	return sq_smtp_bodies_new(&spec, NULL);
}

/* As it goes out; what it has behind it is not touched. */
static size_t whole(const struct sq_smtp_body *body, char *out)
{
	memcpy(out, body->text, body->text_len);
	memcpy(out + body->text_len, body->tail, body->tail_len);
	return body->text_len + body->tail_len;
}

static void check_body(const char *body, size_t len)
{
	size_t line = 0;

	assert_memory_equal(body + len - 2, "\r\n", 2);
	for (size_t i = 0; i < len; i++) {
		if (line == 0)
			assert_int_not_equal(body[i], '.');
		if (body[i] == '\r') {
			assert_true(i + 1 < len && body[i + 1] == '\n');
		} else if (body[i] == '\n') {
			assert_true(i > 0 && body[i - 1] == '\r');
			line = 0;
			continue;
		}
		assert_true(++line <= 79); /* the CR is one of them */
	}
}

static void every_size(void **state)
{
	const struct sq_smtp_which which = { .lane = 0x5eed5eed5eed5eed, .seq = 7 };
	char text[512];

	(void)state;
	for (int64_t size = 2; size < 400; size++) {
		struct sq_smtp_bodies *b = made(size, size, SQ_SMTP_SIZE_UNIFORM);
		struct sq_smtp_body body;
		size_t len;

		sq_smtp_body_make(b, &which, &body);
		len = whole(&body, text);
		assert_int_equal(len, size);
		assert_int_equal(body.bytes, size);
		check_body(text, len);
		assert_int_equal(body.digest, sq_smtp_digest_add(SQ_SMTP_DIGEST_EMPTY, text, len));
		sq_smtp_bodies_free(b);
	}
}

/* The published vectors. */
static void digest(void **state)
{
	(void)state;
	assert_int_equal(sq_smtp_digest_add(SQ_SMTP_DIGEST_EMPTY, "a", 1), 0xaf63dc4c8601ec8c);
	assert_int_equal(sq_smtp_digest_add(SQ_SMTP_DIGEST_EMPTY, "foobar", 6), 0x85944171f73967e8);
}

static void no_two_alike(void **state)
{
	struct sq_smtp_bodies *b = made(40, 40, SQ_SMTP_SIZE_UNIFORM);
	char texts[64][64];

	(void)state;
	for (uint64_t i = 0; i < 64; i++) {
		const struct sq_smtp_which which = { .lane = i / 32 * 1000000, .seq = i % 32 };
		struct sq_smtp_body body;

		sq_smtp_body_make(b, &which, &body);
		whole(&body, texts[i]);
		for (uint64_t j = 0; j < i; j++)
			assert_memory_not_equal(texts[i], texts[j], 40);
	}
	sq_smtp_bodies_free(b);
}

static int by_size(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* 10,000 of them, in order. */
static void draw(int64_t least, int64_t most, int size_as, size_t sizes[10000])
{
	struct sq_smtp_bodies *b = made(least, most, size_as);
	bool eight_bit;

	for (size_t i = 0; i < 10000; i++) {
		const struct sq_smtp_which which = { .lane = 42, .seq = i };
		struct sq_smtp_body body;

		sizes[i] = sq_smtp_body_size(b, &which, &eight_bit);
		assert_false(eight_bit);
		sq_smtp_body_make(b, &which, &body);
		assert_int_equal(body.bytes, sizes[i]);
	}
	qsort(sizes, 10000, sizeof(*sizes), by_size);
	assert_in_range(sizes[0], least, most);
	assert_in_range(sizes[9999], least, most);
	sq_smtp_bodies_free(b);
}

static void drawn_sizes(void **state)
{
	static size_t sizes[10000];

	(void)state;
	draw(1024, 102400, SQ_SMTP_SIZE_UNIFORM, sizes);
	assert_in_range(sizes[2500], 26000 - 1300, 26500 + 1300);
	assert_in_range(sizes[5000], 51700 - 1500, 51700 + 1500);
	/* The middle is 10 KiB; a sigma is a factor of 10^(1/1.96). */
	draw(1024, 102400, SQ_SMTP_SIZE_LOGNORMAL, sizes);
	assert_in_range(sizes[5000], 9700, 10800);
	assert_in_range(sizes[8413], 28500, 34500);
	assert_true(sizes[9990] < 102400);
	draw(2, 3, SQ_SMTP_SIZE_LOGNORMAL, sizes);
	assert_int_equal(sizes[0], 2);
	assert_int_equal(sizes[9999], 3);
}

/* ---- real messages ---- */

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct sq_smtp_bodies *letters(const char *path, struct sq_err *err)
{
	const struct sq_smtp_body_spec spec = { .messages = (char *)path };

	return sq_smtp_bodies_new(&spec, err);
}

static void check_letter(const struct sq_smtp_bodies *b, uint64_t number, const char *wire,
			 const char *body, bool eight_bit)
{
	const struct sq_smtp_which which = { .number = number };
	struct sq_smtp_body got;
	bool got_eight_bit;
	char text[4096];

	sq_smtp_body_make(b, &which, &got);
	text[whole(&got, text)] = '\0';
	assert_string_equal(text, wire);
	assert_true(got.headed);
	assert_int_equal(got.bytes, strlen(body));
	assert_int_equal(got.digest, sq_smtp_digest_add(SQ_SMTP_DIGEST_EMPTY, body, strlen(body)));
	assert_int_equal(sq_smtp_body_size(b, &which, &got_eight_bit), strlen(wire));
	assert_int_equal(got_eight_bit, eight_bit);
}

static void mbox(void **state)
{
	char path[] = "/tmp/sq-mbox-XXXXXX";
	struct sq_smtp_bodies *b;

	(void)state;
	close(mkstemp(path));
	write_text(path, "From a Mon\nMessage-ID: <old>\n (\xc3\xa4)\nSubject: one\n\nhello\n.dot\n"
			 "From here on\n"
			 "\nFrom b Tue\nDELIVERED-TO: x\nSubject: two\nTo: y\n\n\xc3\xa4\r\n");
	b = letters(path, NULL);
	assert_non_null(b);
	/* The blank line in front of the next "From " is the first one's. */
	check_letter(b, 0, "Subject: one\r\n\r\nhello\r\n..dot\r\nFrom here on\r\n\r\n",
		     "hello\r\n.dot\r\nFrom here on\r\n\r\n", false);
	check_letter(b, 1, "Subject: two\r\nTo: y\r\n\r\n\xc3\xa4\r\n", "\xc3\xa4\r\n", true);
	check_letter(b, 2, "Subject: one\r\n\r\nhello\r\n..dot\r\nFrom here on\r\n\r\n",
		     "hello\r\n.dot\r\nFrom here on\r\n\r\n", false);
	sq_smtp_bodies_free(b);
	unlink(path);
}

static void folder(void **state)
{
	char path[] = "/tmp/sq-folder-XXXXXX", file[64];
	struct sq_smtp_bodies *b;
	struct sq_err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(path));
	assert_null(letters(path, &err));
	assert_int_equal(err.code, -EINVAL);
	snprintf(file, sizeof(file), "%s/2", path);
	write_text(file, "Subject: second\n\n");
	snprintf(file, sizeof(file), "%s/1", path);
	write_text(file, "Subject: first\n");
	b = letters(path, NULL);
	assert_non_null(b);
	check_letter(b, 0, "Subject: first\r\n\r\n", "", false);
	check_letter(b, 1, "Subject: second\r\n\r\n", "", false);
	sq_smtp_bodies_free(b);
	unlink(file);
	snprintf(file, sizeof(file), "%s/2", path);
	unlink(file);
	rmdir(path);
	assert_null(letters(path, &err));
	assert_int_equal(err.code, -ENOENT);
}

/* Cut at what a line may have; a field of the header is still one behind it. */
static void long_lines(void **state)
{
	char path[] = "/tmp/sq-long-XXXXXX", line[1501] = "", text[3100], wire[3100];
	int header;
	struct sq_smtp_bodies *b;

	(void)state;
	close(mkstemp(path));
	memset(line, 'x', sizeof(line) - 1);
	snprintf(text, sizeof(text), "A: %s\n\n%s\n", line, line);
	header = snprintf(wire, sizeof(wire), "A: %.995s\r\n %s\r\n\r\n", line, line + 995);
	snprintf(wire + header, sizeof(wire) - (size_t)header, "%.998s\r\n%s\r\n", line,
		 line + 998);
	write_text(path, text);
	b = letters(path, NULL);
	assert_non_null(b);
	check_letter(b, 0, wire, wire + header, false);
	sq_smtp_bodies_free(b);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),   cmocka_unit_test(digest),
		cmocka_unit_test(no_two_alike), cmocka_unit_test(drawn_sizes),
		cmocka_unit_test(mbox),         cmocka_unit_test(folder),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
