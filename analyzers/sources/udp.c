/* The buffers of UDP servers, asked of the kernel's inet_diag: of every socket that is bound and not
 * connected, by local address, what it dropped ("udp.drops"), how much waits in its receive and its
 * send queue, and how much may.
 *
 * What a reader would get wrong:
 * - Queues and limits are bytes of memory, not of payload: a datagram of 100 takes about 800.  And a
 *   limit is twice what the program asked for by SO_RCVBUF.
 * - Several sockets of one address (SO_REUSEPORT) are one row: drops and queues are their sum, the
 *   limits those of one socket, the smallest.
 * - drops has datagrams with a wrong checksum and those that a socket filter refused in it as well
 *   as those that found the buffer full (Udp.RcvbufErrors).
 * - A closed socket takes its count along, so the last count of each socket is remembered, and the
 *   sum is of what they rose by.  What it dropped since the last reading goes with it.
 * - A client's socket that was never connected is bound too (to a port of the kernel's choice) and
 *   has a row.  A resolver may go through thousands of those, so addresses beyond the first 4096 are
 *   one row, "others".
 * - "udp.sockets" is how many there are: with none of them nothing was dropped, which is not the same
 *   as not known.
 * - An address whose sockets have all gone keeps its drops and its limits; its queues are 0.
 * - A dump walks the table of all namespaces, 14 us where a text that says how many sockets this one has
 *   takes 1.  So a family of which there are none is not listed, but one of which there were at the last
 *   reading is, whatever the text says: it is a sum over processors that go on counting. */
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/formats/procfile.h"
#include "analyzers/kernel/inet_diag.h"
#include "base/mem.h"

enum {
	STATE_CLOSE = 7, /* TCP_CLOSE of the kernel's net/tcp_states.h: not connected */
	MAX_ADDRESSES = 4096,
};

enum row { DROPS, RX_QUEUE, RCVBUF, TX_QUEUE, SNDBUF, ROWS };

static const char *const rows[ROWS] = {
	[DROPS] = "udp.drops",       [RX_QUEUE] = "udp.rx_queue", [RCVBUF] = "udp.rcvbuf",
	[TX_QUEUE] = "udp.tx_queue", [SNDBUF] = "udp.sndbuf",
};

struct server { /* an address */
	unsigned row[ROWS];
	uint64_t value[ROWS];
	unsigned sockets; /* seen at this reading */
	bool live;        /* at the last one that was put */
};

/* What one socket had dropped when it was last seen.  Cookies are never used again. */
struct memory {
	uint64_t cookie; /* 0: free */
	uint32_t drops, reading;
	size_t server;
};

enum { FAMILIES = 2 };

static const struct {
	uint8_t number;
	const char *path, *in_use;
} families[FAMILIES] = {
	{ AF_INET, "/proc/thread-self/net/sockstat", "\nUDP: inuse " },
	{ AF_INET6, "/proc/thread-self/net/sockstat6", "\nUDP6: inuse " },
};

struct family {
	struct sq_procfile file;
	bool opened, seen; /* seen: it had rows at the last reading */
};

struct udp {
	unsigned sockets_row;
	struct family families[FAMILIES];
	struct sq_netlink netlink;
	struct sq_sample *sample;
	uint32_t reading;
	struct sq_diag_table addresses;
	struct server *servers; /* by the address's number + 1; 0 is "others" */
	size_t cap;
	bool have_others;
	struct memory *slots, *spare; /* open addressing; spare is for the next sweep */
	size_t n_slots, used;         /* a power of two, at least twice used */
};

static void server_init(struct udp *u, struct server *s, const char *instance)
{
	*s = (struct server){ .live = false };
	for (size_t i = 0; i < ROWS; i++)
		s->row[i] = sq_catalogue_metric(u->sample, rows[i], instance);
}

