/* libFuzzer over replies: judged against queries of every kind, those that vary included.  The input
 * is a number and a message; the message is also turned into an answer by the query's own bytes. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "loadgen/dns/ask.h"
#include "loadgen/dns/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sq_dns_ask *make(void)
{
	const char *names[] = { "{random:8}.www{1-20}.example.test", "example.test", "." };
	const char *options[] = { "65001:c0ffee" };
	struct sq_strings name_list = { (char **)names, 3 }, option_list = { (char **)options, 1 };
	struct sq_dns_ask_spec spec = { .names = &name_list,
					.type = "A:70,AAAA:25,TYPE65:5",
					.recursion = true,
					.options = { .nsid = true,
						     .cookie = true,
						     .ecs = "2001:db8::/33",
						     .ecs_bits = 61,
						     .options = &option_list },
					.salt = 12345 };

	return sq_dns_ask_new(&spec, NULL);
}

/* A query is answered by itself with QR set, and never by what has its bytes cut. */
static void try_own(const struct sq_dns_asked *asked)
{
	uint8_t reply[SQ_DNS_QUERY_MAX];

	memcpy(reply, asked->query, asked->len);
	assert(sq_dns_reply_judge(reply, asked->len, asked) == SQ_DNS_REPLY_GARBLED);
	reply[2] |= 0x80;
	assert(sq_dns_reply_judge(reply, asked->len, asked) == SQ_DNS_REPLY_ANSWER);
	assert(sq_dns_reply_judge(reply, SQ_DNS_HEADER + asked->question_len - 1U, asked) ==
	       SQ_DNS_REPLY_GARBLED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct sq_dns_ask *ask;
	uint8_t scratch[SQ_DNS_QUERY_MAX], again[SQ_DNS_QUERY_MAX];
	struct sq_dns_asked asked, same;
	uint64_t number;
	uint32_t index;

	if (!ask)
		ask = make();
	assert(ask);
	if (len < sizeof(number))
		return 0;
	memcpy(&number, data, sizeof(number));
	index = sq_dns_ask_turn(ask, number);
	asked = sq_dns_ask_get(ask, index, number, scratch);
	same = sq_dns_ask_get(ask, index, number, again);
	assert(asked.len == same.len && memcmp(asked.query, same.query, same.len) == 0);
	sq_dns_reply_judge(data + sizeof(number), len - sizeof(number), &asked);
	try_own(&asked);
	return 0;
}
