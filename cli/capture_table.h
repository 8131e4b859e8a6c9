/* What a capture's readings changed, as a table for people. */
#ifndef SQ_CLI_CAPTURE_TABLE_H
#define SQ_CLI_CAPTURE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct sq_capture_table;

/* all: every gauge that changed, each processor beside the sum of all, what each source's readings took. */
struct sq_capture_table *sq_capture_table_new(bool all);
struct sq_capture_table *sq_capture_table_free(struct sq_capture_table *t);

/* One record of the capture's spool.  What is no number goes to standard output at once. */
void sq_capture_table_record(struct sq_capture_table *t, const char *line, size_t len);

/* Whether there are ticks that are not printed; prints them as one table to standard output. */
bool sq_capture_table_pending(const struct sq_capture_table *t);
void sq_capture_table_print(struct sq_capture_table *t);

#endif
