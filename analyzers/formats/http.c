/* The smallest HTTP client that statistics need.  It asks by HTTP/1.0, so that a server neither cuts
 * its answer into chunks nor keeps the connection: the answer ends where the connection does, and
 * Content-Length says whether that was all of it.
 *
 * What a reader would get wrong:
 * - Each reading is a connection of its own, which the server and the kernel count as any other.
 * - Nothing is followed: a redirection is no answer, and neither is an error page. */
#include "analyzers/formats/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	LONGEST = 64 << 20, /* of an answer; named's with 100,000 zones is 40 MiB */
	PIECE = 65536,
	HOST = INET6_ADDRSTRLEN + 8,
};

struct url {
	struct sockaddr_storage address;
	socklen_t address_len;
	char host[HOST]; /* as it was written, with the port */
	const char *path;
};

/* ---- the URL ---- */

static bool put_address(struct url *u, const char *ip, uint16_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&u->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&u->address;

	if (inet_pton(AF_INET, ip, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		u->address_len = sizeof(*four);
		return true;
	}
	if (inet_pton(AF_INET6, ip, &six->sin6_addr) != 1)
		return false;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	u->address_len = sizeof(*six);
	return true;
}

static bool split_host(struct url *u)
{
	char ip[HOST], *port, *end;
	unsigned long number = 80;

	memcpy(ip, u->host, sizeof(ip));
	port = strrchr(ip, ip[0] == '[' ? ']' : ':');
	if (ip[0] == '[' && port) {
		*port++ = '\0';
		memmove(ip, ip + 1, strlen(ip));
		port = *port == ':' ? port : NULL;
	}
	if (port) {
		*port++ = '\0';
		number = strtoul(port, &end, 10);
		if (end == port || *end || number < 1 || number > UINT16_MAX)
			return false;
	}
	return put_address(u, ip, (uint16_t)number);
}

static bool is_plain(const char *url)
{
	for (; *url; url++)
		if (*url <= ' ' || *url > '~' || *url == '\'' || *url == '"' || *url == '\\')
			return false;
	return true;
}

static int parse_url(const char *url, struct url *u, struct sq_err *err)
{
	static const char scheme[] = "http://";
	const char *host = url + strlen(scheme);
	size_t len;

	*u = (struct url){ .path = "/" };
	if (strncmp(url, scheme, strlen(scheme)) == 0 && is_plain(url)) {
		len = strcspn(host, "/");
		if (host[len])
			u->path = host + len;
		if (len > 0 && len < sizeof(u->host)) {
			memcpy(u->host, host, len);
			if (split_host(u))
				return 0;
		}
	}
	return sq_err_set(err, -EINVAL, url,
			  "not a URL that can be read; give http://ADDRESS:PORT/PATH, as in "
			  "http://127.0.0.1:8053/json/v1");
}

int sq_http_check(const char *url, struct sq_err *err)
{
	struct url u;

	return parse_url(url, &u, err);
}

/* ---- the exchange ---- */

static int wait_for(int fd, short events, int64_t until_ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left_ns = until_ns - sq_now_ns();
	int rc = left_ns > 0 ? poll(&p, 1, (int)(left_ns / SQ_MS) + 1) : 0;

	if (rc == -1)
		return errno == EINTR ? 0 : -errno;
	return rc == 0 ? -ETIMEDOUT : 0;
}

static int connect_to(int fd, const struct url *u, int64_t until_ns)
{
	int error = 0, rc;
	socklen_t len = sizeof(error);

	if (connect(fd, (const struct sockaddr *)&u->address, u->address_len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	rc = wait_for(fd, POLLOUT, until_ns);
	if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return -errno;
	return rc == 0 ? -error : rc;
}

static int send_all(int fd, const struct sq_buf *request, int64_t until_ns)
{
	size_t sent = 0;
	int rc = 0;

	while (rc == 0 && sent < request->len) {
		ssize_t n = send(fd, request->data + sent, request->len - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (n == -1 && errno != EAGAIN && errno != EINTR)
			rc = -errno;
		else
			rc = wait_for(fd, POLLOUT, until_ns);
	}
	return rc;
}

static int receive_all(int fd, struct sq_buf *out, int64_t until_ns)
{
	char *piece = malloc(PIECE);
	int rc = piece ? 0 : -ENOMEM;

	while (rc == 0 && out->len <= LONGEST) {
		ssize_t n = recv(fd, piece, PIECE, 0);

		if (n == 0)
			break;
		if (n > 0)
			sq_buf_add(out, piece, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			rc = -errno;
		else
			rc = wait_for(fd, POLLIN, until_ns);
	}
	free(piece);
	return out->len > LONGEST ? -EMSGSIZE : rc;
}

static int exchange(const struct url *u, int64_t until_ns, struct sq_buf *answer)
{
	int fd = socket(u->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sq_buf request = { 0 };
	int rc;

	if (fd == -1)
		return -errno;
	sq_buf_printf(&request,
		      "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: squall\r\n"
		      "Accept: application/json, text/plain; version=0.0.4, */*;q=0.1\r\n\r\n",
		      u->path, u->host);
	rc = connect_to(fd, u, until_ns);
	if (rc == 0)
		rc = send_all(fd, &request, until_ns);
	if (rc == 0)
		rc = receive_all(fd, answer, until_ns);
	sq_buf_fini(&request);
	close(fd);
	return rc;
}

/* ---- the answer ---- */

/* The value of a header's field, empty when it isn't there. */
static struct sq_span field_of(struct sq_span head, const char *name)
{
	struct sq_span line, key;

	while (sq_span_line(&head, &line)) {
		if (sq_span_cut(&line, ':', &key) && sq_span_len(key) == strlen(name) &&
		    strncasecmp(key.p, name, strlen(name)) == 0)
			return sq_span_trim(line);
	}
	return (struct sq_span){ head.end, head.end };
}

int sq_http_body(struct sq_span answer, struct sq_span *ret_body, struct sq_err *err)
{
	const char *end = sq_span_find(answer, "\r\n\r\n");
	struct sq_span head = { answer.p, end }, line, word, status;
	uint64_t code, length;

	if (!end || !sq_span_begins(answer, "HTTP/1.") || !sq_span_line(&head, &line) ||
	    !sq_span_word(&line, &word) || !sq_span_word(&line, &status) ||
	    !sq_span_number(status, &code))
		return sq_err_set(err, -EBADMSG, "", "the answer is not HTTP");
	if (code != 200)
		return sq_err_set(err, -EBADMSG, "",
				  "the answer's status is %llu; see that the path is right",
				  (unsigned long long)code);
	if (sq_span_len(field_of(head, "Transfer-Encoding")) > 0)
		return sq_err_set(err, -EBADMSG, "", "the answer to HTTP/1.0 is in chunks");
	*ret_body = (struct sq_span){ end + 4, answer.end };
	if (sq_span_number(field_of(head, "Content-Length"), &length) &&
	    length != sq_span_len(*ret_body))
		return sq_err_set(err, -EBADMSG, "", "the answer is cut: %zu of %llu bytes",
				  sq_span_len(*ret_body), (unsigned long long)length);
	return 0;
}

/* Is it an address of this namespace?  Those can be bound. */
static bool is_own(const struct url *u)
{
	struct sockaddr_storage a = u->address;
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool own;

	if (a.ss_family == AF_INET)
		((struct sockaddr_in *)&a)->sin_port = 0;
	else
		((struct sockaddr_in6 *)&a)->sin6_port = 0;
	own = fd != -1 && bind(fd, (const struct sockaddr *)&a, u->address_len) == 0;
	if (fd != -1)
		close(fd);
	return own;
}

int sq_http_get(const char *url, int64_t timeout_ns, struct sq_buf *out, struct sq_err *err)
{
	struct sq_buf answer = { 0 };
	struct sq_span body = { 0 };
	struct url u;
	int rc = parse_url(url, &u, err);

	if (rc < 0)
		return rc;
	if (!is_own(&u))
		return sq_err_set(
			err, -EPERM, url,
			"is no address of the machine that is read; counters of another are read "
			"there, by \"where\"");
	rc = exchange(&u, sq_now_ns() + timeout_ns, &answer);
	if (rc < 0)
		sq_err_set(err, rc, url, "%s; see that the server gives its statistics there",
			   strerror(-rc));
	else if (answer.len == 0)
		rc = sq_err_set(err, -EBADMSG, url, "the connection was closed without an answer");
	else
		rc = sq_http_body((struct sq_span){ answer.data, answer.data + answer.len }, &body,
				  err);
	sq_buf_reset(out);
	if (rc == 0)
		sq_buf_add(out, body.p, sq_span_len(body));
	sq_buf_fini(&answer);
	return rc;
}
