/* One UDP socket of a DNS client: connected to the server, so that its replies' source is the
 * kernel's to check, and with IP_RECVERR, so that each failure has its name. */
#ifndef SQ_LOADGEN_DNS_UDP_SOCKET_H
#define SQ_LOADGEN_DNS_UDP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loadgen/dns/flight.h"
#include "loadgen/dns/wire.h"
#include "scenarios/plan.h"

struct sq_dns_socket_spec {
	int64_t receive_buffer, send_buffer; /* SQ_OPT_UNSET: the kernel's */
	bool recverr;
	bool segment;     /* sends with UDP_SEGMENT */
	bool kernel_time; /* SO_TIMESTAMPNS: the kernel tells when each reply came */
};

struct sq_dns_socket {
	int fd; /* -1: not open */
	uint16_t port;
	bool stale; /* an error that its queue told may yet be told by a call, a second time */
	struct sq_dns_flight flight;
};

/* Whether this process may have buffers of these sizes, and this kernel can segment; asked before
 * the run, since the kernel cuts what is too large without a word.  0, or -ENOBUFS, -ENOTSUP with
 * err. */
int sq_dns_socket_check(const struct sq_dns_socket_spec *spec, struct sq_err *err);

/* `number` among the load's sockets decides its source and target.
 * 0 or -errno: EMFILE, EADDRNOTAVAIL, EINVAL for a loopback source towards another host ... */
int sq_dns_socket_open(struct sq_dns_socket *u, const struct sq_load_plan *load, uint64_t number,
		       const struct sq_dns_socket_spec *spec);
void sq_dns_socket_close(struct sq_dns_socket *u);

/* An ICMP error: what of our datagram came back with it begins with the query's ID. */
struct sq_dns_socket_error {
	int code; /* an errno */
	size_t len;
	uint8_t query[SQ_DNS_QUERY_MAX];
};

/* Takes the next one from the socket's error queue; false when it is empty. */
bool sq_dns_socket_error_next(struct sq_dns_socket *u, struct sq_dns_socket_error *ret);

#endif
