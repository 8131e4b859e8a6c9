/* Plug-ins for tests of scenarios, which can't know the real ones: kinds of the same names with
 * option tables of the same shape, and the way from a text to a plan. */
#ifndef SQ_TESTS_KINDS_H
#define SQ_TESTS_KINDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "scenarios/plan.h"
#include "scenarios/scenario.h"

struct tcp_driver_conf {
	int until, close;
	int64_t hold_ns;
};

struct tcp_sink_conf {
	char *listen, *greeting;
	int64_t backlog, accept_delay_ns;
	bool never_accept;
};

static const char *const until_choices[] = { "connected", "acked", "greeting", NULL };
static const char *const close_choices[] = { "rst", "fin", NULL };

/* clang-format off */
static const struct sq_opt tcp_driver_opts[] = {
	{ .name = "until", .type = SQ_OPT_ENUM, .offset = offsetof(struct tcp_driver_conf, until),
	  .def = "acked", .choices = until_choices, .help = "what a success is" },
	{ .name = "close", .type = SQ_OPT_ENUM, .offset = offsetof(struct tcp_driver_conf, close),
	  .def = "rst", .choices = close_choices, .help = "how it closes" },
	{ .name = "hold", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct tcp_driver_conf, hold_ns), .def = "0s", .help = "how long it stays" },
	{ 0 },
};

static const struct sq_opt tcp_sink_opts[] = {
	{ .name = "listen", .type = SQ_OPT_STRING, .offset = offsetof(struct tcp_sink_conf, listen),
	  .required = true, .help = "where" },
	{ .name = "backlog", .type = SQ_OPT_INT, .offset = offsetof(struct tcp_sink_conf, backlog),
	  .def = "4096", .min = 1, .max = 65535, .help = "the accept queue" },
	{ .name = "accept_delay", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct tcp_sink_conf, accept_delay_ns), .def = "0s", .help = "slowness" },
	{ .name = "never_accept", .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct tcp_sink_conf, never_accept), .def = "false", .help = "never" },
	{ .name = "greeting", .type = SQ_OPT_STRING,
	  .offset = offsetof(struct tcp_sink_conf, greeting), .help = "what it says first" },
	{ 0 },
};
/* clang-format on */

static const struct sq_opt no_opts[] = { { 0 } };

static const struct sq_kind driver_tcp = { "tcp", "", tcp_driver_opts,
					   sizeof(struct tcp_driver_conf), false };
static const struct sq_kind driver_dns = { "dns", "", no_opts, 0, false };
static const struct sq_kind sink_tcp = { "tcp", "", tcp_sink_opts, sizeof(struct tcp_sink_conf),
					 false };
static const struct sq_kind sink_dns = { "dns", "", no_opts, 0, false };
static const struct sq_kind source_linux = { "linux", "", no_opts, 0, false };
static const struct sq_kind source_snmp = { "snmp", "", no_opts, 0, false };
static const struct sq_kind source_nsd = { "nsd", "", no_opts, 0, true };

static const struct sq_kind *const drivers[] = { &driver_dns, &driver_tcp, NULL };
static const struct sq_kind *const sinks[] = { &sink_dns, &sink_tcp, NULL };
static const struct sq_kind *const sources[] = { &source_linux, &source_nsd, &source_snmp, NULL };

static const struct sq_family families[] = {
	{ "driver", drivers }, { "sink", sinks }, { "source", sources }, { NULL, NULL }
};

static const struct sq_opt_ctx test_ctx = { .file = "input.json", .families = families };

/* NULL with err. */
static inline struct sq_plan *plan_of_doc(const json_t *doc, struct sq_plan_opts opts,
					  struct sq_err *err)
{
	struct sq_scenario *s = sq_scenario_parse(&test_ctx, doc, err);
	struct sq_plan *plan = NULL;

	opts.default_source = &source_linux;
	if (!s || sq_plan_make(s, &opts, &plan, err) < 0)
		return NULL;
	return plan;
}

static inline struct sq_plan *plan_of(const char *text, struct sq_plan_opts opts,
				      struct sq_err *err)
{
	json_t *doc = sq_json_load_text(text, strlen(text), "input.json", err);
	struct sq_plan *plan = doc ? plan_of_doc(doc, opts, err) : NULL;

	json_decref(doc);
	return plan;
}

/* The plan of a text that must have one. */
static inline struct sq_plan *good_plan(const char *text, struct sq_plan_opts opts)
{
	struct sq_err err = { 0 };
	struct sq_plan *plan = plan_of(text, opts, &err);

	if (!plan) {
		fail_msg("%s: %s", err.where, err.text);
		abort(); /* cmocka does not say that a failed test ends there */
	}
	return plan;
}

#endif
