/* Whom a load writes to: patterns, or a file of addresses, as one list that is taken in turn. */
#ifndef SQ_LOADGEN_SMTP_RECIPIENTS_H
#define SQ_LOADGEN_SMTP_RECIPIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

enum { SQ_SMTP_ADDRESS_MAX = 320 }; /* 64 + "@" + 255 (RFC 5321, 4.5.3.1) */

struct sq_smtp_recipients;

/* users: a file, one address a line, in place of the patterns; NULL: none.  NULL with err: -EINVAL, or
 * that of a file that cannot be read. */
struct sq_smtp_recipients *sq_smtp_recipients_new(const struct sq_strings *patterns,
						  const char *users, struct sq_err *err);
struct sq_smtp_recipients *sq_smtp_recipients_free(struct sq_smtp_recipients *r);

/* How many addresses it has. */
uint64_t sq_smtp_recipients_count(const struct sq_smtp_recipients *r);
size_t sq_smtp_recipients_longest(const struct sq_smtp_recipients *r);
/* Address number i of the list, which begins anew at its end, to `out`, NUL-terminated; its end. */
char *sq_smtp_recipients_write(const struct sq_smtp_recipients *r, uint64_t i, char *out);

/* Whether a text can stand between < and >; domain: it must have one. */
bool sq_smtp_is_address(const char *text, bool domain);

#endif
