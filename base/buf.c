/* A growing string.  Storage doubles, so that building a text piece by piece stays linear. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Room for len more bytes and the NUL. */
static void reserve(struct sq_buf *b, size_t len)
{
	b->data = sq_grow(b->data, b->len + len, &b->cap, 1);
}

void sq_buf_add(struct sq_buf *b, const char *s, size_t len)
{
	reserve(b, len);
	if (len)
		memcpy(b->data + b->len, s, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void sq_buf_puts(struct sq_buf *b, const char *s)
{
	sq_buf_add(b, s, strlen(s));
}

void sq_buf_integer(struct sq_buf *b, int64_t v)
{
	char digits[20], *p = digits + sizeof(digits);
	uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (v < 0)
		*--p = '-';
	sq_buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void sq_buf_printf(struct sq_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sq_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void sq_buf_vprintf(struct sq_buf *b, const char *fmt, va_list ap)
{
	va_list measure;
	int len;

	va_copy(measure, ap);
	len = vsnprintf(NULL, 0, fmt, measure);
	va_end(measure);
	assert(len >= 0);
	if (len < 0)
		return;
	reserve(b, (size_t)len);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
	b->len += (size_t)len;
}

void sq_buf_reset(struct sq_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void sq_buf_fini(struct sq_buf *b)
{
	free(b->data);
	*b = (struct sq_buf){ 0 };
}
