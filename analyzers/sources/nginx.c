/* nginx's connections and requests: "nginx.accepts", "nginx.handled", "nginx.requests", out of its page
 * of stub_status.
 *
 * What a reader would get wrong: each reading is one connection and one request, which nginx counts
 * with the rest; "nginx.readings" says how many these were. */
#include "analyzers/formats/stats_source.h"

struct nginx {
	struct sq_stats_source page;
	uint64_t readings;
};

static void put_readings(struct nginx *n, struct sq_sample *s)
{
	sq_sample_put(s,
		      sq_sample_metric(s, &(struct sq_metric){ .name = "nginx.readings",
							       .unit = "requests",
							       .kind = SQ_COUNTER,
							       .width = 64 }),
		      ++n->readings);
}

static int nginx_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct nginx *n = state;

	n->readings = 1;
	return sq_stats_url_open(&n->page, conf, sq_stats_nginx, s, err);
}

static int nginx_sample(void *state, struct sq_sample *s)
{
	struct nginx *n = state;
	int rc = sq_stats_source_sample(&n->page, s);

	put_readings(n, s);
	return rc;
}

static const struct sq_opt nginx_opts[] = {
	SQ_STATS_URL_OPTS("http://127.0.0.1/stub_status", "the page of stub_status"),
	{ 0 },
};

const struct sq_source sq_source_nginx = {
	.kind = {
		.name = "nginx",
		.summary = "nginx's connections and requests (stub_status)",
		.opts = nginx_opts,
		.conf_size = sizeof(struct sq_stats_url_conf),
	},
	.state_size = sizeof(struct nginx),
	.blocking = true,
	.remote = true,
	.open = nginx_open,
	.sample = nginx_sample,
	.close = sq_stats_source_close,
};
