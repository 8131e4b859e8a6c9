/* What the dns driver is told, and its words in the order of its tables (loadgen/drivers/dns.c). */
#ifndef SQ_LOADGEN_DNS_CONF_H
#define SQ_LOADGEN_DNS_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "loadgen/dns/ask.h"
#include "loadgen/dns/udp_socket.h"
#include "loadgen/dns/wire.h"
#include "loadgen/engine/tls.h"
#include "results/outcome.h"
#include "scenarios/plan.h"

enum sq_dns_phase {
	SQ_DNS_PHASE_SOCKET,
	SQ_DNS_PHASE_SEND,
	SQ_DNS_PHASE_QUERY,
	SQ_DNS_PHASE_RESOLVER, /* what c-ares says, or has not said yet */
	SQ_DNS_PHASE_CONNECT,
	SQ_DNS_PHASE_TLS,
};

enum sq_dns_code {
	SQ_DNS_CODE_RCODE = SQ_CODE_DRIVER - 1, /* + rcode, which is not 0 */
	SQ_DNS_CODE_MISMATCH = SQ_DNS_CODE_RCODE + SQ_DNS_RCODES,
	SQ_DNS_CODE_GARBLED,
	SQ_DNS_CODE_STUB_TIMEOUT,
	SQ_DNS_CODE_STUB_REFUSED,
	SQ_DNS_CODE_HTTP_4XX,
	SQ_DNS_CODE_HTTP_5XX,
	SQ_DNS_CODE_HTTP_STATUS,
};

enum sq_dns_count {
	SQ_DNS_COUNT_LATE,
	SQ_DNS_COUNT_DUPLICATE,
	SQ_DNS_COUNT_MISMATCHED,
	SQ_DNS_COUNT_GARBLED,
	SQ_DNS_COUNT_UNMATCHED,
	SQ_DNS_COUNT_TRUNCATED,
	SQ_DNS_COUNT_STRAY_ERRORS,
	SQ_DNS_COUNT_STUB_RETRIES,
	SQ_DNS_COUNT_STUB_FAILOVERS,
	SQ_DNS_COUNT_STUB_CONNECTIONS,
	SQ_DNS_COUNT_CONNECTIONS,
	SQ_DNS_COUNT_CLOSED_BY_SERVER,
	SQ_DNS_COUNT_TLS_FULL,
	SQ_DNS_COUNT_TLS_RESUMED,
	SQ_DNS_COUNT_TC_RETRIES,
	SQ_DNS_COUNT_WAITED,
};

enum sq_dns_order { SQ_DNS_ORDER_SEQUENTIAL, SQ_DNS_ORDER_RANDOM, SQ_DNS_ORDER_ZIPF };
enum sq_dns_carrier { SQ_DNS_UDP, SQ_DNS_TCP, SQ_DNS_DOT, SQ_DNS_DOH };
enum sq_dns_client { SQ_DNS_CLIENT_WIRE, SQ_DNS_CLIENT_STUB };

struct sq_dns_stub_spec {
	struct sq_strings servers; /* beside the load's target */
	int64_t timeout_ns, tries;
	bool rotate;
	struct sq_target *targets; /* made by prepare: the load's own, then the others */
	size_t n_targets;
};

struct sq_dns_stream_spec {
	int64_t connections, per_connection, pipeline;
	bool on_truncated;
	struct sq_tls_spec tls;
};

enum sq_dns_doh_method { SQ_DNS_DOH_POST, SQ_DNS_DOH_GET };

enum { SQ_DNS_DOH_PATH_MAX = 1024 };

struct sq_dns_doh_spec {
	char *path;
	int method; /* enum sq_dns_doh_method */
};

struct sq_dns_conf {
	char *queries, *updates, *type, *ecs;
	struct sq_strings names, edns_options;
	int order; /* enum sq_dns_order */
	double zipf;
	int64_t sockets, edns, ecs_bits, pcap_port;
	bool recursion, dnssec, nsid, cookie;
	struct sq_dns_socket_spec udp;
	int client; /* enum sq_dns_client */
	struct sq_dns_stub_spec stub;
	int carrier;                      /* enum sq_dns_carrier */
	struct sq_dns_stream_spec stream; /* of doh too */
	struct sq_dns_doh_spec doh;
	struct sq_dns_ask *ask; /* made by prepare */
};

extern const struct sq_opt sq_dns_opts[];

/* Keys that contradict each other, and files of TLS that cannot be read.  -EINVAL and others with err. */
int sq_dns_conf_check(const struct sq_dns_conf *c, const struct sq_load_plan *load,
		      struct sq_err *err);

#endif
