/* How an operation ended.  The second kind of error: what the tested system did, as data.
 *
 * A code is a word of the protocol's or the kernel's own ("ECONNRESET", "timeout", "SERVFAIL"); a
 * class says whose it is.  local (our own descriptors, ports, buffers) and missed (a slot that we
 * could not send in) are the generator's, never the target's. */
#ifndef SQ_RESULTS_OUTCOME_H
#define SQ_RESULTS_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum sq_class {
	SQ_CLASS_OK,
	SQ_CLASS_SOFT,    /* try again later: SMTP 4xx */
	SQ_CLASS_HARD,    /* refused by the application: SERVFAIL, 5xx */
	SQ_CLASS_RESET,   /* ECONNRESET, EPIPE, unexpected end of file */
	SQ_CLASS_REFUSED, /* ECONNREFUSED, unreachable, EPERM by a filter of the network's */
	SQ_CLASS_TIMEOUT,
	SQ_CLASS_LOCAL,    /* EMFILE, EADDRNOTAVAIL, ENOBUFS ... of this machine */
	SQ_CLASS_GARBLED,  /* an answer that is none */
	SQ_CLASS_CANCELED, /* ended by us: Ctrl-C, the end of the run */
	SQ_CLASS_MISSED,   /* due, but never started */
	SQ_CLASSES
};

/* Codes that every driver shares; a driver's own begin at SQ_CODE_DRIVER, in its table's order;
 * SQ_CODE_ERRNO + errno stands for a system error by its name. */
enum {
	SQ_CODE_OK,
	SQ_CODE_TIMEOUT,
	SQ_CODE_EOF,        /* the peer closed where more was due */
	SQ_CODE_CANCELED,   /* ours: the run ended first */
	SQ_CODE_MISSED,     /* ours: no room, or too late to start */
	SQ_CODE_UNFINISHED, /* the generator was killed; the fate is not known */
	SQ_CODE_TLS,
	SQ_CODE_CERTIFICATE,
	SQ_CODE_DRIVER = 64,
	SQ_CODE_ERRNO = 0x1000,
};

struct sq_code {
	const char *name; /* NULL ends a table */
	enum sq_class class;
	const char *help;
};

struct sq_outcome {
	uint16_t code;
	uint8_t phase; /* index into the driver's phases */
};

const char *sq_class_name(enum sq_class c);
/* -1 for an unknown name. */
int sq_class_by_name(const char *name);

/* A failure is every class but ok, canceled and missed: the target, the network or this machine
 * let the operation down.  canceled and missed are counted, and are never blamed on anyone. */
bool sq_class_is_failure(enum sq_class c);

/* driver: the driver's own table, or NULL.  The name is static storage; "errno 999" style names
 * for unknown numbers live in a static table too. */
const char *sq_code_name(const struct sq_code *driver, uint16_t code);
enum sq_class sq_code_class(const struct sq_code *driver, uint16_t code);

/* For name checks in expectations: "timeout", "ECONNRESET", or one of the driver's. */
bool sq_code_known(const struct sq_code *driver, const char *name);

/* SQ_CODE_ERRNO + err: err is a positive errno. */
static inline uint16_t sq_code_errno(int err)
{
	return (uint16_t)(SQ_CODE_ERRNO + err);
}

#endif
