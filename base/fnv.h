/* The hash of Fowler, Noll and Vo (FNV-1a).  It spreads keys over a table and tells mishaps from one
 * another; whoever wants to make two texts of one hash can. */
#ifndef SQ_BASE_FNV_H
#define SQ_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

/* Of nothing. */
#define SQ_FNV64_EMPTY UINT64_C(0xcbf29ce484222325)

/* Of 64 bits, of more of the same bytes. */
static inline uint64_t sq_fnv64_add(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Of 32 bits, of a text in whatever case its letters (ASCII's) are. */
static inline uint32_t sq_fnv32_caseless(const char *text, size_t len)
{
	uint32_t hash = UINT32_C(0x811c9dc5);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c)) * UINT32_C(0x01000193);
	}
	return hash;
}

#endif
