/* DNS queries over UDP, TCP, TLS and HTTPS: what a name server, the network and this machine do to them.
 *
 * What is asked is made before the run (loadgen/dns/ask.c); what a query comes to is in
 * loadgen/dns/query.c, how it gets there and back in a transport (loadgen/dns/transport.h): udp.c,
 * stream.c, doh.c.
 * This file has the words: keys, codes, phases and counts.
 *
 * A query succeeds when its answer says NOERROR, or NXDOMAIN, which is an answer as good as any and
 * has a name of its own.  Every other rcode is a refusal by the server under its own name; what the
 * network or this machine did is an errno, at the phase in which it was told. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loadgen/dns/conf.h"
#include "loadgen/dns/query.h"
#include "loadgen/dns/stream.h"
#include "loadgen/dns/transport.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/lane.h"

/* ---- hooks ---- */

/* That its files can be read, before the run. */
static int check_tls(const struct sq_dns_conf *c, struct sq_err *err)
{
	struct sq_tls *tls = c->stream.tls.ca ? sq_tls_new(&c->stream.tls, NULL, err) : NULL;

	if (c->stream.tls.ca && !tls)
		return err->code;
	sq_tls_free(tls);
	return 0;
}

static int dns_prepare(void *conf, struct sq_err *err)
{
	struct sq_dns_conf *c = conf;
	const struct sq_dns_ask_spec spec = { .file = c->queries,
					      .names = &c->names,
					      .type = c->type,
					      .recursion = c->recursion,
					      .dnssec = c->dnssec,
					      .edns = (uint16_t)c->edns };

	if (c->carrier != SQ_DNS_UDP && c->stream.on_truncated)
		return sq_err_set(err, -EINVAL, "tcp_on_truncated",
				  "only answers over UDP are truncated; leave it out");
	if (c->carrier < SQ_DNS_DOT && (c->stream.tls.ca || c->stream.tls.name))
		return sq_err_set(err, -EINVAL, c->stream.tls.ca ? "tls_ca" : "tls_name",
				  "there is no TLS without \"transport\": \"dot\" or \"doh\"");
	if (c->doh.path[0] != '/' || strlen(c->doh.path) > SQ_DNS_DOH_PATH_MAX)
		return sq_err_set(err, -EINVAL, "doh_path",
				  "write what stands in the URL behind the server, such as "
				  "\"/dns-query\", in %d bytes at most",
				  SQ_DNS_DOH_PATH_MAX);
	if (check_tls(c, err) < 0)
		return err->code;
	c->ask = sq_dns_ask_new(&spec, err);
	return c->ask ? 0 : err->code;
}

static void dns_release(void *conf)
{
	struct sq_dns_conf *c = conf;

	c->ask = sq_dns_ask_free(c->ask);
}

static int make_state(const struct sq_dns_transport *transport, struct sq_lane *lane, void **ret,
		      struct sq_err *err)
{
	void *state = sq_alloc(transport->state_size);
	int rc = transport->init(state, lane, err);

	if (rc < 0)
		free(state);
	else
		*ret = state;
	return rc;
}

static const struct sq_dns_transport *const transports[] = {
	[SQ_DNS_UDP] = &sq_dns_udp,
	[SQ_DNS_TCP] = &sq_dns_stream,
	[SQ_DNS_DOT] = &sq_dns_stream,
	[SQ_DNS_DOH] = &sq_dns_doh,
};

static int dns_lane_init(struct sq_lane *lane, struct sq_err *err)
{
	const struct sq_dns_conf *conf = lane->conf;
	struct sq_dns_lane *d = lane->state;
	int rc;

	d->transport = transports[conf->carrier];
	rc = make_state(d->transport, lane, &d->state, err);
	if (rc < 0 || !conf->stream.on_truncated)
		return rc;
	rc = make_state(&sq_dns_stream, lane, &d->retry, err);
	if (rc < 0) {
		d->transport->fini(d->state);
		free(d->state);
	}
	return rc;
}

