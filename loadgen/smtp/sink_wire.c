#include "loadgen/smtp/sink_wire.h"

#include <sys/socket.h>

#include <errno.h>

#include "loadgen/engine/tls.h"
#include "results/outcome.h"

/* Of a failed call of TLS's; ECONNRESET where it was the client that went away. */
static int errno_of(uint16_t code)
{
	return code == sq_code_errno(ECONNRESET) || code == SQ_CODE_EOF ? ECONNRESET : EPROTO;
}

ssize_t sq_smtpd_wire_put(struct ssl_st *ssl, int fd, const char *data, size_t len)
{
	uint16_t code = 0;
	ssize_t n;

	if (!ssl)
		return send(fd, data, len, MSG_NOSIGNAL);
	n = sq_tls_write(ssl, data, len, &code);
	if (n > 0)
		return n;
	errno = n == 0 ? EAGAIN : errno_of(code);
	return -1;
}

ssize_t sq_smtpd_wire_get(struct ssl_st *ssl, int fd, char *data, size_t size)
{
	uint16_t code = 0;
	ssize_t n;

	if (!ssl)
		return recv(fd, data, size, 0);
	n = sq_tls_read(ssl, data, size, &code);
	if (n > 0)
		return n;
	if (n < 0 && code == SQ_CODE_EOF)
		return 0;
	errno = n == 0 ? EAGAIN : errno_of(code);
	return -1;
}

int sq_smtpd_wire_shake(struct ssl_st *ssl)
{
	uint16_t code = 0;
	int done = sq_tls_handshake(ssl, &code);

	if (done < 0)
		errno = code == SQ_CODE_EOF ? 0 : errno_of(code);
	return done;
}
