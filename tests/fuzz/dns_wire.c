/* libFuzzer over DNS messages and names: what is read must be in the message, and what was read must
 * write and format back to itself.  Inputs are messages; the same bytes are also tried as text. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "loadgen/dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void name_round_trip(const struct sq_dns_name *name)
{
	char text[SQ_DNS_TEXT_MAX];
	struct sq_dns_name back;
	size_t text_len;

	sq_dns_name_format(name, text);
	text_len = strlen(text);
	assert(text_len < sizeof(text) && text[text_len - 1] == '.');
	assert(sq_dns_name_parse(text, text_len, &back, NULL) == 0);
	assert(back.len == name->len && memcmp(back.wire, name->wire, back.len) == 0);
	assert(sq_dns_name_equal(name, &back) && sq_dns_name_under(name, &back));
}

static void query_round_trip(const struct sq_dns_question *question, uint16_t flags,
			     const struct sq_dns_edns *edns)
{
	uint8_t query[SQ_DNS_QUERY_MAX];
	size_t len = sq_dns_query_write(question, flags, edns, query), end;
	struct sq_dns_question back;
	struct sq_dns_edns edns_back;
	char type[16];

	assert(len <= sizeof(query));
	assert(sq_dns_question_read(query, len, &back, &end));
	assert(back.type == question->type && back.class == question->class);
	assert(sq_dns_name_equal(&back.name, &question->name));
	assert(sq_dns_question_same(query, len, query + SQ_DNS_HEADER, end - SQ_DNS_HEADER));
	assert(sq_dns_edns_read(query, len, end, &edns_back));
	assert(edns_back.present == edns->present && edns_back.do_bit == edns->do_bit);
	assert(edns_back.udp_size == edns->udp_size);
	sq_dns_type_name(question->type, type);
}

static void message_try(const uint8_t *msg, size_t len)
{
	struct sq_dns_header header;
	struct sq_dns_question question;
	struct sq_dns_edns edns;
	size_t end;

	if (!sq_dns_header_read(msg, len, &header) ||
	    !sq_dns_question_read(msg, len, &question, &end))
		return;
	assert(header.qdcount > 0 && end <= len);
	assert(end == SQ_DNS_HEADER + question.name.len + 4u);
	assert(memcmp(msg + SQ_DNS_HEADER, question.name.wire, question.name.len) == 0);
	assert(sq_dns_question_same(msg, len, msg + SQ_DNS_HEADER, end - SQ_DNS_HEADER) ==
	       (header.qdcount == 1));
	name_round_trip(&question.name);
	if (sq_dns_edns_read(msg, len, end, &edns))
		query_round_trip(&question, header.flags, &edns);
}

static void text_try(const char *text, size_t len)
{
	struct sq_dns_name name;
	struct sq_err err;
	int type = sq_dns_type_parse(text, len);
	char out[16];

	if (type >= 0) {
		const char *back = sq_dns_type_name((uint16_t)type, out);

		assert(sq_dns_type_parse(back, strlen(back)) == type);
	}
	if (sq_dns_name_parse(text, len, &name, &err) == 0)
		name_round_trip(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	message_try(data, len);
	text_try((const char *)data, len);
	return 0;
}
