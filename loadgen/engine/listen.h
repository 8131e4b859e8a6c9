/* The listening address of a sink: "127.0.0.1:9000", "[::1]:53".  Addresses only, no names: where
 * a server listens must not hang on a resolver. */
#ifndef SQ_LOADGEN_ENGINE_LISTEN_H
#define SQ_LOADGEN_ENGINE_LISTEN_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

/* 0, or -EINVAL with what was expected. */
int sq_listen_parse(const char *text, struct sockaddr_storage *ret_addr, socklen_t *ret_len,
		    struct sq_err *err);

/* A bound socket, non-blocking and close-on-exec, of SOCK_STREAM or SOCK_DGRAM; a stream socket
 * also listens with this backlog.  The descriptor, or -errno with err. */
int sq_listen_open(const char *text, int type, int backlog, struct sq_err *err);

enum { SQ_LISTEN_TEXT = 64 };

/* The address that it is bound to: with port 0, the port that the kernel chose. */
void sq_listen_text(int fd, char out[SQ_LISTEN_TEXT]);

/* Another listener on the address of the TCP listener fd; the kernel spreads the connections over
 * both (SO_REUSEPORT).  Nobody else's listener can be bound beside fd before this is called.  The
 * descriptor, or -errno with err. */
int sq_listen_again(int fd, int backlog, struct sq_err *err);

/* Sets SO_RCVBUF or SO_SNDBUF, beyond the system's limit where we may; SQ_OPT_UNSET leaves it.  0, or
 * -ENOBUFS with err when the kernel gives less: that would make the sink's losses somebody else's. */
int sq_listen_buffer(int fd, bool receive, int64_t asked, const char *where, struct sq_err *err);

/* A full descriptor table is a fault to ask for ("limits"), not one to run into: the soft limit is
 * raised to the hard one. */
void sq_listen_raise_limit(void);

/* Adds a stream listener to "listen_queue" and "listen_queue_limit" of the counts: its accept queue's
 * length now, and its limit. */
void sq_listen_queue(int fd, json_t *counts);

/* Set in a server's process of a run without its world: 0.0.0.0 and :: then mean loopback. */
extern bool sq_listen_loopback_only;

#endif
