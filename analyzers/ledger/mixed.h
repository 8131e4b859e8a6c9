/* Connections that lost SYNs or segments to several counters, the first to a full accept queue and the
 * second to a filter: each such counter alone has too few rises for them.
 *
 * What a reader would get wrong: either cure may have saved such a connection, so it is either
 * mechanism's.  They are shared out by what each counter paid for. */
#ifndef SQ_ANALYZERS_LEDGER_MIXED_H
#define SQ_ANALYZERS_LEDGER_MIXED_H

#include <stdbool.h>
#include <stddef.h>

struct sq_book;
struct sq_case;

/* After all mechanisms, over the cases in the order of their settlement: what they left of their
 * readings pays for what they left of the book, and what is settled may make room for it.  Whether any
 * more is explained; then cases, claims and book say so. */
bool sq_mixed_settle(const struct sq_book *book, struct sq_case *const *cases, size_t n);

#endif
