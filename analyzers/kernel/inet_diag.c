/* Sockets as the kernel's inet_diag lists them.  Sources make rows for local addresses, not for
 * sockets: several sockets of one address (SO_REUSEPORT) serve the same clients, and sockets come
 * and go. */
#include "analyzers/kernel/inet_diag.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/mem.h"

void sq_diag_text(const struct sq_diag_address *a, char out[SQ_DIAG_TEXT])
{
	char ip[INET6_ADDRSTRLEN], device[IF_NAMESIZE] = "";
	int six = a->family == AF_INET6;

	inet_ntop((int)a->family, a->ip, ip, sizeof(ip));
	if (a->device)
		sq_netlink_device(a->device, device);
	snprintf(out, SQ_DIAG_TEXT, "%s%s%s%s%s:%u", six ? "[" : "", ip, a->device ? "%" : "",
		 device, six ? "]" : "", (unsigned)a->port);
}

static size_t hash_address(const struct sq_diag_address *a)
{
	uint64_t h = sq_fnv64_add(SQ_FNV64_EMPTY, a, sizeof(*a)); /* it has no padding */

	return (size_t)(h ^ h >> 32);
}

/* The slot that holds the address, or the free one where it belongs.  Slots hold number + 1, 0 is
 * free; there is a power of two of them, at least twice as many as addresses. */
static size_t find_slot(const struct sq_diag_table *t, const struct sq_diag_address *a)
{
	size_t at = hash_address(a) & (t->n_slots - 1);

	while (t->slots[at] && memcmp(&t->v[t->slots[at] - 1], a, sizeof(*a)) != 0)
		at = (at + 1) & (t->n_slots - 1);
	return at;
}

static void grow_slots(struct sq_diag_table *t)
{
	free(t->slots);
	t->n_slots = t->n_slots ? 2 * t->n_slots : 64;
	t->slots = sq_alloc_n(t->n_slots, sizeof(*t->slots));
	for (size_t i = 0; i < t->n; i++)
		t->slots[find_slot(t, &t->v[i])] = (unsigned)i + 1;
}

void sq_diag_table_fini(struct sq_diag_table *t)
{
	free(t->v);
	free(t->slots);
	*t = (struct sq_diag_table){ 0 };
}

size_t sq_diag_find(const struct sq_diag_table *t, const struct sq_diag_address *a)
{
	unsigned slot = t->n_slots ? t->slots[find_slot(t, a)] : 0;

	return slot ? slot - 1 : t->n;
}

size_t sq_diag_intern(struct sq_diag_table *t, const struct sq_diag_address *a)
{
	size_t at = sq_diag_find(t, a);

	if (at < t->n)
		return at;
	t->v = sq_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = *a;
	if (2 * t->n > t->n_slots)
		grow_slots(t);
	else
		t->slots[find_slot(t, a)] = (unsigned)t->n;
	return at;
}

const struct inet_diag_msg *sq_diag_message(const struct nlmsghdr *header,
					    struct sq_diag_address *ret_local)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(header);
	struct sq_diag_address a = { 0 };

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg))
		return NULL;
	a.family = msg->idiag_family;
	a.device = msg->id.idiag_if;
	a.port = ntohs(msg->id.idiag_sport);
	memcpy(a.ip, msg->id.idiag_src, a.family == AF_INET6 ? sizeof(a.ip) : sizeof(a.ip[0]));
	*ret_local = a;
	return msg;
}

/* The older request, which has no family and is answered with both: each dump walks the whole table of
 * sockets, most of whose cost that is when they are few.  It knows no other protocol than TCP. */
int sq_diag_dump_tcp(struct sq_netlink *nl, uint32_t states, uint8_t extensions, mnl_cb_t on_socket,
		     void *arg)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct inet_diag_req))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct inet_diag_req *ask = mnl_nlmsg_put_extra_header(header, sizeof(*ask));

	header->nlmsg_type = TCPDIAG_GETSOCK;
	header->nlmsg_flags = NLM_F_DUMP;
	ask->idiag_family = AF_INET;
	ask->idiag_states = states;
	ask->idiag_ext = extensions;
	return sq_netlink_ask(nl, header, on_socket, arg);
}

int sq_diag_dump_udp(struct sq_netlink *nl, uint8_t family, uint32_t states, uint8_t extensions,
		     mnl_cb_t on_socket, void *arg)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct inet_diag_req_v2))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct inet_diag_req_v2 *ask = mnl_nlmsg_put_extra_header(header, sizeof(*ask));
	int rc;

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_DUMP;
	ask->sdiag_family = family;
	ask->sdiag_protocol = IPPROTO_UDP;
	ask->idiag_states = states;
	ask->idiag_ext = extensions;
	rc = sq_netlink_ask(nl, header, on_socket, arg);
	/* A machine without IPv6 has no sockets of it. */
	return family == AF_INET6 && (rc == -ENOENT || rc == -EAFNOSUPPORT) ? 0 : rc;
}
