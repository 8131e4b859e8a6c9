/* The questions of a load.  All of them are written when the scenario is read, one behind the other
 * in one piece of memory, so that a query costs a copy of some 40 bytes; what repeats the question
 * in a reply is compared with the same bytes.  What follows from a query's number is written over
 * such a copy.
 *
 * What a reader would get wrong: the numbers go round the list of names first and within each name
 * after that, so that a name that stands once in a list of ten is asked exactly once in ten
 * queries, however many names its neighbours stand for.  And shares of types go round by the same
 * numbers: where both rounds have a common divisor, a name would meet the same types for ever.  After
 * each common round the names are therefore one further on. */
#include "loadgen/dns/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loadgen/dns/ask_private.h"
#include "loadgen/dns/label.h"

/* ---- adding ---- */

int sq_dns_ask_add_raw(struct sq_dns_ask *ask, const uint8_t *query, size_t len,
		       size_t question_len, uint8_t vary, const char *where, struct sq_err *err)
{
	if (ask->n_entries == SQ_DNS_ASK_MAX)
		return sq_err_set(err, -EINVAL, where,
				  "there are more than %d questions; ask for fewer",
				  SQ_DNS_ASK_MAX);
	while (ask->cap_bytes - ask->n_bytes < len) {
		ask->cap_bytes = ask->cap_bytes ? ask->cap_bytes * 2 : 4096;
		ask->bytes = sq_realloc_n(ask->bytes, ask->cap_bytes, 1);
	}
	memcpy(ask->bytes + ask->n_bytes, query, len);
	sq_dns_put16(ask->bytes + ask->n_bytes, 0);
	ask->entries =
		sq_grow(ask->entries, ask->n_entries, &ask->cap_entries, sizeof(*ask->entries));
	ask->entries[ask->n_entries++] =
		(struct sq_dns_entry){ .at = ask->n_bytes,
				       .len = (uint16_t)len,
				       .question_len = (uint16_t)question_len,
				       .vary = vary };
	ask->n_bytes += len;
	return 0;
}

int sq_dns_ask_add(struct sq_dns_ask *ask, const struct sq_dns_question *question, uint8_t vary,
		   const char *where, struct sq_err *err)
{
	uint8_t query[SQ_DNS_QUERY_MAX];
	size_t len = sq_dns_query_write(question, ask->flags, &ask->edns, query);

	if (ask->options.ecs_len > 0)
		vary |= SQ_DNS_VARY_CLIENT;
	return sq_dns_ask_add_raw(ask, query, len, question->name.len + 4U, vary, where, err);
}

void sq_dns_ask_open(struct sq_dns_ask *ask)
{
	ask->groups = sq_grow(ask->groups, ask->n_groups, &ask->cap_groups, sizeof(*ask->groups));
	ask->groups[ask->n_groups++] = (struct sq_dns_group){ .first = (uint32_t)ask->n_entries };
}

uint32_t sq_dns_ask_close(struct sq_dns_ask *ask)
{
	struct sq_dns_group *group = &ask->groups[ask->n_groups - 1];

	group->count = (uint32_t)ask->n_entries - group->first;
	return group->count;
}

/* ---- the whole ---- */

static uint64_t common_multiple(uint64_t a, uint64_t b)
{
	uint64_t x = a, y = b, result;

	while (y) {
		uint64_t rest = x % y;

		x = y;
		y = rest;
	}
	return __builtin_mul_overflow(a / x, b, &result) ? UINT64_MAX : result;
}

/* The common round of names and types; no run lives to see UINT64_MAX. */
static uint64_t round_of(const struct sq_dns_ask *ask)
{
	uint64_t names = 1;

	if (ask->types.n <= 1)
		return UINT64_MAX;
	for (size_t i = 0; i < ask->n_groups; i++)
		names = common_multiple(names, ask->groups[i].count);
	if (__builtin_mul_overflow(names, ask->n_groups, &names))
		return UINT64_MAX;
	return common_multiple(names, ask->types.n);
}

static int check_sources(const struct sq_dns_ask_spec *spec, struct sq_err *err)
{
	int given = (spec->file != NULL) + (spec->updates != NULL) + (spec->names->n > 0);

	if (given == 1)
		return 0;
	return sq_err_set(err, -EINVAL, "dns", "%s",
			  given > 1 ? "more than one of queries, updates and names say what is "
				      "asked; leave all but one out"
				    : "nothing says what is asked; give names, such as "
				      "[\"a{1-1000}.example.test\"], or queries, a file of "
				      "\"name type\" lines");
}

