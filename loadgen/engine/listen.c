/* Listening addresses: text to bound socket and back.
 *
 * Each way that bind(2) fails is the user's to mend, so each says how; a port in use is by far the
 * most common.  SO_REUSEADDR does not hide it: it lets TIME_WAIT be, not a listener. */
#include "loadgen/engine/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/opt.h"

union listen_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

static int bad_address(const char *text, struct sq_err *err)
{
	return sq_err_set(err, -EINVAL, "listen",
			  "expected \"ADDR:PORT\" with an IPv4 address, or \"[ADDR]:PORT\" with an "
			  "IPv6 address, and a port from 0 to 65535; found \"%s\"; write for "
			  "example \"127.0.0.1:9000\" or \"[::1]:9000\"",
			  text);
}

/* -1 unless the text is a number of a port and nothing else. */
static long parse_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long port;

	if (digits == 0 || digits > 5 || text[digits] != '\0')
		return -1;
	port = strtol(text, NULL, 10);
	return port <= 65535 ? port : -1;
}

static int listen_parse(const char *text, union listen_addr *addr, socklen_t *ret_len,
			struct sq_err *err)
{
	bool bracketed = text[0] == '[';
	const char *begin = text + bracketed;
	const char *colon = strrchr(text, ':');
	const char *end = colon;
	char host[INET6_ADDRSTRLEN];
	long port;

	if (colon && bracketed)
		end = colon > begin && colon[-1] == ']' ? colon - 1 : NULL;
	if (!end || (size_t)(end - begin) >= sizeof(host))
		return bad_address(text, err);
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	port = parse_port(colon + 1);
	if (port < 0)
		return bad_address(text, err);

	if (bracketed && inet_pton(AF_INET6, host, &addr->v6.sin6_addr) == 1) {
		addr->v6.sin6_family = AF_INET6;
		addr->v6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(addr->v6);
	} else if (!bracketed && inet_pton(AF_INET, host, &addr->v4.sin_addr) == 1) {
		addr->v4.sin_family = AF_INET;
		addr->v4.sin_port = htons((uint16_t)port);
		*ret_len = sizeof(addr->v4);
	} else {
		return bad_address(text, err);
	}
	return 0;
}

bool sq_listen_loopback_only;

/* Without its world a scenario's "all addresses" would be this machine's, on every network. */
static void keep_on_loopback(union listen_addr *addr)
{
	if (addr->any.sa_family == AF_INET && addr->v4.sin_addr.s_addr == htonl(INADDR_ANY))
		addr->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (addr->any.sa_family == AF_INET6 &&
		 (IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr) ||
		  (IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr) &&
		   addr->v6.sin6_addr.s6_addr32[3] == htonl(INADDR_ANY))))
		addr->v6.sin6_addr = in6addr_loopback;
}

int sq_listen_parse(const char *text, struct sockaddr_storage *ret_addr, socklen_t *ret_len,
		    struct sq_err *err)
{
	union listen_addr addr = { .storage = { 0 } };
	int rc = listen_parse(text, &addr, ret_len, err);

	if (rc == 0)
		*ret_addr = addr.storage;
	return rc;
}

static int bind_failed(const char *text, int type, int code, struct sq_err *err)
{
	const char *proto = type == SOCK_STREAM ? "TCP" : "UDP";
	const char *port = strrchr(text, ':') + 1;

	switch (code) {
	case EADDRINUSE:
		return sq_err_set(
			err, -code, "listen",
			"%s port %s is in use (%s); stop the program that \"ss -%clnp 'sport "
			"= %s'\" shows, or listen on another port",
			proto, port, text, type == SOCK_STREAM ? 't' : 'u', port);
	case EADDRNOTAVAIL:
		return sq_err_set(err, -code, "listen",
				  "this host has no address %.*s; choose one that \"ip address\" "
				  "shows, or 0.0.0.0 for all",
				  (int)(port - 1 - text), text);
	case EACCES:
		return sq_err_set(err, -code, "listen",
				  "port %s is for root only; choose a port from 1024 up, or lower "
				  "net.ipv4.ip_unprivileged_port_start",
				  port);
	default:
		return sq_err_set(err, -code, "listen", "cannot listen on %s: %s", text,
				  strerrordesc_np(code));
	}
}

