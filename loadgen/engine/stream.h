/* One non-blocking TCP connection of a client, with or without TLS: made, read, written, closed.
 * It knows no protocol above it, and no operation.
 *
 * A failure is data: a call that fails leaves its outcome code (SQ_CODE_EOF, an errno, SQ_CODE_TLS
 * ...) in `code`, and the state tells what the connection was at. */
#ifndef SQ_LOADGEN_ENGINE_STREAM_H
#define SQ_LOADGEN_ENGINE_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include <errno.h>
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

/* What the streams of a lane have in common; zeroed storage is a plain one, closed by RST. */
struct sq_stream_kind {
	struct sq_tls *tls; /* NULL: none */
	bool fin;           /* closed by FIN, unless it failed */
	bool ack_stamps;    /* the error queue tells when what was written was acknowledged */
	bool unwatched;     /* sq_stream_watch follows, where events are needed */
	int64_t receive_buffer,
		rate;        /* SO_RCVBUF; bytes a second (SO_MAX_PACING_RATE); 0: the kernel's */
	uint16_t first_port; /* ports are taken in turn; 0: by the kernel */
	uint32_t n_ports;
};

struct sq_stream {
	int fd; /* of one that is not closed, or kept */
	uint8_t state;
	bool kept;         /* closed, but the socket is there, and watched */
	bool fin;          /* as its kind */
	bool watched, out; /* events come; also when it can be written to */
	uint16_t code;
	struct ssl_st *ssl; /* NULL: none */
};

/* Begins to connect to the target of the load's connection of this number (sq_client_number), from
 * its source, watched under this token, edge-triggered, once and for all.  The lane's clock is read
 * just before connect(2).  False: it failed, and is closed. */
bool sq_stream_open(struct sq_stream *s, struct sq_lane *lane, const struct sq_stream_kind *kind,
		    uint64_t number, uint32_t token);

/* The same to this target, which is none of the load's, or one that its number does not tell. */
bool sq_stream_open_to(struct sq_stream *s, struct sq_lane *lane, const struct sq_stream_kind *kind,
		       const struct sq_target *to, uint64_t number, uint32_t token);

/* Whether it has connected meanwhile, without waiting for an event: on a fast path it has.  1; 0: not
 * yet, an event will tell; -1: it failed.  It must be connecting. */
int sq_stream_probe(struct sq_stream *s, const struct sq_target *to);

/* Has events come for it under this token from now on, edge-triggered, and one at once for what is
 * ready now; out: also when it can be written to, as at the end of connecting.  0 or -errno. */
int sq_stream_watch(struct sq_stream *s, struct sq_lane *lane, uint32_t token, bool out);

/* Of one that is watched: has an event come for what is ready, though none would. */
int sq_stream_again(struct sq_stream *s, struct sq_lane *lane, uint32_t token);

/* What stands against the socket (sq_code_errno), once; 0: nothing. */
uint16_t sq_stream_error(const struct sq_stream *s);

/* Takes the time stamp of an acknowledgement, of a kind that has them; false: there is none yet. */
bool sq_stream_take_stamp(const struct sq_stream *s);

/* No more time stamps of acknowledgements, of a kind that has them. */
void sq_stream_stamps_end(const struct sq_stream *s, const struct sq_stream_kind *kind);

/* Carries the making of the connection on at an event (EPOLLIN ...), by one state at most, so that
 * the time of each can be taken; false: it failed. */
bool sq_stream_step(struct sq_stream *s, uint32_t events);

/* A plain one that is open begins a handshake of TLS, which sq_stream_step carries on, at once and at
 * events; false: it failed. */
bool sq_stream_secure(struct sq_stream *s, struct sq_tls *tls);

/* How many bytes; 0: none now, an event will tell; -1: it failed, or is at its end.  A plain one that
 * is still connecting may be written to: what is taken says that it is connected. */
ssize_t sq_stream_read(struct sq_stream *s, void *bytes, size_t size);
ssize_t sq_stream_write(struct sq_stream *s, const void *bytes, size_t len);

/* The code of a read that failed after a write did, with `broken`, or none had (0).  The write that a
 * reset fails takes the socket's error with it, and the read that follows sees a plain end; a write
 * after the peer's FIN fails otherwise (EPIPE). */
static inline uint16_t sq_stream_end_code(const struct sq_stream *s, uint16_t broken)
{
	bool was_reset = s->code == SQ_CODE_EOF && broken == sq_code_errno(ECONNRESET);

	return was_reset ? broken : s->code;
}

/* Of several pieces, as if they were one; what TLS does not take is to be given to it again as it is. */
ssize_t sq_stream_writev(struct sq_stream *s, const struct iovec *pieces, unsigned n);

/* Whether something came to an idle one that was not read yet: answers, or its end. */
bool sq_stream_is_stale(const struct sq_stream *s);

/* Ends what we send (FIN); what the server sends may still be read. */
void sq_stream_shut(struct sq_stream *s);

/* As its kind wants it. */
void sq_stream_close(struct sq_stream *s, const struct sq_stream_kind *kind);

/* By RST: nothing is left behind, no TIME_WAIT either. */
void sq_stream_reset(struct sq_stream *s);

/* The same, but the socket is kept for the stream's next opening, under the token that it has: the
 * kernel makes, sets up and watches none anew.  Only where no event that was read before may still
 * come: in the handling of its own, or outside of any.  A time stamp that was not taken stays behind in
 * it.  False: it had to be closed after all. */
bool sq_stream_reset_kept(struct sq_stream *s);

/* As that, of one whose server has closed and whose end was read: by FIN.  The socket is kept when the
 * FIN was acknowledged at once, as on a fast path; else it is closed, for the FIN to be sent again. */
bool sq_stream_close_kept(struct sq_stream *s);

#endif
