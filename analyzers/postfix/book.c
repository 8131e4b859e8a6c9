/* From the lines of a log to what became of each message of a load.  cleanup(8) logs the Message-ID, in
 * which a load's message has its name, under the queue ID that all further lines go by.
 *
 * What a reader would get wrong:
 * - A queue ID is used again, for another message, once the one before was removed.
 * - A recipient's last word counts: deferred, and sent at the next attempt.
 * - When a message is given up, its recipients are not logged once more: those that were deferred have
 *   bounced then.
 * - A header is read before its message is accepted.  What was named and then refused is never removed;
 *   nobody asks for it, since its sender knows that it was refused. */
#include "analyzers/postfix/book.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/mem.h"
#include "results/message_name.h"
#include "results/receipt.h"

enum { ID_DIGITS = 16, SLOTS_FIRST = 1024 };

struct recipient {
	uint32_t to, orig_to; /* sq_receipt_recipient's; orig_to 0: the same */
	enum sq_postfix_status status;
	enum sq_postfix_reason reason;
	char dsn[SQ_POSTFIX_DSN];
};

struct mail {
	struct mail *next; /* of its slot */
	struct sq_message_name name;
	struct recipient *recipients;
	size_t n, cap;
	bool stands;
	char queue_id[];
};

struct sq_postfix_book {
	struct mail **slots;
	size_t n_slots, n; /* n_slots: a power of two */
	json_t *left;
};

struct sq_postfix_book *sq_postfix_book_new(void)
{
	struct sq_postfix_book *b = sq_alloc(sizeof(*b));

	b->n_slots = SLOTS_FIRST;
	b->slots = sq_alloc_n(b->n_slots, sizeof(struct mail *));
	b->left = json_array();
	return b;
}

static void mail_free(struct mail *m)
{
	free(m->recipients);
	free(m);
}

struct sq_postfix_book *sq_postfix_book_free(struct sq_postfix_book *b)
{
	if (!b)
		return NULL;
	for (size_t i = 0; i < b->n_slots; i++)
		for (struct mail *m = b->slots[i], *next; m; m = next) {
			next = m->next;
			mail_free(m);
		}
	json_decref(b->left);
	free(b->slots);
	free(b);
	return NULL;
}

/* ---- by queue ID ---- */

static struct mail **slot_of(const struct sq_postfix_book *b, const char *queue_id, size_t len)
{
	uint64_t hash = sq_fnv64_add(SQ_FNV64_EMPTY, queue_id, len);

	return &b->slots[(hash ^ hash >> 32) & (b->n_slots - 1)];
}

/* Where the message hangs, or would. */
static struct mail **place_of(const struct sq_postfix_book *b, const struct sq_postfix_text *id)
{
	struct mail **at = slot_of(b, id->p, id->len);

	while (*at && (strncmp((*at)->queue_id, id->p, id->len) != 0 || (*at)->queue_id[id->len]))
		at = &(*at)->next;
	return at;
}

static void grow(struct sq_postfix_book *b)
{
	struct mail **old = b->slots;
	size_t n_old = b->n_slots;

	b->n_slots *= 2;
	b->slots = sq_alloc_n(b->n_slots, sizeof(struct mail *));
	for (size_t i = 0; i < n_old; i++)
		for (struct mail *m = old[i], *next; m; m = next) {
			struct mail **at = slot_of(b, m->queue_id, strlen(m->queue_id));

			next = m->next;
			m->next = *at;
			*at = m;
		}
	free(old);
}

static void forget(struct sq_postfix_book *b, struct mail **at)
{
	struct mail *m = *at;

	*at = m->next;
	b->n--;
	mail_free(m);
}

/* ---- what lines say ---- */

/* "5eed5eed5eed5eed.0.17@client.test" */
static bool is_of_load(const struct sq_postfix_text *message_id, struct sq_message_name *ret)
{
	char text[SQ_MESSAGE_NAME_TEXT + 1] = "";
	const char *at = text;
	size_t len = message_id->len < sizeof(text) - 1 ? message_id->len : sizeof(text) - 1;

	memcpy(text, message_id->p, len);
	return text[ID_DIGITS] == '.' && sq_message_name_next(&at, '@', ret);
}

