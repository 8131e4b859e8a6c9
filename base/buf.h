/* A growing string. */
#ifndef SQ_BASE_BUF_H
#define SQ_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* data is always NUL-terminated once anything was added; NULL before. */
struct sq_buf {
	char *data;
	size_t len, cap;
};

void sq_buf_add(struct sq_buf *b, const char *s, size_t len);
void sq_buf_puts(struct sq_buf *b, const char *s);
void sq_buf_integer(struct sq_buf *b, int64_t v); /* decimal */
void sq_buf_printf(struct sq_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sq_buf_vprintf(struct sq_buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void sq_buf_reset(struct sq_buf *b); /* length 0, storage kept */
void sq_buf_fini(struct sq_buf *b);

#endif