static int make_edns(struct sq_dns_ask *ask, const struct sq_dns_ask_spec *spec, struct sq_err *err)
{
	int rc = sq_dns_edns_options_make(&spec->options, spec->salt, &ask->options, err);

	ask->edns = (struct sq_dns_edns){
		.present = spec->edns > 0 || spec->dnssec || ask->options.len > 0,
		.do_bit = spec->dnssec,
		.udp_size = spec->edns ? spec->edns : SQ_DNS_EDNS_DEFAULT,
		.options = ask->options.bytes,
		.options_len = ask->options.len,
	};
	return rc;
}

static int make_questions(struct sq_dns_ask *ask, const struct sq_dns_ask_spec *spec,
			  struct sq_err *err)
{
	int rc;

	if (spec->updates)
		return sq_dns_ask_updates(ask, spec->updates, err);
	if (spec->file) {
		rc = sq_dns_ask_pcap(ask, spec->file, spec->pcap_port, err);
		return rc == -ENOENT ? sq_dns_ask_file(ask, spec->file, err) : rc;
	}
	rc = sq_dns_types_parse(spec->type, &ask->types, err);
	return rc < 0 ? rc : sq_dns_ask_names(ask, spec->names, err);
}

struct sq_dns_ask *sq_dns_ask_new(const struct sq_dns_ask_spec *spec, struct sq_err *err)
{
	struct sq_dns_ask *ask;

	if (check_sources(spec, err) < 0)
		return NULL;
	ask = sq_alloc(sizeof(*ask));
	ask->flags = spec->recursion ? SQ_DNS_RD : 0;
	ask->salt = spec->salt;
	if (make_edns(ask, spec, err) < 0 || make_questions(ask, spec, err) < 0)
		return sq_dns_ask_free(ask);
	ask->round = round_of(ask);
	if (spec->zipf > 0)
		ask->popular = sq_dns_popular_new((uint32_t)ask->n_entries, spec->zipf);
	return ask;
}

struct sq_dns_ask *sq_dns_ask_free(struct sq_dns_ask *ask)
{
	if (!ask)
		return NULL;
	free(ask->bytes);
	free(ask->entries);
	free(ask->groups);
	sq_dns_types_fini(&ask->types);
	sq_dns_popular_free(ask->popular);
	free(ask);
	return NULL;
}

/* ---- asking ---- */

uint32_t sq_dns_ask_turn(const struct sq_dns_ask *ask, uint64_t number)
{
	uint64_t turn = number + number / ask->round;
	const struct sq_dns_group *group = &ask->groups[turn % ask->n_groups];

	return group->first + (uint32_t)(turn / ask->n_groups % group->count);
}

uint32_t sq_dns_ask_random(const struct sq_dns_ask *ask, struct sq_rng *rng)
{
	const struct sq_dns_group *group = &ask->groups[sq_rng_below(rng, ask->n_groups)];

	return group->first + (uint32_t)sq_rng_below(rng, group->count);
}

uint32_t sq_dns_ask_popular(const struct sq_dns_ask *ask, struct sq_rng *rng)
{
	return sq_dns_popular_draw(ask->popular, rng);
}

uint32_t sq_dns_ask_count(const struct sq_dns_ask *ask)
{
	return (uint32_t)ask->n_entries;
}

static void vary(const struct sq_dns_ask *ask, const struct sq_dns_entry *entry, uint64_t number,
		 uint8_t *query)
{
	const struct sq_dns_edns_options *options = &ask->options;
	struct sq_rng rng;

	if (entry->vary & SQ_DNS_VARY_TYPE)
		sq_dns_put16(query + SQ_DNS_HEADER + entry->question_len - 4,
			     ask->types.turn[number % ask->types.n]);
	if (entry->vary & SQ_DNS_VARY_NAME)
		sq_dns_label_fill(query + SQ_DNS_HEADER, number, ask->salt);
	if (entry->vary & SQ_DNS_VARY_CLIENT) {
		sq_rng_init(&rng, number, ask->salt);
		sq_dns_edns_client(options, sq_rng_u64(&rng),
				   query + entry->len - options->ecs_len);
	}
}

struct sq_dns_asked sq_dns_ask_get(const struct sq_dns_ask *ask, uint32_t index, uint64_t number,
				   uint8_t *scratch)
{
	const struct sq_dns_entry *entry = &ask->entries[index];
	struct sq_dns_asked asked = { .query = ask->bytes + entry->at,
				      .len = entry->len,
				      .question_len = entry->question_len };

	if (entry->vary == 0)
		return asked;
	memcpy(scratch, asked.query, asked.len);
	vary(ask, entry, number, scratch);
	asked.query = scratch;
	return asked;
}
