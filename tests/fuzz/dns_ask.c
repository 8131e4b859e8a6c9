/* libFuzzer over files of what is asked: queries, updates, captures, and the texts of options.  What
 * is accepted must be messages that are as long as they say. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadgen/dns/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_spec(const struct sq_dns_ask_spec *spec)
{
	struct sq_err err = { 0 };
	struct sq_dns_ask *ask = sq_dns_ask_new(spec, &err);
	uint8_t scratch[SQ_DNS_QUERY_MAX];

	assert(ask || (err.code < 0 && err.text[0]));
	for (uint32_t i = 0; ask && i < sq_dns_ask_count(ask); i++) {
		struct sq_dns_asked asked = sq_dns_ask_get(ask, i, i, scratch);
		struct sq_dns_question question;
		size_t end;

		assert(asked.len <= SQ_DNS_QUERY_MAX);
		assert(sq_dns_question_read(asked.query, asked.len, &question, &end));
		assert(end == SQ_DNS_HEADER + (size_t)asked.question_len);
	}
	sq_dns_ask_free(ask);
}

static char file_path[] = "/tmp/sq-fuzz-XXXXXX";

static void file_remove(void)
{
	unlink(file_path);
}

/* The file that all inputs are written to. */
static const char *file_of(const uint8_t *data, size_t len)
{
	static FILE *f;

	if (!f) {
		int fd = mkstemp(file_path);

		f = fd == -1 ? NULL : fdopen(fd, "w");
		assert(f && atexit(file_remove) == 0);
	}
	rewind(f);
	assert(ftruncate(fileno(f), 0) == 0);
	assert(fwrite(data, 1, len, f) == len && fflush(f) == 0);
	return file_path;
}

static void try_texts(const uint8_t *data, size_t len)
{
	char text[300];
	char *one[] = { text };
	const char *name[] = { "a{1-3}.test" };
	struct sq_strings list = { one, 1 }, names = { (char **)name, 1 };
	struct sq_dns_ask_spec spec = { .names = &names, .type = text };

	len = len < sizeof(text) - 1 ? len : sizeof(text) - 1;
	memcpy(text, data, len);
	text[len] = '\0';
	try_spec(&spec);
	spec.type = "A:2,MX";
	spec.options = (struct sq_dns_edns_spec){ .options = &list };
	try_spec(&spec);
	spec.options = (struct sq_dns_edns_spec){ .ecs = text, .ecs_bits = SQ_OPT_UNSET };
	try_spec(&spec);
	if (strchr(text, '-'))
		return; /* ranges of millions are right, and slow */
	spec = (struct sq_dns_ask_spec){ .names = &list, .type = "A" };
	try_spec(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *path = file_of(data, len);
	struct sq_strings none = { 0 };
	struct sq_dns_ask_spec spec = { .names = &none, .file = path, .pcap_port = 53 };

	try_spec(&spec);
	spec.file = NULL;
	spec.updates = path;
	spec.edns = 1232;
	try_spec(&spec);
	try_texts(data, len);
	return 0;
}
