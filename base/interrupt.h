/* To be asked to end: SIGINT, SIGTERM, and SIGHUP where it is not ignored (a signal that is blocked is queued even when
 * it is ignored, and nohup's word is to be kept). */
#ifndef SQ_BASE_INTERRUPT_H
#define SQ_BASE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

void sq_interrupt_signals(sigset_t *ret);

/* Blocks them, to the end of the process: who runs one thing after another looks between two, and a signal that comes
 * just then neither kills what is to be told nor is lost. */
void sq_interrupt_hold(void);

/* Blocks them until sq_interrupt_let.  What came meanwhile and nobody took is forgotten then, unless a caller holds them
 * too: it is for the caller, who looks for it. */
void sq_interrupt_hold_for(sigset_t *ret_before);
void sq_interrupt_let(const sigset_t *before);

/* One has come that nobody took.  It stays. */
bool sq_interrupted(void);

#endif
