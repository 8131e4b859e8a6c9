/* A command's options, by the same tables as everything else. */
#ifndef SQ_CLI_ARGS_H
#define SQ_CLI_ARGS_H

#include "base/opt.h"

/* A letter that another program's users are used to: "-l 10" stands for "--duration 10s",
 * "-D" for "--dnssec". */
struct sq_args_letter {
	char letter; /* 0 ends a list */
	const char *option;
	const char *unit; /* of a bare number; NULL: none */
	const char
		*least; /* a bare number is the upper end of a range from here; NULL: it is not */
	const char *value; /* what the letter alone stands for; NULL: a value follows it */
};

/* Fills *base (defaults first) from argv[1..]: "--key value", "--key=value", "--" ends options.
 * What is no option goes to *ret_rest (borrowed strings; free the array with sq_args_rest_free).
 * On failure prints what is wrong with how to get help, leaves *base empty (fini'd) and returns
 * -EINVAL. */
int sq_args_parse(int argc, char **argv, const struct sq_opt *opts, void *base,
		  struct sq_strings *ret_rest);
/* The same with letters; NULL: none, and "-x" is no option. */
int sq_args_parse_letters(int argc, char **argv, const struct sq_opt *opts,
			  const struct sq_args_letter *letters, void *base,
			  struct sq_strings *ret_rest);
void sq_args_rest_free(struct sq_strings *rest);

/* "  -l N   --duration, in s" for command-line help. */
void sq_args_letters_help(const struct sq_args_letter *letters, struct sq_buf *out);

/* "squall: WHERE: TEXT" on stderr. */
void sq_complain(const struct sq_err *err);

#endif
