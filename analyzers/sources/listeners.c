/* The accept queue of every listening TCP socket, asked of the kernel's inet_diag: "listen.queue" is
 * how many connections wait to be accepted now, "listen.backlog" how many may (for a listener the
 * kernel puts these where other sockets have their receive and send queues).
 *
 * What a reader would get wrong:
 * - Only listeners are asked for: a dump of all sockets costs 15 ms at 20,000 of them.
 * - A peak between two readings isn't seen; what overflowed is counted by netstat.
 * - Several sockets of one address (SO_REUSEPORT) are one row, the sum of them.
 * - A listener that has gone stays as a row of 0. */
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzers/source.h"
#include "base/mem.h"

enum {
	BUFFER_SIZE = 32 * 1024,
	STATE_LISTEN = 10, /* TCP_LISTEN of the kernel's net/tcp_states.h */
};

/* Hashed and compared as bytes, so without padding. */
struct address {
	uint32_t family, device; /* device: an interface's index; 0 when bound to none */
	uint32_t ip[4];
	uint32_t port;
};

struct listener {
	struct address address;
	unsigned queue_row, backlog_row;
	uint64_t queue, backlog;
};

struct listeners {
	struct mnl_socket *socket;
	uint32_t seq;
	struct sq_sample *sample;
	struct listener *v;
	size_t n, cap;
	unsigned *slots; /* open addressing by address: index + 1, 0 free */
	size_t n_slots;  /* a power of two, at least twice n */
	char *buffer;
};

static size_t hash_address(const struct address *a)
{
	const unsigned char *p = (const unsigned char *)a;
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < sizeof(*a); i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): no padding */
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

static size_t find_slot(const struct listeners *l, const struct address *a)
{
	size_t at = hash_address(a) & (l->n_slots - 1);

	while (l->slots[at] && memcmp(&l->v[l->slots[at] - 1].address, a, sizeof(*a)) != 0)
		at = (at + 1) & (l->n_slots - 1);
	return at;
}

static void grow_slots(struct listeners *l)
{
	free(l->slots);
	l->n_slots = l->n_slots ? 2 * l->n_slots : 64;
	l->slots = sq_alloc_n(l->n_slots, sizeof(*l->slots));
	for (size_t i = 0; i < l->n; i++)
		l->slots[find_slot(l, &l->v[i].address)] = (unsigned)i + 1;
}

/* An interface may have any bytes for a name; only plain ones may go into JSON. */
static bool device_name(uint32_t index, char name[IF_NAMESIZE])
{
	if (!if_indextoname(index, name))
		return false;
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

/* "0.0.0.0:9000", "[::]:9000", "[fe80::1%eth0]:9000" */
static void format_address(const struct address *a, char *out, size_t size)
{
	char ip[INET6_ADDRSTRLEN], device[IF_NAMESIZE], zone[IF_NAMESIZE + 16] = "";
	bool six = a->family == AF_INET6;

	inet_ntop((int)a->family, a->ip, ip, sizeof(ip));
	if (a->device && device_name(a->device, device))
		snprintf(zone, sizeof(zone), "%%%s", device);
	else if (a->device)
		snprintf(zone, sizeof(zone), "%%%u", (unsigned)a->device);
	snprintf(out, size, "%s%s%s%s:%u", six ? "[" : "", ip, zone, six ? "]" : "",
		 (unsigned)a->port);
}

static struct listener *listener_at(struct listeners *l, const struct address *a)
{
	char instance[INET6_ADDRSTRLEN + IF_NAMESIZE + 32];
	struct sq_metric m = {
		.instance = instance,
		.unit = "connections",
		.kind = SQ_GAUGE,
		.width = 32,
	};
	struct listener *new;
	size_t at;

	if (2 * (l->n + 1) > l->n_slots)
		grow_slots(l);
	at = find_slot(l, a);
	if (l->slots[at])
		return &l->v[l->slots[at] - 1];
	l->v = sq_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	new = &l->v[l->n++];
	l->slots[at] = (unsigned)l->n;
	*new = (struct listener){ .address = *a };
	format_address(a, instance, sizeof(instance));
	m.name = "listen.queue";
	new->queue_row = sq_sample_metric(l->sample, &m);
	m.name = "listen.backlog";
	new->backlog_row = sq_sample_metric(l->sample, &m);
	return new;
}

static int on_socket(const struct nlmsghdr *header, void *arg)
{
	struct listeners *l = arg;
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(header);
	struct address a = { 0 };
	struct listener *at;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg))
		return MNL_CB_OK;
	a.family = msg->idiag_family;
	a.device = msg->id.idiag_if;
	a.port = ntohs(msg->id.idiag_sport);
	memcpy(a.ip, msg->id.idiag_src, a.family == AF_INET6 ? sizeof(a.ip) : sizeof(a.ip[0]));
	at = listener_at(l, &a);
	at->queue += msg->idiag_rqueue;
	at->backlog += msg->idiag_wqueue;
	return MNL_CB_OK;
}

