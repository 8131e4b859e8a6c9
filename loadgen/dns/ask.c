/* The questions of a load.  All of them are written when the scenario is read, one behind the other
 * in one piece of memory, so that a query costs a copy of some 40 bytes; what repeats the question
 * in a reply is compared with the same bytes.
 *
 * What a reader would get wrong: the numbers go round the list of names first and within each name
 * after that, so that a name that stands once in a list of ten is asked exactly once in ten
 * queries, however many names its neighbours stand for. */
#include "loadgen/dns/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "loadgen/dns/wire.h"

struct entry {
	size_t at; /* of the query in `bytes` */
	uint16_t len, question_len;
};

/* The questions of one name of the list, or all of the file's. */
struct group {
	uint32_t first, count;
};

struct sq_dns_ask {
	uint8_t *bytes;
	size_t n_bytes, cap_bytes;
	struct entry *entries;
	size_t n_entries, cap_entries;
	struct group *groups;
	size_t n_groups, cap_groups;
	uint16_t flags;
	struct sq_dns_edns edns;
};

static int add_question(struct sq_dns_ask *ask, const struct sq_dns_question *question,
			const char *where, struct sq_err *err)
{
	uint8_t query[SQ_DNS_QUERY_MAX];
	size_t len = sq_dns_query_write(question, ask->flags, &ask->edns, query);

	if (ask->n_entries == SQ_DNS_ASK_MAX)
		return sq_err_set(err, -EINVAL, where,
				  "there are more than %d questions; ask for fewer",
				  SQ_DNS_ASK_MAX);
	while (ask->cap_bytes - ask->n_bytes < len) {
		ask->cap_bytes = ask->cap_bytes ? ask->cap_bytes * 2 : 4096;
		ask->bytes = sq_realloc_n(ask->bytes, ask->cap_bytes, 1);
	}
	memcpy(ask->bytes + ask->n_bytes, query, len);
	ask->entries =
		sq_grow(ask->entries, ask->n_entries, &ask->cap_entries, sizeof(*ask->entries));
	ask->entries[ask->n_entries++] =
		(struct entry){ .at = ask->n_bytes,
				.len = (uint16_t)len,
				.question_len = (uint16_t)(question->name.len + 4) };
	ask->n_bytes += len;
	return 0;
}

/* A group begins with the next question. */
static void open_group(struct sq_dns_ask *ask)
{
	ask->groups = sq_grow(ask->groups, ask->n_groups, &ask->cap_groups, sizeof(*ask->groups));
	ask->groups[ask->n_groups++] = (struct group){ .first = (uint32_t)ask->n_entries };
}

static uint32_t close_group(struct sq_dns_ask *ask)
{
	struct group *group = &ask->groups[ask->n_groups - 1];

	group->count = (uint32_t)ask->n_entries - group->first;
	return group->count;
}

/* ---- names ---- */

static int parse_name(const char *text, size_t len, const char *where, struct sq_dns_name *ret,
		      struct sq_err *err)
{
	struct sq_err why = { 0 };

	if (sq_dns_name_parse(text, len, ret, &why) == 0)
		return 0;
	return sq_err_set(err, -EINVAL, where, "%s", why.text);
}

static int add_pattern(struct sq_dns_ask *ask, const struct sq_pattern *pattern, uint16_t type,
		       struct sq_err *err)
{
	struct sq_dns_question question = { .type = type, .class = SQ_DNS_CLASS_IN };
	uint64_t count = sq_pattern_count(pattern);
	size_t size = sq_pattern_longest(pattern) + 1;
	char *text;
	int rc = 0;

	if (count > SQ_DNS_ASK_MAX) /* before the time and the memory are spent */
		count = SQ_DNS_ASK_MAX + 1;
	text = sq_alloc(size);
	open_group(ask);
	for (uint64_t i = 0; i < count && rc == 0; i++) {
		size_t len = sq_pattern_write(pattern, i, text, size);

		rc = parse_name(text, len, "dns: names", &question.name, err);
		if (rc == 0)
			rc = add_question(ask, &question, "dns: names", err);
	}
	close_group(ask);
	free(text);
	return rc;
}

static int add_names(struct sq_dns_ask *ask, const struct sq_dns_ask_spec *spec, struct sq_err *err)
{
	int type = sq_dns_type_parse(spec->type, strlen(spec->type)), rc = 0;

	if (type < 0)
		return sq_err_set(err, -EINVAL, "dns: type",
				  "\"%s\" is no type; write A, AAAA, MX ... or TYPE65", spec->type);
	for (size_t i = 0; i < spec->names->n && rc == 0; i++) {
		struct sq_pattern *pattern = sq_pattern_new(spec->names->v[i], "dns: names", err);

		rc = pattern ? add_pattern(ask, pattern, (uint16_t)type, err) : -EINVAL;
		sq_pattern_free(pattern);
	}
	return rc;
}

/* ---- a file ---- */

#define BLANKS " \t\r\n\f\v"

