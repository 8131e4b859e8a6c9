/* strtoull would take " +0x17" for a number too. */
#include "base/digits.h"

static unsigned value_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return 10 + (unsigned)(c - 'a');
	if (c >= 'A' && c <= 'F')
		return 10 + (unsigned)(c - 'A');
	return UINT8_MAX;
}

bool sq_digits_next(const char **at, unsigned base, char end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t v = 0;

	for (; value_of(*p) < base; p++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, value_of(*p), &v))
			return false;
	if (p == *at || *p != end)
		return false;
	*at = p + 1;
	*ret = v;
	return true;
}
