/* Queueing disciplines as rtnetlink lists them. */
#ifndef SQ_ANALYZERS_KERNEL_QDISC_H
#define SQ_ANALYZERS_KERNEL_QDISC_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzers/kernel/netlink.h"

/* The root of one device's output.  The kernel counts with 32 bits what has 32 here. */
struct sq_qdisc {
	uint32_t device; /* interface index */
	char kind[16];   /* "tbf" */
	uint64_t bytes, packets;
	uint32_t drops, overlimits, requeues;
	uint32_t queued, backlog; /* packets and bytes that wait */
	/* Settings; 0: it has none of the kind, or none that is known here. */
	uint64_t rate_bytes_per_s, burst_bytes; /* tbf */
	uint32_t limit_bytes, limit_packets;
};

/* A message of the kernel; false when it is no root, has no queue (noqueue) or tells no counts. */
bool sq_qdisc_parse(const struct nlmsghdr *header, struct sq_qdisc *ret);

/* Hands the root of each device that has one to each. 0 or -errno.  nl: NETLINK_ROUTE. */
int sq_qdisc_dump(struct sq_netlink *nl, void (*each)(const struct sq_qdisc *q, void *arg),
		  void *arg);

#endif
