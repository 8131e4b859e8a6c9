/* What sources have in common whose reading is one whole text: a command's output at the capture's
 * place, or an answer over HTTP. */
#ifndef SQ_ANALYZERS_FORMATS_STATS_SOURCE_H
#define SQ_ANALYZERS_FORMATS_STATS_SOURCE_H

#include "analyzers/formats/server_stats.h"
#include "analyzers/source.h"
#include "base/buf.h"

struct sq_stats_command_conf {
	char *command;
	int64_t timeout_ns;
};

struct sq_stats_url_conf {
	char *url;
	int64_t timeout_ns;
};

/* The options of such a source, with what is run, or asked for, when nothing else is given. */
#define SQ_STATS_COMMAND_OPTS(default_command)                                       \
	{ .name = "command",                                                         \
	  .type = SQ_OPT_STRING,                                                     \
	  .offset = offsetof(struct sq_stats_command_conf, command),                 \
	  .def = (default_command),                                                  \
	  .help = "the command line whose output is read, at the capture's place" }, \
		SQ_STATS_TIMEOUT_OPT(struct sq_stats_command_conf)

#define SQ_STATS_URL_OPTS(default_url, text)                 \
	{ .name = "url",                                     \
	  .type = SQ_OPT_STRING,                             \
	  .offset = offsetof(struct sq_stats_url_conf, url), \
	  .def = (default_url),                              \
	  .help = (text) },                                  \
		SQ_STATS_TIMEOUT_OPT(struct sq_stats_url_conf)

#define SQ_STATS_TIMEOUT_OPT(conf)                                                                \
	{                                                                                         \
		.name = "timeout", .type = SQ_OPT_DURATION, .offset = offsetof(conf, timeout_ns), \
		.def = "1s", .min = 1e6, .max = 60e9,                                             \
		.help = "how long a reading may take before it is a gap"                          \
	}

/* All of it; that of an empty one is empty too. */
static inline struct sq_span sq_span_of_buf(const struct sq_buf *b)
{
	return b->len ? (struct sq_span){ b->data, b->data + b->len } : sq_span_of("");
}

/* The state of a source that is one command or one URL. */
struct sq_stats_source {
	const char *command, *url; /* one of them is NULL; borrowed */
	int64_t timeout_ns;
	sq_stats_parser *parse;
	struct sq_buf text; /* of the last reading */
	struct sq_stats_memory memory;
	bool failing;
};

/* Each reads once, to see that it can; what it cannot read is not available here.  0 or -errno. */
int sq_stats_command_open(struct sq_stats_source *source, const struct sq_stats_command_conf *conf,
			  sq_stats_parser *parse, struct sq_sample *s, struct sq_err *err);
int sq_stats_url_open(struct sq_stats_source *source, const struct sq_stats_url_conf *conf,
		      sq_stats_parser *parse, struct sq_sample *s, struct sq_err *err);

/* An answer over HTTP into out: from the capture's namespace, or where there is but a shell by a program
 * that it has.  0 or -errno. */
int sq_stats_fetch(struct sq_sample *s, const char *url, int64_t timeout_ns, struct sq_buf *out,
		   struct sq_err *err);

/* Why a reading failed is told once, when it begins to: the gaps themselves say but an errno.  rc: of the
 * reading; it is returned. */
int sq_stats_outcome(struct sq_sample *s, bool *failing, int rc, const struct sq_err *err);

/* The hooks. */
int sq_stats_source_sample(void *state, struct sq_sample *s);
void sq_stats_source_close(void *state);

#endif
