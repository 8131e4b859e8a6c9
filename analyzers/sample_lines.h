/* The spool's lines of rows and ticks (docs/spool.md) as text. */
#ifndef SQ_ANALYZERS_SAMPLE_LINES_H
#define SQ_ANALYZERS_SAMPLE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "analyzers/source.h"
#include "base/buf.h"

/* Each is added to lines; part: the thread's number.  -EINVAL for a text that is not UTF-8. */
int sq_lines_metric(struct sq_buf *lines, unsigned part, size_t number, const char *source,
		    const struct sq_metric *m);
void sq_lines_restart(struct sq_buf *lines, unsigned part, int64_t t_ns, size_t row);
void sq_lines_tick(struct sq_buf *lines, unsigned part, int64_t begin_ns, int64_t end_ns,
		   const struct sq_buf *values, const struct sq_buf *raw,
		   const struct sq_buf *unread);

/* Of a tick's values, and of its raw ones; of the sources that it did not read. */
void sq_lines_pair(struct sq_buf *list, size_t row, int64_t value);
void sq_lines_name(struct sq_buf *list, const char *name);

#endif