/* What an abandoned answer has left in the socket. */
static void drain(struct listeners *l)
{
	while (mnl_socket_recvfrom(l->socket, l->buffer, BUFFER_SIZE) > 0)
		;
}

/* The kernel writes a dump while it is read, so an answer never has to be waited for. */
static int read_answer(struct listeners *l)
{
	unsigned port = mnl_socket_get_portid(l->socket);
	int more = 1;

	while (more > 0) {
		ssize_t len = mnl_socket_recvfrom(l->socket, l->buffer, BUFFER_SIZE);

		if (len == -1)
			return -errno;
		more = mnl_cb_run(l->buffer, (size_t)len, l->seq, port, on_socket, l);
		if (more == -1)
			return -errno;
	}
	return 0;
}

static int dump(struct listeners *l, unsigned char family)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct inet_diag_req_v2))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct inet_diag_req_v2 *ask = mnl_nlmsg_put_extra_header(header, sizeof(*ask));
	int rc;

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = ++l->seq;
	ask->sdiag_family = family;
	ask->sdiag_protocol = IPPROTO_TCP;
	ask->idiag_states = 1U << STATE_LISTEN;
	if (mnl_socket_sendto(l->socket, header, header->nlmsg_len) == -1)
		return -errno;
	rc = read_answer(l);
	if (rc < 0)
		drain(l);
	return rc;
}

static int dump_all(struct listeners *l)
{
	int rc;

	for (size_t i = 0; i < l->n; i++)
		l->v[i].queue = l->v[i].backlog = 0;
	rc = dump(l, AF_INET);
	/* A machine without IPv6 has no listeners of it. */
	if (rc == 0) {
		rc = dump(l, AF_INET6);
		if (rc == -ENOENT || rc == -EAFNOSUPPORT)
			rc = 0;
	}
	return rc;
}

static void listeners_close(void *state)
{
	struct listeners *l = state;

	if (l->socket)
		mnl_socket_close(l->socket);
	free(l->v);
	free(l->slots);
	free(l->buffer);
	*l = (struct listeners){ 0 };
}

static int listeners_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct listeners *l = state;
	int rc;

	(void)conf;
	*l = (struct listeners){ .sample = s, .seq = (uint32_t)time(NULL) };
	l->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!l->socket || mnl_socket_bind(l->socket, 0, MNL_SOCKET_AUTOPID) == -1) {
		rc = sq_err_set(err, -errno, "sock_diag", "netlink socket: %s", strerror(errno));
		goto failed;
	}
	l->buffer = sq_alloc(BUFFER_SIZE);
	/* A kernel without inet_diag, or a sandbox, refuses here. */
	rc = dump_all(l);
	if (rc == 0)
		return 0;
	sq_err_set(err, rc, "sock_diag", "listing the listeners: %s", strerror(-rc));
failed:
	listeners_close(l);
	return rc;
}

static int listeners_sample(void *state, struct sq_sample *s)
{
	struct listeners *l = state;
	int rc = dump_all(l);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l->n; i++) {
		sq_sample_put(s, l->v[i].queue_row, l->v[i].queue);
		sq_sample_put(s, l->v[i].backlog_row, l->v[i].backlog);
	}
	return 0;
}

const struct sq_source sq_source_listeners = {
	.kind = {
		.name = "listeners",
		.summary = "the accept queue and backlog of each listening TCP socket (inet_diag)",
	},
	.group = "linux",
	.state_size = sizeof(struct listeners),
	.open = listeners_open,
	.sample = listeners_sample,
	.close = listeners_close,
};
