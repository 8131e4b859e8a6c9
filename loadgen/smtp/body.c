/* Made bodies.  There is one long text of short lines, and a body is its beginning, with a last line
 * that ends in a number no other message has.  The digest of a beginning is known for the end of
 * each of its lines, so that a body of 100 KiB costs no more to make than one of 1 KiB.
 *
 * A size, where it varies, follows from the lane and the message's number there: it is the same
 * whenever it is asked for, and in each run of one seed. */
#include "loadgen/smtp/body.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "loadgen/smtp/digest.h"
#include "loadgen/smtp/digits.h"
#include "loadgen/smtp/letter.h"

/* With a tail behind it a line has 60 + 17 bytes at most (RFC 5322, 2.1.1: 78). */
enum { LINE_TEXT = 60, LINE = LINE_TEXT + 2, DIGITS = 16 };

/* So many times their spread are the ends of the sizes away from the middle, on a scale of
 * logarithms: 95 % of what is drawn. */
#define ENDS_SIGMAS 1.96

struct sq_smtp_bodies {
	int64_t least, most;
	int size_as;
	char *text;
	uint64_t *digests; /* of the first i lines of it */
	struct sq_smtp_letters *letters;
};

/* ---- made and unmade ---- */

static void make_text(struct sq_smtp_bodies *b, size_t size)
{
	static const char letters[] = "squall-makes-load-on-a-server-of-your-own-";
	size_t lines = size / LINE + 1;

	b->text = sq_alloc(lines * LINE);
	b->digests = sq_alloc_n(lines + 1, sizeof(*b->digests));
	b->digests[0] = SQ_SMTP_DIGEST_EMPTY;
	for (size_t i = 0; i < lines; i++) {
		char *line = b->text + i * LINE;

		for (size_t j = 0; j < LINE_TEXT; j++)
			line[j] = letters[(i + j) % (sizeof(letters) - 1)];
		line[LINE_TEXT] = '\r';
		line[LINE_TEXT + 1] = '\n';
		b->digests[i + 1] = sq_smtp_digest_add(b->digests[i], line, LINE);
	}
}

struct sq_smtp_bodies *sq_smtp_bodies_new(const struct sq_smtp_body_spec *spec, struct sq_err *err)
{
	struct sq_smtp_bodies *b = sq_alloc(sizeof(*b));

	b->least = spec->size.least;
	b->most = spec->size.most;
	b->size_as = spec->size_as;
	if (!spec->messages) {
		make_text(b, (size_t)b->most);
		return b;
	}
	b->letters = sq_smtp_letters_load(spec->messages, err);
	return b->letters ? b : sq_smtp_bodies_free(b);
}

struct sq_smtp_bodies *sq_smtp_bodies_free(struct sq_smtp_bodies *b)
{
	if (!b)
		return NULL;
	sq_smtp_letters_free(b->letters);
	free(b->text);
	free(b->digests);
	free(b);
	return NULL;
}

/* ---- sizes ---- */

/* Standard normal, by Box and Muller. */
static double draw_normal(struct sq_rng *rng)
{
	double r = sqrt(2 * sq_rng_exp(rng));

	return r * cos(6.283185307179586 * sq_rng_double(rng));
}

/* What falls beyond the ends is drawn again, so that they are no sizes of their own. */
static int64_t draw_lognormal(const struct sq_smtp_bodies *b, struct sq_rng *rng)
{
	double low = log((double)b->least), high = log((double)b->most), at;

	do
		at = (low + high) / 2 + (high - low) / 2 / ENDS_SIGMAS * draw_normal(rng);
	while (at < low || at > high);
	return llround(exp(at));
}

static int64_t size_of(const struct sq_smtp_bodies *b, const struct sq_smtp_which *which)
{
	struct sq_rng rng;

	if (b->least == b->most)
		return b->most;
	sq_rng_init(&rng, which->lane, which->seq);
	if (b->size_as == SQ_SMTP_SIZE_LOGNORMAL)
		return draw_lognormal(b, &rng);
	return b->least + (int64_t)sq_rng_below(&rng, (uint64_t)(b->most - b->least) + 1);
}

/* ---- one body ---- */

/* The number, and the end of the line.  Where the text before it would end between CR and LF, it ends
 * before them. */
static void make_tail(struct sq_smtp_body *body, size_t size, uint64_t number)
{
	size_t digits = size - 2 < DIGITS ? size - 2 : DIGITS;
	bool split = (size - 2 - digits) % LINE == LINE - 1;
	char *end = body->tail;

	if (split)
		*end++ = '-';
	end = sq_smtp_put_digits(end, number, 16, digits);
	*end++ = '\r';
	*end++ = '\n';
	body->tail_len = (size_t)(end - body->tail);
}

void sq_smtp_body_make(const struct sq_smtp_bodies *b, const struct sq_smtp_which *which,
		       struct sq_smtp_body *ret)
{
	size_t size, lines;

	if (b->letters) {
		sq_smtp_letter_take(b->letters, which->number, ret);
		return;
	}
	size = (size_t)size_of(b, which);
	make_tail(ret, size, which->lane + which->seq);
	ret->text = b->text;
	ret->text_len = size - ret->tail_len;
	ret->headed = false;
	ret->bytes = size;
	lines = ret->text_len / LINE;
	ret->digest =
		sq_smtp_digest_add(b->digests[lines], b->text + lines * LINE, ret->text_len % LINE);
	ret->digest = sq_smtp_digest_add(ret->digest, ret->tail, ret->tail_len);
}

size_t sq_smtp_body_size(const struct sq_smtp_bodies *b, const struct sq_smtp_which *which,
			 bool *ret_eight_bit)
{
	*ret_eight_bit = false;
	if (b->letters)
		return sq_smtp_letter_size(b->letters, which->number, ret_eight_bit);
	return (size_t)size_of(b, which);
}
