/* The far end of a command's pipes: a shell that reads what is sent to it, line by line.  One thread, in a
 * process that ignores SIGPIPE. */
#ifndef SQ_ANALYZERS_PLACES_FAR_H
#define SQ_ANALYZERS_PLACES_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sq_far;

/* where: what sq_where_argv (scenarios/where.h) takes; borrowed.  Not open yet. */
struct sq_far *sq_far_new(const char *where);
struct sq_far *sq_far_free(struct sq_far *f);

/* Words that go before all others of the command (options, which count when given first); NULL-terminated,
 * copied. */
void sq_far_set_words(struct sq_far *f, const char *const *words);

/* Starts the command; nothing is waited for. 0 or -errno with err. */
int sq_far_open(struct sq_far *f, struct sq_err *err);
/* Ends it.  What it said last on standard error and how it ended are then sq_far_why. */
void sq_far_close(struct sq_far *f);
bool sq_far_is_open(const struct sq_far *f);

/* Why it is closed, as far as it is known: "ssh: connect to host x port 22: Connection refused". */
const char *sq_far_why(const struct sq_far *f);
/* The reason why it was not even opened. */
void sq_far_set_why(struct sq_far *f, const char *why);
/* What came on its standard error last; "" for nothing. */
const char *sq_far_complaint(struct sq_far *f);
/* Closes it for a reason of our own. */
void sq_far_break(struct sq_far *f, const char *why);

/* Sends a text. 0, or -errno when it is closed (and then it is). */
int sq_far_send(struct sq_far *f, const char *text);

/* For poll(2); sq_far_take when it is readable. */
int sq_far_fd(const struct sq_far *f);
/* Reads what is there. 0, or -errno when that was the end, and it is closed. */
int sq_far_take(struct sq_far *f);
/* When take last read something. */
int64_t sq_far_took_ns(const struct sq_far *f);
/* The next whole line of what was taken, without its newline and with a NUL instead; NULL if there is
 * none.  Good until the next take. */
char *sq_far_line(struct sq_far *f, size_t *ret_len);
/* Waits for one. NULL: not by then, or it is closed. */
char *sq_far_wait_line(struct sq_far *f, int64_t until_ns, size_t *ret_len);

/* The word that ends an answer: a random one of this object's. */
const char *sq_far_mark(const struct sq_far *f);
/* Whether a line is that end; *ret_status: what the shell had in $?. */
bool sq_far_is_mark(const struct sq_far *f, const char *line, int *ret_status);

/* A moment there, as dated here: within half_ns of at_ns. */
struct sq_far_moment {
	int64_t at_ns, half_ns;
};

/* Runs one line of shell there, and waits for all it wrote to standard output. 0 with the status and when it
 * was; -ETIMEDOUT and -errno close it. */
int sq_far_ask(struct sq_far *f, const char *line, int64_t until_ns, struct sq_buf *out,
	       int *ret_status, struct sq_far_moment *ret_when);

/* Adds a text to a line of shell as one word. */
void sq_far_quote(struct sq_buf *line, const char *text);

#endif
