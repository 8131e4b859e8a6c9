/* The client's end of a load: a socket as the plan wants it. */
#ifndef SQ_LOADGEN_ENGINE_CLIENT_H
#define SQ_LOADGEN_ENGINE_CLIENT_H

#include <stdint.h>

#include "scenarios/plan.h"

/* A non-blocking, close-on-exec socket of SOCK_STREAM or SOCK_DGRAM in the family of `to`, bound to
 * the load's source address number `from`, when it has any (a stream's port is chosen by connect(2)
 * then, IP_BIND_ADDRESS_NO_PORT).  Not connected.  The descriptor, or -errno: EMFILE, EADDRNOTAVAIL for
 * a source that this host does not have ... */
int sq_client_socket(const struct sq_load_plan *load, const struct sq_target *to, int type,
		     uint64_t from);

/* The same from this port; 0: one of the kernel's choice.  A port that only connections in TIME_WAIT
 * have may be taken again; connect(2) then says whether the pair of addresses and ports is free. */
int sq_client_socket_at(const struct sq_load_plan *load, const struct sq_target *to, int type,
			uint64_t from, uint16_t port);

/* What a lane's own number i is among those of all lanes of its load: lanes take sources and targets
 * in turn, and none takes another's turn. */
static inline uint64_t sq_client_number(const struct sq_load_plan *load, unsigned lane, uint64_t i)
{
	return i * (uint64_t)load->spec->threads + lane;
}

/* The local port of a bound socket; 0 when it has none. */
uint16_t sq_client_port(int fd);

#endif
