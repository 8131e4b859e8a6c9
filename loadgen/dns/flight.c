/* A socket's IDs and the table of its queries.
 *
 * IDs are used in turns: the ID of turn t is t times an odd number, plus a salt, modulo 65536.  That
 * is a permutation, so that none comes again before all others did, and it takes neighbours in time
 * far apart: an answer whose ID is off by one meets no other query that waits.  The turn is had
 * back from the ID, and names the place: the table is a ring of the last turns, so what is touched
 * together lies together, and the whole of it is touched only by a load that needs it.
 *
 * What a reader would get wrong: a smaller ring than 65536 forgets sooner, it does not mix things
 * up, since each place tells its ID.  And a turn whose place is taken by a query that still waits
 * is passed over, not waited for. */
#include "loadgen/dns/flight.h"

#include <assert.h>

/* Inverse to each other modulo 65536. */
enum { ID_STEP = 40503, TURN_STEP = 30599 };

uint32_t sq_dns_flight_size(unsigned sockets)
{
	uint32_t size = SQ_DNS_FLIGHT_MAX;

	while (size > SQ_DNS_FLIGHT_MIN && (uint64_t)size * sockets > SQ_DNS_FLIGHT_LANE)
		size /= 2;
	return size;
}

void sq_dns_flight_init(struct sq_dns_flight *f, struct sq_dns_place *places, uint32_t size,
			uint16_t salt)
{
	_Static_assert((uint16_t)(ID_STEP * TURN_STEP) == 1, "a turn is had back from its ID");
	assert(size <= SQ_DNS_FLIGHT_MAX && (size & (size - 1)) == 0);
	*f = (struct sq_dns_flight){
		.places = places, .size = size, .mask = size - 1, .salt = salt
	};
}

struct sq_dns_place *sq_dns_flight_add(struct sq_dns_flight *f, struct sq_op *op, uint32_t question)
{
	struct sq_dns_place *place;

	assert(!sq_dns_flight_full(f));
	while (f->places[f->turn & f->mask].fate == SQ_DNS_WAITING)
		f->turn++;
	place = &f->places[f->turn & f->mask];
	*place = (struct sq_dns_place){ .op = op,
					.question = question,
					.id = (uint16_t)(f->turn * (uint32_t)ID_STEP + f->salt),
					.fate = SQ_DNS_WAITING };
	f->turn++;
	f->n++;
	return place;
}

struct sq_dns_place *sq_dns_flight_at(struct sq_dns_flight *f, uint16_t id)
{
	uint16_t turn = (uint16_t)((uint16_t)(id - f->salt) * (uint32_t)TURN_STEP);

	return &f->places[turn & f->mask];
}

struct sq_dns_place *sq_dns_flight_next(struct sq_dns_flight *f, struct sq_dns_place *place)
{
	return &f->places[((uint32_t)(place - f->places) + 1) & f->mask];
}

struct sq_dns_place *sq_dns_flight_find(struct sq_dns_flight *f, uint16_t id)
{
	struct sq_dns_place *place = sq_dns_flight_at(f, id);

	return place->fate != SQ_DNS_UNKNOWN && place->id == id ? place : NULL;
}

void sq_dns_flight_end(struct sq_dns_flight *f, struct sq_dns_place *place, enum sq_dns_fate fate,
		       uint64_t number)
{
	assert(place->fate == SQ_DNS_WAITING && fate != SQ_DNS_WAITING);
	place->number = number;
	place->fate = (uint8_t)fate;
	f->n--;
}
