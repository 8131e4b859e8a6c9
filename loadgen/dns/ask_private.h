/* The questions of a load while they are made: ask.c keeps them, ask_names.c, ask_file.c,
 * ask_update.c and ask_pcap.c bring them. */
#ifndef SQ_LOADGEN_DNS_ASK_PRIVATE_H
#define SQ_LOADGEN_DNS_ASK_PRIVATE_H

#include "loadgen/dns/ask.h"
#include "loadgen/dns/popular.h"
#include "loadgen/dns/types.h"
#include "loadgen/dns/wire.h"

/* What of a query follows from its number. */
enum { SQ_DNS_VARY_TYPE = 1, SQ_DNS_VARY_NAME = 2, SQ_DNS_VARY_CLIENT = 4 };

struct sq_dns_entry {
	size_t at; /* of the query in `bytes` */
	uint16_t len, question_len;
	uint8_t vary;
};

/* The questions of one name of the list, or all of a file's. */
struct sq_dns_group {
	uint32_t first, count;
};

struct sq_dns_ask {
	uint8_t *bytes;
	size_t n_bytes, cap_bytes;
	struct sq_dns_entry *entries;
	size_t n_entries, cap_entries;
	struct sq_dns_group *groups;
	size_t n_groups, cap_groups;
	uint16_t flags;
	struct sq_dns_edns edns;
	struct sq_dns_edns_options options;
	struct sq_dns_types types; /* of the names */
	uint64_t round;            /* queries after which names meet other types */
	struct sq_dns_popular *popular;
	uint64_t salt;
};

/* A group begins with the next question; how many it has got. */
void sq_dns_ask_open(struct sq_dns_ask *ask);
uint32_t sq_dns_ask_close(struct sq_dns_ask *ask);

/* One more question; -EINVAL at `where` when there are too many.  sq_dns_ask_add_raw: a message as it
 * stands, but for its ID; at most SQ_DNS_QUERY_MAX bytes. */
int sq_dns_ask_add(struct sq_dns_ask *ask, const struct sq_dns_question *question, uint8_t vary,
		   const char *where, struct sq_err *err);
int sq_dns_ask_add_raw(struct sq_dns_ask *ask, const uint8_t *query, size_t len,
		       size_t question_len, uint8_t vary, const char *where, struct sq_err *err);

/* The sources.  -EINVAL, or that of a file that cannot be read. */
int sq_dns_ask_names(struct sq_dns_ask *ask, const struct sq_strings *names, struct sq_err *err);
int sq_dns_ask_file(struct sq_dns_ask *ask, const char *path, struct sq_err *err);
int sq_dns_ask_updates(struct sq_dns_ask *ask, const char *path, struct sq_err *err);
/* -ENOENT without err for what is no capture. */
int sq_dns_ask_pcap(struct sq_dns_ask *ask, const char *path, uint16_t port, struct sq_err *err);

/* ---- files of lines (ask_file.c) ---- */

/* The next word at *at, which moves behind it; its length, 0 when there is none. */
size_t sq_dns_word_next(const char **at, const char **ret_word);

/* Calls line(arg, text, where, err), "FILE: line N" being where, until it fails, for each line that
 * has more than blanks and a comment (from ; or # on). */
int sq_dns_lines_read(const char *path,
		      int (*line)(void *arg, const char *text, const char *where,
				  struct sq_err *err),
		      void *arg, struct sq_err *err);

int sq_dns_name_need(const char *text, size_t len, const char *where, struct sq_dns_name *ret,
		     struct sq_err *err);

#endif
