/* Each pattern has its place in the list of all, so that address i is found without the list being written
 * out: a{1-1000}@b{1-2560}.test is one line, and 2,560,000 addresses. */
#include "loadgen/smtp/recipients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"

struct source { /* some of the addresses */
	struct sq_pattern *pattern;
	uint64_t first, n; /* their place in the list of all */
};

struct sq_smtp_recipients {
	struct source *sources;
	size_t n_sources, cap_sources;
	uint64_t n_addresses;
	size_t longest; /* address */
};

/* Not a grammar of addresses (RFC 5321, 4.1.2): only what would break the line that it stands in.
 * A server's refusal of an odd address is what somebody may want to see. */
bool sq_smtp_is_address(const char *text, bool domain)
{
	const char *at = strrchr(text, '@');

	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p == '<' || *p == '>' || *p == 0x7f)
			return false;
	return domain ? at && at > text && at[1] : true;
}

static int add_source(struct sq_smtp_recipients *r, const char *text, const char *where,
		      struct sq_err *err)
{
	struct source s = { .first = r->n_addresses };

	if (!sq_smtp_is_address(text, true))
		return sq_err_set(err, -EINVAL, where,
				  "'%.320s' is no address; write it as user@example.test", text);
	s.pattern = sq_pattern_new(text, where, err);
	if (!s.pattern)
		return -EINVAL;
	s.n = sq_pattern_count(s.pattern);
	if (sq_pattern_longest(s.pattern) > SQ_SMTP_ADDRESS_MAX ||
	    s.n > INT64_MAX - r->n_addresses) {
		sq_pattern_free(s.pattern);
		return sq_err_set(err, -EINVAL, where, "'%.320s' is too long, or too many", text);
	}
	if (sq_pattern_longest(s.pattern) > r->longest)
		r->longest = sq_pattern_longest(s.pattern);
	r->n_addresses += s.n;
	r->sources = sq_grow(r->sources, r->n_sources, &r->cap_sources, sizeof(*r->sources));
	r->sources[r->n_sources++] = s;
	return 0;
}

/* Without blanks at its ends. */
static char *trimmed(char *line)
{
	char *end = line + strlen(line);

	line += strspn(line, " \t\r\n");
	while (end > line && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return line;
}

static int read_lines(struct sq_smtp_recipients *r, FILE *f, const char *path, struct sq_err *err)
{
	char *line = NULL, where[256];
	size_t size = 0;
	int rc = 0;

	for (unsigned long n = 1; rc == 0 && getline(&line, &size, f) != -1; n++) {
		const char *text = trimmed(line);

		snprintf(where, sizeof(where), "%.230s:%lu", path, n);
		if (*text && *text != '#')
			rc = add_source(r, text, where, err);
	}
	if (rc == 0 && ferror(f))
		rc = sq_err_set(err, -EIO, path, "cannot read it to its end");
	free(line);
	return rc;
}

static int read_users(struct sq_smtp_recipients *r, const char *path, struct sq_err *err)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (!f)
		return sq_err_set(err, -errno, path,
				  "cannot read the file of users: %s; give one address a line",
				  strerror(errno));
	rc = read_lines(r, f, path, err);
	fclose(f);
	return rc;
}

static int make(struct sq_smtp_recipients *r, const struct sq_strings *patterns, const char *users,
		struct sq_err *err)
{
	int rc = users ? read_users(r, users, err) : 0;

	for (size_t i = 0; rc == 0 && !users && i < patterns->n; i++)
		rc = add_source(r, patterns->v[i], "smtp: recipients", err);
	if (rc == 0 && r->n_addresses == 0)
		rc = sq_err_set(err, -EINVAL, users ? users : "smtp: recipients",
				"there is no address in it; give one at least");
	return rc;
}

struct sq_smtp_recipients *sq_smtp_recipients_new(const struct sq_strings *patterns,
						  const char *users, struct sq_err *err)
{
	struct sq_smtp_recipients *r = sq_alloc(sizeof(*r));

	return make(r, patterns, users, err) < 0 ? sq_smtp_recipients_free(r) : r;
}

struct sq_smtp_recipients *sq_smtp_recipients_free(struct sq_smtp_recipients *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->n_sources; i++)
		sq_pattern_free(r->sources[i].pattern);
	free(r->sources);
	free(r);
	return NULL;
}

uint64_t sq_smtp_recipients_count(const struct sq_smtp_recipients *r)
{
	return r->n_addresses;
}

size_t sq_smtp_recipients_longest(const struct sq_smtp_recipients *r)
{
	return r->longest;
}

/* The source that address number i stands in; nearly always there are few. */
static const struct source *source_of(const struct sq_smtp_recipients *r, uint64_t i)
{
	size_t lo = 0, hi = r->n_sources;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		*(r->sources[mid].first <= i ? &lo : &hi) = mid;
	}
	return &r->sources[lo];
}

char *sq_smtp_recipients_write(const struct sq_smtp_recipients *r, uint64_t i, char *out)
{
	uint64_t index = i % r->n_addresses;
	const struct source *s = source_of(r, index);

	return out + sq_pattern_write(s->pattern, index - s->first, out, r->longest + 1);
}
