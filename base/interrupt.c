#include "base/interrupt.h"

#include <stddef.h>

void sq_interrupt_signals(sigset_t *ret)
{
	struct sigaction hup;

	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hup) == -1 || hup.sa_handler != SIG_IGN)
		sigaddset(ret, SIGHUP);
}

void sq_interrupt_hold(void)
{
	sigset_t held;

	sq_interrupt_signals(&held);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

bool sq_interrupted(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
	       sigismember(&pending, SIGHUP);
}
