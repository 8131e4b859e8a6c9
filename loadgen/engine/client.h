/* The client's end of a load: a socket as the plan wants it. */
#ifndef SQ_LOADGEN_ENGINE_CLIENT_H
#define SQ_LOADGEN_ENGINE_CLIENT_H

#include <stdint.h>

#include "scenarios/plan.h"

/* A non-blocking, close-on-exec socket of SOCK_STREAM or SOCK_DGRAM in the family of `to`, bound to
 * the load's source address when it has one (a stream's port is chosen by connect(2) then,
 * IP_BIND_ADDRESS_NO_PORT).  Not connected.  The descriptor, or -errno: EMFILE, EADDRNOTAVAIL for
 * a source that this host does not have ... */
int sq_client_socket(const struct sq_load_plan *load, const struct sq_target *to, int type);

/* The local port of a bound socket; 0 when it has none. */
uint16_t sq_client_port(int fd);

#endif
