/* DNS queries over UDP: what a name server, the network and this machine do to them.
 *
 * What is asked is made before the run (loadgen/dns/ask.c); what a query comes to is in
 * loadgen/dns/query.c, how it gets there and back in a transport (loadgen/dns/transport.h): udp.c, or
 * stub.c, which asks as applications do.
 * This file has the words: keys, codes, phases and counts.
 *
 * A query succeeds when its answer says NOERROR, or NXDOMAIN, which is an answer as good as any and
 * has a name of its own.  Every other rcode is a refusal by the server under its own name; what the
 * network or this machine did is an errno, at the phase in which it was told. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/dns/conf.h"
#include "loadgen/dns/pcap.h"
#include "loadgen/dns/query.h"
#include "loadgen/dns/stub.h"
#include "loadgen/dns/transport.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/lane.h"

struct dns_lane {
	const struct sq_dns_transport *transport;
	void *state; /* its own */
};

/* ---- hooks ---- */

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
	int rc;

	if (c->pcap_port != SQ_DNS_PORT && load->spec->arrivals.trace)
		return sq_err_set(err, -EINVAL, "dns: pcap_port",
				  "a trace is read at port %d only; give a capture of that port",
				  SQ_DNS_PORT);
	rc = sq_dns_stub_prepare(c, load, err);
	if (rc < 0)
		return rc;
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

static int dns_lane_init(struct sq_lane *lane, struct sq_err *err)
{
	struct dns_lane *d = lane->state;
	const struct sq_dns_conf *c = lane->conf;
	int rc;

	d->transport = c->client == SQ_DNS_CLIENT_STUB ? &sq_dns_stub : &sq_dns_udp;
	d->state = sq_alloc(d->transport->state_size);
	rc = d->transport->init(d->state, lane, err);
	if (rc < 0)
		free(d->state);
	return rc;
}

static void dns_lane_fini(struct sq_lane *lane)
{
	struct dns_lane *d = lane->state;

	d->transport->fini(d->state);
	free(d->state);
}

static unsigned dns_start(struct sq_lane *lane, const int64_t *due_ns, unsigned n)
{
	struct dns_lane *d = lane->state;

	return d->transport->start(d->state, due_ns, n);
}

static void dns_input(struct sq_lane *lane, uint32_t token, uint32_t events)
{
	struct dns_lane *d = lane->state;

	d->transport->input(d->state, token, events);
}

static void dns_end(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	struct dns_lane *d = lane->state;

	d->transport->end(d->state, op, code);
}

/* ---- tables ---- */

static const char *const order_choices[] = { "sequential", "random", "zipf", NULL };
static const char *const client_choices[] = { "wire", "stub", NULL };

