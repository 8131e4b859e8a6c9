/* DNS queries over UDP, TCP, TLS and HTTPS: what a name server, the network and this machine do to them.
 *
 * What is asked is made before the run (loadgen/dns/ask.c); what a query comes to is in
 * loadgen/dns/query.c, how it gets there and back in a transport (loadgen/dns/transport.h): udp.c,
 * stream.c, doh.c, or stub.c, which asks as applications do.
 * This file has the words: codes, phases and counts; the keys are in loadgen/dns/conf.c.
 *
 * A query succeeds when its answer says NOERROR, or NXDOMAIN, which is an answer as good as any and
 * has a name of its own.  Every other rcode is a refusal by the server under its own name; what the
 * network or this machine did is an errno, at the phase in which it was told. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/dns/conf.h"
#include "loadgen/dns/pcap.h"
#include "loadgen/dns/query.h"
#include "loadgen/dns/stream.h"
#include "loadgen/dns/stub.h"
#include "loadgen/dns/transport.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/lane.h"

/* ---- hooks ---- */

/* Those that carry one query each are all busy with being made. */
static int64_t usual_connections(const struct sq_dns_stream_spec *spec)
{
	return spec->per_connection == 1 ? 100 : 8;
}

static int dns_prepare(void *conf, const struct sq_load_plan *load, struct sq_err *err)
{
	struct sq_dns_conf *c = conf;
	const struct sq_dns_ask_spec spec = { .file = c->queries,
					      .pcap_port = (uint16_t)c->pcap_port,
					      .updates = c->updates,
					      .names = &c->names,
					      .type = c->type,
					      .recursion = c->recursion,
					      .dnssec = c->dnssec,
					      .edns = (uint16_t)c->edns,
					      .options = { .nsid = c->nsid,
							   .cookie = c->cookie,
							   .ecs = c->ecs,
							   .ecs_bits = c->ecs_bits,
							   .options = &c->edns_options },
					      .zipf = c->order == SQ_DNS_ORDER_ZIPF ? c->zipf : 0,
					      .salt = load->seed };
	int rc = sq_dns_conf_check(c, load, err);

	if (rc < 0)
		return rc;
	rc = sq_dns_stub_prepare(c, load, err);
	if (rc < 0)
		return rc;
	if (c->stream.connections == SQ_OPT_UNSET)
		c->stream.connections = usual_connections(&c->stream);
	c->ask = sq_dns_ask_new(&spec, err);
	if (!c->ask)
		sq_dns_stub_release(c);
	return c->ask ? 0 : err->code;
}

static void dns_release(void *conf)
{
	struct sq_dns_conf *c = conf;

	c->ask = sq_dns_ask_free(c->ask);
	sq_dns_stub_release(c);
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

static const struct sq_dns_transport *transport_of(const struct sq_dns_conf *conf)
{
	static const struct sq_dns_transport *const transports[] = {
		[SQ_DNS_UDP] = &sq_dns_udp,
		[SQ_DNS_TCP] = &sq_dns_stream,
		[SQ_DNS_DOT] = &sq_dns_stream,
		[SQ_DNS_DOH] = &sq_dns_doh,
	};

	return conf->client == SQ_DNS_CLIENT_STUB ? &sq_dns_stub : transports[conf->carrier];
}

static int dns_lane_init(struct sq_lane *lane, struct sq_err *err)
{
	const struct sq_dns_conf *conf = lane->conf;
	struct sq_dns_lane *d = lane->state;
	int rc;

	d->transport = transport_of(conf);
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
	{ "stub-timeout", SQ_CLASS_TIMEOUT,
	  "c-ares asked as often as it may, and nobody answered" },
	{ "stub-refused", SQ_CLASS_REFUSED,
	  "c-ares was turned away by every server: a closed port, SERVFAIL, NOTIMP or REFUSED" },
	{ "http-4xx", SQ_CLASS_HARD, "the web server refused the request (404: a wrong path)" },
	{ "http-5xx", SQ_CLASS_HARD, "the web server failed, or has no name server to ask" },
	{ "http-status", SQ_CLASS_HARD, "the web server said something else than 200" },
	{ 0 },
};

static const char *const dns_phases[] = { "socket",  "send", "query", "resolver",
					  "connect", "tls",  NULL };
static const char *const dns_counts[] = {
	"late",
	"duplicate",
	"mismatched",
	"garbled",
	"unmatched",
	"truncated",
	"stray_errors",
	"stub_retries",
	"stub_failovers",
	"stub_connections",
	"connections",
	"closed_by_server",
	"tls_full",
	"tls_resumed",
	"tc_retries",
	"waited",
	NULL,
};

const struct sq_driver sq_driver_dns = {
	.kind = { .name = "dns",
		  .summary =
			  "DNS queries over UDP, TCP, TLS and HTTPS: answers, rcodes, losses, errors by name",
		  .opts = sq_dns_opts,
		  .conf_size = sizeof(struct sq_dns_conf) },
	.words = { .codes = dns_codes, .phases = dns_phases, .counts = dns_counts },
	.lane_size = sizeof(struct sq_dns_lane),
	.op_size = sizeof(struct sq_dns_query),
	.batches = true,
	.trace = sq_dns_pcap_times,
	.prepare = dns_prepare,
	.release = dns_release,
	.lane_init = dns_lane_init,
	.lane_fini = dns_lane_fini,
	.start = dns_start,
	.input = dns_input,
	.end = dns_end,
};
