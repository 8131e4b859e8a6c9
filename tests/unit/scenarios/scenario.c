/* Scenarios: defaults, the echo's round trip, reports that stand for their scenario, --set, and the
 * shipped labs that the stub plug-ins can speak for. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "scenarios/labs.h"
#include "tests/unit/scenarios/kinds.h"

static const char small[] = "{\"name\": \"small\", \"target\": \"127.0.0.1:9\","
			    " \"load\": [{\"driver\": \"tcp\", \"arrivals\": {\"closed\": 1}}]}";

/* One of everything. */
static const char whole[] =
	"{\"name\": \"whole\", \"description\": \"all keys\", \"seed\": 9007199254740992,"
	" \"world\": {\"hosts\": {"
	"   \"relay\": {\"addresses\": [\"198.18.7.1/16\", \"fd00::7/64\"],"
	"               \"sysctl\": {\"net.ipv4.tcp_rmem\": \"4096 8192 16384\","
	"                            \"net.core.somaxconn\": 128},"
	"               \"nft\": [\"table inet t { }\"],"
	"               \"run\": [{\"sink\": \"tcp\", \"listen\": \"0.0.0.0:9000\","
	"                          \"accept_delay\": \"1.5ms\", \"greeting\": \"x\\r\\n\\u00fc\"},"
	"                         {\"argv\": [\"nginx\", \"-g\", \"a b;\"], \"wait_port\": 80,"
	"                          \"wait\": \"3s\"}]},"
	"   \"client\": {}, \"other\": {}},"
	"  \"links\": [{\"between\": [\"client\", \"relay\"],"
	"               \"shape\": {\"rate\": \"400kbit\", \"burst\": 1600, \"limit\": \"200kB\","
	"                           \"host\": \"relay\"}},"
	"              {\"between\": [\"relay\", \"other\"], \"subnet\": \"fd00:19::/64\"}]},"
	" \"target\": \"relay:9000\","
	" \"load\": [{\"name\": \"storm\", \"driver\": \"tcp\", \"until\": \"greeting\","
	"             \"hold\": \"1min\", \"from\": \"other\", \"target\": \"198.18.7.1:9000\","
	"             \"threads\": 4, \"at\": \"100ms\", \"duration\": \"2s\", \"warmup\": \"1s\","
	"             \"timeout\": \"800ms\", \"count\": 100, \"max_in_flight\": 50,"
	"             \"arrivals\": {\"burst\": 5, \"every\": \"100ms\", \"streams\": 3,"
	"                            \"phase\": \"10ms\"}},"
	"            {\"name\": \"even\", \"driver\": \"dns\", \"arrivals\": {\"rate\": \"1000/min\"}},"
	"            {\"name\": \"odd\", \"driver\": \"dns\", \"arrivals\": {\"poisson\": 0.3}},"
	"            {\"name\": \"up\", \"driver\": \"dns\", \"tick\": \"1ms\","
	"             \"arrivals\": {\"ramp\": [\"1000/s\", \"5k/s\"]}},"
	"            {\"name\": \"stairs\", \"driver\": \"dns\", \"tick\": \"0s\","
	"             \"arrivals\": {\"steps\": [\"10\", \"0\", \"60/min\"]}},"
	"            {\"name\": \"loop\", \"driver\": \"dns\", \"arrivals\": {\"closed\": 7}}],"
	" \"capture\": [{\"source\": \"linux\", \"host\": \"relay\", \"interval\": \"50ms\"},"
	"               {\"source\": \"snmp\"}],"
	" \"expect\": [\"storm.failures == 0\"], \"authorized_targets\": [\"192.0.2.0/24\"],"
	" \"bin\": \"10ms\", \"idle\": \"0s\"}";

static struct sq_scenario *parse(const char *text, struct sq_err *err)
{
	json_t *doc = sq_json_load_text(text, strlen(text), "input.json", err);
	struct sq_scenario *s = doc ? sq_scenario_parse(&test_ctx, doc, err) : NULL;

	json_decref(doc);
	return s;
}

static void test_defaults(void **state)
{
	struct sq_err err = { 0 };
	struct sq_scenario *s = parse(small, &err);
	const struct sq_load_spec *l;

	(void)state;
	if (!s) {
		fail_msg("%s: %s", err.where, err.text);
		return;
	}
	l = s->load.v;
	assert_false(s->has_world);
	assert_false(s->has_capture);
	assert_true(s->seed == SQ_OPT_UNSET);
	assert_int_equal(s->bin_ns, 100 * SQ_MS);
	assert_int_equal(s->idle_ns, 500 * SQ_MS);
	assert_string_equal(l->name, "tcp");
	assert_int_equal(l->threads, 1);
	assert_int_equal(l->at_ns, 0);
	assert_int_equal(l->duration_ns, 10 * SQ_SEC);
	assert_int_equal(l->warmup_ns, 0);
	assert_int_equal(l->timeout_ns, 5 * SQ_SEC);
	assert_true(l->count == SQ_OPT_UNSET);
	assert_int_equal(l->max_in_flight, 100000);
	assert_int_equal(l->arrivals.closed, 1);
	assert_int_equal(l->arrivals.streams, 1);
	assert_true(isnan(l->arrivals.rate_per_s));
	assert_string_equal(l->arrivals.phase, "random");
	sq_scenario_free(s);
}

