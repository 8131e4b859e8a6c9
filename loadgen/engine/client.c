#include "loadgen/engine/client.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

int sq_client_socket(const struct sq_load_plan *load, const struct sq_target *to, int type)
{
	const int on = 1;
	int fd = socket(to->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd == -1)
		return -errno;
	if (load->source_len == 0)
		return fd;
	/* A stream's port is then chosen with the destination in mind: only the pair must be free. */
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&load->source, load->source_len) == 0)
		return fd;
	rc = -errno;
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
