/* Names and classes of outcomes.  A code is one number: the common ones below SQ_CODE_DRIVER, the
 * driver's own after it, system errors from SQ_CODE_ERRNO on by their names of <errno.h>.
 *
 * What a reader would get wrong: EPERM and EACCES are "refused", not "local".  A send or a connect
 * is answered so by a packet filter (an nft output rule), which is a decision of the network's. */
#include "results/outcome.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The kernel's MAX_ERRNO. */
enum { ERRNO_MAX = 4095, ERRNO_NAME = 20 };

static const char *const class_names[SQ_CLASSES] = {
	[SQ_CLASS_OK] = "ok",
	[SQ_CLASS_SOFT] = "soft",
	[SQ_CLASS_HARD] = "hard",
	[SQ_CLASS_RESET] = "reset",
	[SQ_CLASS_REFUSED] = "refused",
	[SQ_CLASS_TIMEOUT] = "timeout",
	[SQ_CLASS_LOCAL] = "local",
	[SQ_CLASS_GARBLED] = "garbled",
	[SQ_CLASS_CANCELED] = "canceled",
	[SQ_CLASS_MISSED] = "missed",
};

static const struct sq_code common[] = {
	[SQ_CODE_OK] = { "ok", SQ_CLASS_OK, "it succeeded" },
	[SQ_CODE_TIMEOUT] = { "timeout", SQ_CLASS_TIMEOUT, "no end within the timeout" },
	[SQ_CODE_EOF] = { "eof", SQ_CLASS_RESET, "the peer closed where more was due" },
	[SQ_CODE_CANCELED] = { "canceled", SQ_CLASS_CANCELED, "the run ended first" },
	[SQ_CODE_MISSED] = { "missed", SQ_CLASS_MISSED, "due, but never started" },
	[SQ_CODE_UNFINISHED] = { "unfinished", SQ_CLASS_CANCELED,
				 "the generator was killed; the fate is not known" },
	[SQ_CODE_TLS] = { "tls", SQ_CLASS_HARD, "the two sides do not agree on TLS" },
	[SQ_CODE_CERTIFICATE] = { "certificate", SQ_CLASS_HARD,
				  "the server's certificate is not trusted, or not for this name" },
};

enum { COMMON = sizeof(common) / sizeof(common[0]) };

static const struct {
	int err;
	enum sq_class class;
} errno_classes[] = {
	{ ECONNREFUSED, SQ_CLASS_REFUSED }, { EHOSTUNREACH, SQ_CLASS_REFUSED },
	{ ENETUNREACH, SQ_CLASS_REFUSED },  { EHOSTDOWN, SQ_CLASS_REFUSED },
	{ EPERM, SQ_CLASS_REFUSED },        { EACCES, SQ_CLASS_REFUSED },
	{ ECONNRESET, SQ_CLASS_RESET },     { EPIPE, SQ_CLASS_RESET },
	{ ECONNABORTED, SQ_CLASS_RESET },   { ETIMEDOUT, SQ_CLASS_TIMEOUT },
};

const char *sq_class_name(enum sq_class c)
{
	return (unsigned)c < SQ_CLASSES ? class_names[c] : "unknown";
}

int sq_class_by_name(const char *name)
{
	for (int i = 0; name && i < SQ_CLASSES; i++)
		if (strcmp(class_names[i], name) == 0)
			return i;
	return -1;
}

bool sq_class_is_failure(enum sq_class c)
{
	return c != SQ_CLASS_OK && c != SQ_CLASS_CANCELED && c != SQ_CLASS_MISSED;
}

static char odd_errno[ERRNO_MAX + 1][ERRNO_NAME];

static void name_odd_errnos(void)
{
	for (int i = 0; i <= ERRNO_MAX; i++)
		snprintf(odd_errno[i], ERRNO_NAME, "errno %d", i);
}

static const char *errno_name(int err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *name = err > 0 ? strerrorname_np(err) : NULL;

	if (name)
		return name;
	if (err > ERRNO_MAX)
		return "unknown";
	pthread_once(&once, name_odd_errnos);
	return odd_errno[err];
}

static enum sq_class errno_class(int err)
{
	for (size_t i = 0; i < sizeof(errno_classes) / sizeof(errno_classes[0]); i++)
		if (errno_classes[i].err == err)
			return errno_classes[i].class;
	return SQ_CLASS_LOCAL;
}

/* The entry of a common code or of one of the driver's; NULL for a number that is neither. */
static const struct sq_code *entry(const struct sq_code *driver, uint16_t code)
{
	if (code < COMMON)
		return &common[code];
	for (uint16_t i = SQ_CODE_DRIVER; driver && driver->name; driver++, i++)
		if (i == code)
			return driver;
	return NULL;
}

const char *sq_code_name(const struct sq_code *driver, uint16_t code)
{
	const struct sq_code *e;

	if (code >= SQ_CODE_ERRNO)
		return errno_name(code - SQ_CODE_ERRNO);
	e = entry(driver, code);
	return e ? e->name : "unknown";
}

enum sq_class sq_code_class(const struct sq_code *driver, uint16_t code)
{
	const struct sq_code *e;

	if (code >= SQ_CODE_ERRNO)
		return errno_class(code - SQ_CODE_ERRNO);
	e = entry(driver, code);
	return e ? e->class : SQ_CLASS_LOCAL;
}

bool sq_code_known(const struct sq_code *driver, const char *name)
{
	for (size_t i = 0; i < COMMON; i++)
		if (strcmp(common[i].name, name) == 0)
			return true;
	for (; driver && driver->name; driver++)
		if (strcmp(driver->name, name) == 0)
			return true;
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return true;
	}
	return false;
}
