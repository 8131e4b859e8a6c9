/* Files and commands here, and at the far end of a shell's pipes: the same answers. */
#include "analyzers/places/place.h"

#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzers/places/far.h"
#include "analyzers/places/place_far.h"
#include "base/clock.h"

struct bench {
	struct sq_far *far;
	struct sq_place *place;
	struct sq_buf out;
	struct sq_err err;
};

static void open_bench(struct bench *b, const char *where)
{
	*b = (struct bench){ .place = sq_place_here() };
	if (!where)
		return;
	b->far = sq_far_new(where);
	assert_int_equal(sq_far_open(b->far, &b->err), 0);
	b->place = sq_place_new(b->far);
}

static void close_bench(struct bench *b)
{
	if (b->far)
		sq_place_free(b->place);
	sq_far_free(b->far);
	sq_buf_fini(&b->out);
}

static int run(struct bench *b, const char *line, int64_t timeout_ns)
{
	b->err = (struct sq_err){ 0 };
	return sq_place_run(b->place, line, timeout_ns, &b->out, &b->err);
}

static void check_commands(struct bench *b)
{
	assert_int_equal(run(b, "echo one; printf 'two words'", SQ_SEC), 0);
	assert_string_equal(b->out.data, "one\ntwo words");
	assert_int_equal(run(b, "true", SQ_SEC), 0);
	assert_int_equal(b->out.len, 0);
	assert_int_equal(run(b, "cat", SQ_SEC), 0); /* nobody types anything */
	assert_int_equal(run(b, "echo lost >&2; sleep 0.1; exit 3", SQ_SEC), -EIO);
	assert_non_null(strstr(b->err.text, "exit status 3"));
	assert_non_null(strstr(b->err.text, "lost"));
	/* A quote that isn't closed is that command's affair alone. */
	assert_int_equal(run(b, "echo \"a", SQ_SEC), -EIO);
	/* More on standard error than a pipe holds. */
	assert_int_equal(run(b, "yes | head -c 300000 >&2; echo done", 5 * SQ_SEC), 0);
	assert_string_equal(b->out.data, "done\n");
	assert_int_equal(run(b, "yes | head -c 3000000", 5 * SQ_SEC), 0);
	assert_int_equal(b->out.len, 3000000);
}

static void check_files(struct bench *b)
{
	assert_int_equal(sq_place_read(b->place, "/proc/sys/kernel/ostype", &b->out), 0);
	assert_string_equal(b->out.data, "Linux\n");
	assert_int_equal(sq_place_read(b->place, "/no such/fi'le", &b->out), -ENOENT);
	assert_int_equal(sq_place_read(b->place, "/proc/thread-self/net/snmp", &b->out), 0);
	assert_non_null(strstr(b->out.data, "\nTcp: "));
}

static void check_time_limit(struct bench *b)
{
	int64_t began_ns = sq_now_ns();

	assert_int_equal(run(b, "sleep 20", SQ_SEC / 5), -ETIMEDOUT);
	assert_true(sq_now_ns() - began_ns < 2 * SQ_SEC);
}

static void test_here(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, NULL);
	assert_true(sq_place_is_here(b.place));
	check_commands(&b);
	check_files(&b);
	check_time_limit(&b);
	close_bench(&b);
}

static void test_far(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, "exec:sh");
	assert_false(sq_place_is_here(b.place));
	check_files(&b);
	check_commands(&b);
	check_time_limit(&b);
	/* A shell that doesn't answer is no use any more. */
	assert_false(sq_far_is_open(b.far));
	assert_string_equal(sq_far_why(b.far), "it did not answer in time");
	close_bench(&b);
}

/* All files in one answer, which is dated; each is good for one reading. */
static void test_fetch(void **state)
{
	char path[] = "/tmp/squall-place-XXXXXX";
	int fd = mkstemp(path);
	struct sq_far_moment when;
	int64_t before_ns;
	struct bench b;

	(void)state;
	assert_int_equal(write(fd, "1\n", 2), 2);
	open_bench(&b, "exec:sh");
	assert_int_equal(sq_place_fetch(b.place), 0);
	assert_int_equal(sq_place_read(b.place, path, &b.out), 0);
	assert_int_equal(sq_place_read(b.place, "/no/file", &b.out), -ENOENT);
	assert_int_equal(sq_place_read(b.place, "/proc/sys/kernel/ostype", &b.out), 0);
	before_ns = sq_now_ns();
	assert_int_equal(sq_place_fetch(b.place), 0);
	when = sq_place_when(b.place);
	assert_true(when.at_ns - when.half_ns >= before_ns);
	assert_true(when.at_ns + when.half_ns <= sq_now_ns() + 1);
	assert_int_equal(pwrite(fd, "2\n", 2, 0), 2);
	assert_int_equal(sq_place_read(b.place, path, &b.out), 0);
	assert_string_equal(b.out.data, "1\n");
	assert_int_equal(sq_place_read(b.place, "/no/file", &b.out), -ENOENT);
	assert_int_equal(sq_place_read(b.place, path, &b.out), 0);
	assert_string_equal(b.out.data, "2\n");
	close_bench(&b);
	close(fd);
	unlink(path);
}