/* The next word at *at, which moves behind it; its length, 0 when there is none. */
static size_t next_word(const char **at, const char **ret_word)
{
	size_t len;

	*at += strspn(*at, BLANKS);
	len = strcspn(*at, BLANKS);
	*ret_word = *at;
	*at += len;
	return len;
}

static int add_line(struct sq_dns_ask *ask, const char *line, const char *where, struct sq_err *err)
{
	struct sq_dns_question question = { .class = SQ_DNS_CLASS_IN };
	const char *name, *type, *more;
	size_t name_len = next_word(&line, &name), type_len;
	int number, rc;

	if (name_len == 0 || *name == ';' || *name == '#')
		return 0;
	type_len = next_word(&line, &type);
	if (type_len == 0 || next_word(&line, &more) > 0)
		return sq_err_set(err, -EINVAL, where,
				  "expected a name and a type, such as \"www.example.test A\"");
	number = sq_dns_type_parse(type, type_len);
	if (number < 0)
		return sq_err_set(err, -EINVAL, where,
				  "\"%.*s\" is no type; write A, AAAA, MX ... or TYPE65",
				  (int)(type_len < 40 ? type_len : 40), type);
	question.type = (uint16_t)number;
	rc = parse_name(name, name_len, where, &question.name, err);
	return rc < 0 ? rc : add_question(ask, &question, where, err);
}

static int add_lines(struct sq_dns_ask *ask, FILE *f, const char *path, struct sq_err *err)
{
	char where[sizeof(err->where)], *line = NULL;
	size_t cap = 0;
	int rc = 0;

	for (unsigned long number = 1; rc == 0 && getline(&line, &cap, f) != -1; number++) {
		snprintf(where, sizeof(where), "%s: line %lu", path, number);
		rc = add_line(ask, line, where, err);
	}
	free(line);
	if (rc == 0 && ferror(f))
		rc = sq_err_set(err, -EIO, path, "cannot be read: %s", strerror(errno));
	return rc;
}

static int add_file(struct sq_dns_ask *ask, const char *path, struct sq_err *err)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (!f)
		return sq_err_set(
			err, -errno, path,
			"the file of queries cannot be opened: %s; its path is taken from "
			"the current directory",
			strerror(errno));
	open_group(ask);
	rc = add_lines(ask, f, path, err);
	fclose(f);
	if (close_group(ask) == 0 && rc == 0)
		rc = sq_err_set(err, -EINVAL, path,
				"holds no query; write one a line, such as \"www.example.test A\"");
	return rc;
}

/* ---- the whole ---- */

struct sq_dns_ask *sq_dns_ask_new(const struct sq_dns_ask_spec *spec, struct sq_err *err)
{
	struct sq_dns_ask *ask;
	int rc;

	if (!spec->file == !spec->names->n) {
		sq_err_set(err, -EINVAL, "dns",
			   spec->file ? "both queries and names say what is asked; leave one out"
				      : "nothing says what is asked; give names, such as "
					"[\"a{1-1000}.example.test\"], or queries, a file of "
					"\"name type\" lines");
		return NULL;
	}
	ask = sq_alloc(sizeof(*ask));
	ask->flags = spec->recursion ? SQ_DNS_RD : 0;
	ask->edns =
		(struct sq_dns_edns){ .present = spec->edns > 0 || spec->dnssec,
				      .do_bit = spec->dnssec,
				      .udp_size = spec->edns ? spec->edns : SQ_DNS_EDNS_DEFAULT };
	rc = spec->file ? add_file(ask, spec->file, err) : add_names(ask, spec, err);
	return rc < 0 ? sq_dns_ask_free(ask) : ask;
}

struct sq_dns_ask *sq_dns_ask_free(struct sq_dns_ask *ask)
{
	if (!ask)
		return NULL;
	free(ask->bytes);
	free(ask->entries);
	free(ask->groups);
	free(ask);
	return NULL;
}

uint32_t sq_dns_ask_turn(const struct sq_dns_ask *ask, uint64_t number)
{
	const struct group *group = &ask->groups[number % ask->n_groups];

	return group->first + (uint32_t)(number / ask->n_groups % group->count);
}

uint32_t sq_dns_ask_random(const struct sq_dns_ask *ask, struct sq_rng *rng)
{
	const struct group *group = &ask->groups[sq_rng_below(rng, ask->n_groups)];

	return group->first + (uint32_t)sq_rng_below(rng, group->count);
}

uint32_t sq_dns_ask_count(const struct sq_dns_ask *ask)
{
	return (uint32_t)ask->n_entries;
}

struct sq_dns_asked sq_dns_ask_get(const struct sq_dns_ask *ask, uint32_t index, uint64_t number,
				   uint8_t *scratch)
{
	const struct entry *entry = &ask->entries[index];

	(void)number;
	(void)scratch;
	return (struct sq_dns_asked){ .query = ask->bytes + entry->at,
				      .len = entry->len,
				      .question_len = entry->question_len };
}
