/* What servers say of themselves: from a whole answer to puts into a sample.  A text may be cut
 * anywhere and come from anybody; what a parser doesn't recognise it passes over. */
#ifndef SQ_ANALYZERS_FORMATS_SERVER_STATS_H
#define SQ_ANALYZERS_FORMATS_SERVER_STATS_H

#include "analyzers/formats/stats_row.h"
#include "base/opt.h"

typedef void sq_stats_parser(struct sq_span text, struct sq_stats *t);

sq_stats_parser sq_stats_bind;    /* named's statistics channel, JSON: /json/v1/server, /net */
sq_stats_parser sq_stats_unbound; /* unbound-control stats_noreset */
sq_stats_parser sq_stats_nsd;     /* nsd-control stats_noreset */
sq_stats_parser sq_stats_knot;    /* knotc stats */
sq_stats_parser sq_stats_nginx;   /* the page of stub_status */

/* The text format of Prometheus; of a row's name one of the patterns (fnmatch(3)) must fit, when
 * there are any. */
void sq_stats_prometheus(struct sq_span text, const struct sq_strings *names, struct sq_stats *t);

/* What a line of named's log complains of: "no more recursive clients"; NULL: of nothing that is
 * looked for. */
const char *sq_stats_named_complaint(struct sq_span line);

#endif
