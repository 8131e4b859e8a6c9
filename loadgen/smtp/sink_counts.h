/* What the SMTP sink saw.  Written by the serving thread only, read from any. */
#ifndef SQ_LOADGEN_SMTP_SINK_COUNTS_H
#define SQ_LOADGEN_SMTP_SINK_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#include <jansson.h>

#include "loadgen/smtp/sink_fault.h"

enum { SQ_SMTPD_CODES = 600, SQ_SMTPD_ERRNOS = 256 };

/* What ended a connection: what came first, if more than one thing would do. */
enum sq_smtpd_end {
	SQ_SMTPD_END_NONE,
	SQ_SMTPD_END_QUIT,
	SQ_SMTPD_END_FIN,  /* of the client, without QUIT */
	SQ_SMTPD_END_SINK, /* 421, drop, close */
	SQ_SMTPD_END_RESET,
	SQ_SMTPD_END_LOST, /* any other errno, ETIMEDOUT mostly */
	SQ_SMTPD_ENDS,
};

struct sq_smtpd_counts {
	/* connections = open + the sum of ends. */
	_Atomic int64_t connections, open, peak_open;
	_Atomic int64_t ends[SQ_SMTPD_ENDS];
	/* Messages whose 250 was handed to the kernel, and what was in them. */
	_Atomic int64_t messages, recipients, bytes;
	/* Receipts written, those of them whose text was changed, and messages without an ID. */
	_Atomic int64_t receipts, corrupt, unmarked;
	_Atomic int64_t secured, not_secured,
		authenticated;           /* TLS handshakes, that failed; AUTHs */
	_Atomic int64_t protocol_errors; /* answered 5xx, by the client's own fault */
	_Atomic int64_t bare_lf, long_lines;
	_Atomic int64_t rejected[SQ_SMTPD_PHASES][SQ_SMTPD_CODES];
	_Atomic int64_t faults[SQ_SMTPD_PHASES][SQ_SMTPD_ACTIONS]; /* all but replies */
	_Atomic int64_t accept_errors[SQ_SMTPD_ERRNOS];
};

static inline void sq_smtpd_count(_Atomic int64_t *count, int64_t n)
{
	atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

static inline int64_t sq_smtpd_counted(const _Atomic int64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

void sq_smtpd_count_open(struct sq_smtpd_counts *counts);
void sq_smtpd_count_end(struct sq_smtpd_counts *counts, enum sq_smtpd_end end);

/* The counts that are numbers, and "rejected", "faults", "accept_errors".  New reference. */
json_t *sq_smtpd_counts_json(const struct sq_smtpd_counts *counts);

#endif