static void dns_lane_fini(struct sq_lane *lane)
{
	struct sq_dns_lane *d = lane->state;

	if (d->retry)
		sq_dns_stream.fini(d->retry);
	free(d->retry);
	d->transport->fini(d->state);
	free(d->state);
}

static unsigned dns_start(struct sq_lane *lane, const int64_t *due_ns, unsigned n)
{
	struct sq_dns_lane *d = lane->state;

	return d->transport->start(d->state, due_ns, n);
}

static void dns_input(struct sq_lane *lane, uint32_t token, uint32_t events)
{
	struct sq_dns_lane *d = lane->state;

	if (d->retry && token & SQ_DNS_STREAM)
		sq_dns_stream.input(d->retry, token, events);
	else
		d->transport->input(d->state, token, events);
}

static void dns_end(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	struct sq_dns_lane *d = lane->state;

	if (d->retry && sq_dns_stream_has(op))
		sq_dns_stream.end(d->retry, op, code);
	else
		d->transport->end(d->state, op, code);
}

/* ---- tables ---- */

static const char *const carrier_choices[] = { "udp", "tcp", "dot", "doh", NULL };
static const char *const method_choices[] = { "post", "get", NULL };
static const char *const order_choices[] = { "sequential", "random", NULL };

static const struct sq_opt dns_opts[] = {
	{ .name = "queries",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, queries),
	  .help = "a file of what is asked, as dnsperf reads it: a name and a type on each line; "
		  "this or names" },
	{ .name = "names",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_dns_conf, names),
	  .help = "names to ask for, taken in turn; \"a{1-1000}.example.test\" is 1000 of them, "
		  "{0001-1000} with leading zeros" },
	{ .name = "type",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, type),
	  .def = "A",
	  .help = "the type of record that names are asked for" },
	{ .name = "order",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_dns_conf, order),
	  .def = "sequential",
	  .choices = order_choices,
	  .help = "sequential asks all equally often, over all threads" },
	{ .name = "transport",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_dns_conf, carrier),
	  .def = "udp",
	  .choices = carrier_choices,
	  .help = "what carries the queries; dot is TCP with TLS, doh is HTTP/2 over that" },
	{ .name = "sockets",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, sockets),
	  .def = "8",
	  .min = 1,
	  .max = 16384,
	  .help = "source ports of each thread; bursts of due queries take them in turn" },
	{ .name = "recursion",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, recursion),
	  .def = "true",
	  .help = "ask for recursion (RD)" },
	{ .name = "edns",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, edns),
	  .def = "0",
	  .max = UINT16_MAX,
	  .help = "UDP size to offer by EDNS; 0 sends no EDNS" },
	{ .name = "dnssec",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, dnssec),
	  .def = "false",
	  .help = "ask for signatures (DO); with an EDNS size of 1232 unless edns names one" },
	{ .name = "receive_buffer",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_dns_conf, udp.receive_buffer),
	  .min = 1,
	  .max = INT_MAX / 2,
	  .help = "SO_RCVBUF of each socket; the kernel doubles it, and a reply takes 0.75 KiB or "
		  "more of it" },
	{ .name = "send_buffer",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_dns_conf, udp.send_buffer),
	  .min = 1,
	  .max = INT_MAX / 2,
	  .help = "SO_SNDBUF of each socket; the kernel doubles it" },
	{ .name = "recverr",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, udp.recverr),
	  .def = "true",
	  .help = "IP_RECVERR: the kernel tells which query met a full queue or an ICMP error; "
		  "false shows what a program without it sees" },
	{ .name = "tcp_on_truncated",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, stream.on_truncated),
	  .def = "false",
	  .help = "ask again over TCP when an answer over UDP is truncated (TC)" },
	{ .name = "connections",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, stream.connections),
	  .def = "8",
	  .min = 1,
	  .max = 16384,
	  .help = "TCP connections of each thread, made when their turn comes" },
	{ .name = "per_connection",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, stream.per_connection),
	  .def = "0",
	  .max = INT_MAX,
	  .help = "queries that a connection carries before it is reset and a new one made; 0 is "
		  "no limit" },
	{ .name = "pipeline",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, stream.pipeline),
	  .def = "100",
	  .min = 1,
	  .max = 16384,
	  .help = "queries that wait for their answers on one connection, at most" },
	{ .name = "tls_ca",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, stream.tls.ca),
	  .help = "a file of certificates that the server's must come from; without it none is "
		  "checked" },
	{ .name = "tls_name",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, stream.tls.name),
	  .help = "the server's name, sent to it (SNI); with tls_ca its certificate must have it" },
	{ .name = "tls_resume",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, stream.tls.resume),
	  .def = "true",
	  .help = "go on from a session that the server gave a ticket for" },
	{ .name = "doh_path",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, doh.path),
	  .def = "/dns-query",
	  .help = "the path that is asked over HTTPS" },
	{ .name = "doh_method",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_dns_conf, doh.method),
	  .def = "post",
	  .choices = method_choices,
	  .help = "how: the query as the request's body, or in its path" },
	{ 0 },
};