/* The number of the address's server, or of "others". */
static size_t server_of(struct udp *u, const struct sq_diag_address *a)
{
	char instance[SQ_DIAG_TEXT];
	size_t known = u->addresses.n, at = sq_diag_find(&u->addresses, a);

	if (at < known)
		return at + 1;
	if (known == MAX_ADDRESSES) {
		if (!u->have_others)
			server_init(u, &u->servers[0], "others");
		u->have_others = true;
		return 0;
	}
	sq_diag_intern(&u->addresses, a);
	u->servers = sq_grow(u->servers, known + 1, &u->cap, sizeof(*u->servers));
	sq_diag_text(a, instance);
	server_init(u, &u->servers[known + 1], instance);
	return known + 1;
}

static struct memory *find_memory(struct memory *slots, size_t n_slots, uint64_t cookie)
{
	size_t at = (size_t)(cookie * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (n_slots - 1);

	while (slots[at].cookie && slots[at].cookie != cookie)
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

/* Forgets the sockets that were gone at the last reading already.  The two arrays take turns, so
 * that nothing is allocated while as many sockets go as come. */
static void sweep(struct udp *u)
{
	size_t keep = 0, n_slots = u->n_slots ? u->n_slots : 64;
	struct memory *to;
	bool grown;

	for (size_t i = 0; i < u->n_slots; i++)
		keep += u->slots[i].cookie && u->reading - u->slots[i].reading <= 1;
	if (4 * keep > n_slots)
		n_slots *= 2;
	grown = n_slots != u->n_slots;
	to = grown ? sq_alloc_n(n_slots, sizeof(*to)) : memset(u->spare, 0, n_slots * sizeof(*to));
	for (size_t i = 0; i < u->n_slots; i++)
		if (u->slots[i].cookie && u->reading - u->slots[i].reading <= 1)
			*find_memory(to, n_slots, u->slots[i].cookie) = u->slots[i];
	if (grown) {
		free(u->spare);
		free(u->slots);
		u->slots = sq_alloc_n(n_slots, sizeof(*to));
	}
	u->spare = u->slots;
	u->slots = to;
	u->n_slots = n_slots;
	u->used = keep;
}

static struct memory *recall(struct udp *u, uint64_t cookie)
{
	struct memory *m;

	if (2 * (u->used + 1) > u->n_slots)
		sweep(u);
	m = find_memory(u->slots, u->n_slots, cookie);
	u->used += !m->cookie;
	return m;
}

/* The server of a socket; adds what the socket has dropped since it was last seen. */
static struct server *account(struct udp *u, uint64_t cookie, const struct sq_diag_address *local,
			      uint32_t drops)
{
	struct memory *m = recall(u, cookie);
	struct server *s;

	/* Other than a socket's address, its device can change. */
	if (!m->cookie || m->server == 0 ||
	    memcmp(&u->addresses.v[m->server - 1], local, sizeof(*local)) != 0)
		m->server = server_of(u, local);
	s = &u->servers[m->server];
	s->value[DROPS] += drops - m->drops; /* modulo 2^32, as the kernel counts */
	m->cookie = cookie;
	m->drops = drops;
	m->reading = u->reading;
	return s;
}

static void add_socket(struct server *s, const struct inet_diag_msg *msg, const uint32_t *memory)
{
	bool first = s->sockets++ == 0;

	s->value[RX_QUEUE] += msg->idiag_rqueue;
	s->value[TX_QUEUE] += msg->idiag_wqueue;
	if (first || memory[SK_MEMINFO_RCVBUF] < s->value[RCVBUF])
		s->value[RCVBUF] = memory[SK_MEMINFO_RCVBUF];
	if (first || memory[SK_MEMINFO_SNDBUF] < s->value[SNDBUF])
		s->value[SNDBUF] = memory[SK_MEMINFO_SNDBUF];
}

static int on_socket(const struct nlmsghdr *header, void *arg)
{
	struct udp *u = arg;
	struct sq_diag_address local;
	const struct inet_diag_msg *msg = sq_diag_message(header, &local);
	const struct nlattr *attr;

	if (!msg)
		return MNL_CB_OK;
	u->families[local.family == AF_INET6].seen = true;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		const uint32_t *memory = mnl_attr_get_payload(attr);
		uint64_t cookie = (uint64_t)msg->id.idiag_cookie[1] << 32 | msg->id.idiag_cookie[0];

		/* Kernels before 4.7 don't tell the drops: no row, and no row of zeros. */
		if (mnl_attr_get_type(attr) == INET_DIAG_SKMEMINFO &&
		    mnl_attr_get_payload_len(attr) > SK_MEMINFO_DROPS * sizeof(*memory))
			add_socket(account(u, cookie, &local, memory[SK_MEMINFO_DROPS]), msg,
				   memory);
	}
	return MNL_CB_OK;
}

static bool may_have_sockets(struct family *f, const char *in_use)
{
	const char *at = NULL;

	if (!f->seen && f->opened && sq_procfile_read(&f->file) == 0)
		at = strstr(f->file.text, in_use);
	return !at || at[strlen(in_use)] != '0';
}

static int list_family(struct udp *u, size_t i)
{
	struct family *f = &u->families[i];
	int rc;

	if (!may_have_sockets(f, families[i].in_use))
		return 0;
	f->seen = false;
	rc = sq_diag_dump_udp(&u->netlink, families[i].number, 1U << STATE_CLOSE,
			      1U << (INET_DIAG_SKMEMINFO - 1), on_socket, u);
	f->seen = f->seen || rc < 0; /* some of them may be there, then */
	return rc;
}

static int read_sockets(struct udp *u)
{
	int rc = 0;

	u->reading++;
	for (size_t i = 0; i <= u->addresses.n; i++) {
		u->servers[i].sockets = 0;
		u->servers[i].value[RX_QUEUE] = u->servers[i].value[TX_QUEUE] = 0;
	}
	for (size_t i = 0; rc == 0 && i < FAMILIES; i++)
		rc = list_family(u, i);
	return rc;
}

static void udp_close(void *state)
{
	struct udp *u = state;

	sq_netlink_close(&u->netlink);
	for (size_t i = 0; i < FAMILIES; i++)
		sq_procfile_close(&u->families[i].file);
	sq_diag_table_fini(&u->addresses);
	free(u->servers);
	free(u->slots);
	free(u->spare);
	*u = (struct udp){ 0 };
}

static int udp_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct udp *u = state;
	int rc;

