#include "base/interrupt.h"

#include <stddef.h>
#include <time.h>

void sq_interrupt_signals(sigset_t *ret)
{
	struct sigaction hup;

	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hup) == -1 || hup.sa_handler != SIG_IGN)
		sigaddset(ret, SIGHUP);
}

void sq_interrupt_hold_for(sigset_t *ret_before)
{
	sigset_t held;

	sq_interrupt_signals(&held);
	sigprocmask(SIG_BLOCK, &held, ret_before);
}

void sq_interrupt_hold(void)
{
	sq_interrupt_hold_for(NULL);
}

void sq_interrupt_let(const sigset_t *before)
{
	sigset_t held;

	sq_interrupt_signals(&held);
	while (!sigismember(before, SIGINT) &&
	       sigtimedwait(&held, NULL, &(const struct timespec){ 0 }) > 0)
		continue;
	sigprocmask(SIG_SETMASK, before, NULL);
}

bool sq_interrupted(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
	       sigismember(&pending, SIGHUP);
}
