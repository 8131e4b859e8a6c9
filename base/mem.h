/* Allocation for set-up and analysis: succeeds, or ends the process with a message (exit 3).
 * The hot path allocates nothing after warm-up. */
#ifndef SQ_BASE_MEM_H
#define SQ_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *sq_alloc(size_t size);                        /* zeroed */
void *sq_alloc_n(size_t n, size_t size);            /* zeroed, overflow checked */
void *sq_realloc_n(void *p, size_t n, size_t size); /* new bytes are not zeroed */
char *sq_strdup(const char *s);                     /* NULL gives NULL */
bool sq_same_text(const char *a, const char *b);    /* NULL is the same as NULL alone */
char *sq_printf_dup(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Room for one more element of a growing array: *cap doubles as needed. */
void *sq_grow(void *array, size_t n, size_t *cap, size_t size);

#endif
