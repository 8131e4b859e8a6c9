/* The progress line on a terminal. */
#ifndef SQ_LOADGEN_CAMPAIGN_PROGRESS_H
#define SQ_LOADGEN_CAMPAIGN_PROGRESS_H

#include <stdint.h>

#include "loadgen/engine/live.h"

/* Redraws the line on stderr: where the run stands, from the lanes' own counts. */
void sq_progress_draw(const struct sq_live *live, int64_t since_start_ns, int64_t end_ns);
void sq_progress_clear(void);

#endif
