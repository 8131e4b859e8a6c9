/* The DNS sink's faults: each has its share exactly, and evenly.
 *
 * The answers are made without sockets here, a million in a second; one test has them sent. */
#include "loadgen/dns/sink_answer.h"
#include "sink_dns.h"

struct share_case {
	const char *conf;
	int n;
	struct count_case want[8];
};

static const struct share_case share_cases[] = {
	{ "\"drop_percent\": 1.37", 10000, { { "dropped", 137 } } },
	{ "\"drop_percent\": 0.001", 1000000, { { "dropped", 10 } } },
	{ "\"drop_percent\": 100", 1000, { { "dropped", 1000 } } },
	{ "\"drop_percent\": 50, \"rcode\": \"SERVFAIL\"",
	  1000,
	  { { "dropped", 500 }, { "SERVFAIL", 500 } } },
	{ "\"rcode\": \"REFUSED\"", 1000, { { "REFUSED", 1000 } } },
	{ "\"rcode\": \"NOTAUTH\", \"rcode_percent\": 12.5",
	  1000,
	  { { "NOTAUTH", 125 }, { "NOERROR", 875 } } },
	{ "\"truncate_percent\": 33.3333333, \"mismatch_percent\": 33.3333333,"
	  "\"duplicate_percent\": 33.3333334",
	  999,
	  { { "truncated", 333 }, { "mismatched", 333 }, { "twice", 333 } } },
	{ "\"drop_percent\": 1.37, \"rcode\": \"SERVFAIL\", \"rcode_percent\": 10,"
	  "\"truncate_percent\": 5, \"mismatch_percent\": 2.5, \"wrong_id_percent\": 1,"
	  "\"duplicate_percent\": 20, \"delay\": \"1ms\", \"delay_percent\": 25",
	  10000,
	  { { "dropped", 137 },
	    { "SERVFAIL", 1000 },
	    { "truncated", 500 },
	    { "mismatched", 250 },
	    { "wrong_id", 100 },
	    { "twice", 2000 } } },
	{ "\"garbage_percent\": 7.5, \"drop_percent\": 2.5",
	  1000,
	  { { "garbage", 75 }, { "dropped", 25 }, { "NOERROR", 900 } } },
	{ "\"delay\": \"1ms\", \"delay_percent\": 12.5", 800, { { "delayed", 100 } } },
	{ "\"delay\": \"1ms\"", 800, { { "delayed", 800 } } },
	{ "\"delay_percent\": 100", 800, { { "delayed", 0 } } },
};

/* What the replies say, against which the counts are no witness. */
struct told {
	int dropped, truncated, mismatched, wrong_id, twice, garbage, delayed;
	int rcodes[SQ_DNS_RCODES];
};

static void told_add(struct told *told, const struct sq_dns_answer *answer, const uint8_t *query,
		     size_t len, const uint8_t *reply)
{
	if (answer->len == 0) {
		told->dropped++;
		return;
	}
	if (answer->garbage) {
		struct sq_dns_question question;
		size_t end;

		told->garbage += sq_dns_get16(reply) == sq_dns_get16(query) &&
				 !sq_dns_question_read(reply, answer->len, &question, &end);
		return;
	}
	told->truncated += (sq_dns_get16(reply + 2) & SQ_DNS_TC) != 0 && answer->len == len;
	told->mismatched += !sq_dns_question_same(reply, answer->len, query + 12, len - 12);
	told->wrong_id += sq_dns_get16(reply) != sq_dns_get16(query);
	told->twice += answer->twice;
	told->delayed += answer->delayed;
	told->rcodes[sq_dns_get16(reply + 2) & SQ_DNS_RCODE]++;
}