/* From FORMERR on in the order of rcodes: see SQ_DNS_CODE_RCODE. */
static const struct sq_code dns_codes[] = {
	{ "FORMERR", SQ_CLASS_HARD, "the server could not read the query" },
	{ "SERVFAIL", SQ_CLASS_HARD, "the server could not find an answer" },
	{ "NXDOMAIN", SQ_CLASS_OK, "there is no such name, says the server" },
	{ "NOTIMP", SQ_CLASS_HARD, "the server knows no such kind of query" },
	{ "REFUSED", SQ_CLASS_HARD, "the server will not answer this" },
	{ "YXDOMAIN", SQ_CLASS_HARD, "the name exists, and should not" },
	{ "YXRRSET", SQ_CLASS_HARD, "the records exist, and should not" },
	{ "NXRRSET", SQ_CLASS_HARD, "the records do not exist, and should" },
	{ "NOTAUTH", SQ_CLASS_HARD, "the server has no authority, or does not see ours" },
	{ "NOTZONE", SQ_CLASS_HARD, "the name is not in the zone" },
	{ "RCODE11", SQ_CLASS_HARD, "an rcode without a name" },
	{ "RCODE12", SQ_CLASS_HARD, "an rcode without a name" },
	{ "RCODE13", SQ_CLASS_HARD, "an rcode without a name" },
	{ "RCODE14", SQ_CLASS_HARD, "an rcode without a name" },
	{ "RCODE15", SQ_CLASS_HARD, "an rcode without a name" },
	{ "mismatch", SQ_CLASS_GARBLED,
	  "no answer in time, but a reply with this query's ID to another question; over HTTPS, on "
	  "its stream" },
	{ "garbled", SQ_CLASS_GARBLED,
	  "no answer in time, but something with this query's ID that is no reply; over HTTPS, on "
	  "its stream" },
	{ "http-4xx", SQ_CLASS_HARD, "the web server refused the request (404: a wrong path)" },
	{ "http-5xx", SQ_CLASS_HARD, "the web server failed, or has no name server to ask" },
	{ "http-status", SQ_CLASS_HARD, "the web server said something else than 200" },
	{ 0 },
};

static const char *const dns_phases[] = { "socket", "send", "query", "connect", "tls", NULL };
static const char *const dns_counts[] = {
	"late",        "duplicate",    "mismatched",  "garbled",          "unmatched",
	"truncated",   "stray_errors", "connections", "closed_by_server", "tls_full",
	"tls_resumed", "tc_retries",   NULL,
};

const struct sq_driver sq_driver_dns = {
	.kind = { .name = "dns",
		  .summary =
			  "DNS queries over UDP, TCP, TLS and HTTPS: answers, rcodes, losses, errors by name",
		  .opts = dns_opts,
		  .conf_size = sizeof(struct sq_dns_conf) },
	.words = { .codes = dns_codes, .phases = dns_phases, .counts = dns_counts },
	.lane_size = sizeof(struct sq_dns_lane),
	.op_size = sizeof(struct sq_dns_query),
	.prepare = dns_prepare,
	.release = dns_release,
	.lane_init = dns_lane_init,
	.lane_fini = dns_lane_fini,
	.start = dns_start,
	.input = dns_input,
	.end = dns_end,
};
