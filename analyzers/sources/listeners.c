/* The accept queue of every listening TCP socket, asked of the kernel's inet_diag: "listen.queue" is
 * how many connections wait to be accepted now, "listen.backlog" how many may (for a listener the
 * kernel puts these where other sockets have their receive and send queues).
 *
 * What a reader would get wrong:
 * - Only listeners are asked for: a dump of all sockets costs 15 ms at 20,000 of them.
 * - A peak between two readings isn't seen; what overflowed is counted by netstat.
 * - Several sockets of one address (SO_REUSEPORT) are one row, the sum of them.
 * - A listener that has gone stays as a row of 0. */
#include <linux/netlink.h>

#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/kernel/inet_diag.h"
#include "base/mem.h"

enum { STATE_LISTEN = 10 }; /* TCP_LISTEN of the kernel's net/tcp_states.h */

struct listener {
	unsigned queue_row, backlog_row;
	uint64_t queue, backlog;
};

struct listeners {
	struct sq_netlink netlink;
	struct sq_sample *sample;
	struct sq_diag_table addresses;
	struct listener *v; /* by the address's number */
	size_t cap;
	uint64_t sockets; /* seen at this reading */
	unsigned sockets_row;
};

static struct listener *listener_at(struct listeners *l, const struct sq_diag_address *a)
{
	char instance[SQ_DIAG_TEXT];
	size_t known = l->addresses.n, at = sq_diag_intern(&l->addresses, a);

	if (at < known)
		return &l->v[at];
	l->v = sq_grow(l->v, known, &l->cap, sizeof(*l->v));
	l->v[at] = (struct listener){ 0 };
	sq_diag_text(a, instance);
	l->v[at].queue_row = sq_catalogue_metric(l->sample, "listen.queue", instance);
	l->v[at].backlog_row = sq_catalogue_metric(l->sample, "listen.backlog", instance);
	return &l->v[at];
}

static int on_socket(const struct nlmsghdr *header, void *arg)
{
	struct sq_diag_address local;
	const struct inet_diag_msg *msg = sq_diag_message(header, &local);
	struct listener *at;

	if (!msg)
		return MNL_CB_OK;
	((struct listeners *)arg)->sockets++;
	at = listener_at(arg, &local);
	at->queue += msg->idiag_rqueue;
	at->backlog += msg->idiag_wqueue;
	return MNL_CB_OK;
}

static int dump_all(struct listeners *l)
{
	for (size_t i = 0; i < l->addresses.n; i++)
		l->v[i].queue = l->v[i].backlog = 0;
	l->sockets = 0;
	return sq_diag_dump_tcp(&l->netlink, 1U << STATE_LISTEN, 0, on_socket, l);
}

static void listeners_close(void *state)
{
	struct listeners *l = state;

	sq_netlink_close(&l->netlink);
	sq_diag_table_fini(&l->addresses);
	free(l->v);
	*l = (struct listeners){ 0 };
}

static int listeners_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct listeners *l = state;
	int rc;

	(void)conf;
	*l = (struct listeners){ .sample = s };
	rc = sq_netlink_open(&l->netlink, NETLINK_SOCK_DIAG, err);
	if (rc < 0)
		return rc;
	/* A kernel without inet_diag, or a sandbox, refuses here. */
	rc = dump_all(l);
	if (rc < 0) {
		sq_err_set(err, rc, "sock_diag", "listing the listeners: %s", strerror(-rc));
		listeners_close(l);
		return rc;
	}
	l->sockets_row = sq_catalogue_metric(s, "listen.sockets", NULL);
	return 0;
}

static int listeners_sample(void *state, struct sq_sample *s)
{
	struct listeners *l = state;
	int rc = dump_all(l);

	if (rc < 0)
		return rc;
	sq_sample_put(s, l->sockets_row, l->sockets);
	for (size_t i = 0; i < l->addresses.n; i++) {
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
