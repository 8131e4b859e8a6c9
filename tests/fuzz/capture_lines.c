/* libFuzzer over what a far capture says: its lines into a sample. */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/capture/relay.h"
#include "base/clock.h"
#include "results/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Lines that a mutation seldom leaves standing, so that what follows has rows to name. */
static const char *const before[] = {
	"{\"k\":\"metric\",\"i\":0,\"source\":\"a\",\"metric\":\"m\",\"unit\":\"\",\"kind\":\"counter\",\"width\":32}",
	"{\"k\":\"metric\",\"i\":1,\"source\":\"b\",\"metric\":\"n\",\"unit\":\"\",\"kind\":\"gauge\",\"width\":64}",
	"{\"k\":\"tick\",\"b\":1000000000,\"e\":1000000001,\"v\":[0,0,1,-1],\"raw\":[0,7]}",
};

static void take(struct sq_relay *r, const char *line, size_t len)
{
	int64_t number = 0, far_ns = 1;
	struct sq_err err = { 0 };
	int rc = sq_relay_line(r, line, len, &number, &far_ns, &err);

	if (rc == SQ_RELAYED_PONG)
		assert(far_ns > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int null = -1;
	struct sq_far_clock clock = { 0 };
	struct sq_spool *spool;
	struct sq_sample *sample;
	struct sq_relay *relay;
	int64_t now_ns = sq_now_ns();
	const char *p = (const char *)data, *end = p + len, *newline;

	if (null == -1)
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	spool = sq_spool_on(null, "null");
	sample = sq_sample_new(spool);
	/* The texts' times are near 1 s of the far clock. */
	sq_far_clock_add(&clock, now_ns, now_ns, SQ_SEC);
	relay = sq_relay_new("far", sample, &clock);
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		take(relay, before[i], strlen(before[i]));
	for (; p < end; p = newline + 1) {
		char *line;

		newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			newline = end;
		line = strndup(p, (size_t)(newline - p));
		assert(line);
		take(relay, line, strlen(line));
		free(line);
	}
	sq_relay_free(relay);
	sq_sample_free(sample);
	sq_spool_close(spool, NULL);
	return 0;
}
