/* The journal of changed settings, on real ones: this test has a network namespace of its own, whose
 * settings play the machine's.  A process that is killed at any moment leaves nothing that the next
 * one who opens the journal does not set back. */
#include "base/sysctl_journal.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/sysctl.h"

enum { KILLS = 40 };

static const char somaxconn[] = "net.core.somaxconn", ports[] = "net.ipv4.ip_local_port_range";
/* Empty, in a namespace of one's own. */
static const char reserved[] = "net.ipv4.ip_local_reserved_ports";

static char dir[] = "journal.XXXXXX";
static char somaxconn_before[SQ_SYSCTL_VALUE], ports_before[SQ_SYSCTL_VALUE];

static const char *value_of(const char *key)
{
	static char value[2][SQ_SYSCTL_VALUE];
	static int turn;

	turn = !turn;
	assert_int_equal(sq_sysctl_read(key, value[turn], SQ_SYSCTL_VALUE), 0);
	return value[turn];
}

static struct sq_journal *must_open(void)
{
	struct sq_err err = { 0 };
	struct sq_journal *j = sq_journal_open(dir, SQ_SEC, NULL, &err);

	if (!j)
		fail_msg("%s: %s", err.where, err.text);
	return j;
}

static void must_set(struct sq_journal *j, const char *key, const char *value)
{
	struct sq_err err = { 0 };

	if (sq_journal_set(j, NULL, key, value, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
}

static int set_up(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) == -1 && unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		fail_msg("no network namespace: %s", strerror(errno));
	assert_int_equal(sq_sysctl_read(somaxconn, somaxconn_before, SQ_SYSCTL_VALUE), 0);
	assert_int_equal(sq_sysctl_read(ports, ports_before, SQ_SYSCTL_VALUE), 0);
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = { "sysctl.journal", "sysctl.lock" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *path = sq_printf_dup("%s/%s", dir, files[i]);

		assert_int_equal(unlink(path), 0);
		free(path);
	}
	return rmdir(dir);
}

/* Set twice, it goes back to what it was before the first time. */
static void test_sets_back(void **state)
{
	struct sq_journal *j = must_open();

	(void)state;
	must_set(j, somaxconn, "77");
	must_set(j, ports, "40000 40099");
	must_set(j, somaxconn, "78");
	assert_string_equal(value_of(somaxconn), "78");
	assert_int_equal(sq_journal_close(j, NULL), 0);
	assert_string_equal(value_of(somaxconn), somaxconn_before);
	assert_string_equal(value_of(ports), ports_before);
}

/* To nothing as well: a write of no bytes is none to the kernel. */
static void test_sets_back_to_nothing(void **state)
{
	struct sq_journal *j = must_open();

	(void)state;
	assert_string_equal(value_of(reserved), "");
	must_set(j, reserved, "8000,9000");
	assert_int_equal(sq_journal_close(j, NULL), 0);
	assert_string_equal(value_of(reserved), "");
}

/* The kernel tells lists in a form of its own. */
static void test_lists(void **state)
{
	struct sq_journal *j = must_open();

	(void)state;
	must_set(j, reserved, "8001,8000,9000-9002");
	assert_string_equal(value_of(reserved), "8000-8001,9000-9002");
	assert_int_equal(sq_journal_close(j, NULL), 0);
}

/* What the journal cannot tell is not changed. */
static void test_no_utf8(void **state)
{
	struct sq_journal *j = must_open();
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_journal_set(j, NULL, somaxconn, "77\n\xe9", &err), -EILSEQ);
	assert_non_null(strstr(err.text, "UTF-8"));
	assert_string_equal(value_of(somaxconn), somaxconn_before);
	assert_int_equal(sq_journal_close(j, NULL), 0);
}

/* More than a reader takes, which takes more than one write: those after the first add to it. */
static void reserve_many(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_local_reserved_ports", O_WRONLY | O_CLOEXEC);
	char text[3 * SQ_SYSCTL_VALUE / 4] = "";
	int first = 10000;
	size_t len;

	assert_true(fd >= 0);
	for (int round = 0; round < 2; round++) {
		for (len = 0; len + 8 < sizeof(text); first += 2)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%d,", first);
		assert_int_equal(write(fd, text, len - 1), len - 1);
	}
	close(fd);
}

/* What could only be set back cut is left alone. */
static void test_too_long(void **state)
{
	struct sq_journal *j = must_open();
	struct sq_err err = { 0 };

	(void)state;
	reserve_many();
	assert_int_equal(sq_journal_set(j, NULL, reserved, "8000", &err), -EOVERFLOW);
	assert_non_null(strstr(err.text, "too long to be set back"));
	assert_int_equal(sq_journal_close(j, NULL), 0);
	assert_int_equal(sq_sysctl_write(reserved, ""), 0);
	assert_string_equal(value_of(reserved), "");
}

