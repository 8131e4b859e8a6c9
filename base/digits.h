/* Numbers in texts that others wrote, digit by digit: no sign, no blank, no prefix is a part of one. */
#ifndef SQ_BASE_DIGITS_H
#define SQ_BASE_DIGITS_H

#include <stdbool.h>
#include <stdint.h>

/* The number that stands at *at up to the character `end`; *at is then behind that.  False, and nothing
 * is moved, when there is none or it has more than 64 bits.  base: 2 to 16. */
bool sq_digits_next(const char **at, unsigned base, char end, uint64_t *ret);

#endif
