/* Receipts: what is written is what is read, whole files are told from cut ones, and nothing else is
 * taken for one. */
#include "results/receipt.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static char path[64];

static int scratch(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/sq-receipts-%ld", (long)getpid());
	unlink(path);
	return 0;
}

static int scratch_end(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

struct seen {
	int n;
	struct sq_receipt last;
	uint32_t recipients[8];
};

static void see(const struct sq_receipt *receipt, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	seen->last = *receipt;
	assert_in_range(receipt->n_recipients, 1, 8);
	memcpy(seen->recipients, receipt->recipients,
	       receipt->n_recipients * sizeof(*receipt->recipients));
}

static int read_all(struct seen *seen, struct sq_receipts_file *file)
{
	struct sq_err err = { 0 };

	*seen = (struct seen){ 0 };
	return sq_receipts_read(path, see, seen, file, &err);
}

static void put(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_round_trip(void **state)
{
	static const uint32_t recipients[] = { 0, UINT32_MAX, 0x9c1d2e3f };
	const struct sq_receipt cases[] = {
		{ { 0x5eed, 3, 17 },
		  1764234304123456789,
		  1764234304023456780,
		  SQ_RECEIPT_SOUND,
		  recipients,
		  3 },
		{ { UINT64_MAX, 0, 0 },
		  1764234304123456789,
		  -1,
		  SQ_RECEIPT_UNCHECKED,
		  recipients,
		  1 },
		{ { 1, 65535, INT64_MAX }, 1000, 2000, SQ_RECEIPT_CORRUPT, recipients + 1, 2 },
		{ { 1, 0, 0 }, 1764234304123456789, INT64_MAX, SQ_RECEIPT_SOUND, recipients, 1 },
		{ { 1, 0, 0 }, INT64_MAX, 0, SQ_RECEIPT_SOUND, recipients, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_err err = { 0 };
		struct sq_receipts *r = sq_receipts_open(path, &err);
		struct sq_receipts_file file;
		struct seen seen;

		assert_non_null(r);
		sq_receipts_add(r, &cases[i]);
		sq_receipts_flush(r);
		assert_false(sq_receipts_waiting(r));
		assert_int_equal(read_all(&seen, &file), 0);
		assert_false(file.whole);
		assert_null(sq_receipts_close(r));
		assert_int_equal(read_all(&seen, &file), 0);
		assert_true(file.whole);
		assert_int_equal(file.n, 1);
		assert_memory_equal(seen.recipients, cases[i].recipients,
				    cases[i].n_recipients * sizeof(*recipients));
		assert_int_equal(seen.last.name.id, cases[i].name.id);
		assert_int_equal(seen.last.name.lane, cases[i].name.lane);
		assert_int_equal(seen.last.name.number, cases[i].name.number);
		assert_int_equal(seen.last.arrived_ns, cases[i].arrived_ns);
		assert_int_equal(seen.last.sent_ns, cases[i].sent_ns);
		assert_int_equal(seen.last.text, cases[i].text);
		assert_int_equal(seen.last.n_recipients, cases[i].n_recipients);
		assert_null(sq_receipts_open(path, &err)); /* each sink's is a new one */
		assert_int_equal(err.code, -EEXIST);
		unlink(path);
	}
}

#define FIRST "squall-receipts/1\n"
#define LINE  "5eed5eed5eed5eed.0.17 1764234304123456789 12345678 sound 9c1d2e3f\n"

static void test_files(void **state)
{
	static const struct {
		const char *text;
		int rc, n, whole;
	} cases[] = {
		{ "", 0, 0, 0 },
		{ FIRST, 0, 0, 0 },
		{ FIRST "end 0\n", 0, 0, 1 },
		{ FIRST LINE LINE "end 2\n", 0, 2, 1 },
		{ FIRST LINE LINE "end 3\n", 0, 2, 0 },
		{ FIRST LINE "5eed5eed5eed5eed.0.18 17642", 0, 1, 0 },
		{ LINE, -EINVAL, 0, 0 },
		{ FIRST "\n", -EINVAL, 0, 0 },
		{ FIRST "5eed.0.17 1 -1 sound 9c1d2e3f,\n", -EINVAL, 0, 0 },
		{ FIRST "5eed.0.17 1 1 sound \n", -EINVAL, 0, 0 },
		{ FIRST "5eed.0.17 1 1 good 0\n", -EINVAL, 0, 0 },
		{ FIRST "5eed.0.17 1 1 sound 100000000\n", -EINVAL, 0, 0 },
		{ FIRST "5eed.0.-1 1 1 sound 0\n", -EINVAL, 0, 0 },
		{ FIRST "5eed.0.17 1 2 sound 0\n", -EINVAL, 0, 0 },
		{ FIRST "5eed.0.17 9223372036854775807 -1 sound 0\n", -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_receipts_file file;
		struct seen seen;
		int rc;

		put(cases[i].text);
		rc = read_all(&seen, &file);
		if (rc != cases[i].rc || seen.n != cases[i].n ||
		    (rc == 0 && file.whole != cases[i].whole))
			fail_msg("%zu: got %d, %d receipts, whole %d", i, rc, seen.n, file.whole);
	}
}

static void test_full_disk(void **state)
{
	static const uint32_t recipient = 1;
	const struct sq_receipt receipt = { .sent_ns = -1,
					    .recipients = &recipient,
					    .n_recipients = 1 };
	struct sq_err err = { 0 };
	struct sq_receipts *r;

	(void)state;
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_null(sq_receipts_open(path, &err));
	unlink(path);
	r = sq_receipts_new(open("/dev/full", O_WRONLY | O_CLOEXEC));
	sq_receipts_add(r, &receipt);
	sq_receipts_flush(r);
	assert_int_equal(sq_receipts_failed(r), ENOSPC);
	sq_receipts_add(r, &receipt);
	assert_false(sq_receipts_waiting(r));
	sq_receipts_close(r);
}

static void test_recipients_by_any_case(void **state)
{
	(void)state;
	assert_int_equal(sq_receipt_recipient("User1@A.test", 12),
			 sq_receipt_recipient("user1@a.test", 12));
	assert_int_not_equal(sq_receipt_recipient("user1@a.test", 12),
			     sq_receipt_recipient("user2@a.test", 12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, scratch, scratch_end),
		cmocka_unit_test_setup_teardown(test_files, scratch, scratch_end),
		cmocka_unit_test_setup_teardown(test_full_disk, scratch, scratch_end),
		cmocka_unit_test(test_recipients_by_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
