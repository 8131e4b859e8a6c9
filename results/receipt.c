/* Receipts as lines of text:
 *
 *   squall-receipts/1
 *   5eed5eed5eed5eed.0.17 1764234304123456789 12345678 sound 9c1d2e3f,0a1b2c3d
 *   end 1
 *
 * which are a message's X-Squall-Id, when it arrived (ns since 1970), how long after it was sent, what
 * its digest said, and its recipients' hashes.  As text, because people look for one ID in it.
 *
 * What a reader would get wrong: recipients are told apart, not counted.  A relay may give one message
 * to two of its recipients in two transactions, and give the second one twice; two deliveries of two
 * recipients would look right. */
#include "results/receipt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digits.h"
#include "base/fnv.h"
#include "base/mem.h"

enum { BLOCK = 1 << 16, NUMBER = 24 };

static const char first_line[] = "squall-receipts/1\n";
static const char *const text_names[] = {
	[SQ_RECEIPT_UNCHECKED] = "unchecked",
	[SQ_RECEIPT_SOUND] = "sound",
	[SQ_RECEIPT_CORRUPT] = "corrupt",
};

struct sq_receipts {
	int fd;
	_Atomic int failed;
	uint64_t n;
	struct sq_buf block;
};

uint32_t sq_receipt_recipient(const char *address, size_t len)
{
	return sq_fnv32_caseless(address, len);
}

/* ---- writing ---- */

struct sq_receipts *sq_receipts_new(int fd)
{
	struct sq_receipts *r = sq_alloc(sizeof(*r));

	r->fd = fd;
	sq_buf_puts(&r->block, first_line);
	return r;
}

struct sq_receipts *sq_receipts_open(const char *path, struct sq_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd == -1) {
		sq_err_set(err, -errno, path, "cannot make it: %s; name a new file",
			   strerror(errno));
		return NULL;
	}
	return sq_receipts_new(fd);
}

static void add_number(struct sq_buf *b, uint64_t v, unsigned base, size_t width, char end)
{
	char digits[NUMBER];
	size_t at = sizeof(digits);

	digits[--at] = end;
	do
		digits[--at] = "0123456789abcdef"[v % base];
	while ((v /= base) || sizeof(digits) - 1 - at < width);
	sq_buf_add(b, digits + at, sizeof(digits) - at);
}

void sq_receipts_add(struct sq_receipts *r, const struct sq_receipt *receipt)
{
	struct sq_buf *b = &r->block;
	int64_t took_ns = receipt->arrived_ns - receipt->sent_ns;

	if (r->failed)
		return;
	add_number(b, receipt->name.id, 16, 16, '.');
	add_number(b, receipt->name.lane, 10, 1, '.');
	add_number(b, receipt->name.number, 10, 1, ' ');
	add_number(b, (uint64_t)receipt->arrived_ns, 10, 1, ' ');
	if (receipt->sent_ns < 0) {
		sq_buf_add(b, "- ", 2);
	} else {
		if (took_ns < 0) /* two machines' clocks */
			sq_buf_add(b, "-", 1);
		add_number(b, (uint64_t)(took_ns < 0 ? -took_ns : took_ns), 10, 1, ' ');
	}
	sq_buf_puts(b, text_names[receipt->text]);
	for (size_t i = 0; i < receipt->n_recipients; i++) {
		sq_buf_add(b, i ? "," : " ", 1);
		sq_buf_printf(b, "%08" PRIx32, receipt->recipients[i]);
	}
	sq_buf_add(b, "\n", 1);
	r->n++;
	if (b->len >= BLOCK)
		sq_receipts_flush(r);
}

