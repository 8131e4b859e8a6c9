/* OpenSSL as the streams need it.
 *
 * A ticket that came is kept for the connections after it, the latest one only: with TLS 1.3 it
 * comes after the handshake, so a connection that was closed before its first read leaves none.
 *
 * What a reader would get wrong: OpenSSL's error queue belongs to the thread, not to the session.
 * What an earlier call left in it would be taken for this one's failure, so each call begins by
 * clearing it. */
#include "loadgen/engine/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/outcome.h"

struct sq_tls {
	const struct sq_tls_spec *spec;
	SSL_CTX *ctx;
	SSL_SESSION *last; /* NULL: none to go on from */
};

/* ---- in common ---- */

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct sq_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	SSL_SESSION_free(tls->last);
	tls->last = session;
	return 1; /* kept */
}

struct sq_tls *sq_tls_free(struct sq_tls *tls)
{
	if (!tls)
		return NULL;
	SSL_SESSION_free(tls->last);
	SSL_CTX_free(tls->ctx);
	free(tls);
	return NULL;
}

static void set_up(struct sq_tls *tls, const char *alpn)
{
	SSL_CTX_set_app_data(tls->ctx, tls);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					   SSL_MODE_RELEASE_BUFFERS);
	if (tls->spec->resume) {
		SSL_CTX_set_session_cache_mode(tls->ctx,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(tls->ctx, on_ticket);
	}
	if (tls->spec->ca)
		SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	if (alpn)
		SSL_CTX_set_alpn_protos(tls->ctx, (const unsigned char *)alpn,
					(unsigned)strlen(alpn));
}

struct sq_tls *sq_tls_new(const struct sq_tls_spec *spec, const char *alpn, struct sq_err *err)
{
	struct sq_tls *tls = sq_alloc(sizeof(*tls));

	tls->spec = spec;
	tls->ctx = SSL_CTX_new(TLS_client_method());
	if (!tls->ctx) {
		sq_err_set(err, -ENOMEM, "tls", "OpenSSL does not start; is its set-up whole?");
		return sq_tls_free(tls);
	}
	if (spec->ca && SSL_CTX_load_verify_file(tls->ctx, spec->ca) != 1) {
		sq_err_set(err, -EINVAL, "tls_ca",
			   "\"%.200s\" has no certificate to be read; name a file in PEM form",
			   spec->ca);
		return sq_tls_free(tls);
	}
	set_up(tls, alpn);
	return tls;
}

/* ---- one session ---- */

static bool set_name(const struct sq_tls *tls, SSL *ssl)
{
	const char *name = tls->spec->name;

	if (!name)
		return true;
	if (SSL_set_tlsext_host_name(ssl, name) != 1)
		return false;
	return !tls->spec->ca || SSL_set1_host(ssl, name) == 1;
}

struct ssl_st *sq_tls_session_new(struct sq_tls *tls, int fd)
{
	SSL *ssl = SSL_new(tls->ctx);

	if (!ssl)
		return NULL;
	if (SSL_set_fd(ssl, fd) != 1 || !set_name(tls, ssl)) {
		SSL_free(ssl);
		return NULL;
	}
	if (tls->last)
		SSL_set_session(ssl, tls->last);
	SSL_set_connect_state(ssl);
	return ssl;
}

void sq_tls_session_free(struct ssl_st *ssl)
{
	/* One that is not shut down is taken for broken, and its ticket with it. */
	if (ssl)
		SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
	SSL_free(ssl);
}

void sq_tls_shut(struct ssl_st *ssl)
{
	ERR_clear_error();
	SSL_shutdown(ssl);
}

/* OpenSSL has its opinion of a certificate also when it was not asked to act on it. */
static bool is_distrusted(const SSL *ssl)
{
	return SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE &&
	       SSL_get_verify_result(ssl) != X509_V_OK;
}

static uint16_t code_of_protocol(const SSL *ssl)
{
	if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return SQ_CODE_EOF;
	return is_distrusted(ssl) ? SQ_CODE_CERTIFICATE : SQ_CODE_TLS;
}

/* 0: it will go on; -1: it will not. */
static int judge(const SSL *ssl, int rc, uint16_t *ret_code)
{
	int error = errno;

	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		*ret_code = SQ_CODE_EOF;
		break;
	case SSL_ERROR_SYSCALL:
		*ret_code = error ? sq_code_errno(error) : SQ_CODE_EOF;
		break;
	default:
		*ret_code = code_of_protocol(ssl);
	}
	return -1;
}

static void clear_errors(void)
{
	ERR_clear_error();
	errno = 0;
}

int sq_tls_handshake(struct ssl_st *ssl, uint16_t *ret_code)
{
	int rc;

	clear_errors();
	rc = SSL_do_handshake(ssl);
	return rc == 1 ? 1 : judge(ssl, rc, ret_code);
}

bool sq_tls_is_resumed(const struct ssl_st *ssl)
{
	return SSL_session_reused(ssl);
}

bool sq_tls_is_agreed(const struct ssl_st *ssl)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return len > 0;
}

ssize_t sq_tls_read(struct ssl_st *ssl, void *bytes, size_t size, uint16_t *ret_code)
{
	int rc;

	clear_errors();
	rc = SSL_read(ssl, bytes, size < INT_MAX ? (int)size : INT_MAX);
	return rc > 0 ? rc : judge(ssl, rc, ret_code);
}

ssize_t sq_tls_write(struct ssl_st *ssl, const void *bytes, size_t len, uint16_t *ret_code)
{
	int rc;

	clear_errors();
	rc = SSL_write(ssl, bytes, len < INT_MAX ? (int)len : INT_MAX);
	return rc > 0 ? rc : judge(ssl, rc, ret_code);
}
