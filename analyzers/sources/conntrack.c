/* The table of tracked connections: how many stand in it and how many may, and what was dropped
 * because it was full: "conntrack.entries", "conntrack.max", "conntrack.drop".
 *
 * What a reader would get wrong:
 * - A network namespace has a table of its own, but the limit is one for all of them.
 * - A namespace in which no rule asks for tracking tracks nothing: all of it is 0 then.
 * - conntrack.drop is of packets; each is in insert_failed or stands for an entry that there was no
 *   room for.  The kernel log's "table full, dropping packet" is rate-limited. */
#include "analyzers/formats/nettext_private.h"

struct conntrack {
	struct sq_nettext_file stat, max;
};

static size_t parse_stat(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	return sq_nettext_processors(t, "conntrack", NULL, text, len, s);
}

static size_t parse_max(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct sq_nettext_group *g = group_at(t, 0);
	struct sq_span rest = { text, text + len }, line = rest;

	if (g->n_rows == 0)
		group_add(g, sq_catalogue_metric(s, "conntrack.max", NULL));
	return sq_span_line(&rest, &line) ? put_values(g, line, s) : 0;
}

static int conntrack_sample(void *state, struct sq_sample *s)
{
	struct conntrack *c = state;
	int rc = sq_nettext_file_sample(&c->stat, parse_stat, s);

	return rc < 0 ? rc : sq_nettext_file_sample(&c->max, parse_max, s);
}

static void conntrack_close(void *state)
{
	struct conntrack *c = state;

	sq_nettext_file_close(&c->stat);
	sq_nettext_file_close(&c->max);
}

static int conntrack_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct conntrack *c = state;
	int rc;

	(void)conf;
	rc = sq_nettext_file_open(&c->stat, sq_sample_place(s),
				  "/proc/thread-self/net/stat/nf_conntrack", err);
	if (rc == 0)
		rc = sq_nettext_file_open(&c->max, sq_sample_place(s),
					  "/proc/sys/net/netfilter/nf_conntrack_max", err);
	if (rc < 0)
		conntrack_close(c);
	return rc;
}

const struct sq_source sq_source_conntrack = {
	.kind = {
		.name = "conntrack",
		.summary = "the table of tracked connections, and drops for want of room in it "
			   "(/proc/net/stat/nf_conntrack)",
	},
	.group = "linux",
	.state_size = sizeof(struct conntrack),
	.remote = true,
	.open = conntrack_open,
	.sample = conntrack_sample,
	.close = conntrack_close,
};
