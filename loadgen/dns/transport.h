/* One way of getting a lane's queries to the server and its answers back: one file that ends in one
 * table.  The dns driver chooses it by its keys, and passes its own hooks on (loadgen/engine/driver.h
 * says when each is called; all of them on the lane's thread). */
#ifndef SQ_LOADGEN_DNS_TRANSPORT_H
#define SQ_LOADGEN_DNS_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loadgen/engine/lane.h"

struct sq_dns_transport {
	size_t state_size; /* zeroed before init */

	/* One that fails has unmade what it made: fini is not called. */
	int (*init)(void *state, struct sq_lane *lane, struct sq_err *err);
	void (*fini)(void *state);
	unsigned (*start)(void *state, const int64_t *due_ns, unsigned n);
	void (*input)(void *state, uint32_t token, uint32_t events); /* of sq_lane_watch */
	void (*end)(void *state, struct sq_op *op, uint16_t code);
};

extern const struct sq_dns_transport sq_dns_udp, sq_dns_stream, sq_dns_doh, sq_dns_stub;

/* What the dns driver keeps for a lane. */
struct sq_dns_lane {
	const struct sq_dns_transport *transport;
	void *state; /* its own */
	void *retry; /* of sq_dns_stream, where truncated answers are asked for again; or NULL */
};

#endif
