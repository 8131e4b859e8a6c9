/* The line that Postal prints each minute, for scripts that read it. */
#ifndef SQ_LOADGEN_SMTP_POSTAL_H
#define SQ_LOADGEN_SMTP_POSTAL_H

#include <time.h>

#include "base/buf.h"
#include "loadgen/engine/live.h"

#define SQ_SMTP_POSTAL_HEAD "time,messages,data(K),errors,connections,SSL connections\n"

/* Of what came between two sums of all lanes, with its newline. */
void sq_smtp_postal_line(const struct sq_live_sum *before, const struct sq_live_sum *now,
			 const struct tm *when, struct sq_buf *out);

#endif
