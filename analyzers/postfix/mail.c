#include "analyzers/postfix/mail.h"

enum { BATCH = 256 }; /* messages of one record */

/* That there is such a relay; and at the end that all was said, but for so many lines. */
static void write_relay(const struct sq_postfix_mail *m, bool ended)
{
	sq_sample_record(m->sample,
			 json_pack("{s:s, s:s, s:o}", "k", "relay", "log", m->log, "lost_lines",
				   ended ? json_integer((json_int_t)m->lost_lines) : json_null()));
}

/* Steals the list. */
static void write_messages(const struct sq_postfix_mail *m, json_t *list)
{
	for (size_t at = 0, n = json_array_size(list); at < n; at += BATCH) {
		json_t *some = json_array();

		for (size_t i = at; i < n && i < at + BATCH; i++)
			json_array_append(some, json_array_get(list, i));
		sq_sample_record(m->sample, json_pack("{s:s, s:o}", "k", "mail", "messages", some));
	}
	json_decref(list);
}

void sq_postfix_mail_open(struct sq_postfix_mail *m, struct sq_sample *sample, const char *log)
{
	*m = (struct sq_postfix_mail){ .sample = sample,
				       .book = sq_postfix_book_new(),
				       .log = log };
	write_relay(m, false);
}

void sq_postfix_mail_close(struct sq_postfix_mail *m)
{
	m->book = sq_postfix_book_free(m->book);
}

void sq_postfix_mail_write(struct sq_postfix_mail *m)
{
	write_messages(m, sq_postfix_book_take(m->book));
}

void sq_postfix_mail_last(struct sq_postfix_mail *m, bool looked)
{
	sq_postfix_mail_write(m);
	write_messages(m, sq_postfix_book_rest(m->book, looked));
	write_relay(m, true);
}
