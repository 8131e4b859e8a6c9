/* A netlink socket and what is asked over it: sock_diag, rtnetlink and nf_tables differ in their
 * messages alone.
 *
 * What a reader would get wrong: the socket doesn't block, and yet nothing ever waits for an
 * answer.  The kernel has written it before send returns, and the rest of a long dump while it is
 * read; EAGAIN means that there is no more. */
#include "analyzers/kernel/netlink.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

enum { BUFFER_SIZE = 32 * 1024 }; /* as much as the kernel ever puts into one answer */

int sq_netlink_open(struct sq_netlink *nl, int bus, struct sq_err *err)
{
	int rc;

	*nl = (struct sq_netlink){ .seq = (uint32_t)time(NULL) };
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) == -1) {
		rc = sq_err_set(err, -errno, "netlink", "socket: %s", strerror(errno));
		sq_netlink_close(nl);
		return rc;
	}
	nl->buffer = sq_alloc(BUFFER_SIZE);
	return 0;
}

void sq_netlink_close(struct sq_netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl->buffer);
	*nl = (struct sq_netlink){ 0 };
}

/* What an abandoned answer has left in the socket. */
static void drain(struct sq_netlink *nl)
{
	while (mnl_socket_recvfrom(nl->socket, nl->buffer, BUFFER_SIZE) > 0)
		;
}

static int read_answer(struct sq_netlink *nl, mnl_cb_t on_message, void *arg)
{
	unsigned port = mnl_socket_get_portid(nl->socket);
	int more = 1;

	while (more > 0) {
		ssize_t len = mnl_socket_recvfrom(nl->socket, nl->buffer, BUFFER_SIZE);

		if (len == -1)
			return -errno;
		more = mnl_cb_run(nl->buffer, (size_t)len, nl->seq, port, on_message, arg);
		if (more == -1)
			return -errno;
	}
	return 0;
}

int sq_netlink_ask(struct sq_netlink *nl, struct nlmsghdr *request, mnl_cb_t on_message, void *arg)
{
	int rc;

	request->nlmsg_flags |= NLM_F_REQUEST;
	request->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) == -1)
		return -errno;
	rc = read_answer(nl, on_message, arg);
	if (rc < 0)
		drain(nl);
	return rc;
}

static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~')
			return false;
	return true;
}

void sq_netlink_device(uint32_t index, char name[IF_NAMESIZE])
{
	if (!if_indextoname(index, name) || !is_plain(name))
		snprintf(name, IF_NAMESIZE, "%u", (unsigned)index);
}