/* The plan's echo gives the same plan, whose echo is the same; a report with it too. */
static void check_round_trip(const char *text)
{
	struct sq_plan_opts opts = { .allow_exec = true };
	struct sq_plan *first = good_plan(text, opts), *second, *third;
	struct sq_err err = { 0 };
	json_t *report;

	second = plan_of_doc(first->echo, opts, &err);
	if (!second) {
		fail_msg("%s: %s", err.where, err.text);
		return;
	}
	assert_true(json_equal(first->echo, second->echo));
	assert_int_equal(first->seed, second->seed);
	report = json_pack("{s:s, s:O, s:[]}", "schema", "squall-run/1", "scenario", second->echo,
			   "loads");
	third = plan_of_doc(report, opts, &err);
	if (!third) {
		fail_msg("%s: %s", err.where, err.text);
		return;
	}
	assert_true(json_equal(first->echo, third->echo));
	json_decref(report);
	sq_plan_free(first);
	sq_plan_free(second);
	sq_plan_free(third);
}

static void test_round_trip(void **state)
{
	(void)state;
	check_round_trip(small);
	check_round_trip(whole);
	check_round_trip("{\"name\": \"unwatched\", \"target\": \"[::1]:9\", \"capture\": [],"
			 " \"load\": [{\"driver\": \"dns\", \"arrivals\": {\"rate\": 4.35}}]}");
}

static void test_echo_keeps_values(void **state)
{
	struct sq_plan *plan = good_plan(whole, (struct sq_plan_opts){ .allow_exec = true });
	static const struct {
		const char *pointer, *want;
	} wants[] = {
		{ "/seed", "9007199254740992" },
		{ "/world/hosts/relay/sysctl/net.core.somaxconn", "\"128\"" },
		{ "/world/hosts/relay/run/0/accept_delay", "\"1500us\"" },
		{ "/world/hosts/relay/run/0/greeting", "\"x\\r\\n\xc3\xbc\"" },
		{ "/world/links/0/shape/rate", "\"400kbit\"" },
		{ "/load/0/until", "\"greeting\"" },
		{ "/load/1/arrivals/rate", "\"1000/min\"" },
		{ "/load/2/arrivals/poisson", "\"0.3\"" },
		{ "/load/0/arrivals/phase", "\"10ms\"" },
		{ "/load/3/arrivals/ramp/1", "\"5k/s\"" },
		{ "/load/3/tick", "\"1ms\"" },
		{ "/load/4/arrivals/steps/2", "\"60/min\"" },
		{ "/load/4/tick", "\"0s\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		const json_t *value = sq_json_pointer_get(plan->echo, wants[i].pointer);
		char *got = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

		if (!got || strcmp(got, wants[i].want) != 0)
			fail_msg("%s: got %s, want %s", wants[i].pointer, got ? got : "nothing",
				 wants[i].want);
		free(got);
	}
	sq_plan_free(plan);
}

static void test_bad_reports(void **state)
{
	struct sq_err err = { 0 };

	(void)state;
	assert_null(parse("{\"schema\": \"squall-run/1\"}", &err));
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.where, "input.json");
	assert_null(parse("{\"schema\": \"other/1\", \"scenario\": {}}", &err));
	assert_non_null(strstr(err.text, "unknown key"));
	assert_null(parse("[]", &err));
	assert_string_equal(err.text, "expected an object, found an array");
}

