/* A name with random parts is kept with an octet 0 where each random one goes: a name that a person
 * asks for has none, and it passes through patterns and the parser of names as any escape does.
 *
 * What a reader would get wrong: the octets are not drawn, they are the number itself, mixed.  Drawn
 * ones would repeat (of 100,000 names with 6 octets two or three would be the same, and the second
 * one found in a cache); a one-to-one mapping of the numbers below 36^n cannot. */
#include "loadgen/dns/label.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { RADIX = 36, DIGITS_MAX = 12, LENGTH_MAX = 63 }; /* 36^12 is below 2^63 */

#define RANDOM "{random:"

/* "{random:8}" at text; its length, 0 when it is none. */
static size_t part_read(const char *text, unsigned *ret_n)
{
	size_t at = sizeof(RANDOM) - 1;
	unsigned n = 0;

	for (; text[at] >= '0' && text[at] <= '9' && n <= LENGTH_MAX; at++)
		n = n * 10 + (unsigned)(text[at] - '0');
	*ret_n = n;
	return n >= 1 && n <= LENGTH_MAX && text[at] == '}' ? at + 1 : 0;
}

char *sq_dns_label_expand(const char *text, bool *ret_any, const char *where, struct sq_err *err)
{
	struct sq_buf out = { 0 };
	const char *part;

	*ret_any = false;
	for (; (part = strstr(text, RANDOM)); *ret_any = true) {
		unsigned n;
		size_t len = part_read(part, &n);

		if (len == 0) {
			sq_err_set(err, -EINVAL, where,
				   "'%.40s' is no random part; write it as {random:8}, of 1 to 63 "
				   "letters and digits",
				   part);
			sq_buf_fini(&out);
			return NULL;
		}
		sq_buf_add(&out, text, (size_t)(part - text));
		while (n-- > 0)
			sq_buf_puts(&out, "\\000");
		text = part + len;
	}
	sq_buf_puts(&out, text);
	return out.data;
}

/* ---- filling ---- */

/* One-to-one among the numbers below 36^n: the factor shares no divisor with 36.  Each digit of the
 * result depends on those below it alone, so that it is done twice, turned round in between. */
static void digits_mix(uint8_t *digits, unsigned n, uint64_t salt)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15) / 36 * 36 + 29;
	uint64_t value = 0, modulus = 1;

	for (unsigned i = 0; i < n; i++, modulus *= RADIX)
		value = value * RADIX + digits[i];
	value = (uint64_t)(((unsigned __int128)value * (factor % modulus) + salt) % modulus);
	for (unsigned i = 0; i < n; i++, value /= RADIX)
		digits[i] = (uint8_t)(value % RADIX); /* the lowest first: turned round */
}

static void digits_of(uint64_t number, unsigned n, uint64_t salt, uint8_t *digits)
{
	for (unsigned i = n; i-- > 0; number /= RADIX)
		digits[i] = (uint8_t)(number % RADIX);
	digits_mix(digits, n, salt);
	digits_mix(digits, n, salt >> 1);
}

static unsigned count_places(const uint8_t *name)
{
	unsigned n = 0;

	for (; *name; name += 1 + *name)
		for (unsigned i = 1; i <= *name; i++)
			n += name[i] == 0;
	return n;
}

void sq_dns_label_fill(uint8_t *name, uint64_t number, uint64_t salt)
{
	unsigned places = count_places(name), n = places < DIGITS_MAX ? places : DIGITS_MAX, at = 0;
	uint8_t digits[DIGITS_MAX];

	digits_of(number, n, salt, digits);
	for (; *name; name += 1 + *name)
		for (unsigned i = 1; i <= *name; i++)
			if (name[i] == 0)
				name[i] = (uint8_t) "0123456789abcdefghijklmnopqrstuvwxyz"
					[digits[at++ % n]];
}
