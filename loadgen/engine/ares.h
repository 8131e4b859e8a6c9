/* A lane's c-ares channel, which asks the servers that it is given and nobody else: nothing of this
 * machine's own configuration, no hosts file, no search list. */
#ifndef SQ_LOADGEN_ENGINE_ARES_H
#define SQ_LOADGEN_ENGINE_ARES_H

#include <stdbool.h>
#include <stddef.h>

#include <ares.h>

#include "base/err.h"
#include "loadgen/engine/lane.h"
#include "scenarios/target.h"

struct sq_ares_spec {
	int flags;         /* ARES_FLAG_ ... */
	int try_ms, tries; /* the first time-out, doubled from round to round; rounds */
	int edns_size;     /* the longest answer over UDP, with ARES_FLAG_EDNS */
	bool rotate;
	const struct sq_target *servers;
	size_t n_servers;
	const struct ares_socket_functions
		*sockets; /* NULL: c-ares's own, from the load's source */
	void *sockets_arg;
};

struct sq_ares;

/* Before there are lanes: it is not safe between threads. */
int sq_ares_library(const char *where, struct sq_err *err);

/* NULL with err. */
struct sq_ares *sq_ares_new(struct sq_lane *lane, const struct sq_ares_spec *spec,
			    struct sq_err *err);
/* Callbacks of what is under way are called with ARES_EDESTRUCTION. */
struct sq_ares *sq_ares_free(struct sq_ares *r);

ares_channel sq_ares_channel(const struct sq_ares *r);
/* After questions, so that their time-outs are waited for. */
void sq_ares_asked(struct sq_ares *r);

#endif
