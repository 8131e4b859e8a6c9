/* What rtnetlink says of queueing disciplines: RTM_NEWQDISC, its counts in TCA_STATS2, its settings
 * in TCA_OPTIONS, which each kind lays out in its own way.
 *
 * What a reader would get wrong:
 * - Only roots count.  A child's drop is the root's too: a tbf counts what its inner bfifo refused.
 * - What hangs on the input side (ingress, clsact) has a parent of its own, and is no root.
 * - tbf keeps its burst as the time that sending it takes, in ticks of 64 ns (the kernel's
 *   PSCHED_SHIFT), so that the bytes have to be worked out, as tc does. */
#include "analyzers/kernel/qdisc.h"

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { TICK_NS = 64 };

/* Where a kind says how much may wait: in an attribute of TCA_OPTIONS, or in a bare struct there. */
static const struct {
	const char *kind;
	uint16_t attr; /* 0: bare */
	size_t offset;
	bool bytes;
} limits[] = {
	{ "tbf", TCA_TBF_PARMS, offsetof(struct tc_tbf_qopt, limit), true },
	{ "bfifo", 0, offsetof(struct tc_fifo_qopt, limit), true },
	{ "pfifo", 0, offsetof(struct tc_fifo_qopt, limit), false },
	{ "pfifo_head_drop", 0, offsetof(struct tc_fifo_qopt, limit), false },
	{ "netem", 0, offsetof(struct tc_netem_qopt, limit), false },
	{ "codel", TCA_CODEL_LIMIT, 0, false },
	{ "fq", TCA_FQ_PLIMIT, 0, false },
	{ "fq_codel", TCA_FQ_CODEL_LIMIT, 0, false },
	{ "pie", TCA_PIE_LIMIT, 0, false },
};

/* An attribute's bytes into the caller's storage, as many as fit; the rest stays as it is. */
static void take(const struct nlattr *attr, void *to, size_t size)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(to, mnl_attr_get_payload(attr), len < size ? len : size);
}

static const struct nlattr *find_nested(const struct nlattr *in, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, in)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

/* Two counts of packets: the second comes only when it doesn't fit into the first. */
static bool parse_stats(const struct nlattr *stats, struct sq_qdisc *q)
{
	struct gnet_stats_basic basic = { 0 };
	struct gnet_stats_queue queue = { 0 };
	const struct nlattr *attr;
	bool have = false;

	attr = find_nested(stats, TCA_STATS_BASIC);
	if (attr)
		take(attr, &basic, sizeof(basic));
	q->bytes = basic.bytes;
	q->packets = basic.packets;
	attr = find_nested(stats, TCA_STATS_PKT64);
	if (attr)
		take(attr, &q->packets, sizeof(q->packets));
	attr = find_nested(stats, TCA_STATS_QUEUE);
	have = attr != NULL;
	if (attr)
		take(attr, &queue, sizeof(queue));
	q->drops = queue.drops;
	q->overlimits = queue.overlimits;
	q->requeues = queue.requeues;
	q->queued = queue.qlen;
	q->backlog = queue.backlog;
	return have;
}

static void parse_limit(const struct nlattr *options, struct sq_qdisc *q)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct nlattr *in = options;
		uint32_t *to = limits[i].bytes ? &q->limit_bytes : &q->limit_packets;

		if (strcmp(q->kind, limits[i].kind) != 0)
			continue;
		if (limits[i].attr)
			in = find_nested(options, limits[i].attr);
		if (in && mnl_attr_get_payload_len(in) >= limits[i].offset + sizeof(*to))
			memcpy(to, (const char *)mnl_attr_get_payload(in) + limits[i].offset,
			       sizeof(*to));
	}
}

static void parse_tbf(const struct nlattr *options, struct sq_qdisc *q)
{
	const struct nlattr *attr = find_nested(options, TCA_TBF_PARMS);
	struct tc_tbf_qopt opt = { .limit = 0 };

	if (!attr)
		return;
	take(attr, &opt, sizeof(opt));
	q->rate_bytes_per_s = opt.rate.rate;
	attr = find_nested(options, TCA_TBF_RATE64);
	if (attr)
		take(attr, &q->rate_bytes_per_s, sizeof(q->rate_bytes_per_s));
	q->burst_bytes =
		(uint64_t)llround((double)q->rate_bytes_per_s * opt.buffer * TICK_NS / 1e9);
}

bool sq_qdisc_parse(const struct nlmsghdr *header, struct sq_qdisc *ret)
{
	const struct tcmsg *msg = mnl_nlmsg_get_payload(header);
	const struct nlattr *attr, *options = NULL;
	struct sq_qdisc q = { 0 };
	bool counts = false;

	if (header->nlmsg_type != RTM_NEWQDISC ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*msg) || msg->tcm_parent != TC_H_ROOT)
		return false;
	q.device = (uint32_t)msg->tcm_ifindex;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			take(attr, q.kind, sizeof(q.kind) - 1);
		else if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			options = attr;
		else if (mnl_attr_get_type(attr) == TCA_STATS2)
			counts = parse_stats(attr, &q);
	}
	if (!counts || strcmp(q.kind, "noqueue") == 0)
		return false;
	if (options)
		parse_limit(options, &q);
	if (options && strcmp(q.kind, "tbf") == 0)
		parse_tbf(options, &q);
	*ret = q;
	return true;
}

struct visit {
	void (*each)(const struct sq_qdisc *q, void *arg);
	void *arg;
};

static int on_qdisc(const struct nlmsghdr *header, void *arg)
{
	const struct visit *v = arg;
	struct sq_qdisc q;

	if (sq_qdisc_parse(header, &q))
		v->each(&q, v->arg);
	return MNL_CB_OK;
}

int sq_qdisc_dump(struct sq_netlink *nl, void (*each)(const struct sq_qdisc *q, void *arg),
		  void *arg)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct tcmsg))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct visit v = { each, arg };

	header->nlmsg_type = RTM_GETQDISC;
	header->nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(header, sizeof(struct tcmsg));
	return sq_netlink_ask(nl, header, on_qdisc, &v);
}
