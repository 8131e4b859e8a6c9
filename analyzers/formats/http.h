/* One HTTP GET, which blocks: for the statistics that servers give over HTTP on the machine itself. */
#ifndef SQ_ANALYZERS_FORMATS_HTTP_H
#define SQ_ANALYZERS_FORMATS_HTTP_H

#include <stdint.h>

#include "analyzers/formats/span.h"
#include "base/buf.h"
#include "base/err.h"

/* url: "http://127.0.0.1:8053/json/v1/server", "http://[::1]/status".  An address, not a name: a
 * reading must not wait for a resolver, which may be what is under test.  The answer's body into
 * out, which is reset first.  0; -ETIMEDOUT, -ECONNREFUSED ... of the system; -EBADMSG for what is
 * no whole answer of status 200; -EINVAL for the URL.  From the caller's network namespace. */
int sq_http_get(const char *url, int64_t timeout_ns, struct sq_buf *out, struct sq_err *err);

/* Only the check: -EINVAL when it can't be asked for.  What passes has no blank, quote or backslash in
 * it, so that it may stand in a shell's single quotes. */
int sq_http_check(const char *url, struct sq_err *err);

/* The body of a whole answer.  0 or -EBADMSG. */
int sq_http_body(struct sq_span answer, struct sq_span *ret_body, struct sq_err *err);

#endif
