/* Shares of types, made exact by a table: a round has as many queries as the shares add up to (after
 * division by what they have in common), and each type stands in it as often as its share says.
 *
 * Within a round the types are mixed as evenly as can be: each query goes to the type to which most
 * is owed, which then owes a whole round (smooth weighted round robin, as nginx has it). */
#include "loadgen/dns/types.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loadgen/dns/wire.h"

enum { SHARE_DIGITS = 6 };

struct share {
	uint16_t type;
	int64_t weight, owed;
};

int sq_dns_type_need(const char *text, size_t len, const char *where, struct sq_err *err)
{
	int type = sq_dns_type_parse(text, len);

	if (type < 0)
		return sq_err_set(err, -EINVAL, where,
				  "\"%.*s\" is no type; write A, AAAA, MX ... or TYPE65",
				  (int)(len < 40 ? len : 40), text);
	return type;
}

/* 0 for what is no number, or too long a one. */
static int64_t weight_read(const char *digits, size_t len)
{
	int64_t weight = 0;

	for (size_t i = 0; i < len; i++) {
		if (len > SHARE_DIGITS || digits[i] < '0' || digits[i] > '9')
			return 0;
		weight = weight * 10 + (digits[i] - '0');
	}
	return weight;
}

/* "AAAA:25" or "AAAA", which is one share. */
static int share_parse(const char *text, size_t len, struct share *ret, struct sq_err *err)
{
	const char *colon = memchr(text, ':', len);
	size_t name_len = colon ? (size_t)(colon - text) : len, digits = len - name_len;
	int type = sq_dns_type_need(text, name_len, "dns: type", err);

	if (type < 0)
		return type;
	*ret = (struct share){ .type = (uint16_t)type,
			       .weight = colon ? weight_read(colon + 1, digits - 1) : 1 };
	if (ret->weight < 1)
		return sq_err_set(err, -EINVAL, "dns: type",
				  "\"%.*s\" has no share; write a whole number from 1 behind the "
				  "colon, as in A:70,AAAA:30",
				  (int)(len < 40 ? len : 40), text);
	return 0;
}

static int shares_parse(const char *text, struct share *shares, size_t *ret_n, struct sq_err *err)
{
	size_t n = 0;
	bool more;

	do {
		size_t len = strcspn(text, ",");
		int rc;

		if (n == SQ_DNS_TYPES_MAX)
			return sq_err_set(err, -EINVAL, "dns: type",
					  "there are more than %d types; ask for fewer",
					  SQ_DNS_TYPES_MAX);
		rc = share_parse(text, len, &shares[n++], err);
		if (rc < 0)
			return rc;
		more = text[len] == ',';
		text += len + 1;
	} while (more);
	*ret_n = n;
	return 0;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The length of a round. */
static int64_t shares_reduce(struct share *shares, size_t n)
{
	int64_t divisor = 0, sum = 0;

	for (size_t i = 0; i < n; i++)
		divisor = common_divisor(divisor, shares[i].weight);
	for (size_t i = 0; i < n; i++)
		sum += shares[i].weight /= divisor;
	return sum;
}

static uint16_t share_next(struct share *shares, size_t n, int64_t round)
{
	struct share *most = &shares[0];

	for (size_t i = 0; i < n; i++) {
		shares[i].owed += shares[i].weight;
		if (shares[i].owed > most->owed)
			most = &shares[i];
	}
	most->owed -= round;
	return most->type;
}

int sq_dns_types_parse(const char *text, struct sq_dns_types *ret, struct sq_err *err)
{
	struct share shares[SQ_DNS_TYPES_MAX];
	size_t n = 0;
	int rc = shares_parse(text, shares, &n, err);
	int64_t round;

	if (rc < 0)
		return rc;
	round = n == 1 ? 1 : shares_reduce(shares, n);
	if (round > SQ_DNS_TURNS_MAX)
		return sq_err_set(err, -EINVAL, "dns: type",
				  "the shares add up to more than %d; give rounder ones",
				  SQ_DNS_TURNS_MAX);
	ret->n = (uint32_t)round;
	ret->turn = sq_alloc_n(ret->n, sizeof(*ret->turn));
	for (uint32_t i = 0; i < ret->n; i++)
		ret->turn[i] = share_next(shares, n, round);
	return 0;
}

void sq_dns_types_fini(struct sq_dns_types *types)
{
	free(types->turn);
	*types = (struct sq_dns_types){ 0 };
}
