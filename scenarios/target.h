/* The safety gate: the one module that makes target addresses, so that no driver can send
 * elsewhere.  Open are loopback and, inside a world, the subnets of that world's own links; any
 * other address needs an authorized range, and its use is recorded in the report. */
#ifndef SQ_SCENARIOS_TARGET_H
#define SQ_SCENARIOS_TARGET_H

#include <netinet/in.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sq_target {
	struct sockaddr_storage addr;
	socklen_t len;
	char text[128];    /* "server:9000" as it was asked for */
	bool by_authority; /* open only because a range was authorized */
};

struct sq_ip;

/* The address alone, without a text; judged by nobody yet. */
void sq_target_make(struct sq_target *t, const struct sq_ip *ip, int port);

in_port_t sq_target_port(const struct sq_target *t); /* as a number */

enum { SQ_TARGET_TEXT = 64 };
/* "198.18.0.2:53", "[::1]:53". */
void sq_target_format(const struct sq_target *t, char out[SQ_TARGET_TEXT]);

struct sq_gate;

struct sq_gate *sq_gate_new(void); /* loopback alone is open */
struct sq_gate *sq_gate_free(struct sq_gate *g);

/* The subnet of a world's own link; "198.18.0.0/16". */
int sq_gate_open_link(struct sq_gate *g, const char *cidr, struct sq_err *err);
/* --authorize CIDR, or the scenario's authorized_targets. */
int sq_gate_authorize(struct sq_gate *g, const char *cidr, struct sq_err *err);
/* A name that a world gives to an address. */
void sq_gate_name(struct sq_gate *g, const char *name, const char *address);

/* Names that nobody gave are looked up, as the system's configuration says: for runs without a
 * world. */
void sq_gate_look_up(struct sq_gate *g);

/* "HOST:PORT", "[v6]:PORT"; HOST is a world's name, "localhost", an address, or a name to look up.  where is the
 * errors' place.  -EINVAL for what is no target, -EACCES for one that is not open. */
int sq_gate_target(const struct sq_gate *g, const char *text, const char *where,
		   struct sq_target *ret, struct sq_err *err);

/* -EACCES unless the address is open; for addresses that come from elsewhere (MX look-ups). */
int sq_gate_check(const struct sq_gate *g, const struct sockaddr *addr, bool *ret_by_authority,
		  struct sq_err *err);

#endif
