/* Allocation that succeeds or ends the process.  The message is written without stdio, because
 * there may be no memory for that either, and _exit skips handlers that might allocate. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_NO_MEMORY = 3 };

static _Noreturn void exhausted(void)
{
	static const char text[] = "squall: out of memory; use fewer threads, a shorter run, or "
				   "raise the memory limit\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) == -1)
		_exit(EXIT_NO_MEMORY);
	_exit(EXIT_NO_MEMORY);
}

/* Never 0, for which an allocator may answer NULL without being exhausted. */
static size_t total(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		exhausted();
	return bytes ? bytes : 1;
}

void *sq_alloc(size_t size)
{
	return sq_alloc_n(1, size);
}

void *sq_alloc_n(size_t n, size_t size)
{
	void *p = calloc(1, total(n, size));

	if (!p)
		exhausted();
	return p;
}

void *sq_realloc_n(void *p, size_t n, size_t size)
{
	void *q = realloc(p, total(n, size));

	if (!q)
		exhausted();
	return q;
}

bool sq_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

char *sq_strdup(const char *s)
{
	char *copy;

	if (!s)
		return NULL;
	copy = strdup(s);
	if (!copy)
		exhausted();
	return copy;
}

char *sq_printf_dup(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len == -1)
		exhausted();
	return text;
}

void *sq_grow(void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap : 8;

	if (n < *cap)
		return array;
	while (want <= n) {
		if (want > (size_t)-1 / 2)
			exhausted();
		want *= 2;
	}
	*cap = want;
	return sq_realloc_n(array, want, size);
}
