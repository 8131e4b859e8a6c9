/* TLS of a client, by OpenSSL: what a lane's connections have in common, and one session of it on a
 * connected, non-blocking socket. */
#ifndef SQ_LOADGEN_ENGINE_TLS_H
#define SQ_LOADGEN_ENGINE_TLS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ssl_st;
struct sq_tls;

struct sq_tls_spec {
	char *ca; /* a file of certificates that are trusted; NULL: any server is */
	char *name; /* the server's: asked for (SNI), and, with a CA, what its certificate must name */
	bool resume;
};

/* alpn: in the wire's form, a length before each name; NULL: none is offered.  NULL with err. */
struct sq_tls *sq_tls_new(const struct sq_tls_spec *spec, const char *alpn, struct sq_err *err);
struct sq_tls *sq_tls_free(struct sq_tls *tls);

/* NULL: no memory. */
struct ssl_st *sq_tls_session_new(struct sq_tls *tls, int fd);
void sq_tls_session_free(struct ssl_st *ssl);

/* 1: done; 0: not yet, an event will tell; -1: failed, *ret_code (SQ_CODE_TLS ...) says how. */
int sq_tls_handshake(struct ssl_st *ssl, uint16_t *ret_code);
/* Of a handshake that is done: whether it went on from an earlier session. */
bool sq_tls_is_resumed(const struct ssl_st *ssl);
/* ... and whether the server chose one of the protocols that ALPN offered. */
bool sq_tls_is_agreed(const struct ssl_st *ssl);

/* Tells the server that nothing more comes (close_notify), as far as its socket takes that now. */
void sq_tls_shut(struct ssl_st *ssl);

/* As sq_stream_read and sq_stream_write. */
ssize_t sq_tls_read(struct ssl_st *ssl, void *bytes, size_t size, uint16_t *ret_code);
ssize_t sq_tls_write(struct ssl_st *ssl, const void *bytes, size_t len, uint16_t *ret_code);

#endif