int sq_listen_open(const char *text, int type, int backlog, struct sq_err *err)
{
	union listen_addr addr = { .storage = { 0 } };
	socklen_t len = 0;
	int on = 1;
	int fd;
	int rc = listen_parse(text, &addr, &len, err);

	if (rc < 0)
		return rc;
	if (sq_listen_loopback_only)
		keep_on_loopback(&addr);
	fd = socket(addr.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return sq_err_set(err, -errno, "listen", "cannot make a socket for %s: %s", text,
				  strerrordesc_np(errno));
	/* Not for datagrams: there it would let two servers share a port unnoticed. */
	if ((type == SOCK_STREAM &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1) ||
	    bind(fd, &addr.any, len) == -1 || (type == SOCK_STREAM && listen(fd, backlog) == -1)) {
		rc = bind_failed(text, type, errno, err);
		close(fd);
		return rc;
	}
	return fd;
}

/* A socket bound and listening beside the one that has this address. */
static int listen_beside(const union listen_addr *addr, socklen_t len, int backlog)
{
	const int on = 1;
	int code, fd = socket(addr->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
	    bind(fd, &addr->any, len) == 0 && listen(fd, backlog) == 0)
		return fd;
	code = errno;
	close(fd);
	return -code;
}

int sq_listen_again(int fd, int backlog, struct sq_err *err)
{
	union listen_addr addr = { .storage = { 0 } };
	socklen_t len = sizeof(addr);
	const int on = 1;
	int rc;

	/* Only now: had the first been bound with SO_REUSEPORT, two sinks of one user would share
	 * a port unnoticed. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == -1 ||
	    getsockname(fd, &addr.any, &len) == -1)
		rc = -errno;
	else
		rc = listen_beside(&addr, len, backlog);
	if (rc < 0)
		sq_err_set(err, rc, "listen",
			   "cannot make another listener of the same address: %s; use one thread",
			   strerrordesc_np(-rc));
	return rc;
}

int sq_listen_buffer(int fd, bool receive, int64_t asked, const char *where, struct sq_err *err)
{
	int size = (int)asked, got = 0, option = receive ? SO_RCVBUF : SO_SNDBUF;
	int force = receive ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
	socklen_t len = sizeof(got);

	if (asked == SQ_OPT_UNSET)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) == -1)
		setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
	getsockopt(fd, SOL_SOCKET, option, &got, &len);
	if (got / 2 >= size) /* it tells the double, which is with its own book-keeping */
		return 0;
	return sq_err_set(
		err, -ENOBUFS, where,
		"the kernel gives %d of %d bytes, its net.core.%s; set that to %d (sysctl "
		"-w), run as root, or ask for less",
		got / 2, size, receive ? "rmem_max" : "wmem_max", size);
}

void sq_listen_text(int fd, char out[SQ_LISTEN_TEXT])
{
	union listen_addr addr = { .storage = { 0 } };
	socklen_t len = sizeof(addr);
	char host[INET6_ADDRSTRLEN] = "?";

	out[0] = '\0';
	if (getsockname(fd, &addr.any, &len) == -1)
		return;
	if (addr.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &addr.v6.sin6_addr, host, sizeof(host));
		snprintf(out, SQ_LISTEN_TEXT, "[%s]:%u", host, ntohs(addr.v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &addr.v4.sin_addr, host, sizeof(host));
		snprintf(out, SQ_LISTEN_TEXT, "%s:%u", host, ntohs(addr.v4.sin_port));
	}
}

void sq_listen_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void count_add(json_t *counts, const char *name, json_int_t n)
{
	n += json_integer_value(json_object_get(counts, name)); /* 0 when it is not there */
	json_object_set_new(counts, name, json_integer(n));
}

void sq_listen_queue(int fd, json_t *counts)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	/* Of a listener TCP_INFO tells the accept queue. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return;
	count_add(counts, "listen_queue", info.tcpi_unacked);
	count_add(counts, "listen_queue_limit", info.tcpi_sacked);
}
