/* The tables of neighbours, ARP's and IPv6's: entries against the thresholds of the garbage collector,
 * and what was refused when they were full: "neighbour.table_fulls" of "arp_cache".
 *
 * What a reader would get wrong:
 * - The tables, their limits and their counts are one for all network namespaces.
 * - table_fulls counts neighbours that were refused, so about one for each packet that had none yet; the
 *   sender may see ENOBUFS or nothing.
 * - /proc/net/stat has them in the first network namespace only, and costs the same on a machine of many
 *   devices; elsewhere rtnetlink is asked, which does not tell unresolved_discards. */
#include <errno.h>
#include <string.h>

#include "analyzers/formats/nettext_private.h"
#include "analyzers/kernel/neightbl.h"

enum {
	TABLES = 2, /* of IPv4 and IPv6; others have no texts */
	THRESHOLDS = 3,
	SELDOM = 10, /* thresholds are settings: they are read at each tenth reading */
};

static const struct {
	const char *name, *family;
} tables[TABLES] = { { "arp_cache", "ipv4" }, { "ndisc_cache", "ipv6" } };

struct neighbours {
	struct sq_sample *sample;
	/* By texts: those of a table, and of its thresholds; without a text: not there. */
	struct sq_nettext_file stat[TABLES], thresholds[TABLES][THRESHOLDS];
	unsigned reading;
	/* Else by rtnetlink. */
	struct sq_netlink netlink;
	char names[TABLES][SQ_NEIGHTBL_NAME];
	unsigned rows[TABLES][SQ_NEIGHTBL_COLUMNS];
};

/* ---- by texts ---- */

static void open_texts(struct neighbours *n, struct sq_place *place)
{
	char path[96];

	for (size_t t = 0; t < TABLES; t++) {
		snprintf(path, sizeof(path), "/proc/thread-self/net/stat/%s", tables[t].name);
		sq_nettext_file_open(&n->stat[t], place, path, NULL);
		for (size_t i = 0; n->stat[t].file.text && i < THRESHOLDS; i++) {
			snprintf(path, sizeof(path), "/proc/sys/net/%s/neigh/default/gc_thresh%zu",
				 tables[t].family, i + 1);
			sq_nettext_file_open(&n->thresholds[t][i], place, path, NULL);
		}
	}
}

static int read_stat(struct neighbours *n, size_t t)
{
	struct sq_nettext_file *f = &n->stat[t];
	int rc = f->file.text ? sq_nettext_file_read(f, n->sample) : 0;

	if (rc <= 0)
		return rc;
	f->put = sq_nettext_processors(&f->parsed, "neighbour", tables[t].name, f->file.text,
				       f->file.len, n->sample) > 0;
	return f->put ? 0 : -EBADMSG;
}

static int read_threshold(struct neighbours *n, size_t t, size_t i)
{
	struct sq_nettext_file *f = &n->thresholds[t][i];
	struct sq_nettext_group *g = group_at(&f->parsed, 0);
	struct sq_span rest, line;
	int rc = f->file.text ? sq_nettext_file_read(f, n->sample) : 0;

	if (rc <= 0)
		return rc;
	if (g->n_rows == 0) {
		char name[NAME_SIZE];

		snprintf(name, sizeof(name), "neighbour.gc_thresh%zu", i + 1);
		group_add(g, sq_catalogue_metric(n->sample, name, tables[t].name));
	}
	rest = (struct sq_span){ f->file.text, f->file.text + f->file.len };
	f->put = sq_span_line(&rest, &line) && put_values(g, line, n->sample);
	return f->put ? 0 : -EBADMSG;
}

static int read_texts(struct neighbours *n)
{
	bool all = n->reading++ % SELDOM == 0;
	int rc = 0;

	for (size_t t = 0; rc == 0 && t < TABLES; t++) {
		rc = read_stat(n, t);
		for (size_t i = 0; all && rc == 0 && i < THRESHOLDS; i++)
			rc = read_threshold(n, t, i);
	}
	/* What a failed reading has put is forgotten. */
	if (rc < 0)
		n->reading = 0;
	return rc;
}

/* ---- by rtnetlink ---- */

static size_t place_of(struct neighbours *n, const char *table)
{
	char metric[NAME_SIZE];
	size_t t = 0;

	while (t < TABLES && n->names[t][0] && strcmp(n->names[t], table) != 0)
		t++;
	if (t == TABLES || n->names[t][0])
		return t;
	snprintf(n->names[t], sizeof(n->names[t]), "%s", table);
	for (size_t i = 0; i < SQ_NEIGHTBL_COLUMNS; i++) {
		snprintf(metric, sizeof(metric), "neighbour.%s", sq_neightbl_columns[i]);
		n->rows[t][i] = sq_catalogue_metric(n->sample, metric, table);
	}
	return t;
}

static void on_table(const struct sq_neightbl *table, void *arg)
{
	struct neighbours *n = arg;
	size_t t = place_of(n, table->name);

	for (size_t i = 0; t < TABLES && i < SQ_NEIGHTBL_COLUMNS; i++)
		if (table->told[i])
			sq_sample_put(n->sample, n->rows[t][i], table->value[i]);
}

/* ---- the source ---- */

static int neighbour_sample(void *state, struct sq_sample *s)
{
	struct neighbours *n = state;

	(void)s;
	if (n->stat[0].file.text)
		return read_texts(n);
	return sq_neightbl_dump(&n->netlink, on_table, n);
}

static int neighbour_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct neighbours *n = state;

	(void)conf;
	n->sample = s;
	open_texts(n, sq_sample_place(s));
	if (n->stat[0].file.text)
		return 0;
	if (!sq_place_is_here(sq_sample_place(s)))
		return sq_err_set(err, -ENOENT, "/proc/net/stat/arp_cache",
				  "it is in the first network namespace only");
	return sq_netlink_open(&n->netlink, NETLINK_ROUTE, err);
}

static void neighbour_close(void *state)
{
	struct neighbours *n = state;

	for (size_t t = 0; t < TABLES; t++) {
		sq_nettext_file_close(&n->stat[t]);
		for (size_t i = 0; i < THRESHOLDS; i++)
			sq_nettext_file_close(&n->thresholds[t][i]);
	}
	sq_netlink_close(&n->netlink);
}

const struct sq_source sq_source_neighbour = {
	.kind = {
		.name = "neighbour",
		.summary = "entries, limits and refusals of the tables of neighbours (/proc/net/stat, "
			   "or rtnetlink)",
	},
	.group = "linux",
	.state_size = sizeof(struct neighbours),
	.remote = true,
	.open = neighbour_open,
	.sample = neighbour_sample,
	.close = neighbour_close,
};