	(void)conf;
	*u = (struct udp){ .sample = s };
	rc = sq_netlink_open(&u->netlink, NETLINK_SOCK_DIAG, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < FAMILIES; i++)
		u->families[i].opened = sq_procfile_open(&u->families[i].file, sq_sample_place(s),
							 families[i].path, NULL) == 0;
	u->servers = sq_grow(u->servers, 0, &u->cap, sizeof(*u->servers));
	u->servers[0] = (struct server){ 0 };
	rc = read_sockets(u);
	if (rc < 0) {
		sq_err_set(err, rc, "udp_diag", "listing the UDP sockets: %s", strerror(-rc));
		udp_close(u);
		return rc;
	}
	u->sockets_row = sq_catalogue_metric(s, "udp.sockets", NULL);
	return 0;
}

static int udp_sample(void *state, struct sq_sample *s)
{
	struct udp *u = state;
	uint64_t sockets = 0;
	int rc = read_sockets(u);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i <= u->addresses.n; i++) {
		struct server *server = &u->servers[i];

		/* Once more when the last has gone, for the queues that are empty now. */
		for (size_t k = 0; k < ROWS && (server->sockets > 0 || server->live); k++)
			sq_sample_put(s, server->row[k], server->value[k]);
		server->live = server->sockets > 0;
		sockets += server->sockets;
	}
	sq_sample_put(s, u->sockets_row, sockets);
	return 0;
}

const struct sq_source sq_source_udp = {
	.kind = {
		.name = "udp",
		.summary = "drops, queues and buffers of each bound UDP socket (inet_diag)",
	},
	.group = "linux",
	.state_size = sizeof(struct udp),
	.open = udp_open,
	.sample = udp_sample,
	.close = udp_close,
};