/* A far cat that says what it likes: no file of ours, and no connection any more. */
static void test_a_far_end_that_lies(void **state)
{
	static const char *const cats[] = { "exit 0", "echo '$5 %n'", "/bin/cat \"$1\"",
					    "head -c 100000 /dev/urandom",
					    "/bin/cat \"$@\" | head -c 60" };
	char folder[] = "/tmp/squall-cat-XXXXXX";
	char path[64], lie[64], where[128];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/cat", folder);
	snprintf(lie, sizeof(lie), "%s/lie", folder);
	snprintf(where, sizeof(where), "exec:env PATH=%s:/usr/bin:/bin sh", folder);
	for (size_t i = 0; i < sizeof(cats) / sizeof(cats[0]); i++) {
		struct bench b;
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fprintf(f, "#!/bin/sh\n[ -e %s ] || exec /bin/cat \"$@\"\n%s\n", lie, cats[i]);
		fclose(f);
		assert_int_equal(chmod(path, 0755), 0);
		open_bench(&b, where);
		assert_int_equal(sq_place_read(b.place, "/proc/sys/kernel/ostype", &b.out), 0);
		assert_int_equal(sq_place_read(b.place, "/proc/sys/kernel/osrelease", &b.out), 0);
		assert_int_equal(sq_place_fetch(b.place), 0);
		assert_int_equal(mkdir(lie, 0700), 0);
		if (sq_place_fetch(b.place) != -EBADMSG || sq_far_is_open(b.far))
			fail_msg("believed: %s", cats[i]);
		rmdir(lie);
		close_bench(&b);
	}
	unlink(path);
	rmdir(folder);
}

static void put_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* After it the kernel's boot_id is another: what told files apart is learnt anew. */
static void test_a_new_boot(void **state)
{
	char folder[] = "/tmp/squall-boot-XXXXXX";
	char cat[64], boot[64], where[128], text[256];
	struct bench b;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(cat, sizeof(cat), "%s/cat", folder);
	snprintf(boot, sizeof(boot), "%s/boot", folder);
	snprintf(where, sizeof(where), "exec:env PATH=%s:/usr/bin:/bin sh", folder);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\nfor f; do case $f in */boot_id) f=%s;; esac; /bin/cat \"$f\"; done\n",
		 boot);
	put_text(cat, text);
	assert_int_equal(chmod(cat, 0755), 0);
	put_text(boot, "11111111-2222-3333-4444-555555555555\n");
	open_bench(&b, where);
	assert_int_equal(sq_place_fetch(b.place), 0);
	assert_int_equal(sq_place_read(b.place, "/proc/sys/kernel/ostype", &b.out), 0);
	assert_int_equal(sq_place_fetch(b.place), 0);
	put_text(boot, "66666666-2222-3333-4444-555555555555\n");
	assert_int_equal(sq_place_fetch(b.place), -EBADMSG);
	assert_false(sq_far_is_open(b.far));
	assert_int_equal(sq_far_open(b.far, &b.err), 0);
	assert_int_equal(sq_place_fetch(b.place), 0);
	assert_true(sq_place_when(b.place).at_ns > 0);
	assert_int_equal(sq_place_read(b.place, "/proc/sys/kernel/ostype", &b.out), 0);
	assert_string_equal(b.out.data, "Linux\n");
	close_bench(&b);
	unlink(cat);
	unlink(boot);
	rmdir(folder);
}

static void expect_why(const char *where, const char *want)
{
	struct bench b;

	open_bench(&b, where);
	assert_true(sq_place_read(b.place, "/proc/sys/kernel/ostype", &b.out) < 0);
	assert_false(sq_far_is_open(b.far));
	if (!strstr(sq_far_why(b.far), want))
		fail_msg("%s: got \"%s\", want \"%s\"", where, sq_far_why(b.far), want);
	close_bench(&b);
}

static void test_why_it_is_closed(void **state)
{
	(void)state;
	expect_why("exec:sh -c 'exit 5'", "status 5");
	expect_why("exec:sh -c 'echo \"no route\" >&2; exit 255'", "no route");
	expect_why("exec:/no/such/program", "No such file");
	expect_why("exec:sh -c 'kill -9 $$'", "signal 9");
	expect_why("exec:yes", "more than can be an answer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_here),       cmocka_unit_test(test_far),
		cmocka_unit_test(test_fetch),      cmocka_unit_test(test_a_far_end_that_lies),
		cmocka_unit_test(test_a_new_boot), cmocka_unit_test(test_why_it_is_closed),
	};

	signal(SIGPIPE, SIG_IGN); /* as the capture does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
