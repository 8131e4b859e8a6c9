/* The server's side of TLS.
 *
 * What a reader would get wrong: the certificate that is made up proves nothing, and is not meant to.
 * A relay that encrypts where it can (opportunistic TLS, RFC 7435) takes any; one that checks needs a
 * certificate of its user's. */
#include "loadgen/engine/tls_server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/mem.h"

enum { DAY_S = 24 * 60 * 60, VALID_DAYS = 365 };

struct sq_tls_server {
	SSL_CTX *ctx;
};

static bool add_name(X509 *x, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(x);
	char *text = sq_printf_dup("DNS:%s", name);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	bool ok = ext && X509_add_ext(x, ext, -1) == 1;

	/* A CN has 64 octets at most; who checks reads the alternative name. */
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_EXTENSION_free(ext);
	free(text);
	return ok && X509_set_issuer_name(x, subject) == 1;
}

static X509 *certificate_make(EVP_PKEY *key, const char *name)
{
	X509 *x = X509_new();

	if (x && X509_set_version(x, 2) == 1 && /* v3 */
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) &&
	    X509_gmtime_adj(X509_getm_notAfter(x), (long)VALID_DAYS * DAY_S) &&
	    X509_set_pubkey(x, key) == 1 && add_name(x, name) && X509_sign(x, key, EVP_sha256()))
		return x;
	X509_free(x);
	return NULL;
}

static int make_up(SSL_CTX *ctx, const char *name, const char *where, struct sq_err *err)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? certificate_make(key, name) : NULL;
	bool ok = x && SSL_CTX_use_certificate(ctx, x) == 1 &&
		  SSL_CTX_use_PrivateKey(ctx, key) == 1;

	X509_free(x);
	EVP_PKEY_free(key);
	return ok ? 0
		  : sq_err_set(err, -EIO, where,
			       "OpenSSL makes no certificate; give one with tls_certificate");
}

static int load(SSL_CTX *ctx, const char *certificate, const char *key, const char *where,
		struct sq_err *err)
{
	if (!certificate || !key)
		return sq_err_set(err, -EINVAL, where,
				  "tls_certificate and tls_key go together; give both, or neither");
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return sq_err_set(
			err, -EINVAL, where,
			"tls_certificate: \"%.200s\" has no certificate to be read; name a "
			"file in PEM form",
			certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return sq_err_set(
			err, -EINVAL, where,
			"tls_key: \"%.200s\" has no key of that certificate; name a file in "
			"PEM form",
			key);
	return 0;
}

struct sq_tls_server *sq_tls_server_new(const char *certificate, const char *key, const char *name,
					const char *where, struct sq_err *err)
{
	struct sq_tls_server *s = sq_alloc(sizeof(*s));
	int rc;

	s->ctx = SSL_CTX_new(TLS_server_method());
	if (!s->ctx) {
		sq_err_set(err, -ENOMEM, where, "OpenSSL does not start; is its set-up whole?");
		return sq_tls_server_free(s);
	}
	SSL_CTX_set_mode(s->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS);
	rc = certificate || key ? load(s->ctx, certificate, key, where, err)
				: make_up(s->ctx, name, where, err);
	ERR_clear_error();
	return rc == 0 ? s : sq_tls_server_free(s);
}

struct sq_tls_server *sq_tls_server_free(struct sq_tls_server *server)
{
	if (!server)
		return NULL;
	SSL_CTX_free(server->ctx);
	free(server);
	return NULL;
}

struct ssl_st *sq_tls_server_session(struct sq_tls_server *server, int fd)
{
	SSL *ssl = SSL_new(server->ctx);

	if (!ssl || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

bool sq_tls_server_waits_for_room(const struct ssl_st *ssl)
{
	return SSL_want_write(ssl);
}
