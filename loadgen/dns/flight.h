/* The queries of one UDP socket that wait for their answers, by message ID; and of those that wait
 * no more, what became of them. */
#ifndef SQ_LOADGEN_DNS_FLIGHT_H
#define SQ_LOADGEN_DNS_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sq_op;

enum {
	SQ_DNS_FLIGHT_MAX = 65536, /* places: one for each ID */
	SQ_DNS_FLIGHT_MIN = 256,
	SQ_DNS_FLIGHT_LANE = 1 << 20, /* places of all sockets of a lane, 16 bytes each: 16 MiB */
};

enum sq_dns_fate {
	SQ_DNS_UNKNOWN,  /* never asked, or too long ago */
	SQ_DNS_WAITING,  /* for its answer */
	SQ_DNS_ANSWERED, /* whatever else comes is a duplicate */
	SQ_DNS_GIVEN_UP, /* what comes is late */
};

struct sq_dns_place {
	union {
		struct sq_op *op; /* WAITING */
		uint64_t number;  /* ANSWERED, GIVEN_UP: of the query that it was */
	};
	uint32_t question; /* its index in what is asked */
	uint16_t id;
	uint8_t fate;
};

struct sq_dns_flight {
	struct sq_dns_place *places;
	uint32_t size, mask, n; /* size: a power of two; n: of WAITING */
	uint16_t turn, salt;    /* the next ID is made of them */
};

/* How many places each of a lane's sockets gets: as many as there are IDs up to 16 sockets, then so
 * many that all together fit SQ_DNS_FLIGHT_LANE, but SQ_DNS_FLIGHT_MIN at least. */
uint32_t sq_dns_flight_size(unsigned sockets);

/* places: size zeroed ones, the caller's; salt: where its sequence of IDs begins. */
void sq_dns_flight_init(struct sq_dns_flight *f, struct sq_dns_place *places, uint32_t size,
			uint16_t salt);

static inline bool sq_dns_flight_full(const struct sq_dns_flight *f)
{
	return f->n == f->size;
}

/* Takes the next free place; it must not be full.  The ID comes again after all 65,535 others,
 * those passed over because they are in use included. */
struct sq_dns_place *sq_dns_flight_add(struct sq_dns_flight *f, struct sq_op *op,
				       uint32_t question);
/* The place of an ID, whatever stands there; and that of the next turn. */
struct sq_dns_place *sq_dns_flight_at(struct sq_dns_flight *f, uint16_t id);
struct sq_dns_place *sq_dns_flight_next(struct sq_dns_flight *f, struct sq_dns_place *place);
/* What is known of an ID; NULL when its fate is UNKNOWN. */
struct sq_dns_place *sq_dns_flight_find(struct sq_dns_flight *f, uint16_t id);
/* A WAITING one, the query of this number, waits no more. */
void sq_dns_flight_end(struct sq_dns_flight *f, struct sq_dns_place *place, enum sq_dns_fate fate,
		       uint64_t number);

#endif
