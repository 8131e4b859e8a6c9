/* DNS over a lane's streams, from the inside: stream.c puts queries on connections, stream_read.c takes
 * what comes back. */
#ifndef SQ_LOADGEN_DNS_STREAM_PRIVATE_H
#define SQ_LOADGEN_DNS_STREAM_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "loadgen/dns/ask.h"
#include "loadgen/dns/conf.h"
#include "loadgen/dns/flight.h"
#include "loadgen/dns/waiting.h"
#include "loadgen/engine/stream.h"

enum {
	SQ_DNS_PREFIX = 2, /* the length before each message */
	SQ_DNS_LOOK = 512, /* bytes of an answer that are looked at */
};

struct sq_dns_conn {
	struct sq_stream stream;
	struct sq_dns_flight flight;
	struct sq_dns_conn *prev, *next; /* in the list of those with room */
	struct sq_op *opener;            /* the query that wanted it; NULL: it has its outcome */
	int64_t since_ns;                /* of the state it is in, when it is being made */
	int64_t quiet_ns; /* since then nothing came, though something was waited for */
	uint64_t asked;
	uint16_t generation;
	bool roomy;   /* it is in the list */
	bool silent;  /* it seems dead, and gets no more queries unless something comes */
	uint8_t seen; /* its state as far as it was told of */
	uint8_t *out;
	uint32_t out_at, out_n;
	uint32_t in_n; /* bytes of the answer that is coming, with its prefix */
	uint8_t in[SQ_DNS_PREFIX + SQ_DNS_LOOK];
};

struct sq_dns_stream_lane {
	uint64_t opened; /* connections so far: whose turn it is among sources and targets */
	struct sq_lane *lane;
	const struct sq_dns_stream_spec *spec;
	struct sq_dns_ask *ask;
	struct sq_stream_kind kind;
	struct sq_dns_conn *conns;
	struct sq_dns_place *places;
	uint8_t *out;
	uint32_t n, out_size;
	struct sq_dns_conn *head, *tail;
	struct sq_dns_waiting waiting; /* for room */
	uint8_t bytes[1 << 16];
};

/* It is over, and what is on it with it. */
void sq_dns_conn_die(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, uint16_t code);

/* All that is here.  A plain read of less than it asked for took all, unless an end is behind it
 * (`over`).  broken: the code of a write that has failed, or 0.  False when the connection is gone. */
bool sq_dns_conn_read(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, bool over,
		      uint16_t broken);

#endif
