/* TLS of a sink, by OpenSSL: its certificate, given or made up, and sessions that begin as a server.
 * Once begun, a session is used as a client's is (loadgen/engine/tls.h). */
#ifndef SQ_LOADGEN_ENGINE_TLS_SERVER_H
#define SQ_LOADGEN_ENGINE_TLS_SERVER_H

#include <stdbool.h>

#include "base/err.h"

struct ssl_st;
struct sq_tls_server;

/* certificate and key: files in PEM form, the certificate's may hold a chain; both NULL: one is made
 * for this name, signed by itself and kept nowhere.  where: errors begin with it.  NULL with err. */
struct sq_tls_server *sq_tls_server_new(const char *certificate, const char *key, const char *name,
					const char *where, struct sq_err *err);
struct sq_tls_server *sq_tls_server_free(struct sq_tls_server *server);

/* On a connected, non-blocking socket.  NULL: no memory.  Freed by sq_tls_session_free. */
struct ssl_st *sq_tls_server_session(struct sq_tls_server *server, int fd);

/* Of one that is not done yet: whether it waits for room to write, not for bytes to read. */
bool sq_tls_server_waits_for_room(const struct ssl_st *ssl);

#endif
