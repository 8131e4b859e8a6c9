/* libFuzzer over the texts of /proc: the bytes to each parser, as a first reading and, from their middle
 * on, as the next one, whose groups are compared with the first's. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/formats/systext.h"
#include "analyzers/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t pressure(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	return sq_systext_pressure(t, "cpu", text, len, s);
}

static size_t processors(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	return sq_nettext_processors(t, "conntrack", NULL, text, len, s);
}

static sq_nettext_parser *const parsers[] = {
	sq_nettext_tables, sq_nettext_lines,   sq_nettext_sockstat, sq_nettext_softnet,
	sq_systext_stat,   sq_systext_meminfo, sq_systext_softirqs, sq_systext_interrupts,
	sq_systext_files,  pressure,           processors,
};

static void parse(sq_nettext_parser *parser, struct sq_nettext *t, struct sq_sample *s,
		  const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	assert(text);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	parser(t, text, len, s);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		/* Nothing is written before a tick ends, and none does. */
		struct sq_sample *s = sq_sample_new(NULL);
		struct sq_nettext t = { 0 };

		sq_sample_enter(s, sq_sample_source(s, "fuzz"));
		parse(parsers[i], &t, s, data, len);
		parse(parsers[i], &t, s, data + len / 2, len - len / 2);
		sq_nettext_fini(&t);
		sq_sample_free(s);
	}
	return 0;
}