void sq_receipts_flush(struct sq_receipts *r)
{
	size_t done = 0;

	while (!r->failed && done < r->block.len) {
		ssize_t n = write(r->fd, r->block.data + done, r->block.len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			r->failed = errno;
	}
	sq_buf_reset(&r->block);
}

bool sq_receipts_waiting(const struct sq_receipts *r)
{
	return r->block.len > 0;
}

int sq_receipts_failed(const struct sq_receipts *r)
{
	return r->failed;
}

struct sq_receipts *sq_receipts_close(struct sq_receipts *r)
{
	if (!r)
		return NULL;
	sq_buf_printf(&r->block, "end %" PRIu64 "\n", r->n);
	sq_receipts_flush(r);
	close(r->fd);
	sq_buf_fini(&r->block);
	free(r);
	return NULL;
}

/* ---- reading ---- */

struct reading {
	struct sq_receipt receipt;
	uint32_t *recipients;
	size_t cap;
};

static bool sent_next(const char **at, struct sq_receipt *r)
{
	bool early = **at == '-';
	uint64_t took;

	if (strncmp(*at, "- ", 2) == 0) {
		r->sent_ns = -1;
		*at += 2;
		return true;
	}
	*at += early;
	if (!sq_digits_next(at, 10, ' ', &took) ||
	    took > (uint64_t)(early ? INT64_MAX - r->arrived_ns : r->arrived_ns))
		return false;
	r->sent_ns = early ? r->arrived_ns + (int64_t)took : r->arrived_ns - (int64_t)took;
	return true;
}

static bool text_next(const char **at, struct sq_receipt *r)
{
	for (size_t i = 0; i < sizeof(text_names) / sizeof(*text_names); i++) {
		size_t len = strlen(text_names[i]);

		if (strncmp(*at, text_names[i], len) != 0 || (*at)[len] != ' ')
			continue;
		r->text = (enum sq_receipt_text)i;
		*at += len + 1;
		return true;
	}
	return false;
}

static bool recipients_next(const char *at, struct reading *g)
{
	struct sq_receipt *r = &g->receipt;
	uint64_t hash;

	for (r->n_recipients = 0;; r->n_recipients++) {
		bool last = at[strcspn(at, ",\n")] == '\n';

		if (!sq_digits_next(&at, 16, last ? '\n' : ',', &hash) || hash > UINT32_MAX)
			return false;
		g->recipients =
			sq_grow(g->recipients, r->n_recipients, &g->cap, sizeof(*g->recipients));
		g->recipients[r->n_recipients] = (uint32_t)hash;
		if (!last)
			continue;
		r->n_recipients++;
		r->recipients = g->recipients;
		return true;
	}
}

static bool line_parse(const char *line, struct reading *g)
{
	struct sq_receipt *r = &g->receipt;
	uint64_t arrived;

	if (!sq_message_name_next(&line, ' ', &r->name) ||
	    !sq_digits_next(&line, 10, ' ', &arrived) || arrived > INT64_MAX)
		return false;
	r->arrived_ns = (int64_t)arrived;
	return sent_next(&line, r) && text_next(&line, r) && recipients_next(line, g);
}

static int bad_line(const char *path, uint64_t number, struct sq_err *err)
{
	return sq_err_set(err, -EINVAL, path,
			  "line %" PRIu64 " is no receipt; give a file that a sink wrote (record)",
			  number);
}

static int read_lines(FILE *f, const char *path,
		      void (*each)(const struct sq_receipt *receipt, void *arg), void *arg,
		      struct sq_receipts_file *ret, struct sq_err *err)
{
	struct reading g = { 0 };
	char *line = NULL, *torn;
	size_t cap = 0;
	uint64_t number = 0, n;
	int rc = 0;

	while (rc == 0 && getline(&line, &cap, f) != -1) {
		const char *at = line + strlen("end ");

		torn = strchr(line, '\n') ? NULL : line;
		if (++number == 1 && strcmp(line, first_line) != 0)
			rc = bad_line(path, number, err);
		else if (number == 1 || torn)
			continue;
		else if (strncmp(line, "end ", 4) == 0 && sq_digits_next(&at, 10, '\n', &n))
			ret->whole = n == ret->n;
		else if (line_parse(line, &g)) {
			ret->n++;
			each(&g.receipt, arg);
		} else
			rc = bad_line(path, number, err);
	}
	free(line);
	free(g.recipients);
	return rc;
}

int sq_receipts_read(const char *path, void (*each)(const struct sq_receipt *receipt, void *arg),
		     void *arg, struct sq_receipts_file *ret, struct sq_err *err)
{
	FILE *f = fopen(path, "re");
	int rc;

	*ret = (struct sq_receipts_file){ 0 };
	if (!f)
		return sq_err_set(err, -errno, path, "cannot read it: %s; check the path",
				  strerror(errno));
	rc = read_lines(f, path, each, arg, ret, err);
	if (rc == 0 && ferror(f))
		rc = sq_err_set(err, -EIO, path, "cannot read it");
	fclose(f);
	return rc;
}
