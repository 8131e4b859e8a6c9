/* RTM_NEWNEIGHTBL: a message for each table, and then one for each device that uses it, which has
 * settings and no counts.  A machine of many devices tells much that is not asked for: 600 of them cost
 * 1.4 ms. */
#include "analyzers/kernel/neightbl.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES, THRESHOLDS, STATS = THRESHOLDS + 3 };

const char *const sq_neightbl_columns[SQ_NEIGHTBL_COLUMNS] = {
	[ENTRIES] = "entries",
	[THRESHOLDS] = "gc_thresh1",
	[THRESHOLDS + 1] = "gc_thresh2",
	[THRESHOLDS + 2] = "gc_thresh3",
	/* In the order of struct ndt_stats, to which kernels add at the end. */
	[STATS] = "allocs",
	[STATS + 1] = "destroys",
	[STATS + 2] = "hash_grows",
	[STATS + 3] = "res_failed",
	[STATS + 4] = "lookups",
	[STATS + 5] = "hits",
	[STATS + 6] = "rcv_probes_mcast",
	[STATS + 7] = "rcv_probes_ucast",
	[STATS + 8] = "periodic_gc_runs",
	[STATS + 9] = "forced_gc_runs",
	[STATS + 10] = "table_fulls",
};

_Static_assert(offsetof(struct ndt_stats, ndts_table_fulls) == 10 * sizeof(uint64_t),
	       "the columns are those of struct ndt_stats");

static void tell(struct sq_neightbl *t, size_t column, uint64_t value)
{
	t->value[column] = value;
	t->told[column] = true;
}

static void take_stats(struct sq_neightbl *t, const struct nlattr *attr)
{
	const char *at = mnl_attr_get_payload(attr);
	size_t n = mnl_attr_get_payload_len(attr) / sizeof(uint64_t);

	for (size_t i = 0; i < n && STATS + i < SQ_NEIGHTBL_COLUMNS; i++) {
		uint64_t value;

		memcpy(&value, at + i * sizeof(value), sizeof(value));
		tell(t, STATS + i, value);
	}
}

static void take(struct sq_neightbl *t, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	struct ndt_config config;

	if (type == NDTA_NAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
		snprintf(t->name, sizeof(t->name), "%s", mnl_attr_get_str(attr));
	} else if (type == NDTA_STATS) {
		take_stats(t, attr);
	} else if (type >= NDTA_THRESH1 && type <= NDTA_THRESH3 && len >= sizeof(uint32_t)) {
		tell(t, THRESHOLDS + type - NDTA_THRESH1, mnl_attr_get_u32(attr));
	} else if (type == NDTA_CONFIG && len >= sizeof(config)) {
		memcpy(&config, mnl_attr_get_payload(attr), sizeof(config));
		tell(t, ENTRIES, config.ndtc_entries);
	}
}

struct visit {
	void (*each)(const struct sq_neightbl *t, void *arg);
	void *arg;
};

static int on_table(const struct nlmsghdr *header, void *arg)
{
	const struct visit *v = arg;
	const struct nlattr *attr;
	struct sq_neightbl t = { .name = "" };

	if (header->nlmsg_type != RTM_NEWNEIGHTBL ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(struct ndtmsg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(struct ndtmsg))
	{
		take(&t, attr);
	}
	if (t.name[0] && t.told[STATS])
		v->each(&t, v->arg);
	return MNL_CB_OK;
}

int sq_neightbl_dump(struct sq_netlink *nl, void (*each)(const struct sq_neightbl *t, void *arg),
		     void *arg)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ndtmsg))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct visit v = { each, arg };

	header->nlmsg_type = RTM_GETNEIGHTBL;
	header->nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ndtmsg));
	return sq_netlink_ask(nl, header, on_table, &v);
}
