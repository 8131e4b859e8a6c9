/* Sources that run a BSD's own tool. */
#ifndef SQ_ANALYZERS_FORMATS_BSD_SOURCE_H
#define SQ_ANALYZERS_FORMATS_BSD_SOURCE_H

#include "analyzers/formats/bsd_text.h"
#include "analyzers/formats/stats_source.h"

/* As sq_stats_command_open; but the usual command is for BSDs alone: tools of the same names say other
 * things elsewhere.  A command that the scenario gives is taken as it is. */
int sq_bsd_open(struct sq_stats_source *source, const struct sq_stats_command_conf *conf,
		const char *usual, sq_stats_parser *parse, struct sq_sample *s, struct sq_err *err);

#endif
