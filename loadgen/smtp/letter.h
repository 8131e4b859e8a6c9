/* Real messages, read from a file or a folder and made ready for the wire. */
#ifndef SQ_LOADGEN_SMTP_LETTER_H
#define SQ_LOADGEN_SMTP_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loadgen/smtp/body.h"

struct sq_smtp_letters;

/* path: an mbox, a file with one message, or a folder of such files, which are taken in the order of
 * their names.  NULL with err: -errno, or -EINVAL when there is no message in it. */
struct sq_smtp_letters *sq_smtp_letters_load(const char *path, struct sq_err *err);
struct sq_smtp_letters *sq_smtp_letters_free(struct sq_smtp_letters *l);

/* They are taken in turn. */
void sq_smtp_letter_take(const struct sq_smtp_letters *l, uint64_t number,
			 struct sq_smtp_body *ret);
size_t sq_smtp_letter_size(const struct sq_smtp_letters *l, uint64_t number, bool *ret_eight_bit);

#endif
