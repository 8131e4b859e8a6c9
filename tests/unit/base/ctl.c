/* The channel to a child, over real sockets and a real child process. */
#include "base/ctl.h"

#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static void lines_keep_their_borders(void **state)
{
	char line[SQ_CTL_LINE];
	int fd[2];

	(void)state;
	assert_int_equal(sq_ctl_pair(fd), 0);
	assert_int_equal(sq_ctl_send(fd[0], "go %lld", 123456789012345LL), 0);
	assert_int_equal(sq_ctl_send(fd[0], "drain"), 0);
	assert_int_equal(sq_ctl_recv(fd[1], line, SQ_SEC), 18);
	assert_string_equal(line, "go 123456789012345");
	assert_int_equal(sq_ctl_recv(fd[1], line, 0), 5);
	assert_string_equal(line, "drain");
	assert_int_equal(sq_ctl_recv(fd[1], line, 0), -ETIMEDOUT);
	assert_int_equal(sq_ctl_send(fd[1], "%s", ""), -EINVAL);
	close(fd[0]);
	close(fd[1]);
}

static void long_lines_are_cut(void **state)
{
	char line[SQ_CTL_LINE], text[3 * SQ_CTL_LINE];
	int fd[2];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(sq_ctl_pair(fd), 0);
	assert_int_equal(sq_ctl_send(fd[0], "%s", text), 0);
	assert_int_equal(sq_ctl_recv(fd[1], line, SQ_SEC), SQ_CTL_LINE - 1);
	assert_int_equal(strlen(line), SQ_CTL_LINE - 1);
	close(fd[0]);
	close(fd[1]);
}

static void the_other_side_is_gone(void **state)
{
	char line[SQ_CTL_LINE];
	int fd[2];

	(void)state;
	assert_int_equal(sq_ctl_pair(fd), 0);
	assert_int_equal(sq_ctl_send(fd[0], "last words"), 0);
	close(fd[0]);
	assert_int_equal(sq_ctl_recv(fd[1], line, SQ_NEVER), 10);
	assert_int_equal(sq_ctl_recv(fd[1], line, SQ_NEVER), 0);
	assert_int_equal(sq_ctl_send(fd[1], "ready"), -EPIPE);
	close(fd[1]);

	/* One that ends with our line unread gives ECONNRESET first: the same for us. */
	assert_int_equal(sq_ctl_pair(fd), 0);
	assert_int_equal(sq_ctl_send(fd[1], "unread"), 0);
	close(fd[0]);
	assert_int_equal(sq_ctl_recv(fd[1], line, SQ_NEVER), 0);
	assert_int_equal(sq_ctl_send(fd[1], "ready"), -EPIPE);
	close(fd[1]);
}

static void a_child_answers_and_dies(void **state)
{
	char line[SQ_CTL_LINE];
	int fd[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(sq_ctl_pair(fd), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		close(fd[0]);
		if (sq_ctl_recv(fd[1], line, SQ_NEVER) <= 0)
			_exit(1);
		sq_ctl_send(fd[1], "note got %s", line);
		_exit(0);
	}
	close(fd[1]);
	assert_int_equal(sq_ctl_send(fd[0], "stop"), 0);
	assert_int_equal(sq_ctl_recv(fd[0], line, 10 * SQ_SEC), 13);
	assert_string_equal(line, "note got stop");
	assert_int_equal(sq_ctl_recv(fd[0], line, 10 * SQ_SEC), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd[0]);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* A signal every 2 ms neither ends a wait of 100 ms nor lengthens it. */
static void signals_do_not_matter(void **state)
{
	struct itimerval every = { { 0, 2000 }, { 0, 2000 } }, none = { 0 };
	struct sigaction action = { .sa_handler = on_alarm }, before;
	char line[SQ_CTL_LINE];
	int64_t start_ns, waited_ns;
	int fd[2], rc;

	(void)state;
	assert_int_equal(sq_ctl_pair(fd), 0);
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &every, NULL);
	start_ns = sq_now_ns();
	rc = sq_ctl_recv(fd[0], line, 100 * SQ_MS);
	waited_ns = sq_now_ns() - start_ns;
	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &before, NULL);
	assert_int_equal(rc, -ETIMEDOUT);
	assert_true(alarms > 5);
	assert_true(waited_ns >= 100 * SQ_MS);
	assert_true(waited_ns < 2 * SQ_SEC);
	close(fd[0]);
	close(fd[1]);
}

static void sleeping(void **state)
{
	int64_t start_ns = sq_now_ns();

	(void)state;
	sq_sleep_until(start_ns + 20 * SQ_MS);
	assert_true(sq_now_ns() >= start_ns + 20 * SQ_MS);
	sq_sleep_until(start_ns);
	sq_sleep_until(-5);
	assert_true(sq_wall_ns() > INT64_C(1600000000) * SQ_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_keep_their_borders),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(the_other_side_is_gone),
		cmocka_unit_test(a_child_answers_and_dies),
		cmocka_unit_test(signals_do_not_matter),
		cmocka_unit_test(sleeping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
