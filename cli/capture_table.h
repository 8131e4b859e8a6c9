/* What changed at each tick of a capture, as a table for people. */
#ifndef SQ_CLI_CAPTURE_TABLE_H
#define SQ_CLI_CAPTURE_TABLE_H

#include <stddef.h>

struct sq_capture_table;

struct sq_capture_table *sq_capture_table_new(void);
struct sq_capture_table *sq_capture_table_free(struct sq_capture_table *t);

/* One record of the capture's spool; prints to standard output when it is a tick that changed something. */
void sq_capture_table_record(struct sq_capture_table *t, const char *line, size_t len);

#endif
