/* The messages of loads that a Postfix has in hand, by its log: which is which, and what came of each of
 * their recipients. */
#ifndef SQ_ANALYZERS_POSTFIX_BOOK_H
#define SQ_ANALYZERS_POSTFIX_BOOK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "analyzers/postfix/log.h"

struct sq_postfix_book;

struct sq_postfix_book *sq_postfix_book_new(void);
struct sq_postfix_book *sq_postfix_book_free(struct sq_postfix_book *b);

/* The log's next line. */
void sq_postfix_book_line(struct sq_postfix_book *b, enum sq_postfix_event event,
			  const struct sq_postfix_line *line);

/* A message's file stands in the queue. */
void sq_postfix_book_stands(struct sq_postfix_book *b, const char *queue_id);
/* How many in hand were not found to stand there. */
size_t sq_postfix_book_missing(const struct sq_postfix_book *b);

/* The messages that left the queue since the last call and were not sent to all their recipients; each
 * as docs/spool.md has it.  A new array, which may be empty. */
json_t *sq_postfix_book_take(struct sq_postfix_book *b);
/* Those that are still in hand; looked: whether their files stand in the queue was found out. */
json_t *sq_postfix_book_rest(const struct sq_postfix_book *b, bool looked);

#endif
