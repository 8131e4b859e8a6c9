/* What is known of the kernel's counters by their names. */
#ifndef SQ_ANALYZERS_MIB_H
#define SQ_ANALYZERS_MIB_H

#include "analyzers/source.h"

/* Fills in kind, unit and width of m by m->name ("TcpExt.ListenOverflows", "Ip6InOctets").  A
 * name that isn't known is a counter of no known unit: most are, and kernels add more. */
void sq_mib_describe(struct sq_metric *m);

#endif
