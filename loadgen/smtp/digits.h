/* Numbers in the texts of mail. */
#ifndef SQ_LOADGEN_SMTP_DIGITS_H
#define SQ_LOADGEN_SMTP_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/* The last so many digits of v, to `out`; its end. */
static inline char *sq_smtp_put_digits(char *out, uint64_t v, unsigned base, size_t digits)
{
	for (size_t i = digits; i-- > 0; v /= base)
		out[i] = "0123456789abcdef"[v % base];
	return out + digits;
}

#endif
