/* The spool's files: whole lines, torn ends, full disks. */
#include "results/spool.h"

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool_dir.h"

static int sum_n(json_t *record, void *arg, struct sq_err *err)
{
	(void)err;
	*(json_int_t *)arg += json_integer_value(json_object_get(record, "n"));
	return 0;
}

static int read_sum(const struct spool_dir *d, json_int_t *sum, int *torn, struct sq_err *err)
{
	char *path = sq_printf_dup("%s/spool/x.jsonl", d->path);
	int rc;

	*sum = 0;
	rc = sq_spool_read(path, sum_n, sum, torn, err);
	free(path);
	return rc;
}

static void test_write_read(void **state)
{
	struct spool_dir d = spool_dir_make();
	int dirfd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), torn;
	struct sq_err err = { 0 };
	struct sq_spool *s;
	json_int_t sum;

	(void)state;
	spool_dir_put(&d, "x.jsonl", "an old one\n");
	s = sq_spool_open(dirfd, "x", &err);
	assert_non_null(s);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(sq_spool_write(s, json_pack("{s:s, s:i}", "k", "t", "n", i), &err),
				 0);
	assert_int_equal(sq_spool_close(s, &err), 0);
	assert_int_equal(sq_spool_close(NULL, &err), 0);
	assert_int_equal(read_sum(&d, &sum, &torn, &err), 0);
	assert_int_equal(sum, 6);
	assert_int_equal(torn, 0);
	/* A torn end is dropped; the same within the file is not to be read over. */
	spool_dir_put(&d, "x.jsonl", "{\"k\":\"t\",\"n\":5}");
	assert_int_equal(read_sum(&d, &sum, &torn, &err), 0);
	assert_int_equal(sum, 6);
	assert_int_equal(torn, 1);
	spool_dir_put(&d, "x.jsonl", "{\"k\"\n{\"k\":\"t\",\"n\":5}\n");
	assert_int_equal(read_sum(&d, &sum, &torn, &err), -EINVAL);
	assert_non_null(strstr(err.text, "line 4"));
	close(dirfd);
	spool_dir_remove(&d);
}

static void test_no_file(void **state)
{
	struct sq_err err = { 0 };
	json_int_t sum;
	int torn;

	(void)state;
	assert_int_equal(sq_spool_read("/nonexistent", sum_n, &sum, &torn, &err), -ENOENT);
	assert_string_equal(err.where, "/nonexistent");
	assert_null(sq_spool_open(-1, "x", &err));
}

/* A limit on the file's size stands for a full disk; once it has failed, it stays so. */
static void test_failed_write(void **state)
{
	struct spool_dir d = spool_dir_make();
	int dirfd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), torn;
	struct rlimit old, small = { 20, RLIM_INFINITY };
	struct sq_err err = { 0 };
	struct sq_spool *s = sq_spool_open(dirfd, "x", &err);
	json_int_t sum;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(sq_spool_write(s, json_pack("{s:s, s:i}", "k", "t", "n", 1), &err), 0);
	assert_int_equal(sq_spool_write(s, json_pack("{s:s, s:i}", "k", "t", "n", 2), &err),
			 -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(sq_spool_write(s, json_pack("{s:s, s:i}", "k", "t", "n", 4), &err),
			 -EFBIG);
	assert_int_equal(sq_spool_close(s, &err), -EFBIG);
	assert_non_null(strstr(err.where, "/spool/x.jsonl"));
	assert_int_equal(read_sum(&d, &sum, &torn, &err), 0);
	assert_int_equal(sum, 1);
	assert_int_equal(torn, 1);
	close(dirfd);
	spool_dir_remove(&d);
}

static void test_full_disk(void **state)
{
	struct spool_dir d = spool_dir_make();
	int dirfd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *link = sq_printf_dup("%s/spool/full.jsonl", d.path);
	struct sq_err err = { 0 };
	struct sq_spool *s;

	(void)state;
	assert_int_equal(symlink("/dev/full", link), 0);
	s = sq_spool_open(dirfd, "full", &err);
	assert_non_null(s);
	assert_int_equal(sq_spool_write(s, json_pack("{s:s}", "k", "t"), &err), -ENOSPC);
	assert_non_null(strstr(err.text, "no space left; free some"));
	assert_int_equal(sq_spool_close(s, &err), -ENOSPC);
	free(link);
	close(dirfd);
	spool_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_read),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_failed_write),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
