/* The bodies of a load's messages: made ones of a size, or the real ones of a file.  What they have
 * in common is made once before the run and is the same for all lanes. */
#ifndef SQ_LOADGEN_SMTP_BODY_H
#define SQ_LOADGEN_SMTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

enum { SQ_SMTP_SIZE_UNIFORM, SQ_SMTP_SIZE_LOGNORMAL };

struct sq_smtp_body_spec {
	struct sq_range size; /* bytes, 2 at least */
	int size_as;
	char *messages; /* a file or folder of real ones instead; NULL: none */
};

/* Which one: of a message's lane and its number there, and among those of the load. */
struct sq_smtp_which {
	uint64_t lane, seq, number;
};

enum { SQ_SMTP_TAIL_MAX = 19 };

/* As it goes out: `text`, which others share, then `tail`, its own. */
struct sq_smtp_body {
	const char *text;
	size_t text_len, tail_len;
	char tail[SQ_SMTP_TAIL_MAX];
	bool headed;  /* the text begins with a header */
	size_t bytes; /* of the body, without what was put in for the way */
	uint64_t digest;
};

struct sq_smtp_bodies;

/* NULL with err: -errno of the file, -EINVAL. */
struct sq_smtp_bodies *sq_smtp_bodies_new(const struct sq_smtp_body_spec *spec, struct sq_err *err);
struct sq_smtp_bodies *sq_smtp_bodies_free(struct sq_smtp_bodies *b);

void sq_smtp_body_make(const struct sq_smtp_bodies *b, const struct sq_smtp_which *which,
		       struct sq_smtp_body *ret);
/* What it takes on the way, and whether there are bytes over 127 in it. */
size_t sq_smtp_body_size(const struct sq_smtp_bodies *b, const struct sq_smtp_which *which,
			 bool *ret_eight_bit);

#endif
