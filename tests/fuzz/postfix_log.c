/* libFuzzer over Postfix's log: the bytes as a line, as what follows a line's good begin, which a mutation
 * seldom leaves standing, and as lines of one log, of which messages are made. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/postfix/book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void parse(const char *line, size_t len)
{
	struct sq_postfix_line d;

	if (sq_postfix_log_parse(line, len, &d) != SQ_POSTFIX_DELIVERY)
		return;
	assert(d.status <= SQ_POSTFIX_BOUNCED && d.reason < SQ_POSTFIX_REASONS);
	assert(strlen(d.dsn) >= 5 && strspn(d.dsn, "0123456789.") == strlen(d.dsn));
	for (size_t i = 0; i < SQ_POSTFIX_DELAYS; i++)
		assert(d.delays_ms[i] < UINT64_C(1000000000000));
}

static void keep_book(const char *text, size_t len)
{
	struct sq_postfix_book *book = sq_postfix_book_new();
	const char *end = text + len, *newline;
	json_t *list, *rest;

	for (; text < end; text = newline + 1) {
		struct sq_postfix_line line;

		newline = memchr(text, '\n', (size_t)(end - text));
		newline = newline ? newline : end;
		sq_postfix_book_line(
			book, sq_postfix_log_parse(text, (size_t)(newline - text), &line), &line);
	}
	list = sq_postfix_book_take(book);
	rest = sq_postfix_book_rest(book, false);
	json_array_extend(list, rest);
	json_decref(rest);
	assert(sq_postfix_book_missing(book) <= json_array_size(list));
	json_decref(list);
	sq_postfix_book_free(book);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char head[] = "Nov 27 05:06:07 relay postfix/smtp[321]: 4F2A31: to=<a@b>";
	size_t head_len = strlen(head);
	char *line = malloc(head_len + len);

	assert(line);
	memcpy(line, head, head_len);
	if (len)
		memcpy(line + head_len, data, len);
	parse((const char *)data, len);
	parse(line, head_len + len);
	free(line);
	keep_book((const char *)data, len);
	return 0;
}
