/* The digest of a message's body, which its header carries so that whoever receives it can tell a
 * changed one: FNV-1a of 64 bits.  It tells mishaps, not forgers.
 *
 * What a reader would get wrong: the body is what it is to its reader: with CRLF at the line ends, the
 * last one's included, and without the dots that SMTP puts before dots. */
#ifndef SQ_LOADGEN_SMTP_DIGEST_H
#define SQ_LOADGEN_SMTP_DIGEST_H

#include "base/fnv.h"

#define SQ_SMTP_DIGEST_EMPTY SQ_FNV64_EMPTY

/* Of more of the same body. */
static inline uint64_t sq_smtp_digest_add(uint64_t digest, const char *bytes, size_t len)
{
	return sq_fnv64_add(digest, bytes, len);
}

#endif
