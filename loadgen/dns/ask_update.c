/* Dynamic updates (RFC 2136) from a file as dnsperf -u reads it, in blocks:
 *
 *   example.test
 *   require a A 192.0.2.1
 *   prohibit b
 *   add x 3600 A 192.0.2.3
 *   delete y A
 *   send
 *
 * Names without a last dot are relative to the block's zone.  The zone stands in a message where the
 * question of a query does, so that a reply is recognized as any other.
 *
 * What a reader would get wrong: class and TTL of a record are no data here, they say what is meant.
 * ANY without data: any record there; NONE: no such record, or delete this one. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/dns/ask_private.h"
#include "loadgen/dns/rdata.h"

struct update {
	struct sq_dns_ask *ask;
	struct sq_dns_name zone;
	bool open; /* its zone was read */
	uint16_t n_required, n_changed;
	uint8_t msg[SQ_DNS_QUERY_MAX];
	size_t len, room; /* room: without the OPT record that is to come */
};

/* How a line with data, with a type alone, and with neither is written; 0: it can't be. */
static const struct verb {
	const char *name;
	bool requires, ttl;
	uint16_t data, type, none;
} verbs[] = {
	{ "require", true, false, SQ_DNS_CLASS_IN, SQ_DNS_CLASS_ANY, SQ_DNS_CLASS_ANY },
	{ "prohibit", true, false, 0, SQ_DNS_CLASS_NONE, SQ_DNS_CLASS_NONE },
	{ "add", false, true, SQ_DNS_CLASS_IN, 0, 0 },
	{ "delete", false, false, SQ_DNS_CLASS_NONE, SQ_DNS_CLASS_ANY, SQ_DNS_CLASS_ANY },
};

static bool word_is(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(word, text, len) == 0;
}

static void put32(uint8_t *at, uint32_t v)
{
	sq_dns_put16(at, (uint16_t)(v >> 16));
	sq_dns_put16(at + 2, (uint16_t)v);
}

/* ---- blocks ---- */

static int block_open(struct update *u, const char *line, const char *where, struct sq_err *err)
{
	struct sq_dns_question zone = { .type = SQ_DNS_TYPE_SOA, .class = SQ_DNS_CLASS_IN };
	const char *word, *more;
	size_t len = sq_dns_word_next(&line, &word);
	int rc;

	if (sq_dns_word_next(&line, &more) > 0)
		return sq_err_set(err, -EINVAL, where,
				  "expected the zone that a block of updates begins with, alone "
				  "on its line");
	rc = sq_dns_name_need(word, len, where, &zone.name, err);
	if (rc < 0)
		return rc;
	u->zone = zone.name;
	u->open = true;
	u->n_required = u->n_changed = 0;
	u->len = sq_dns_query_write(&zone, SQ_DNS_UPDATE, NULL, u->msg);
	return 0;
}

static int block_send(struct update *u, const char *where, struct sq_err *err)
{
	const struct sq_dns_edns *edns = &u->ask->edns;
	uint8_t vary = u->ask->options.ecs_len > 0 ? SQ_DNS_VARY_CLIENT : 0;

	sq_dns_put16(u->msg + 6, u->n_required);
	sq_dns_put16(u->msg + 8, u->n_changed);
	sq_dns_put16(u->msg + 10, edns->present);
	if (edns->present)
		u->len = (size_t)(sq_dns_edns_write(edns, u->msg + u->len) - u->msg);
	u->open = false;
	return sq_dns_ask_add_raw(u->ask, u->msg, u->len, u->zone.len + 4U, vary, where, err);
}

/* ---- records ---- */

static int read_ttl(const char *word, size_t len, uint32_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9' || v > INT32_MAX)
			return -EINVAL;
		v = v * 10 + (uint64_t)(word[i] - '0');
	}
	*ret = (uint32_t)v;
	return len > 0 && v <= INT32_MAX ? 0 : -EINVAL; /* RFC 2181, 8 */
}

/* Writes a record behind the others; data may be blank. */
static int record_add(struct update *u, const struct sq_dns_name *name, uint16_t type,
		      uint16_t class, uint32_t ttl, const char *data, const char *where,
		      struct sq_err *err)
{
	uint8_t *at = u->msg + u->len;
	int len = 0;

