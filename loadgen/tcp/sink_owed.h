/* What a connection of the TCP sink is owed: greeting, echo and replies, in this order. */
#ifndef SQ_LOADGEN_TCP_SINK_OWED_H
#define SQ_LOADGEN_TCP_SINK_OWED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "loadgen/tcp/sink_conf.h"
#include "loadgen/tcp/sink_pool.h"

/* What all threads have in common. */
struct sq_tcpd {
	const struct sq_tcpd_conf *conf;
	size_t greeting_len;
	int64_t reply_len;        /* 0: no replies */
	struct sq_buf replies;    /* a reply, or as many of them as one send takes */
	char apart[64];           /* the threads write what follows */
	_Atomic int64_t first_ns; /* when the first connection was accepted; SQ_NEVER until then */
	_Atomic int64_t open, peak_open;
};

void sq_tcpd_init(struct sq_tcpd *shared, const struct sq_tcpd_conf *conf);
void sq_tcpd_fini(struct sq_tcpd *shared);

/* Counts n bytes that came, and owes the replies that they ask for. */
void sq_tcpd_received(const struct sq_tcpd *shared, struct sq_tcpd_conn *c, size_t n);

static inline bool sq_tcpd_owes(const struct sq_tcpd *shared, const struct sq_tcpd_conn *c)
{
	return c->greeted < shared->greeting_len || c->echoed < c->echo.len || c->owed > 0;
}

/* What is to be sent next, as much of it as stands together; NULL: nothing.  Once n bytes of it went
 * out: how many replies these completed. */
const char *sq_tcpd_owed(const struct sq_tcpd *shared, const struct sq_tcpd_conn *c,
			 size_t *ret_len);
int64_t sq_tcpd_paid(const struct sq_tcpd *shared, struct sq_tcpd_conn *c, size_t n);

/* All that it will ever be owed went out when nothing is owed, and then the sink closes. */
bool sq_tcpd_served(const struct sq_tcpd *shared, const struct sq_tcpd_conn *c);

#endif
