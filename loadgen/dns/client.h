/* A lane's DNS queries over UDP: its sockets, what waits on them, and what becomes of it. */
#ifndef SQ_LOADGEN_DNS_CLIENT_H
#define SQ_LOADGEN_DNS_CLIENT_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "loadgen/dns/ask.h"
#include "loadgen/dns/flight.h"
#include "loadgen/dns/udp.h"
#include "loadgen/dns/wire.h"
#include "loadgen/engine/lane.h"

/* The driver's words, in the order of its tables. */
enum { SQ_DNS_PHASE_SOCKET, SQ_DNS_PHASE_SEND, SQ_DNS_PHASE_QUERY };
enum {
	SQ_DNS_CODE_RCODE = SQ_CODE_DRIVER - 1, /* + rcode, which is not 0 */
	SQ_DNS_CODE_MISMATCH = SQ_DNS_CODE_RCODE + SQ_DNS_RCODES,
	SQ_DNS_CODE_GARBLED,
};
enum {
	SQ_DNS_COUNT_LATE,
	SQ_DNS_COUNT_DUPLICATE,
	SQ_DNS_COUNT_MISMATCHED,
	SQ_DNS_COUNT_GARBLED,
	SQ_DNS_COUNT_UNMATCHED,
	SQ_DNS_COUNT_TRUNCATED,
	SQ_DNS_COUNT_STRAY_ERRORS,
};

enum { SQ_DNS_ORDER_SEQUENTIAL, SQ_DNS_ORDER_RANDOM };

struct sq_dns_conf {
	char *queries, *type;
	struct sq_strings names;
	int order;
	int64_t sockets, edns;
	bool recursion, dnssec;
	struct sq_dns_udp_spec udp;
	struct sq_dns_ask *ask; /* made by prepare */
};

/* What stands behind an operation. */
struct sq_dns_query {
	uint16_t id, socket; /* socket: its index */
	uint16_t odd; /* the code of a time-out, when a reply came that was no answer; or 0 */
};

enum {
	SQ_DNS_BURST = 32, /* queries that leave by one socket at a time */
	SQ_DNS_READ = 32,  /* replies that one call reads */
	SQ_DNS_LOOK = 512, /* bytes of each that are kept: enough for header and question */
};

struct sq_dns_client {
	struct sq_lane *lane;
	const struct sq_dns_conf *conf;
	struct sq_dns_udp *sockets;
	struct sq_dns_place *places; /* of all of them */
	unsigned n_sockets, next;

	/* client_send.c */
	int64_t careful_until_ns;
	struct sq_op *unnamed; /* refused by the kernel, but not known why; or NULL */

	struct {
		struct sq_op *ops[SQ_DNS_BURST];
		struct mmsghdr msgs[SQ_DNS_BURST];
		struct iovec bytes[SQ_DNS_BURST];
		uint8_t data[SQ_DNS_BURST][SQ_DNS_QUERY_MAX];
	} out;
	struct {
		struct mmsghdr msgs[SQ_DNS_READ];
		struct iovec bytes[SQ_DNS_READ];
		uint8_t data[SQ_DNS_READ][SQ_DNS_LOOK];
	} in;
};

int sq_dns_client_init(struct sq_dns_client *c, struct sq_lane *lane, struct sq_err *err);
void sq_dns_client_fini(struct sq_dns_client *c);

/* The driver's hooks of the same names. */
unsigned sq_dns_client_start(struct sq_dns_client *c, const int64_t *due_ns, unsigned n);
void sq_dns_client_input(struct sq_dns_client *c, uint32_t token, uint32_t events);
void sq_dns_client_end(struct sq_dns_client *c, struct sq_op *op, uint16_t code);

/* ---- between client.c and client_send.c ---- */

static inline struct sq_dns_query *sq_dns_query_of(struct sq_op *op)
{
	return (struct sq_dns_query *)op->priv;
}

/* The outcome of one that has no place in its socket's table (any more). */
void sq_dns_client_fail(struct sq_dns_client *c, struct sq_op *op, uint16_t code, unsigned phase);
/* Gives each error in the socket's queue to the query that it is about; how many there were. */
unsigned sq_dns_client_errors(struct sq_dns_client *c, struct sq_dns_udp *u);

/* Sends the first n of `out`; each is on its way, or has its outcome, or is the unnamed one. */
void sq_dns_client_send(struct sq_dns_client *c, struct sq_dns_udp *u, unsigned n);
/* The unnamed one has come to its end: nothing has told why. */
void sq_dns_client_name_unnamed(struct sq_dns_client *c, int code);

#endif
