/* Filling a struct sq_err.  The arguments may point into the very struct that is filled
 * (`sq_err_set(err, c, w, "%s", err->text)`), so the new text is made beside it first. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/value.h"

int sq_err_set(struct sq_err *err, int code, const char *where, const char *fmt, ...)
{
	struct sq_err made = { .code = code };
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(made.text, sizeof(made.text), fmt, ap);
	va_end(ap);
	snprintf(made.where, sizeof(made.where), "%s", where ? where : "");
	/* Both may go into JSON, which takes no half of a character. */
	sq_text_cut_back(made.text);
	sq_text_cut_back(made.where);
	*err = made;
	return code;
}
