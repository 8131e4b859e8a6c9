/* libFuzzer over what servers say: each text through every parser, and as an answer over HTTP. */
#include "analyzers/formats/http.h"
#include "stats_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void parse_all(struct sq_span text, struct sq_stats *t)
{
	sq_stats_prometheus(text, NULL, t);
}

static void parse_some(struct sq_span text, struct sq_stats *t)
{
	static char pattern[] = "*_t[a-o]*";
	static char *names[] = { pattern };

	sq_stats_prometheus(text, &(struct sq_strings){ names, 1 }, t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static sq_stats_parser *const parsers[] = { sq_stats_bind, sq_stats_unbound, sq_stats_nsd,
						    sq_stats_knot, sq_stats_nginx,   parse_all,
						    parse_some };
	const char *text = (const char *)data;
	struct sq_span body = { text, text + len };

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
		fuzz_parse(parsers[i], text, len);
	sq_stats_named_complaint(body);
	if (sq_http_body(body, &body, NULL) == 0)
		assert(body.p >= text && body.end == text + len);
	return 0;
}
