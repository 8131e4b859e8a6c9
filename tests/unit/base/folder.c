/* Writing a file that is there, and folders that are left: those that nobody has locked. */
#include "base/folder.h"

#include <sys/file.h>
#include <sys/stat.h>

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

static void test_write(void **state)
{
	(void)state;
	assert_int_equal(sq_file_write(AT_FDCWD, "/proc/self/comm", "folder-test"), 0);
	assert_int_equal(sq_file_write(AT_FDCWD, "/proc/self/absent", "x"), -ENOENT);
	assert_int_equal(sq_file_write(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
}

static void make(const char *in, const char *name, char ret_path[64])
{
	snprintf(ret_path, 64, "%.40s/%.20s", in, name);
	assert_int_equal(mkdir(ret_path, 0755), 0);
}

static void test_left(void **state)
{
	char in[] = "/tmp/squall-folder-XXXXXX", left[64], held[64], used[64], inside[64],
	     other[64];
	int lock;

	(void)state;
	assert_non_null(mkdtemp(in));
	make(in, "run-left", left);
	make(in, "run-held", held);
	make(in, "run-used", used);
	make(used, "inside", inside);
	make(in, "other", other);
	lock = sq_folder_lock(held, LOCK_EX | LOCK_NB);
	assert_true(lock >= 0);
	assert_int_equal(sq_folder_lock(held, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	assert_int_equal(sq_folder_lock("/tmp/squall-absent", LOCK_EX), -ENOENT);

	assert_int_equal(sq_folders_remove(in, "run-"), 1);
	assert_int_equal(access(left, F_OK), -1);
	close(lock);
	assert_int_equal(sq_folders_remove(in, "run-"), 1);
	assert_int_equal(access(held, F_OK), -1);
	assert_int_equal(rmdir(inside) + rmdir(used) + rmdir(other) + rmdir(in), 0);
	assert_int_equal(sq_folders_remove(in, "run-"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