static const struct sq_opt dns_opts[] = {
	{ .name = "queries",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, queries),
	  .help = "a file of what is asked, as dnsperf reads it: a name and a type on each line; or "
		  "a capture (pcap, pcapng), whose queries by UDP are asked as recorded; this, "
		  "updates or names" },
	{ .name = "pcap_port",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, pcap_port),
	  .def = "53",
	  .min = 1,
	  .max = UINT16_MAX,
	  .help = "of a capture: the port that its queries went to" },
	{ .name = "updates",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, updates),
	  .help = "a file of dynamic updates, as dnsperf -u reads it: a zone, lines of require, "
		  "prohibit, add and delete, then send" },
	{ .name = "names",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_dns_conf, names),
	  .help = "names to ask for, taken in turn; \"a{1-1000}.example.test\" is 1000 of them, "
		  "{0001-1000} with leading zeros; {random:8} is 8 letters and digits that no other "
		  "query of the load has, made of the seed" },
	{ .name = "type",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, type),
	  .def = "A",
	  .help = "the type of record that names are asked for, or shares of several, as "
		  "A:70,AAAA:25,MX:5, which hold exactly" },
	{ .name = "order",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_dns_conf, order),
	  .def = "sequential",
	  .choices = order_choices,
	  .help = "sequential asks all equally often, over all threads; zipf the first most, by "
		  "rank" },
	{ .name = "zipf",
	  .type = SQ_OPT_REAL,
	  .offset = offsetof(struct sq_dns_conf, zipf),
	  .def = "1",
	  .min = 0.01,
	  .max = 10,
	  .help = "order zipf: the question of rank k is asked 1/k^zipf as often as the first" },
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
	{ .name = "nsid",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, nsid),
	  .def = "false",
	  .help = "ask which server answers (EDNS NSID)" },
	{ .name = "cookie",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, cookie),
	  .def = "false",
	  .help = "send a client cookie, one for the load; cookies that servers give are not sent "
		  "back" },
	{ .name = "ecs",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_conf, ecs),
	  .help = "EDNS client subnet: a range such as 198.51.100.0/22; each query names a subnet "
		  "of it" },
	{ .name = "ecs_bits",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, ecs_bits),
	  .max = 128,
	  .help = "the prefix length of these subnets; 24, or 56 of IPv6, or the range's when not "
		  "given" },
	{ .name = "edns_options",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_dns_conf, edns_options),
	  .help = "EDNS options of any kind, each its number and its data in hex: 65001:c0ffee" },
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
	{ .name = "segment",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, udp.segment),
	  .def = "false",
	  .help = "UDP_SEGMENT: queries of a burst that have one length go through the network stack "
		  "as one datagram; cheaper, and a queue on the way may take or drop them as one" },
	{ .name = "kernel_time",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, udp.kernel_time),
	  .def = "false",
	  .help = "replies came when the kernel got them (SO_TIMESTAMPNS), not when they were read" },
	{ .name = "client",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_dns_conf, client),
	  .def = "wire",
	  .choices = client_choices,
	  .help = "wire: one datagram for each query, as it is sent; stub: c-ares asks, as in an "
		  "application (sockets, buffers and recverr are the wire's alone)" },
	{ .name = "stub_servers",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_dns_conf, stub.servers),
	  .help = "servers that the stub turns to when the load's target does not answer, as in "
		  "\"server2:53\"" },
	{ .name = "stub_timeout",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_dns_conf, stub.timeout_ns),
	  .def = "5s",
	  .min = SQ_MS,
	  .max = 60 * SQ_SEC,
	  .help = "how long the stub waits for a server's answer before it asks the next; doubled "
		  "when all were asked; to the millisecond" },
	{ .name = "stub_tries",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, stub.tries),
	  .def = "2",
	  .min = 1,
	  .max = 10,
	  .help = "how often the stub asks each server; c-ares by itself does 4 times, "
		  "resolv.conf's attempts are 2" },
	{ .name = "stub_rotate",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, stub.rotate),
	  .def = "false",
	  .help = "each query of the stub begins with another server" },
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
	  "no answer in time, but a reply with this query's ID to another question" },
	{ "garbled", SQ_CLASS_GARBLED,
	  "no answer in time, but something with this query's ID that is no reply" },
	{ "stub-timeout", SQ_CLASS_TIMEOUT,
	  "c-ares asked as often as it may, and nobody answered" },
	{ "stub-refused", SQ_CLASS_REFUSED,
	  "c-ares was turned away by every server: a closed port, SERVFAIL, NOTIMP or REFUSED" },
	{ 0 },
};

static const char *const dns_phases[] = { "socket", "send", "query", "resolver", NULL };
static const char *const dns_counts[] = {
	"late",           "duplicate",        "mismatched",   "garbled",
	"unmatched",      "truncated",        "stray_errors", "stub_retries",
	"stub_failovers", "stub_connections", NULL,
};

const struct sq_driver sq_driver_dns = {
	.kind = { .name = "dns",
		  .summary = "DNS queries over UDP: answers, rcodes, losses, errors by name",
		  .opts = dns_opts,
		  .conf_size = sizeof(struct sq_dns_conf) },
	.words = { .codes = dns_codes, .phases = dns_phases, .counts = dns_counts },
	.lane_size = sizeof(struct dns_lane),
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
