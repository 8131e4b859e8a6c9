/* The table of a socket's queries: IDs that come again only after all others, and what is known of
 * one that waits no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loadgen/dns/flight.h"
#include "loadgen/engine/lane.h"

static struct sq_op some, other;

static struct sq_dns_flight flight_new(uint32_t size, uint16_t salt)
{
	struct sq_dns_flight f;

	sq_dns_flight_init(&f, sq_alloc_n(size, sizeof(struct sq_dns_place)), size, salt);
	return f;
}

static void sizes(void **state)
{
	const struct {
		unsigned sockets;
		uint32_t size;
	} cases[] = { { 1, 65536 },  { 8, 65536 },  { 16, 65536 }, { 17, 32768 },
		      { 100, 8192 }, { 4096, 256 }, { 16384, 256 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(sq_dns_flight_size(cases[i].sockets), cases[i].size);
}

/* Whatever the table's size: 65,536 queries in a row have 65,536 IDs, and the next ones the same
 * again, in order. */
static void ids_take_turns(void **state)
{
	const uint32_t sizes_tried[] = { 256, 4096, 65536 };
	static unsigned seen[65536];
	static uint16_t order[65536];

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		struct sq_dns_flight f = flight_new(sizes_tried[s], (uint16_t)(s * 12345));

		for (unsigned round = 1; round <= 2; round++) {
			for (uint32_t i = 0; i < 65536; i++) {
				struct sq_dns_place *p = sq_dns_flight_add(&f, &some, i);

				assert_int_equal(++seen[p->id] - (unsigned)s * 2, round);
				assert_true(round == 1 || order[i] == p->id);
				order[i] = p->id;
				assert_ptr_equal(sq_dns_flight_find(&f, p->id), p);
				sq_dns_flight_end(&f, p, SQ_DNS_ANSWERED, 0);
			}
		}
		assert_int_equal(f.n, 0);
		free(f.places);
	}
}

/* Those that wait keep their IDs, and the rest are still used in turn. */
static void ids_in_use_are_passed_over(void **state)
{
	struct sq_dns_flight f = flight_new(65536, 7);
	static uint16_t kept[1000];

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		kept[i] = sq_dns_flight_add(&f, &some, i)->id;
		sq_dns_flight_end(&f, sq_dns_flight_add(&f, &other, i), SQ_DNS_ANSWERED, 0);
	}
	for (uint32_t i = 0; i < 3 * 65536; i++) {
		struct sq_dns_place *p = sq_dns_flight_add(&f, &other, i);

		sq_dns_flight_end(&f, p, SQ_DNS_GIVEN_UP, 0);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		struct sq_dns_place *p = sq_dns_flight_find(&f, kept[i]);

		assert_non_null(p);
		assert_ptr_equal(p->op, &some);
		assert_int_equal(p->question, i);
		assert_int_equal(p->fate, SQ_DNS_WAITING);
	}
	assert_int_equal(f.n, 1000);
	free(f.places);
}

static void full(void **state)
{
	struct sq_dns_flight f = flight_new(65536, 1);
	uint16_t id = 0;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++) {
		assert_false(sq_dns_flight_full(&f));
		id = sq_dns_flight_add(&f, &some, i)->id;
	}
	assert_true(sq_dns_flight_full(&f));
	sq_dns_flight_end(&f, sq_dns_flight_find(&f, id), SQ_DNS_GIVEN_UP, 0);
	assert_false(sq_dns_flight_full(&f));
	assert_int_equal(sq_dns_flight_add(&f, &other, 0)->id, id);
	assert_true(sq_dns_flight_full(&f));
	free(f.places);
}

static void fates_are_kept(void **state)
{
	struct sq_dns_flight f = flight_new(256, 99);
	uint16_t late, twice, unsent;

	(void)state;
	assert_null(sq_dns_flight_find(&f, 0));
	assert_null(sq_dns_flight_find(&f, 99));
	late = sq_dns_flight_add(&f, &some, 1)->id;
	twice = sq_dns_flight_add(&f, &some, 2)->id;
	unsent = sq_dns_flight_add(&f, &some, 3)->id;
	sq_dns_flight_end(&f, sq_dns_flight_find(&f, late), SQ_DNS_GIVEN_UP, 0);
	sq_dns_flight_end(&f, sq_dns_flight_find(&f, twice), SQ_DNS_ANSWERED, 0);
	sq_dns_flight_end(&f, sq_dns_flight_find(&f, unsent), SQ_DNS_UNKNOWN, 0);
	assert_int_equal(sq_dns_flight_find(&f, late)->question, 1);
	assert_int_equal(sq_dns_flight_find(&f, late)->fate, SQ_DNS_GIVEN_UP);
	assert_int_equal(sq_dns_flight_find(&f, twice)->fate, SQ_DNS_ANSWERED);
	assert_null(sq_dns_flight_find(&f, unsent));
	/* A small table forgets with the turn that takes the place. */
	for (uint32_t i = 0; i < 254; i++)
		sq_dns_flight_end(&f, sq_dns_flight_add(&f, &other, i), SQ_DNS_ANSWERED, 0);
	assert_null(sq_dns_flight_find(&f, late));
	assert_int_equal(sq_dns_flight_find(&f, twice)->fate, SQ_DNS_ANSWERED);
	free(f.places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(ids_take_turns),
		cmocka_unit_test(ids_in_use_are_passed_over),
		cmocka_unit_test(full),
		cmocka_unit_test(fates_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
