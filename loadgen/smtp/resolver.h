/* A lane's c-ares channel, which asks the load's `resolver` and nobody else: nothing of this machine's
 * own configuration, no hosts file, no search list. */
#ifndef SQ_LOADGEN_SMTP_RESOLVER_H
#define SQ_LOADGEN_SMTP_RESOLVER_H

#include <netinet/in.h>

#include <ares.h>

#include "base/err.h"
#include "loadgen/engine/lane.h"
#include "scenarios/target.h"

struct sq_smtp_resolver;

/* ares_library_init was called before any lane's.  NULL with err. */
struct sq_smtp_resolver *sq_smtp_resolver_new(struct sq_lane *lane, struct sq_err *err);
/* Callbacks of what is under way are called with ARES_EDESTRUCTION. */
struct sq_smtp_resolver *sq_smtp_resolver_free(struct sq_smtp_resolver *r);

ares_channel sq_smtp_resolver_channel(const struct sq_smtp_resolver *r);
/* After each question, so that its time-out is waited for. */
void sq_smtp_resolver_asked(struct sq_smtp_resolver *r);

in_port_t sq_smtp_port(const struct sq_target *t);

#endif