	if (name->len + 10U > u->room - u->len)
		return sq_err_set(
			err, -EINVAL, where,
			"the update is longer than the %d bytes that a datagram may have; "
			"send it in parts",
			SQ_DNS_QUERY_MAX);
	memcpy(at, name->wire, name->len);
	at += name->len;
	sq_dns_put16(at, type);
	sq_dns_put16(at + 2, class);
	put32(at + 4, ttl);
	if (data)
		len = sq_dns_rdata_parse(type, data, &u->zone, where, at + 10,
					 u->room - u->len - name->len - 10, err);
	if (len < 0)
		return len;
	sq_dns_put16(at + 8, (uint16_t)len);
	u->len += name->len + 10U + (unsigned)len;
	return 0;
}

static const struct verb *find_verb(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (word_is(word, len, verbs[i].name))
			return &verbs[i];
	return NULL;
}

/* The rest of a line: NAME [TTL] [TYPE [DATA]]. */
static int record_read(struct update *u, const struct verb *verb, const char *line,
		       const char *where, struct sq_err *err)
{
	const char *word, *data;
	struct sq_dns_name name;
	size_t len = sq_dns_word_next(&line, &word);
	int type = SQ_DNS_TYPE_ANY, rc;
	uint32_t ttl = 0;
	uint16_t class;
	bool typed;

	rc = sq_dns_name_relative(word, len, &u->zone, where, &name, err);
	if (rc < 0)
		return rc;
	len = verb->ttl ? sq_dns_word_next(&line, &word) : 0;
	if (verb->ttl && read_ttl(word, len, &ttl) < 0)
		return sq_err_set(err, -EINVAL, where,
				  "expected a TTL in seconds, as in \"add x 3600 A 192.0.2.1\"");
	len = sq_dns_word_next(&line, &word);
	typed = len > 0;
	if (typed && (type = sq_dns_type_need(word, len, where, err)) < 0)
		return type;
	if (sq_dns_word_next(&line, &data) == 0)
		data = NULL;
	class = data ? verb->data : typed ? verb->type : verb->none;
	if (class == 0)
		return sq_err_set(err, -EINVAL, where,
				  data ? "\"%s\" takes a name and a type, no data"
				       : "\"%s\" needs a name, a TTL, a type and data",
				  verb->name);
	return record_add(u, &name, (uint16_t)type, class, ttl, data, where, err);
}

static int block_line(void *arg, const char *line, const char *where, struct sq_err *err)
{
	struct update *u = arg;
	const char *rest = line, *word;
	size_t len;
	const struct verb *verb;

	if (!u->open)
		return block_open(u, line, where, err);
	len = sq_dns_word_next(&rest, &word);
	if (word_is(word, len, "send"))
		return block_send(u, where, err);
	verb = find_verb(word, len);
	if (!verb)
		return sq_err_set(err, -EINVAL, where,
				  "expected require, prohibit, add, delete or send");
	if (verb->requires && u->n_changed > 0)
		return sq_err_set(err, -EINVAL, where,
				  "what is required must stand before what is changed");
	*(verb->requires ? &u->n_required : &u->n_changed) += 1;
	return record_read(u, verb, rest, where, err);
}

int sq_dns_ask_updates(struct sq_dns_ask *ask, const char *path, struct sq_err *err)
{
	struct update u = { .ask = ask, .room = SQ_DNS_QUERY_MAX };
	int rc;

	if (ask->edns.present)
		u.room -= (size_t)SQ_DNS_EDNS_SIZE + ask->options.len;
	sq_dns_ask_open(ask);
	rc = sq_dns_lines_read(path, block_line, &u, err);
	if (rc == 0 && u.open)
		rc = sq_err_set(err, -EINVAL, path, "ends within a block; close it with \"send\"");
	if (sq_dns_ask_close(ask) == 0 && rc == 0)
		rc = sq_err_set(err, -EINVAL, path,
				"holds no update; write a zone, add and delete lines, \"send\"");
	return rc;
}
