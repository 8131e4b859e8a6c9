/* libFuzzer over the SMTP sink's sessions: the same octets give the same answers and the same receipts
 * however they are cut, and no message has more receipts than one. */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loadgen/smtp/sink_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct heard {
	uint64_t answers; /* a hash of all */
	int64_t messages, receipts, corrupt, errors;
};

static void take_answers(struct sq_smtpd *d, struct sq_smtpd_session *s, struct heard *heard)
{
	for (size_t i = 0; i < d->tx.len; i++)
		heard->answers = (heard->answers ^ (unsigned char)d->tx.data[i]) * 0x100000001b3U;
	sq_smtpd_session_sent(d, s, d->tx.len);
	sq_buf_reset(&d->tx);
}

/* One turn, as sink_conn.c has it; what is left of buf stays at its start. */
static void turn(struct sq_smtpd *d, struct sq_smtpd_session *s, struct sq_buf *buf,
		 struct heard *heard)
{
	size_t done = 0;

	do {
		if (s->next == SQ_SMTPD_FLUSH)
			s->next = SQ_SMTPD_INPUT;
		done += sq_smtpd_session_input(d, s, buf->data + done, buf->len - done);
		assert(done <= buf->len);
		take_answers(d, s, heard);
	} while (s->next == SQ_SMTPD_FLUSH);
	memmove(buf->data, buf->data + done, buf->len - done);
	buf->len -= done;
}

static struct heard hear(const char *data, size_t len, size_t piece)
{
	static char host[] = "sink.test";
	struct sq_smtpd d = { .host = host, .lmtp = len % 3 == 0, .tls = true };
	struct sq_strings none = { 0 };
	struct sq_smtpd_session s = { 0 };
	struct heard heard = { 0 };
	struct sq_buf buf = { 0 };

	sq_smtpd_faults_init(&d.faults, &none, NULL);
	d.receipts = sq_receipts_new(open("/dev/null", O_WRONLY | O_CLOEXEC));
	sq_smtpd_session_begin(&d, &s);
	take_answers(&d, &s, &heard);
	for (size_t at = 0; at < len && s.next == SQ_SMTPD_INPUT; at += piece) {
		sq_buf_add(&buf, data + at, len - at < piece ? len - at : piece);
		turn(&d, &s, &buf, &heard);
	}
	heard.messages = sq_smtpd_counted(&d.counts.messages);
	heard.receipts = sq_smtpd_counted(&d.counts.receipts);
	heard.corrupt = sq_smtpd_counted(&d.counts.corrupt);
	heard.errors = sq_smtpd_counted(&d.counts.protocol_errors);
	assert(heard.receipts <= heard.messages);
	sq_receipts_close(d.receipts);
	sq_smtpd_faults_fini(&d.faults);
	sq_smtpd_session_fini(&s);
	sq_buf_fini(&d.tx);
	sq_buf_fini(&buf);
	return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heard whole = hear((const char *)data, len, len ? len : 1);

	for (size_t piece = 1; piece <= 7; piece += 3) {
		struct heard cut = hear((const char *)data, len, piece);

		assert(memcmp(&cut, &whole, sizeof(cut)) == 0);
	}
	return 0;
}