static void test_set(void **state)
{
	static const struct {
		const char *set, *pointer, *want; /* want NULL: refused */
	} wants[] = {
		{ "/load/0/threads=4", "/load/0/threads", "4" },
		{ "/load/0/timeout=800ms", "/load/0/timeout", "\"800ms\"" },
		{ "/name=a=b", "/name", "\"a=b\"" },
		{ "/seed=", "/seed", "\"\"" },
		{ "/world={\"hosts\": {}}", "/world", "{\"hosts\": {}}" },
		{ "/idle=\"1s\"", "/idle", "\"1s\"" },
		{ "load/0/threads=4", NULL, NULL },
		{ "/load/0/threads", NULL, NULL },
		{ "=4", NULL, NULL },
		{ "", NULL, NULL },
		{ "/load/7/threads=4", NULL, NULL },
		{ "/load/x/threads=4", NULL, NULL },
		{ "/name/x=4", NULL, NULL },
		{ "/a~2b=4", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		json_t *doc = json_loads(small, 0, NULL);
		json_t *report = json_pack("{s:s, s:O}", "schema", "squall-run/1", "scenario", doc);
		struct sq_err err = { 0 };
		int rc = sq_scenario_apply_set(report, wants[i].set, &err);
		const json_t *value =
			sq_json_pointer_get(doc, wants[i].pointer ? wants[i].pointer : "");
		char *got = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

		if (wants[i].want && (rc < 0 || !got || strcmp(got, wants[i].want) != 0))
			fail_msg("%s: got %s (%s), want %s", wants[i].set, got, err.text,
				 wants[i].want);
		if (!wants[i].want) {
			if (rc != -EINVAL)
				fail_msg("%s was taken", wants[i].set);
			assert_int_equal(strncmp(err.where, "--set ", 6), 0);
		}
		free(got);
		json_decref(report);
		json_decref(doc);
	}
}

static const char *lab_text(const char *name)
{
	for (const struct sq_embedded *lab = sq_labs; lab->name; lab++)
		if (strcmp(lab->name, name) == 0)
			return lab->text;
	fail_msg("no lab %s", name);
	return "";
}

static void test_labs(void **state)
{
	static const struct {
		const char *name;
		int64_t end_ns;
	} labs[] = {
		{ "accept-queue-never", 1 },
		{ "accept-queue-burst", 3 * SQ_SEC },
		{ "accept-queue-stagger", 3100 * SQ_MS + 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(labs) / sizeof(labs[0]); i++) {
		struct sq_plan *plan =
			good_plan(lab_text(labs[i].name), (struct sq_plan_opts){ 0 });

		assert_string_equal(plan->scenario->name, labs[i].name);
		assert_true(plan->world);
		assert_int_equal(plan->end_ns, labs[i].end_ns);
		assert_int_equal(plan->n_captures, 2);
		sq_plan_free(plan);
		check_round_trip(lab_text(labs[i].name));
	}
}

/* The cure in place, its expectations in those of the failure; the default ones; what can't be. */
static void test_cure(void **state)
{
	static const struct {
		const char *cure, *pointer, *want; /* NULL: refused */
	} cases[] = {
		{ "{\"text\": \"t\", \"set\": {\"/load/0/threads\": 4}}", "/load/0/threads", "4" },
		{ "{\"text\": \"t\", \"set\": {\"/load/0/threads\": \"4\"}}", "/load/0/threads",
		  "4" },
		{ "{\"text\": \"t\", \"set\": {\"/capture\": \"[]\"}}", "/capture", "[]" },
		{ "{\"text\": \"t\", \"set\": {\"/x\": 1}}", "/expect",
		  "[\"finding.some-mechanism.count == 0\"]" },
		{ "{\"text\": \"t\", \"set\": {\"/x\": 1}, \"expect\": [\"a.ok == 1\"]}", "/expect",
		  "[\"a.ok == 1\"]" },
		{ "{\"text\": \"t\", \"set\": {\"/x\": 1}}", "/finding", "null" },
		{ "{\"text\": \"t\", \"set\": {\"/x\": 1}}", "/cure", "null" },
		{ "{\"text\": \"t\", \"set\": {\"/load/7/threads\": 4}}", NULL, NULL },
		{ NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_err err = { 0 };
		json_t *doc =
			json_loads("{\"load\": [{\"threads\": 1}], \"expect\": [\"a.ok == 0\"],"
				   " \"finding\": \"some-mechanism\"}",
				   0, NULL);
		json_t *cured;
		char *got;

		if (cases[i].cure)
			json_object_set_new(doc, "cure", json_loads(cases[i].cure, 0, NULL));
		cured = sq_cure_document(doc, &err);
		got = cured && cases[i].pointer
			      ? json_dumps(sq_json_pointer_get(cured, cases[i].pointer),
					   JSON_ENCODE_ANY)
			      : NULL;
		if (!cases[i].want && cured)
			fail_msg("%s was taken", cases[i].cure);
		if (!cases[i].want)
			assert_true(err.code < 0 && err.where[0]);
		else if (strcmp(got ? got : "null", cases[i].want) != 0)
			fail_msg("%s: got %s, want %s (%s)", cases[i].cure, got, cases[i].want,
				 err.text);
		free(got);
		json_decref(cured);
		json_decref(doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cure),        cmocka_unit_test(test_echo_keeps_values),
		cmocka_unit_test(test_bad_reports), cmocka_unit_test(test_set),
		cmocka_unit_test(test_labs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
