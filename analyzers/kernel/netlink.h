/* Asking the kernel over netlink: one socket in the network namespace of the calling thread, which
 * it stays in. */
#ifndef SQ_ANALYZERS_KERNEL_NETLINK_H
#define SQ_ANALYZERS_KERNEL_NETLINK_H

#include <net/if.h>

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "base/err.h"

/* All zeros is closed. */
struct sq_netlink {
	struct mnl_socket *socket;
	uint32_t seq;
	char *buffer;
};

/* bus: NETLINK_ROUTE and the like. 0 or -errno with err. */
int sq_netlink_open(struct sq_netlink *nl, int bus, struct sq_err *err);
void sq_netlink_close(struct sq_netlink *nl);

/* Sends a request whose type, payload and flags (NLM_F_DUMP) are set, and hands each message of the
 * answer to on_message, which returns MNL_CB_OK; MNL_CB_STOP after the only message of an answer
 * that is no dump. 0, the kernel's refusal as -errno, or -EINTR: what was listed has changed
 * meanwhile, so that part of it is missing or came twice. */
int sq_netlink_ask(struct sq_netlink *nl, struct nlmsghdr *request, mnl_cb_t on_message, void *arg);

/* "eth0"; the bare index when it has gone or its name isn't plain ASCII (a device may have any
 * bytes for a name, JSON may not). */
void sq_netlink_device(uint32_t index, char name[IF_NAMESIZE]);

#endif
