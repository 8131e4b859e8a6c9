/* Where counters are read that are not this machine's: "ssh:HOST", or "exec:COMMAND" for any command
 * that gives a shell on its pipes. */
#ifndef SQ_SCENARIOS_WHERE_H
#define SQ_SCENARIOS_WHERE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SQ_WHERE_NAME = 33 }; /* a host's name and its NUL */

/* The command as an argument list, NULL-terminated; sq_where_free gives it back.  -EINVAL with err's
 * text for what is neither form, or a HOST that ssh would take for an option. */
int sq_where_argv(const char *where, char ***ret_argv, struct sq_err *err);
void sq_where_free(char **argv);

/* Of "ssh:[USER@]HOST[:PORT]" the HOST, which is not terminated; NULL for a command. */
const char *sq_where_host(const char *where, size_t *ret_len);

/* Whether that is the HOST: how a load's target says that it stands there. */
bool sq_where_is(const char *where, const char *host, size_t len);

/* HOST as the name of a scenario's host; false when it can't be one ("192.0.2.1"). */
bool sq_where_name(const char *where, char ret_name[SQ_WHERE_NAME]);

#endif
