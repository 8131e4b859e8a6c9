/* Allocation, growing strings, errors. */
#include "base/mem.h"

#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

static void zeroed_and_grown(void **state)
{
	char *p = sq_alloc(100);
	int *v = NULL;
	size_t cap = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	free(p);
	for (size_t n = 0; n < 1000; n++) {
		v = sq_grow(v, n, &cap, sizeof(*v));
		assert_true(cap > n);
		v[n] = (int)n;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v[i], i);
	free(v);
	free(sq_alloc(0));
	assert_null(sq_strdup(NULL));
	p = sq_printf_dup("%s-%d", "a", 7);
	assert_string_equal(p, "a-7");
	free(p);
}

/* n * size overflows: no allocator may say yes, and the process ends with exit 3 and a message. */
static void exhaustion_ends_the_process(void **state)
{
	static const char want[] = "squall: out of memory; ";
	char got[200] = "";
	int fd[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		sq_realloc_n(NULL, SIZE_MAX / 2, 3);
		_exit(0);
	}
	close(fd[1]);
	assert_true(read(fd[0], got, sizeof(got) - 1) > 0);
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(strncmp(got, want, strlen(want)), 0);
}

static void buffers(void **state)
{
	struct sq_buf b = { 0 };

	(void)state;
	assert_null(b.data);
	sq_buf_reset(&b);
	sq_buf_puts(&b, "");
	assert_string_equal(b.data, "");
	for (int i = 0; i < 1000; i++)
		sq_buf_printf(&b, "%03d,", i);
	assert_int_equal(b.len, 4000);
	assert_memory_equal(b.data + 3996, "999,", 5);
	sq_buf_reset(&b);
	assert_int_equal(b.len, 0);
	sq_buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	sq_buf_fini(&b);
	assert_null(b.data);
}

static void errors(void **state)
{
	struct sq_err err = { 0 };
	char text[2000];

	(void)state;
	assert_int_equal(sq_err_set(NULL, -EPERM, "x", "y"), -EPERM);
	assert_int_equal(sq_err_set(&err, -EINVAL, NULL, "n = %d", 4), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.where, "");
	assert_string_equal(err.text, "n = 4");
	/* From itself into itself. */
	sq_err_set(&err, -EIO, err.text, "again: %s", err.text);
	assert_string_equal(err.where, "n = 4");
	assert_string_equal(err.text, "again: n = 4");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	sq_err_set(&err, -EIO, text, "%s", text);
	assert_int_equal(strlen(err.where), sizeof(err.where) - 1);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_and_grown),
		cmocka_unit_test(exhaustion_ends_the_process),
		cmocka_unit_test(buffers),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
