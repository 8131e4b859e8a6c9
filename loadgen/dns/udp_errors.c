/* Errors that came by ICMP: each is given to the query that it is about, known by its ID and its bytes.
 *
 * What a reader would get wrong: one error may be about many queries.  A segmented message that is
 * nowhere taken apart, as on loopback, meets a closed port as one datagram. */
#include <string.h>

#include "loadgen/dns/udp.h"

/* ret_len: how much of the error is that query's. */
static struct sq_dns_place *place_of_error(const struct sq_dns_udp_lane *c, struct sq_dns_socket *u,
					   const struct sq_dns_socket_error *error, size_t *ret_len)
{
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	struct sq_dns_place *place;
	struct sq_dns_asked asked;
	size_t len;

	/* A router need not send back more than the UDP header (RFC 792). */
	if (error->len < 2)
		return NULL;
	place = sq_dns_flight_find(&u->flight, sq_dns_get16(error->query));
	/* One that is just being sent can't have met it. */
	if (!place || place->fate != SQ_DNS_WAITING || place->op->sent_ns < 0)
		return NULL;
	asked = sq_dns_ask_get(c->conf->ask, place->question, sq_dns_query_of(place->op)->number,
			       scratch);
	len = error->len < asked.len ? error->len : asked.len;
	*ret_len = len;
	return memcmp(error->query + 2, asked.query + 2, len - 2) == 0 ? place : NULL;
}

static void fail_place(struct sq_dns_udp_lane *c, struct sq_dns_socket *u,
		       struct sq_dns_place *place, int code)
{
	struct sq_op *op = place->op;

	sq_dns_flight_end(&u->flight, place, SQ_DNS_GIVEN_UP, sq_dns_query_of(op)->number);
	sq_dns_query_fail(c->lane, op, sq_code_errno(code), SQ_DNS_PHASE_QUERY);
}

static bool left_in(const struct sq_dns_place *place, uint32_t message)
{
	return place && place->fate == SQ_DNS_WAITING &&
	       sq_dns_query_of(place->op)->message == message;
}

/* Whether an error is about all of the message that begins with this query, of len bytes: one that
 * was never taken apart, as on loopback.  Then the next query of it comes behind; padding may too. */
static bool is_of_message(struct sq_dns_socket *u, const struct sq_dns_place *first,
			  const struct sq_dns_socket_error *error, size_t len)
{
	uint32_t message = sq_dns_query_of(first->op)->message;

	return message && error->len >= len + 2 &&
	       left_in(sq_dns_flight_find(&u->flight, sq_dns_get16(error->query + len)), message);
}

/* From its first query to its last: not all of them came back with the error. */
static void fail_message(struct sq_dns_udp_lane *c, struct sq_dns_socket *u,
			 struct sq_dns_place *first, int code)
{
	const struct sq_dns_query *query = sq_dns_query_of(first->op);
	struct sq_dns_place *last = sq_dns_flight_at(&u->flight, query->last), *place = first;
	uint32_t message = query->message;

	for (;; place = sq_dns_flight_next(&u->flight, place)) {
		if (left_in(place, message))
			fail_place(c, u, place, code);
		if (place == last)
			return;
	}
}

unsigned sq_dns_udp_errors(struct sq_dns_udp_lane *c, struct sq_dns_socket *u)
{
	struct sq_dns_socket_error error;
	unsigned n;

	for (n = 0; sq_dns_socket_error_next(u, &error); n++) {
		size_t len;
		struct sq_dns_place *place = place_of_error(c, u, &error, &len);

		if (!place)
			sq_lane_count(c->lane, SQ_DNS_COUNT_STRAY_ERRORS, 1);
		else if (is_of_message(u, place, &error, len))
			fail_message(c, u, place, error.code);
		else
			fail_place(c, u, place, error.code);
	}
	return n;
}
