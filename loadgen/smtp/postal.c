/* As postal 0.76 prints it: at a minute's end, counted from the start, by local time.
 *
 * What a reader would get wrong: data(K) is all that went out, where Postal leaves out commands.  It is cut
 * of the sums, so that lines add up to their total. */
#include "loadgen/smtp/postal.h"

#include <inttypes.h>

#include "loadgen/smtp/words.h"

static uint64_t kib(const struct sq_live_sum *s)
{
	return s->counts[SQ_SMTP_BYTES] / 1024;
}

static uint64_t handshakes(const struct sq_live_sum *s)
{
	return s->counts[SQ_SMTP_TLS_FULL] + s->counts[SQ_SMTP_TLS_RESUMED];
}

void sq_smtp_postal_line(const struct sq_live_sum *before, const struct sq_live_sum *now,
			 const struct tm *when, struct sq_buf *out)
{
	sq_buf_printf(out,
		      "%02d:%02d,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
		      when->tm_hour, when->tm_min, now->ok - before->ok, kib(now) - kib(before),
		      now->failed - before->failed,
		      now->counts[SQ_SMTP_CONNECTIONS] - before->counts[SQ_SMTP_CONNECTIONS],
		      handshakes(now) - handshakes(before));
}
