/* libFuzzer over SMTP replies: the same bytes give the same replies however they are cut, and the
 * parser always goes forward. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	unsigned replies, codes; /* codes: a hash of all, in order */
	bool pipelining, garbled;
};

static struct seen read_in_pieces(const char *data, size_t len, size_t piece)
{
	struct sq_smtp_reply reply = { 0 };
	struct seen seen = { 0 };

	for (size_t at = 0; at < len && !seen.garbled; at += piece) {
		const char *p = data + at, *end = data + (len - at < piece ? len : at + piece);

		while (p < end && !seen.garbled) {
			const char *before = p;
			enum sq_smtp_parse rc = sq_smtp_reply_parse(&reply, &p, end);

			assert(p > before && p <= end);
			seen.garbled = rc == SQ_SMTP_GARBLED;
			assert(rc != SQ_SMTP_MORE || p == end);
			if (rc != SQ_SMTP_REPLY)
				continue;
			assert(reply.code >= 200 && reply.code <= 599);
			seen.replies++;
			seen.codes = seen.codes * 31 + reply.code;
			seen.pipelining |= (reply.extensions & SQ_SMTP_EXT_PIPELINING) != 0;
		}
	}
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen whole = read_in_pieces((const char *)data, len, len ? len : 1);

	for (size_t piece = 1; piece <= 7; piece += 3) {
		struct seen cut = read_in_pieces((const char *)data, len, piece);

		assert(cut.replies == whole.replies && cut.codes == whole.codes);
		assert(cut.pipelining == whole.pipelining && cut.garbled == whole.garbled);
	}
	return 0;
}
