/* What the stub needs before the run; its transport is in loadgen/dns/transport.h. */
#ifndef SQ_LOADGEN_DNS_STUB_H
#define SQ_LOADGEN_DNS_STUB_H

#include "base/err.h"
#include "loadgen/dns/conf.h"
#include "scenarios/plan.h"

/* Finds the servers of a stub and lets the load's gate judge them.  0; -EINVAL, -EACCES with err. */
int sq_dns_stub_prepare(struct sq_dns_conf *conf, const struct sq_load_plan *load,
			struct sq_err *err);
void sq_dns_stub_release(struct sq_dns_conf *conf);

#endif
