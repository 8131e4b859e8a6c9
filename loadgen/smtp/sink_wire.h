/* The octets of a sink's connection, through TLS or not: as send(2) and recv(2) have them. */
#ifndef SQ_LOADGEN_SMTP_SINK_WIRE_H
#define SQ_LOADGEN_SMTP_SINK_WIRE_H

#include <sys/types.h>

#include <stddef.h>

struct ssl_st;

/* ssl NULL: in the clear.  -1 with errno: EAGAIN, ECONNRESET, EPIPE; EPROTO when TLS is broken. */
ssize_t sq_smtpd_wire_put(struct ssl_st *ssl, int fd, const char *data, size_t len);
ssize_t sq_smtpd_wire_get(struct ssl_st *ssl, int fd, char *data, size_t size);

/* A step of TLS's handshake: 1 when it is done, 0 when more is needed, -1 with errno; with an errno of
 * 0 when the client closed. */
int sq_smtpd_wire_shake(struct ssl_st *ssl);

#endif
