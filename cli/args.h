/* A command's options, by the same tables as everything else. */
#ifndef SQ_CLI_ARGS_H
#define SQ_CLI_ARGS_H

#include "base/opt.h"

/* Fills *base (defaults first) from argv[1..]: "--key value", "--key=value", "--" ends options.
 * What is no option goes to *ret_rest (borrowed strings; free the array with sq_args_rest_free).
 * On failure prints what is wrong with how to get help and returns -EINVAL. */
int sq_args_parse(int argc, char **argv, const struct sq_opt *opts, void *base,
		  struct sq_strings *ret_rest);
void sq_args_rest_free(struct sq_strings *rest);

/* "squall: WHERE: TEXT" on stderr. */
void sq_complain(const struct sq_err *err);

#endif
