/* The tables of neighbours, ARP's and IPv6's: entries against the thresholds of the garbage collector,
 * and what was refused when they were full: "neighbour.table_fulls" of "arp_cache".
 *
 * What a reader would get wrong:
 * - The tables, their limits and their counts are one for all network namespaces.
 * - table_fulls counts look-ups that were refused, so about one for each packet that had no neighbour
 *   yet; the sender may see ENOBUFS or nothing.
 * - Packets that an entry dropped while it was being looked up (its queue was full, or nobody
 *   answered), "neighbour.unres_discards", are not told by netlink, only by /proc/net/stat, which the
 *   first network namespace alone has. */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/netlink.h"
#include "analyzers/nettext_private.h"

#define STAT(member)                                                            \
	{                                                                       \
		"neighbour." #member, offsetof(struct ndt_stats, ndts_##member) \
	}

static const struct {
	const char *name;
	size_t offset;
} stats[] = {
	STAT(allocs),           STAT(destroys),         STAT(hash_grows),
	STAT(res_failed),       STAT(lookups),          STAT(hits),
	STAT(rcv_probes_mcast), STAT(rcv_probes_ucast), STAT(periodic_gc_runs),
	STAT(forced_gc_runs),   STAT(table_fulls),
};

static const char *const thresholds[] = { "neighbour.gc_thresh1", "neighbour.gc_thresh2",
					  "neighbour.gc_thresh3" };

enum {
	STATS = sizeof(stats) / sizeof(stats[0]),
	THRESHOLDS = sizeof(thresholds) / sizeof(thresholds[0]),
	TABLE_NAME = 32,
};

struct table {
	char name[TABLE_NAME];
	unsigned stat_rows[STATS], threshold_rows[THRESHOLDS], entries_row, discards_row;
	struct sq_procfile text; /* without a text: not there */
};

struct neighbours {
	struct sq_netlink netlink;
	struct sq_sample *sample;
	struct table *v;
	size_t n, cap;
};

static void open_text(struct table *t, struct sq_sample *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/thread-self/net/stat/%s", t->name);
	if (sq_procfile_open(&t->text, sq_sample_place(s), path, NULL) == 0)
		t->discards_row = sq_catalogue_metric(s, "neighbour.unres_discards", t->name);
}

static struct table *table_at(struct neighbours *n, const char *name)
{
	struct table *t;

	for (size_t i = 0; i < n->n; i++)
		if (strncmp(n->v[i].name, name, TABLE_NAME - 1) == 0)
			return &n->v[i];
	n->v = sq_grow(n->v, n->n, &n->cap, sizeof(*n->v));
	t = &n->v[n->n++];
	*t = (struct table){ 0 };
	snprintf(t->name, sizeof(t->name), "%s", name);
	for (size_t i = 0; i < STATS; i++)
		t->stat_rows[i] = sq_catalogue_metric(n->sample, stats[i].name, t->name);
	for (size_t i = 0; i < THRESHOLDS; i++)
		t->threshold_rows[i] = sq_catalogue_metric(n->sample, thresholds[i], t->name);
	t->entries_row = sq_catalogue_metric(n->sample, "neighbour.entries", t->name);
	open_text(t, n->sample);
	return t;
}

/* Kernels add members at the end: what an older one doesn't tell gets no value. */
static void put_stats(const struct neighbours *n, const struct table *t, const struct nlattr *attr)
{
	const char *at = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	for (size_t i = 0; i < STATS; i++) {
		uint64_t value;

		if (stats[i].offset + sizeof(value) > len)
			continue;
		memcpy(&value, at + stats[i].offset, sizeof(value));
		sq_sample_put(n->sample, t->stat_rows[i], value);
	}
}

static void put_attribute(const struct neighbours *n, const struct table *t,
			  const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);
	struct ndt_config config;

	if (type == NDTA_STATS) {
		put_stats(n, t, attr);
	} else if (type >= NDTA_THRESH1 && type <= NDTA_THRESH3 &&
		   mnl_attr_get_payload_len(attr) >= sizeof(uint32_t)) {
		sq_sample_put(n->sample, t->threshold_rows[type - NDTA_THRESH1],
			      mnl_attr_get_u32(attr));
	} else if (type == NDTA_CONFIG && mnl_attr_get_payload_len(attr) >= sizeof(config)) {
		memcpy(&config, mnl_attr_get_payload(attr), sizeof(config));
		sq_sample_put(n->sample, t->entries_row, config.ndtc_entries);
	}
}

/* Of a table's messages the first is its own, and the others, without counts, are its devices'. */
static int on_table(const struct nlmsghdr *header, void *arg)
{
	struct neighbours *n = arg;
	const struct nlattr *attr, *name = NULL, *counts = NULL;
	const struct table *t;

	if (header->nlmsg_type != RTM_NEWNEIGHTBL ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(struct ndtmsg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(struct ndtmsg))
	{
		if (mnl_attr_get_type(attr) == NDTA_NAME)
			name = attr;
		else if (mnl_attr_get_type(attr) == NDTA_STATS)
			counts = attr;
	}
	if (!counts || !name || mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_OK;
	t = table_at(n, mnl_attr_get_str(name));
	mnl_attr_for_each(attr, header, sizeof(struct ndtmsg)) put_attribute(n, t, attr);
	return MNL_CB_OK;
}

static int put_discards(struct table *t, struct sq_sample *s)
{
	struct span rest, header, line, word, name;
	uint64_t sum = 0;
	int rc = sq_procfile_read(&t->text);

	rest = (struct span){ t->text.text, t->text.text + t->text.len };
	if (rc < 0 || !next_line(&rest, &header))
		return rc < 0 ? rc : -EBADMSG;
	while (next_line(&rest, &line)) {
		struct span names = header;

		while (next_word(&names, &name) && next_word(&line, &word))
			if (same_span(name, span_of("unresolved_discards")))
				sum += strtoull(word.p, NULL, 16);
	}
	sq_sample_put(s, t->discards_row, sum);
	return 0;
}

static int neighbour_sample(void *state, struct sq_sample *s)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ndtmsg))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct neighbours *n = state;
	int rc;

	header->nlmsg_type = RTM_GETNEIGHTBL;
	header->nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ndtmsg));
	rc = sq_netlink_ask(&n->netlink, header, on_table, n);
	for (size_t i = 0; rc == 0 && i < n->n; i++)
		if (n->v[i].text.text)
			rc = put_discards(&n->v[i], s);
	return rc;
}

static int neighbour_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct neighbours *n = state;

	(void)conf;
	n->sample = s;
	return sq_netlink_open(&n->netlink, NETLINK_ROUTE, err);
}

static void neighbour_close(void *state)
{
	struct neighbours *n = state;

	sq_netlink_close(&n->netlink);
	for (size_t i = 0; i < n->n; i++)
		sq_procfile_close(&n->v[i].text);
	free(n->v);
}

const struct sq_source sq_source_neighbour = {
	.kind = {
		.name = "neighbour",
		.summary = "entries, limits and refusals of the tables of neighbours (rtnetlink)",
	},
	.group = "linux",
	.state_size = sizeof(struct neighbours),
	.open = neighbour_open,
	.sample = neighbour_sample,
	.close = neighbour_close,
};
