/* The dns driver's keys, and what of them contradicts each other.
 *
 * What a reader would get wrong: a key that would mean nothing is refused, not ignored, so that nobody
 * believes to have measured what was never done. */
#include "loadgen/dns/conf.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"

static const char *const order_choices[] = { "sequential", "random", "zipf", NULL };
static const char *const client_choices[] = { "wire", "stub", NULL };
static const char *const carrier_choices[] = { "udp", "tcp", "dot", "doh", NULL };
static const char *const method_choices[] = { "post", "get", NULL };

const struct sq_opt sq_dns_opts[] = {
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
		  "as one datagram; cheaper, and a queue on the way may take or drop them as one; "
		  "needs recverr" },
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
		  "application (sockets, buffers, recverr, connections and pipeline are the wire's "
		  "alone)" },
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
	{ .name = "tcp_on_truncated",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_conf, stream.on_truncated),
	  .def = "false",
	  .help = "ask again over TCP when an answer over UDP is truncated (TC)" },
	{ .name = "connections",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_conf, stream.connections),
	  .min = 1,
	  .max = 16384,
	  .help = "TCP connections of each thread, made when their turn comes; 8 unless given, 100 "
		  "with one query on each; queries that find all of them full wait, and those that "
		  "do so for most of their time-out end as timeout at phase send" },
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

/* ---- checks ---- */

/* That its files can be read, before the run. */
static int check_tls(const struct sq_dns_conf *c, struct sq_err *err)
{
	struct sq_tls *tls = c->stream.tls.ca ? sq_tls_new(&c->stream.tls, NULL, err) : NULL;

	if (c->stream.tls.ca && !tls)
		return err->code;
	sq_tls_free(tls);
	return 0;
}

/* What datagrams alone have; NULL: nothing of it is asked for. */
static const char *datagram_key(const struct sq_dns_conf *c)
{
	return c->udp.segment ? "segment" : c->udp.kernel_time ? "kernel_time" : NULL;
}

static int check_datagrams(const struct sq_dns_conf *c, struct sq_err *err)
{
	const char *key = datagram_key(c);

	if (key && c->carrier != SQ_DNS_UDP)
		return sq_err_set(err, -EINVAL, key,
				  "only queries over UDP have it; leave it out, or transport");
	if (c->udp.segment && !c->udp.recverr)
		return sq_err_set(err, -EINVAL, "segment",
				  "without recverr each query is sent by a call of its own; leave "
				  "one of the two out");
	return 0;
}

static int check_stub(const struct sq_dns_conf *c, struct sq_err *err)
{
	const char *key = c->stream.on_truncated ? "tcp_on_truncated" : datagram_key(c);

	if (c->client != SQ_DNS_CLIENT_STUB)
		return 0;
	if (c->carrier != SQ_DNS_UDP)
		return sq_err_set(err, -EINVAL, "dns: transport",
				  "the stub chooses its own; leave transport out, or client");
	if (key)
		return sq_err_set(err, -EINVAL, key,
				  "the stub sends in its own way; leave it out, or client");
	return 0;
}

/* Keys that contradict each other. */
int sq_dns_conf_check(const struct sq_dns_conf *c, const struct sq_load_plan *load,
		      struct sq_err *err)
{
	if (c->pcap_port != SQ_DNS_PORT && load->spec->arrivals.trace)
		return sq_err_set(err, -EINVAL, "dns: pcap_port",
				  "a trace is read at port %d only; give a capture of that port",
				  SQ_DNS_PORT);
	if (check_stub(c, err) < 0 || check_datagrams(c, err) < 0)
		return err->code;
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
	return check_tls(c, err);
}
