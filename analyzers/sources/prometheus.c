/* Any endpoint in the text format of Prometheus: node_exporter, pmproxy of PCP, and all others.  Rows have
 * the metrics' own names, and their labels for instances.
 *
 * What a reader would get wrong: an exporter may have thousands of metrics, and each is a row; "names"
 * says which are wanted. */
#include <errno.h>

#include "analyzers/formats/stats_source.h"

struct prometheus_conf {
	struct sq_stats_url_conf url; /* first */
	struct sq_strings names;
};

struct prometheus {
	const struct prometheus_conf *conf;
	struct sq_buf text;
	struct sq_stats_memory memory;
	bool failing;
};

static int read_once(struct prometheus *p, struct sq_sample *s, struct sq_err *err)
{
	struct sq_stats stats = { .sample = s, .memory = &p->memory };
	int rc = sq_stats_fetch(s, p->conf->url.url, p->conf->url.timeout_ns, &p->text, err);

	if (rc < 0)
		return rc;
	sq_stats_prometheus(sq_span_of_buf(&p->text), &p->conf->names, &stats);
	sq_stats_tell(&stats);
	if (stats.n == 0)
		return sq_err_set(err, -EBADMSG, p->conf->url.url,
				  "no metric that is wanted; see names, and what the URL gives");
	return 0;
}

static void prometheus_close(void *state)
{
	struct prometheus *p = state;

	sq_buf_fini(&p->text);
	sq_stats_memory_fini(&p->memory);
}

static int prometheus_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct prometheus *p = state;
	int rc;

	*p = (struct prometheus){ .conf = conf };
	rc = read_once(p, s, err);
	if (rc < 0)
		prometheus_close(p);
	return rc;
}

static int prometheus_sample(void *state, struct sq_sample *s)
{
	struct prometheus *p = state;
	struct sq_err err = { 0 };
	int rc = read_once(p, s, &err);

	return sq_stats_outcome(s, &p->failing, rc, &err);
}

static const struct sq_opt prometheus_opts[] = {
	SQ_STATS_URL_OPTS("http://127.0.0.1:9100/metrics", "where the metrics are"),
	{ .name = "names",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct prometheus_conf, names),
	  .lone = true,
	  .help = "which metrics, by patterns with * and ?, as in node_network_*; all when not given" },
	{ 0 },
};

const struct sq_source sq_source_prometheus = {
	.kind = {
		.name = "prometheus",
		.summary = "an endpoint in the text format of Prometheus, such as node_exporter",
		.opts = prometheus_opts,
		.conf_size = sizeof(struct prometheus_conf),
	},
	.state_size = sizeof(struct prometheus),
	.blocking = true,
	.remote = true,
	.open = prometheus_open,
	.sample = prometheus_sample,
	.close = prometheus_close,
};
