/* The tables of neighbours as rtnetlink tells them: in any network namespace, of all of them. */
#ifndef SQ_ANALYZERS_KERNEL_NEIGHTBL_H
#define SQ_ANALYZERS_KERNEL_NEIGHTBL_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzers/kernel/netlink.h"

enum { SQ_NEIGHTBL_COLUMNS = 15, SQ_NEIGHTBL_NAME = 32 };

/* "entries", "gc_thresh1", "table_fulls" ... */
extern const char *const sq_neightbl_columns[SQ_NEIGHTBL_COLUMNS];

struct sq_neightbl {
	char name[SQ_NEIGHTBL_NAME]; /* "arp_cache" */
	uint64_t value[SQ_NEIGHTBL_COLUMNS];
	bool told[SQ_NEIGHTBL_COLUMNS]; /* older kernels leave some out */
};

/* Hands each table to each. 0 or -errno.  nl: NETLINK_ROUTE. */
int sq_neightbl_dump(struct sq_netlink *nl, void (*each)(const struct sq_neightbl *t, void *arg),
		     void *arg);

#endif
