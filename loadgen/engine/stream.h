/* One non-blocking TCP connection of a client, with or without TLS: made, read, written, closed.
 * It knows no protocol above it, and no operation.
 *
 * A failure is data: a call that fails leaves its outcome code (SQ_CODE_EOF, an errno, SQ_CODE_TLS
 * ...) in `code`, and the state tells what the connection was at. */
#ifndef SQ_LOADGEN_ENGINE_STREAM_H
#define SQ_LOADGEN_ENGINE_STREAM_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/engine/lane.h"
#include "loadgen/engine/tls.h"

enum sq_stream_state {
	SQ_STREAM_CLOSED, /* so is zeroed storage */
	SQ_STREAM_CONNECTING,
	SQ_STREAM_HANDSHAKE, /* of TLS */
	SQ_STREAM_OPEN,
};

struct sq_stream {
	int fd; /* of one that is not closed, or kept */
	uint8_t state;
	bool kept; /* closed, but the socket is there, and watched */
	uint16_t code;
	struct ssl_st *ssl; /* NULL: none */
};

/* Begins to connect to the target of the load's connection of this number (sq_client_number), from
 * its source, watched under this token, edge-triggered, once and for
 * all.  tls: NULL for none.  False: it failed, and is closed. */
bool sq_stream_open(struct sq_stream *s, struct sq_lane *lane, uint64_t number, uint32_t token,
		    struct sq_tls *tls);

/* Carries the making of the connection on at an event (EPOLLIN ...), by one state at most, so that
 * the time of each can be taken; false: it failed. */
bool sq_stream_step(struct sq_stream *s, uint32_t events);

/* How many bytes; 0: none now, an event will tell; -1: it failed, or is at its end.  A plain one that
 * is still connecting may be written to: what is taken says that it is connected. */
ssize_t sq_stream_read(struct sq_stream *s, void *bytes, size_t size);
ssize_t sq_stream_write(struct sq_stream *s, const void *bytes, size_t len);

/* Whether something came to an idle one that was not read yet: answers, or its end. */
bool sq_stream_is_stale(const struct sq_stream *s);

/* By RST: nothing is left behind, no TIME_WAIT either. */
void sq_stream_reset(struct sq_stream *s);

/* The same, but the socket is kept for the stream's next opening, under the token that it has: the
 * kernel makes, sets up and watches none anew.  Only where no event that was read before may still
 * come: in the handling of its own, or outside of any.  False: it had to be closed after all. */
bool sq_stream_reset_kept(struct sq_stream *s);

#endif
