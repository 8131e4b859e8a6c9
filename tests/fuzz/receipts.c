/* libFuzzer over files of receipts: whatever they hold, each receipt has a recipient, and what was read
 * is written and read again as it was. */
#include <sys/mman.h>

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "results/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct copy {
	struct sq_receipts *to; /* NULL: only counted */
	uint64_t n, sum;
};

static void take(const struct sq_receipt *r, void *arg)
{
	struct copy *c = arg;

	assert(r->n_recipients > 0);
	c->n++;
	c->sum = c->sum * 31 + r->name.id + r->name.lane + r->name.number +
		 (uint64_t)r->arrived_ns + (uint64_t)r->sent_ns + (uint64_t)r->text;
	for (size_t i = 0; i < r->n_recipients; i++)
		c->sum = c->sum * 31 + r->recipients[i];
	if (c->to)
		sq_receipts_add(c->to, r);
}

static int read_fd(int fd, struct copy *c, struct sq_receipts_file *file)
{
	struct sq_err err = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sq_receipts_read(path, take, c, file, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	struct copy first = { .to = sq_receipts_new(dup(out)) }, again = { 0 };
	struct sq_receipts_file file;

	assert(in != -1 && out != -1);
	assert(write(in, data, len) == (ssize_t)len);
	read_fd(in, &first, &file);
	sq_receipts_close(first.to);
	assert(read_fd(out, &again, &file) == 0);
	assert(file.whole && again.n == first.n && again.sum == first.sum);
	close(in);
	close(out);
	return 0;
}