static int told_of(const struct told *told, const char *name)
{
	const struct {
		const char *name;
		int n;
	} plain[] = {
		{ "dropped", told->dropped },       { "truncated", told->truncated },
		{ "mismatched", told->mismatched }, { "wrong_id", told->wrong_id },
		{ "twice", told->twice },           { "delayed", told->delayed },
		{ "garbage", told->garbage },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (strcmp(name, plain[i].name) == 0)
			return plain[i].n;
	return told->rcodes[sq_dns_rcode_parse(name)];
}

/* Each share holds at n, and again at each multiple of n; and never is one more than a few off on
 * the way, so that faults come evenly. */
static void test_shares(void **state)
{
	uint8_t query[SQ_DNS_QUERY_MAX], reply[SQ_DNS_ANSWER_MAX];
	size_t len = query_make("n.test", SQ_DNS_TYPE_A, 1, query);

	(void)state;
	for (size_t i = 0; i < sizeof(share_cases) / sizeof(*share_cases); i++) {
		const struct share_case *c = &share_cases[i];
		char *text = sq_printf_dup("{" LISTEN ", %s}", c->conf);
		void *conf = conf_new(&sq_sink_dns.kind, text);
		struct sq_dns_sink_counts seen = { 0 };
		struct sq_dns_answerer answerer;
		struct told told = { 0 };

		assert_int_equal(sq_dns_answerer_init(&answerer, conf, &seen, NULL), 0);
		for (int n = 1; n <= 2 * c->n; n++) {
			struct sq_dns_answer answer = sq_dns_answer(&answerer, query, len, reply);

			told_add(&told, &answer, query, len, reply);
			for (const struct count_case *w = c->want; w->name; w++) {
				double due = (double)w->want * n / c->n,
				       got = told_of(&told, w->name);

				if (got < due - (n % c->n ? 3 : 0) ||
				    got > due + (n % c->n ? 3 : 0))
					fail_msg("%s: %s is %g after %d, should be %g", c->conf,
						 w->name, got, n, due);
			}
		}
		sq_dns_answerer_fini(&answerer);
		conf_free(&sq_sink_dns.kind, conf);
		free(text);
	}
}

/* n queries in batches that the receive buffer holds; the number of replies. */
static int ask_many(struct running *r, int fd, int n)
{
	int replies = 0;

	for (int i = 0; i < n; i++) {
		ask(fd, (uint16_t)i);
		if ((i + 1) % BATCH == 0) {
			counts_wait(r, "queries", i + 1);
			counts_wait(r, "waiting", 0);
			replies += replies_drain(fd);
		}
	}
	return replies;
}

static void test_shares_of_a_server(void **state)
{
	struct running r = sink_start(
		"{" LISTEN ", \"drop_percent\": 1.37, \"rcode\": \"SERVFAIL\","
		" \"rcode_percent\": 10, \"truncate_percent\": 5, \"mismatch_percent\": 2.5,"
		" \"wrong_id_percent\": 1, \"duplicate_percent\": 20,"
		" \"garbage_percent\": 3, \"delay\": \"1ms\", \"delay_percent\": 25}");
	int fd = dial(INADDR_LOOPBACK), replies = ask_many(&r, fd, 10000);

	(void)state;
	sink_stop_with(&r, (struct count_case[]){ { "queries", 10000 },
						  { "answered", 9863 },
						  { "dropped", 137 },
						  { "rcodes.SERVFAIL", 1000 },
						  { "rcodes.NOERROR", 8563 },
						  { "garbage", 300 },
						  { "truncated", 500 },
						  { "mismatched", 250 },
						  { "wrong_id", 100 },
						  { "duplicated", 2000 },
						  { "receive_drops", 0 },
						  { NULL, 0 } });
	replies += replies_drain(fd);
	assert_int_equal(replies, 9863 + 2000);
	close(fd);
}

static void test_bad_options(void **state)
{
	static const struct {
		const char *conf, *says;
	} cases[] = {
		{ "\"drop_percent\": 60, \"truncate_percent\": 60", "add up to 120 %" },
		{ "\"rcode_percent\": 5", "rcode is NOERROR" },
		{ "\"capacity_noise\": 5", "varies capacity, and there is none" },
		{ "\"answer\": \"2001:db8::1\"", "expected an IPv4 address" },
		{ "\"zone\": \"a..b\"", "empty label" },
		{ "\"nxdomain\": [\"a\", \"\"]", "is no name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = sq_printf_dup("{" LISTEN ", %s}", cases[i].conf);
		void *conf = conf_new(&sq_sink_dns.kind, text);
		struct sq_err err = { 0 };

		assert_int_equal(sq_sink_run(&sq_sink_dns.kind, conf, -1, -1, NULL, NULL, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, cases[i].says));
		conf_free(&sq_sink_dns.kind, conf);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test_teardown(test_shares_of_a_server, leftover_end),
		cmocka_unit_test(test_bad_options),
	};

	return cmocka_run_group_tests(tests, world_make, NULL);
}
