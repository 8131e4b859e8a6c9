/* The channel between the supervisor and one child process: a SOCK_SEQPACKET pair that carries
 * one short line a message.  When either side dies the other reads the end of file, which is what
 * makes a child end itself with its supervisor.
 *
 * From the supervisor: "go T0" (ns, CLOCK_MONOTONIC), "drain" (start nothing more), "stop" (end now).
 * From a child: "ready", "note TEXT" (for a person), "event TEXT" (for the report), "done",
 * "error TEXT". */
#ifndef SQ_BASE_CTL_H
#define SQ_BASE_CTL_H

#include <stddef.h>
#include <stdint.h>

enum { SQ_CTL_LINE = 1024 };

/* Both ends close-on-exec. 0 or -errno. */
int sq_ctl_pair(int ret_fd[2]);

/* 0 or -errno (-EPIPE when the other side is gone); never raises SIGPIPE. */
int sq_ctl_send(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Reads one message within timeout_ns (SQ_NEVER: no limit; 0: what is there).  The length of the
 * line (> 0), 0 at the end of file, -ETIMEDOUT, or -errno. */
int sq_ctl_recv(int fd, char line[SQ_CTL_LINE], int64_t timeout_ns);

#endif
