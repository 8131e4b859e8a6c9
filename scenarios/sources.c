/* Source addresses as people write them, and the way from a number to one of them.
 *
 * What a reader would get wrong: a prefix of more addresses than a load may have is refused, not
 * thinned out.  Which of them were meant is the user's to say, and a longer prefix says it. */
#include "scenarios/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int fail_text(const char *text, const char *where, struct sq_err *err)
{
	return sq_err_set(err, -EINVAL, where,
			  "expected an address such as 198.18.0.1, a range such as "
			  "198.18.1.1-198.18.1.250 or a prefix such as 198.18.64.0/18, found "
			  "\"%.80s\"",
			  text);
}

static int fail_size(const char *text, const char *where, struct sq_err *err)
{
	return sq_err_set(err, -EINVAL, where,
			  "with %.80s it is more than %d addresses, and a load has %d at most; "
			  "give a part of them, such as a prefix of /12 in IPv4 or /108 in IPv6",
			  text, SQ_SOURCES_MAX, SQ_SOURCES_MAX);
}

/* "FIRST-LAST" */
static int parse_range(const char *text, const char *where, struct sq_ip *ret_first, int64_t *ret_n,
		       struct sq_err *err)
{
	const char *dash = strchr(text, '-');
	char *first = sq_printf_dup("%.*s", (int)(dash - text), text);
	struct sq_ip last;
	int rc = sq_ip_parse(first, ret_first);

	free(first);
	if (rc < 0 || sq_ip_parse(dash + 1, &last) < 0 || last.family != ret_first->family)
		return fail_text(text, where, err);
	*ret_n = sq_ip_distance(ret_first, &last) + 1;
	if (*ret_n < 1)
		return sq_err_set(
			err, -EINVAL, where,
			"the range \"%.80s\" runs backwards; give the lower address first", text);
	return 0;
}

static int parse_prefix(const char *text, const char *where, struct sq_ip *ret_first,
			int64_t *ret_n, struct sq_err *err)
{
	char base[INET6_ADDRSTRLEN], given[INET6_ADDRSTRLEN];
	struct sq_cidr c, masked;
	unsigned free_bits;

	if (sq_cidr_parse(text, &c) < 0)
		return fail_text(text, where, err);
	masked = c;
	/* Either may be meant: the one address, or all of its subnet. */
	if (sq_cidr_mask(&masked)) {
		sq_ip_format(&masked.ip, base);
		sq_ip_format(&c.ip, given);
		return sq_err_set(err, -EINVAL, where,
				  "%.80s has bits beyond its prefix; write %s/%u for the subnet or "
				  "%s for the one address",
				  text, base, c.bits, given);
	}
	free_bits = sq_ip_bits(&c.ip) - c.bits;
	*ret_first = c.ip;
	*ret_n = free_bits < 32 ? INT64_C(1) << free_bits : SQ_IP_FAR;
	if (c.ip.family == AF_INET && free_bits >= 2) {
		*ret_first = sq_ip_nth(&c.ip, 1);
		*ret_n -= 2;
	}
	return 0;
}

static int parse(const char *text, const char *where, struct sq_ip *ret_first, int64_t *ret_n,
		 struct sq_err *err)
{
	if (strchr(text, '-'))
		return parse_range(text, where, ret_first, ret_n, err);
	if (strchr(text, '/'))
		return parse_prefix(text, where, ret_first, ret_n, err);
	*ret_n = 1;
	return sq_ip_parse(text, ret_first) < 0 ? fail_text(text, where, err) : 0;
}

int sq_sources_add(struct sq_sources *s, const char *text, const char *where, struct sq_err *err)
{
	struct sq_ip first = { 0 };
	int64_t n = 0;
	int rc = parse(text, where, &first, &n, err);

	if (rc < 0)
		return rc;
	if (s->n && s->v[0].first.family != first.family)
		return sq_err_set(err, -EINVAL, where,
				  "%.80s and the sources before it are not of one family; give all "
				  "in IPv4 or all in IPv6",
				  text);
	if (n > SQ_SOURCES_MAX - (int64_t)s->count)
		return fail_size(text, where, err);
	s->v = sq_realloc_n(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct sq_source_range){ .first = first, .before = s->count };
	s->count += (uint32_t)n;
	return 0;
}

void sq_sources_fini(struct sq_sources *s)
{
	free(s->v);
	*s = (struct sq_sources){ 0 };
}

struct sq_ip sq_sources_nth(const struct sq_sources *s, uint64_t i)
{
	uint32_t at = (uint32_t)(i % s->count);
	size_t lo = 0, hi = s->n;

	while (hi - lo > 1) {
		size_t middle = lo + (hi - lo) / 2;

		*(s->v[middle].before <= at ? &lo : &hi) = middle;
	}
	return sq_ip_nth(&s->v[lo].first, at - s->v[lo].before);
}
