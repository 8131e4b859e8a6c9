/* What inet_diag lists of sockets, and rows for their local addresses. */
#ifndef SQ_ANALYZERS_KERNEL_INET_DIAG_H
#define SQ_ANALYZERS_KERNEL_INET_DIAG_H

#include <linux/inet_diag.h>
#include <net/if.h>
#include <netinet/in.h>

#include <stddef.h>
#include <stdint.h>

#include "analyzers/kernel/netlink.h"

/* Hashed and compared as bytes, so without padding. */
struct sq_diag_address {
	uint32_t family, device; /* device: an interface's index; 0 when bound to none */
	uint32_t ip[4];
	uint32_t port;
};

enum { SQ_DIAG_TEXT = INET6_ADDRSTRLEN + IF_NAMESIZE + 32 };

/* "0.0.0.0:9000", "[::]:9000", "[fe80::1%eth0]:9000" */
void sq_diag_text(const struct sq_diag_address *a, char out[SQ_DIAG_TEXT]);

/* Addresses by number: 0, 1, 2 in the order of their first mention.  All zeros is empty. */
struct sq_diag_table {
	struct sq_diag_address *v;
	size_t n, cap;
	unsigned *slots;
	size_t n_slots;
};

void sq_diag_table_fini(struct sq_diag_table *t);

/* The address's number; t->n when it isn't there. */
size_t sq_diag_find(const struct sq_diag_table *t, const struct sq_diag_address *a);

/* The same, and adds it when it isn't there. */
size_t sq_diag_intern(struct sq_diag_table *t, const struct sq_diag_address *a);

/* A message of a dump and the local address in it; NULL for one too short. */
const struct inet_diag_msg *sq_diag_message(const struct nlmsghdr *header,
					    struct sq_diag_address *ret_local);

/* TCP's sockets of IPv4 and IPv6, or UDP's of one of them, in some states (1 << TCP_LISTEN ...), with the
 * extensions that are asked for (1 << (INET_DIAG_SKMEMINFO - 1) ...); each is handed to on_socket.
 * 0 or -errno. */
int sq_diag_dump_tcp(struct sq_netlink *nl, uint32_t states, uint8_t extensions, mnl_cb_t on_socket,
		     void *arg);
int sq_diag_dump_udp(struct sq_netlink *nl, uint8_t family, uint32_t states, uint8_t extensions,
		     mnl_cb_t on_socket, void *arg);

#endif
