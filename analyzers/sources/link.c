/* What each network device received, sent, dropped and found broken: "link.rx_dropped" of "eth0", by
 * the kernel's names (struct rtnl_link_stats64).  Of the network namespace.
 *
 * What a reader would get wrong:
 * - rx_dropped are packets that the host dropped (nobody wanted them, its backlog was full);
 *   rx_missed_errors are those that the device had no room for, and rx_errors does not have them.
 * - A shaper's drops are not in tx_dropped of every driver: they are qdisc.drops.
 * - Each end of a veth counts its own; what one end dropped on the way in, the other has sent.
 * - Listing takes the kernel's RTNL lock, as the source qdisc does. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/kernel/netlink.h"
#include "base/mem.h"

#define STAT(member)                                                        \
	{                                                                   \
		"link." #member, offsetof(struct rtnl_link_stats64, member) \
	}

static const struct {
	const char *name;
	size_t offset;
} rows[] = {
	STAT(rx_packets),       STAT(tx_packets),          STAT(rx_bytes),
	STAT(tx_bytes),         STAT(rx_errors),           STAT(tx_errors),
	STAT(rx_dropped),       STAT(tx_dropped),          STAT(multicast),
	STAT(collisions),       STAT(rx_length_errors),    STAT(rx_over_errors),
	STAT(rx_crc_errors),    STAT(rx_frame_errors),     STAT(rx_fifo_errors),
	STAT(rx_missed_errors), STAT(tx_aborted_errors),   STAT(tx_carrier_errors),
	STAT(tx_fifo_errors),   STAT(tx_heartbeat_errors), STAT(tx_window_errors),
	STAT(rx_nohandler),
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct device {
	uint32_t index;
	unsigned row[ROWS];
	struct rtnl_link_stats64 last; /* as put */
	bool put;
};

struct links {
	struct sq_netlink netlink;
	struct sq_sample *sample;
	struct device *v;
	size_t n, cap;
	size_t next; /* where the next message's device should be: dumps keep their order */
};

static struct device *device_at(struct links *l, uint32_t index)
{
	char name[IF_NAMESIZE];
	struct device *d;

	for (size_t i = 0; i < l->n; i++) {
		size_t at = (l->next + i) % l->n;

		if (l->v[at].index == index) {
			l->next = at + 1;
			return &l->v[at];
		}
	}
	l->v = sq_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	d = &l->v[l->n++];
	*d = (struct device){ .index = index };
	sq_netlink_device(index, name);
	for (size_t i = 0; i < ROWS; i++)
		d->row[i] = sq_catalogue_metric(l->sample, rows[i].name, name);
	return d;
}

/* Kernels add members at the end: what an older one doesn't tell gets no value.  Of many devices most
 * stand still, and what has not changed need not be put. */
static void put_stats(struct links *l, struct device *d, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);
	struct rtnl_link_stats64 now = { 0 };

	memcpy(&now, mnl_attr_get_payload(attr), len < sizeof(now) ? len : sizeof(now));
	if (d->put && memcmp(&now, &d->last, sizeof(now)) == 0)
		return;
	for (size_t i = 0; i < ROWS; i++) {
		uint64_t value;

		if (rows[i].offset + sizeof(value) > len)
			continue;
		memcpy(&value, (const char *)&now + rows[i].offset, sizeof(value));
		sq_sample_put(l->sample, d->row[i], value);
	}
	d->last = now;
	d->put = true;
}

static int on_link(const struct nlmsghdr *header, void *arg)
{
	const struct if_stats_msg *msg = mnl_nlmsg_get_payload(header);
	struct links *l = arg;
	const struct nlattr *attr;

	if (header->nlmsg_type != RTM_NEWSTATS || mnl_nlmsg_get_payload_len(header) < sizeof(*msg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		if (mnl_attr_get_type(attr) == IFLA_STATS_LINK_64)
			put_stats(l, device_at(l, msg->ifindex), attr);
	}
	return MNL_CB_OK;
}

static int link_sample(void *state, struct sq_sample *s)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct if_stats_msg))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct if_stats_msg *ask = mnl_nlmsg_put_extra_header(header, sizeof(*ask));
	struct links *l = state;
	int rc;

	(void)s;
	header->nlmsg_type = RTM_GETSTATS;
	header->nlmsg_flags = NLM_F_DUMP;
	ask->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	l->next = 0;
	rc = sq_netlink_ask(&l->netlink, header, on_link, l);
	/* What a failed reading has put is forgotten. */
	for (size_t i = 0; rc < 0 && i < l->n; i++)
		l->v[i].put = false;
	return rc;
}

static int link_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct links *l = state;

	(void)conf;
	l->sample = s;
	return sq_netlink_open(&l->netlink, NETLINK_ROUTE, err);
}

static void link_close(void *state)
{
	struct links *l = state;

	sq_netlink_close(&l->netlink);
	free(l->v);
}

const struct sq_source sq_source_link = {
	.kind = {
		.name = "link",
		.summary = "what each network device received, sent and dropped (rtnetlink)",
	},
	.group = "linux",
	.state_size = sizeof(struct links),
	.open = link_open,
	.sample = link_sample,
	.close = link_close,
};
