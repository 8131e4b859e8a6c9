/* Random labels: "{random:8}.example.test" is another name each time, so that no cache has it. */
#ifndef SQ_LOADGEN_DNS_LABEL_H
#define SQ_LOADGEN_DNS_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The text with each {random:N} replaced by N times the octet 0 as an escape, which names without
 * one must not have then; new.  NULL with err at `where` (-EINVAL).  *ret_any: whether there was one. */
char *sq_dns_label_expand(const char *text, bool *ret_any, const char *where, struct sq_err *err);

/* Puts letters and digits in the place of the 0 octets of the labels of a name on the wire.  Names
 * with n of them repeat after 36^n numbers, not before (n above 12: as 12). */
void sq_dns_label_fill(uint8_t *name, uint64_t number, uint64_t salt);

#endif
