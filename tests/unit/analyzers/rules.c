/* The rules that the program carries, and rules that must be refused. */
#include "analyzers/ledger/rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *abort_value;

static const char *sysctl_of(const void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "net.ipv4.tcp_abort_on_overflow") == 0 ? abort_value : NULL;
}

static void test_shipped_rules(void **state)
{
	struct sq_rule_table t;
	struct sq_err err = { 0 };
	bool found = false;

	(void)state;
	if (sq_rule_table_load(sq_rules, &t, &err) != 0)
		fail_msg("%s: %s", err.where, err.text);
	for (size_t i = 0; i < t.n; i++) {
		assert_true(t.v[i].pays.n > 0);
		assert_true(strlen(t.v[i].advice) > 0 && strlen(t.v[i].reference) > 0);
		found |= strcmp(t.v[i].id, "accept-queue-overflow") == 0;
	}
	assert_true(found);
	sq_rule_table_fini(&t);
}

static void test_pays_of_accept_queue(void **state)
{
	static const struct {
		const char *code, *phase, *abort;
		int dose; /* -1: not this mechanism's */
	} cases[] = {
		{ "timeout", "connect", "0", SQ_DOSE_SYN_SCHEDULE },
		{ "timeout", "connect", NULL, SQ_DOSE_SYN_SCHEDULE },
		{ "timeout", "reply", "0", -1 },
		{ "ghost", "greeting", "0", SQ_DOSE_SEGMENTS },
		{ "ghost", "ack", "1", SQ_DOSE_SEGMENTS },
		{ "timeout", "ack", "0", SQ_DOSE_SEGMENTS },
		{ "ECONNRESET", "connect", "1", SQ_DOSE_ONCE },
		{ "ECONNRESET", "ack", "1", SQ_DOSE_ONCE },
		{ "ECONNRESET", "banner", "1", SQ_DOSE_ONCE },
		{ "ECONNRESET", "answer", "1", SQ_DOSE_ONCE },
		{ "ECONNRESET", "answer", "0", -1 },
		{ "ECONNRESET", "ack", "0", -1 },
		{ "ECONNRESET", "ack", NULL, -1 },
		{ "ECONNREFUSED", "connect", "1", -1 },
		{ "EMFILE", "connect", "0", -1 },
	};
	struct sq_rule_table t;
	const struct sq_rule *rule = NULL;

	(void)state;
	assert_int_equal(sq_rule_table_load(sq_rules, &t, NULL), 0);
	for (size_t i = 0; i < t.n; i++) {
		if (strcmp(t.v[i].id, "accept-queue-overflow") == 0)
			rule = &t.v[i];
	}
	assert_non_null(rule);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sq_rule_pay *pay;

		abort_value = cases[i].abort;
		pay = sq_rule_pay_of(rule, cases[i].code, cases[i].phase, SQ_SIDE_SERVER, sysctl_of,
				     NULL);
		assert_int_equal(pay ? pay->dose : -1, cases[i].dose);
	}
	sq_rule_table_fini(&t);
}

#define REST                                                                                           \
	"\"summary\":\"s\",\"counters\":[{\"side\":\"server\",\"names\":[\"A.B\"]}],\"advice\":\"a\"," \
	"\"reference\":\"r\""
#define PAYS "\"pays\":[{\"failures\":[\"x@y\"],\"dose\":\"once\",\"noun\":\"n\"}]"
#define LEVEL(fallback) \
	"{\"names\":[\"a.b\"],\"limit\":\"1\",\"fallback\":" fallback ",\"text\":\"t\"}"

static void test_refused_rules(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "{\"id\":\"other\"," REST "," PAYS "}", "the rule calls itself other" },
		{ "{\"id\":\"r\"," REST "," PAYS ",\"advise\":\"\"}", "advice" },
		{ "{\"id\":\"r\"," REST "}", "pays" },
		{ "{\"id\":\"r\"," REST ",\"pays\":[{\"failures\":[\"xy\"],\"dose\":\"once\","
		  "\"noun\":\"n\"}]}",
		  "CODE@PHASE" },
		{ "{\"id\":\"r\"," REST ",\"pays\":[{\"failures\":[\"x@y\"],\"dose\":\"onec\","
		  "\"noun\":\"n\"}]}",
		  "once" },
		{ "{\"id\":\"r\"," REST "," PAYS ",\"fact\":\"loopback-source\"}", "found both" },
		{ "{\"id\":\"r\"," REST "," PAYS
		  ",\"settings\":[{\"sysctl\":\"a.b\",\"text\":\"t\"}]}",
		  "\"above\" for a.b, found none" },
		{ "{\"id\":\"r\"," REST "," PAYS
		  ",\"settings\":[{\"sysctl\":\"a.b\",\"is\":\"1\",\"above\":\"0\",\"text\":\"t\"}]}",
		  "\"above\" for a.b, found both" },
		{ "{\"id\":\"r\"," REST "," PAYS
		  ",\"levels\":[{\"names\":[\"a.b\"],\"text\":\"t\"}]}",
		  "\"limit_gauge\" for a.b, found none" },
		{ "{\"id\":\"r\"," REST "," PAYS
		  ",\"levels\":[{\"names\":[\"a.b\"],\"limit\":\"1\","
		  "\"limit_gauge\":\"a.c\",\"text\":\"t\"}]}",
		  "\"limit_gauge\" for a.b, found both" },
		{ "{\"id\":\"r\"," REST "," PAYS ",\"levels\":[" LEVEL("true") "]}",
		  "a.b is a \"fallback\" of no level" },
		{ "{\"id\":\"r\"," REST "," PAYS
		  ",\"levels\":[" LEVEL("false") "," LEVEL("true") "," LEVEL("true") "]}",
		  "a.b is a \"fallback\" of no level" },
		{ "{\"id\":\"r\",\"summary\":\"s\",\"advice\":\"a\",\"reference\":\"r\",\"fact\":\"levels\"," PAYS
		  "}",
		  "n can't be known by no levels" },
		{ "{\"id\":\"r\"," REST
		  ",\"pays\":[{\"failures\":[\"x@y\"],\"own\":true,\"noun\":\"n\"}]}",
		  "\"own\" goes with the fact \"levels\" only" },
		{ "{\"id\":\"r\",\"summary\":\"s\",\"advice\":\"a\",\"reference\":\"r\",\"counters\":[{"
		  "\"side\":\"server\",\"names\":[\"A.B\"],\"only\":[\"timeout\"]}]," PAYS "}",
		  "\"timeout\" is no failure" },
		{ "{", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_embedded files[] = { { "r", cases[i].text, strlen(cases[i].text) },
					       { NULL, NULL, 0 } };
		struct sq_rule_table t;
		struct sq_err err = { 0 };

		assert_int_equal(sq_rule_table_load(files, &t, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("got \"%s\", want \"%s\"", err.text, cases[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped_rules),
		cmocka_unit_test(test_pays_of_accept_queue),
		cmocka_unit_test(test_refused_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