static void test_refused(void **state)
{
	static const struct {
		const char *key, *value, *words;
		int rc;
	} cases[] = {
		{ "net.core.no_such_thing", "1", "misspelt", -ENOENT },
		{ "net.core.somaxconn", "-1", "wrote -1", -EINVAL },
		/* Taken, and made something else. */
		{ "net.ipv4.tcp_ecn", "0x1", "kernel says 1", -ERANGE },
	};

	char ecn[SQ_SYSCTL_VALUE];

	(void)state;
	snprintf(ecn, sizeof(ecn), "%s", value_of("net.ipv4.tcp_ecn"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_journal *j = must_open();
		struct sq_err err = { 0 };

		assert_int_equal(sq_journal_set(j, NULL, cases[i].key, cases[i].value, &err),
				 cases[i].rc);
		assert_non_null(strstr(err.text, cases[i].words));
		assert_int_equal(sq_journal_close(j, NULL), 0);
	}
	assert_string_equal(value_of(somaxconn), somaxconn_before);
	assert_string_equal(value_of("net.ipv4.tcp_ecn"), ecn);
}

/* One at a time; who is refused is told whom to wait for. */
static void test_lock(void **state)
{
	struct sq_journal *j = must_open();
	struct sq_err err = { 0 };
	char pid[32];
	int64_t before_ns = sq_now_ns();

	(void)state;
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_null(sq_journal_open(dir, 200 * SQ_MS, NULL, &err));
	assert_int_equal(err.code, -EBUSY);
	assert_non_null(strstr(err.text, pid));
	assert_true(sq_now_ns() - before_ns >= 200 * SQ_MS);
	assert_int_equal(sq_journal_close(j, NULL), 0);
	assert_int_equal(sq_journal_close(must_open(), NULL), 0);
}

static _Noreturn void change_for_ever(void)
{
	for (int i = 0;; i++) {
		struct sq_journal *j = must_open();
		char value[32];

		snprintf(value, sizeof(value), "%d", 100 + i % 1000);
		must_set(j, somaxconn, value);
		must_set(j, ports, "40000 40099");
		sq_journal_close(j, NULL);
	}
}

static void count_told(void *arg, const char *place, const char *key, const char *from,
		       const char *to)
{
	assert_null(place);
	assert_non_null(key);
	assert_string_not_equal(from, to);
	++*(int *)arg;
}

static void test_killed(void **state)
{
	struct sq_rng rng;
	int told = 0;
	const struct sq_journal_hands hands = { .told = count_told, .arg = &told };

	(void)state;
	sq_rng_init(&rng, sq_rng_fresh_seed(), 0);
	for (int i = 0; i < KILLS; i++) {
		struct sq_err err = { 0 };
		struct sq_journal *j;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			change_for_ever();
		sq_sleep_until(sq_now_ns() + (int64_t)sq_rng_below(&rng, 20 * SQ_MS));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		j = sq_journal_open(dir, SQ_SEC, &hands, &err);
		if (!j)
			fail_msg("%s: %s", err.where, err.text);
		assert_string_equal(value_of(somaxconn), somaxconn_before);
		assert_string_equal(value_of(ports), ports_before);
		assert_int_equal(sq_journal_close(j, NULL), 0);
	}
	/* Else no kill met a changed setting, and the test showed nothing. */
	assert_true(told > 0);
}

/* A machine of one setting, which may be out of reach. */
static struct {
	char value[SQ_SYSCTL_VALUE], ran[64];
	int run_rc;
	bool gone;
} there;

static int far_read(void *arg, const char *place, const char *key, char *ret_value,
		    struct sq_err *err)
{
	(void)arg;
	assert_string_equal(place, "ssh:there");
	assert_string_equal(key, somaxconn);
	if (there.gone)
		return sq_err_set(err, -EPIPE, place, "no route");
	snprintf(ret_value, SQ_SYSCTL_VALUE, "%s", there.value);
	return 0;
}

static int far_write(void *arg, const char *place, const char *key, const char *value,
		     struct sq_err *err)
{
	(void)arg;
	(void)place;
	(void)key;
	(void)err;
	snprintf(there.value, sizeof(there.value), "%s", value);
	return 0;
}

static int far_run(void *arg, const char *place, const char *line, struct sq_err *err)
{
	size_t len = strlen(there.ran);

	(void)arg;
	(void)place;
	snprintf(there.ran + len, sizeof(there.ran) - len, "%s;", line);
	return there.run_rc ? sq_err_set(err, there.run_rc, line, "it says no") : 0;
}

static const struct sq_journal_hands far_hands = { .read = far_read,
						   .write = far_write,
						   .run = far_run };

static struct sq_journal *far_open(struct sq_err *err)
{
	return sq_journal_open(dir, SQ_SEC, &far_hands, err);
}

/* What cannot be reached stays in the journal until it can; only who has hands for it may take it up. */
static void test_far(void **state)
{
	struct sq_err err = { 0 };
	struct sq_journal *j = far_open(&err);

	(void)state;
	snprintf(there.value, sizeof(there.value), "%s", "128");
	assert_int_equal(sq_journal_set(j, "ssh:there", somaxconn, "1024", &err), 0);
	assert_string_equal(there.value, "1024");
	assert_string_equal(value_of(somaxconn), somaxconn_before);
	there.gone = true;
	assert_int_equal(sq_journal_close(j, &err), -EPIPE);
	assert_non_null(strstr(err.text, "set back to 128 at ssh:there: no route"));
	there.gone = false;
	assert_null(sq_journal_open(dir, SQ_SEC, NULL, &err));
	assert_int_equal(err.code, -ENOTSUP);
	assert_int_equal(sq_journal_close(far_open(&err), &err), 0);
	assert_string_equal(there.value, "128");
}

static bool give_up(void *arg, const struct sq_err *why)
{
	snprintf(arg, 1100, "%s: %s", why->where, why->text);
	return true;
}

/* Of a machine that is gone for good it can be given up. */
static void test_given_up(void **state)
{
	struct sq_journal_hands hands = far_hands;
	struct sq_err err = { 0 };
	struct sq_journal *j = far_open(&err);
	char said[1100] = "";

	(void)state;
	hands.give_up = give_up;
	hands.arg = said;
	must_set(j, ports, "20000\t30000");
	assert_int_equal(sq_journal_set(j, "ssh:there", somaxconn, "1024", &err), 0);
	there.gone = true;
	assert_int_equal(sq_journal_close(j, &err), -EPIPE);
	assert_string_equal(value_of(ports), ports_before);
	assert_null(far_open(&err));
	assert_non_null(strstr(err.text, "squall restore --forget"));
	assert_int_equal(sq_journal_close(sq_journal_open(dir, SQ_SEC, &hands, &err), &err), 0);
	assert_non_null(strstr(said, "net.core.somaxconn: cannot be set back to 128 at ssh:there"));
	assert_int_equal(sq_journal_close(far_open(&err), &err), 0);
	there.gone = false;
}

/* Commands run in their turn, once: one that fails keeps nobody from the journal. */
static void test_commands(void **state)
{
	struct sq_err err = { 0 };
	struct sq_journal *j = far_open(&err);

	(void)state;
	there.ran[0] = '\0';
	assert_int_equal(sq_journal_run(j, NULL, "last", &err), 0);
	assert_int_equal(sq_journal_run(j, "ssh:there", "first", &err), 0);
	assert_int_equal(sq_journal_run(j, NULL, "no UTF-8: \xe9", &err), -EILSEQ);
	assert_int_equal(sq_journal_run(j, "ssh:\xe9", "elsewhere", &err), -EILSEQ);
	there.run_rc = -EIO;
	assert_int_equal(sq_journal_close(j, &err), -EIO);
	assert_string_equal(there.ran, "first;last;");
	assert_int_equal(sq_journal_close(far_open(&err), NULL), 0);
	assert_string_equal(there.ran, "first;last;");
}

/* Nor are they run again while a setting waits for its machine, by whoever opens the journal. */
static void test_commands_beside_gone(void **state)
{
	struct sq_err err = { 0 };
	struct sq_journal *j = far_open(&err);

	(void)state;
	snprintf(there.value, sizeof(there.value), "%s", "128");
	there.ran[0] = '\0';
	there.run_rc = 0;
	assert_int_equal(sq_journal_run(j, NULL, "last", &err), 0);
	assert_int_equal(sq_journal_set(j, "ssh:there", somaxconn, "1024", &err), 0);
	assert_int_equal(sq_journal_run(j, NULL, "middle", &err), 0);
	assert_int_equal(sq_journal_run(j, NULL, "first", &err), 0);
	there.gone = true;
	assert_int_equal(sq_journal_close(j, &err), -EPIPE);
	assert_string_equal(there.ran, "first;middle;last;");
	assert_null(far_open(&err));
	assert_null(far_open(&err));
	assert_string_equal(there.ran, "first;middle;last;");
	there.gone = false;
	assert_int_equal(sq_journal_close(far_open(&err), &err), 0);
	assert_string_equal(there.ran, "first;middle;last;");
	assert_string_equal(there.value, "128");
}

/* A line that is not whole was never acted upon. */
static void test_torn(void **state)
{
	char *path = sq_printf_dup("%s/sysctl.journal", dir);
	FILE *f = fopen(path, "we");

	(void)state;
	assert_non_null(f);
	fputs("{\"key\":\"net.core.somaxconn\",\"before\":\"50\",\"wrote\":\"60\"}\n"
	      "{\"key\":\"net.ipv4.ip_local_port_range\",\"bef",
	      f);
	fclose(f);
	assert_int_equal(sq_journal_close(must_open(), NULL), 0);
	assert_string_equal(value_of(somaxconn), "50");
	assert_string_equal(value_of(ports), ports_before);
	assert_int_equal(sq_sysctl_write(somaxconn, somaxconn_before), 0);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_back), cmocka_unit_test(test_sets_back_to_nothing),
		cmocka_unit_test(test_lists),     cmocka_unit_test(test_no_utf8),
		cmocka_unit_test(test_too_long),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lock),      cmocka_unit_test(test_killed),
		cmocka_unit_test(test_far),       cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_commands),  cmocka_unit_test(test_commands_beside_gone),
		cmocka_unit_test(test_torn),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
