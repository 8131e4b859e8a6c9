/* The receipts of a sink: a line for each message that it accepted and that bears the marks of a load
 * (X-Squall-Id), so that analysis can hold what arrived against what was accepted at the other end.
 * Sink and generator need not share a machine: this file is all that passes between them. */
#ifndef SQ_RESULTS_RECEIPT_H
#define SQ_RESULTS_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "results/message_name.h"

enum sq_receipt_text {
	SQ_RECEIPT_UNCHECKED, /* it came without a digest */
	SQ_RECEIPT_SOUND,
	SQ_RECEIPT_CORRUPT,
};

struct sq_receipt {
	struct sq_message_name name;
	int64_t arrived_ns; /* by the sink's wall clock */
	int64_t sent_ns;    /* by the generator's; -1: it did not say */
	enum sq_receipt_text text;
	const uint32_t *recipients; /* each as sq_receipt_recipient has it */
	size_t n_recipients;
};

/* What stands for an address, in whatever case a relay left it. */
uint32_t sq_receipt_recipient(const char *address, size_t len);

/* ---- writing, by one thread ---- */

struct sq_receipts;

/* A new file; -EEXIST is an error too: a sink's life has a file of its own.  NULL with err. */
struct sq_receipts *sq_receipts_open(const char *path, struct sq_err *err);
/* Takes fd over. */
struct sq_receipts *sq_receipts_new(int fd);

/* Kept in memory until there is a block of them, or they are flushed. */
void sq_receipts_add(struct sq_receipts *r, const struct sq_receipt *receipt);
void sq_receipts_flush(struct sq_receipts *r);
bool sq_receipts_waiting(const struct sq_receipts *r); /* for a flush */
/* The errno of the first write that failed, after which nothing was written; 0.  From any thread. */
int sq_receipts_failed(const struct sq_receipts *r);
/* Marks the file as whole.  Takes NULL. */
struct sq_receipts *sq_receipts_close(struct sq_receipts *r);

/* ---- reading ---- */

struct sq_receipts_file {
	uint64_t n;
	bool whole; /* its sink ended in order, and wrote all */
};

/* Calls each(receipt, arg) for every line; a last one that was cut is left out. */
int sq_receipts_read(const char *path, void (*each)(const struct sq_receipt *receipt, void *arg),
		     void *arg, struct sq_receipts_file *ret, struct sq_err *err);

#endif