static void on_name(struct sq_postfix_book *b, const struct sq_postfix_line *line)
{
	struct mail **at = place_of(b, &line->queue_id), *m;
	struct sq_message_name name;

	if (*at)
		forget(b, at);
	if (!is_of_load(&line->message_id, &name))
		return;
	if (b->n == b->n_slots)
		grow(b);
	at = place_of(b, &line->queue_id);
	m = sq_alloc(sizeof(*m) + line->queue_id.len + 1);
	m->name = name;
	memcpy(m->queue_id, line->queue_id.p, line->queue_id.len);
	*at = m;
	b->n++;
}

static struct recipient *recipient_of(struct mail *m, uint32_t to, uint32_t orig_to)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->recipients[i].to == to && m->recipients[i].orig_to == orig_to)
			return &m->recipients[i];
	m->recipients = sq_grow(m->recipients, m->n, &m->cap, sizeof(*m->recipients));
	m->recipients[m->n] = (struct recipient){ .to = to, .orig_to = orig_to };
	return &m->recipients[m->n++];
}

static void on_delivery(struct mail *m, const struct sq_postfix_line *line)
{
	const struct sq_postfix_text *orig = &line->orig_to;
	struct recipient *r =
		recipient_of(m, sq_receipt_recipient(line->to.p, line->to.len),
			     orig->len ? sq_receipt_recipient(orig->p, orig->len) : 0);

	r->status = line->status;
	r->reason = line->reason;
	memcpy(r->dsn, line->dsn, sizeof(r->dsn));
}

static void on_expired(struct mail *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->recipients[i].status == SQ_POSTFIX_DEFERRED)
			m->recipients[i].status = SQ_POSTFIX_BOUNCED;
}

static json_t *mail_json(const struct mail *m, bool queued)
{
	static const char *const statuses[] = {
		[SQ_POSTFIX_SENT] = "sent",
		[SQ_POSTFIX_DEFERRED] = "deferred",
		[SQ_POSTFIX_BOUNCED] = "bounced",
	};
	json_t *recipients = json_array();
	char name[SQ_MESSAGE_NAME_TEXT], to[12];

	sq_message_name_text(&m->name, name);
	for (size_t i = 0; i < m->n; i++) {
		const struct recipient *r = &m->recipients[i];

		snprintf(to, sizeof(to), "%08" PRIx32, r->to);
		json_array_append_new(recipients,
				      json_pack("[s, s, s, s]", to, statuses[r->status], r->dsn,
						sq_postfix_reason_name(r->reason)));
	}
	return json_pack("{s:s, s:s, s:b, s:o}", "name", name, "queue_id", m->queue_id, "queued",
			 (int)queued, "recipients", recipients);
}

static bool all_sent(const struct mail *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->recipients[i].status != SQ_POSTFIX_SENT)
			return false;
	return true;
}

static void on_removed(struct sq_postfix_book *b, struct mail **at)
{
	if (!all_sent(*at))
		json_array_append_new(b->left, mail_json(*at, false));
	forget(b, at);
}

void sq_postfix_book_line(struct sq_postfix_book *b, enum sq_postfix_event event,
			  const struct sq_postfix_line *line)
{
	struct mail **at;

	if (event == SQ_POSTFIX_GARBAGE || event == SQ_POSTFIX_OTHER)
		return;
	if (event == SQ_POSTFIX_NAMED) {
		on_name(b, line);
		return;
	}
	at = place_of(b, &line->queue_id);
	if (!*at)
		return;
	if (event == SQ_POSTFIX_DELIVERY)
		on_delivery(*at, line);
	else if (event == SQ_POSTFIX_EXPIRED)
		on_expired(*at);
	else if (event == SQ_POSTFIX_REMOVED)
		on_removed(b, at);
}

/* ---- the queue, and the end ---- */

void sq_postfix_book_stands(struct sq_postfix_book *b, const char *queue_id)
{
	struct mail *m = *place_of(b, &(struct sq_postfix_text){ queue_id, strlen(queue_id) });

	if (m)
		m->stands = true;
}

size_t sq_postfix_book_missing(const struct sq_postfix_book *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_slots; i++)
		for (const struct mail *m = b->slots[i]; m; m = m->next)
			n += !m->stands;
	return n;
}

json_t *sq_postfix_book_take(struct sq_postfix_book *b)
{
	json_t *left = b->left;

	b->left = json_array();
	return left;
}

json_t *sq_postfix_book_rest(const struct sq_postfix_book *b, bool looked)
{
	json_t *rest = json_array();

	for (size_t i = 0; i < b->n_slots; i++)
		for (const struct mail *m = b->slots[i]; m; m = m->next)
			json_array_append_new(rest, mail_json(m, m->stands || !looked));
	return rest;
}
