#include "loadgen/engine/client.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

/* IPv4 has all addresses of a local route; IPv6 would bind to those of devices alone.  Only what the
 * plan knows to be there may pass, so that EADDRNOTAVAIL stays true of all else. */
static void allow_any_ip(int fd, const struct sq_load_plan *load, const struct sq_ip *source)
{
	const int on = 1;

	if (source->family == AF_INET6 && load->plan &&
	    sq_plan_has_any_ip(load->plan, load->host, source))
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
}

static int bind_source(int fd, const struct sq_load_plan *load, int type, const struct sq_ip *ip,
		       uint16_t port)
{
	struct sq_target source;
	const int on = 1;

	sq_target_make(&source, ip, port);
	allow_any_ip(fd, load, ip);
	if (port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else if (type == SOCK_STREAM)
		/* It is then chosen with the destination in mind: only the pair must be free. */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&source.addr, source.len) == -1 ? -errno : 0;
}

int sq_client_socket(const struct sq_load_plan *load, const struct sq_target *to, int type,
		     uint64_t from)
{
	return sq_client_socket_at(load, to, type, from, 0);
}

int sq_client_socket_at(const struct sq_load_plan *load, const struct sq_target *to, int type,
			uint64_t from, uint16_t port)
{
	int fd = socket(to->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sq_ip source = { .family = to->addr.ss_family }; /* any address */
	int rc;

	if (fd == -1)
		return -errno;
	if (load->sources.count == 0 && port == 0)
		return fd;
	if (load->sources.count > 0)
		source = sq_sources_nth(&load->sources, from);
	rc = bind_source(fd, load, type, &source, port);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

uint16_t sq_client_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr = { .in6 = { 0 } };
	socklen_t len = sizeof(addr);

	if (getsockname(fd, &addr.any, &len) == -1)
		return 0;
	return ntohs(addr.any.sa_family == AF_INET6 ? addr.in6.sin6_port : addr.in.sin_port);
}
