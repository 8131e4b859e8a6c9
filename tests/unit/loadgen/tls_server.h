/* What the TLS servers of the tests share: a context, a connection that is taken into TLS, and the ways
 * in which a handshake fails.  The certificate is signed by itself: good enough where none is checked.
 * All of it is for a process that serves, where an assertion of cmocka's would say nothing. */
#ifndef SQ_TESTS_UNIT_LOADGEN_TLS_SERVER_H
#define SQ_TESTS_UNIT_LOADGEN_TLS_SERVER_H

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>

enum tls_failure {
	TLS_ENDS,   /* FIN after the client's hello */
	TLS_RESETS, /* RST there */
	TLS_PLAIN,  /* it speaks no TLS */
	TLS_SILENT, /* nor anything else */
};

/* It resumes the sessions that it gave tickets for. */
static inline SSL_CTX *tls_server_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	signal(SIGPIPE, SIG_IGN);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	if (X509_sign(cert, key, EVP_sha256()) == 0 || SSL_CTX_use_certificate(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1)
		abort();
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
	return ctx;
}

/* NULL: no handshake came about. */
static inline SSL *tls_server_take(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

/* Who closes fd then ends the connection. */
static inline void tls_server_fail(int fd, enum tls_failure how)
{
	static const char plain[] = "250 this is no TLS\r\n";
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	char hello[4096];

	while (recv(fd, hello, sizeof(hello), 0) > 0 && (how == TLS_SILENT || how == TLS_PLAIN))
		if (how == TLS_PLAIN)
			send(fd, plain, sizeof(plain) - 1, MSG_NOSIGNAL);
	if (how == TLS_RESETS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

#endif
