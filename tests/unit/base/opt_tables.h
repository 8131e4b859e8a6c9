/* The option tables of the tests: a document of each type of option, with kinds that have options of
 * their own.  Included by one test program each, so all of it is static. */
#ifndef SQ_TESTS_UNIT_BASE_OPT_TABLES_H
#define SQ_TESTS_UNIT_BASE_OPT_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/opt.h"

struct tcp_conf {
	int64_t port, delay_ns;
	char *greeting;
};

struct inner {
	struct sq_plug source;
	struct sq_strings tags;
};

struct shape {
	int64_t rate_bit_per_s, burst_bytes;
};

struct load {
	char *name;
	struct sq_plug driver;
	int64_t threads, timeout_ns;
	double rate_per_s;
	struct shape shape;
};

struct host {
	char *name;
	struct sq_pairs sysctl;
	struct sq_strings nft;
	struct sq_list run;
};

struct doc {
	bool flag;
	int64_t seed, offset, any;
	double factor, poisson_per_s;
	char *title;
	int close;
	struct sq_strings expect;
	struct sq_list hosts, load;
	struct sq_plug source;
	struct shape shape;
};

#define ENTRY(type_, member, name_, ...)                                               \
	{                                                                              \
		.name = (name_), .offset = offsetof(struct type_, member), __VA_ARGS__ \
	}

static const struct sq_opt tcp_opts[] = {
	ENTRY(tcp_conf, port, "port", .type = SQ_OPT_INT, .required = true, .min = 1, .max = 65535,
	      .help = "the port"),
	ENTRY(tcp_conf, delay_ns, "accept_delay", .type = SQ_OPT_DURATION, .def = "0s", .max = 1e9,
	      .help = "time that each accept takes"),
	ENTRY(tcp_conf, greeting, "greeting", .type = SQ_OPT_STRING, .help = "a | text"),
	{ 0 },
};

static const struct sq_opt inner_opts[] = {
	ENTRY(inner, source, "of", .type = SQ_OPT_PLUG, .plug = "source", .required = true,
	      .help = "what is wrapped"),
	ENTRY(inner, tags, "tags", .type = SQ_OPT_STRINGS, .def = "plain", .help = "words"),
	{ 0 },
};

static const struct sq_kind tcp = { .name = "tcp",
				    .summary = "connections",
				    .opts = tcp_opts,
				    .conf_size = sizeof(struct tcp_conf) };
static const struct sq_kind none = {
	.name = "none", .summary = "nothing at all", .opts = NULL, .conf_size = 0
};
static const struct sq_kind wrap = {
	.name = "wrap", .summary = "another", .opts = inner_opts, .conf_size = sizeof(struct inner)
};
static const struct sq_kind *const drivers[] = { &none, &tcp, NULL };
static const struct sq_kind *const sources[] = { &none, &tcp, &wrap, NULL };
static const struct sq_family families[] = {
	{ "driver", drivers },
	{ "source", sources },
	{ NULL, NULL },
};
static const struct sq_opt_ctx ctx = { .file = "F", .families = families };

static const struct sq_opt shape_opts[] = {
	ENTRY(shape, rate_bit_per_s, "rate", .type = SQ_OPT_BITRATE, .required = true, .min = 1000,
	      .help = "bits a second"),
	ENTRY(shape, burst_bytes, "burst", .type = SQ_OPT_SIZE, .def = "1600B", .min = 1024,
	      .max = 1048576, .help = "bytes at once"),
	{ 0 },
};

static const struct sq_opt load_opts[] = {
	ENTRY(load, name, "name", .type = SQ_OPT_STRING, .required = true, .help = "its name"),
	ENTRY(load, driver, "driver", .type = SQ_OPT_PLUG, .plug = "driver", .required = true,
	      .help = "the protocol"),
	ENTRY(load, threads, "threads", .type = SQ_OPT_INT, .def = "1", .min = 1, .max = 1024,
	      .help = "threads"),
	ENTRY(load, timeout_ns, "timeout", .type = SQ_OPT_DURATION, .def = "5s", .min = 1e6,
	      .max = 3600e9, .help = "when an operation has failed"),
	ENTRY(load, rate_per_s, "rate", .type = SQ_OPT_RATE, .min = 0.001, .help = "arrivals"),
	ENTRY(load, shape, "shape", .type = SQ_OPT_TABLE, .sub = shape_opts, .help = "a shaper"),
	{ 0 },
};

static const struct sq_opt run_opts[] = {
	ENTRY(load, name, "name", .type = SQ_OPT_STRING, .help = "a program"),
	{ 0 },
};

static const struct sq_opt host_opts[] = {
	ENTRY(host, sysctl, "sysctl", .type = SQ_OPT_PAIRS, .help = "kernel settings"),
	ENTRY(host, nft, "nft", .type = SQ_OPT_STRINGS, .help = "rule sets"),
	ENTRY(host, run, "run", .type = SQ_OPT_LIST, .sub = run_opts,
	      .elem_size = sizeof(struct load), .help = "a process"),
	{ 0 },
};

static const char *const closes[] = { "peer", "now", NULL };

static const struct sq_opt doc_opts[] = {
	ENTRY(doc, flag, "a_flag", .type = SQ_OPT_BOOL, .help = "a switch"),
	ENTRY(doc, seed, "seed", .type = SQ_OPT_INT, .help = "of random numbers"),
	ENTRY(doc, offset, "offset", .type = SQ_OPT_INT, .def = "-3", .min = -10, .max = 10,
	      .help = "may be negative"),
	ENTRY(doc, any, "any", .type = SQ_OPT_INT, .min = -0x1p63, .max = 0x1p63,
	      .help = "any integer"),
	ENTRY(doc, factor, "factor", .type = SQ_OPT_REAL, .def = "1.5", .min = 0.5,
	      .help = "a number"),
	ENTRY(doc, poisson_per_s, "poisson", .type = SQ_OPT_RATE, .help = "random arrivals"),
	ENTRY(doc, title, "title", .type = SQ_OPT_STRING, .def = "untitled", .help = "a text"),
	ENTRY(doc, close, "close", .type = SQ_OPT_ENUM, .choices = closes, .help = "who closes"),
	ENTRY(doc, expect, "expect", .type = SQ_OPT_STRINGS, .help = "what must hold"),
	ENTRY(doc, hosts, "hosts", .type = SQ_OPT_MAP, .sub = host_opts,
	      .elem_size = sizeof(struct host), .help = "a host"),
	ENTRY(doc, load, "load", .type = SQ_OPT_LIST, .sub = load_opts, .required = true,
	      .elem_size = sizeof(struct load), .help = "a load"),
	ENTRY(doc, source, "source", .type = SQ_OPT_PLUG, .plug = "source", .help = "a source"),
	ENTRY(doc, shape, "shape", .type = SQ_OPT_TABLE, .sub = shape_opts, .help = "a shaper"),
	{ 0 },
};

#endif
