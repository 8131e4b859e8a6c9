/* The sessions of a lane, and the messages that wait for one.
 *
 * A message goes to an idle session, else to a new one while there are fewer than `connections`,
 * else into a queue, first come first served, for half of its timeout at most. */
#ifndef SQ_LOADGEN_SMTP_POOL_H
#define SQ_LOADGEN_SMTP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "base/opt.h"
#include "loadgen/engine/lane.h"
#include "loadgen/smtp/message.h"
#include "loadgen/smtp/session.h"

struct sq_smtp_auth;

enum { SQ_SMTP_HELLO_EHLO, SQ_SMTP_HELLO_HELO };
enum { SQ_SMTP_DELIVER_TARGET, SQ_SMTP_DELIVER_MX };

struct sq_smtp_conf {
	struct sq_range messages_per_connection;
	int64_t connections, keep_ns;
	char *sender, *users, *helo, *subject;
	struct sq_strings recipients;
	int64_t recipients_per_message;
	struct sq_smtp_body_spec body;
	int hello, deliver, auth_as;
	bool pipelining, lmtp;
	bool use_tls; /* from the first byte on */
	double starttls_percent;
	struct sq_tls_spec tls;
	char *user, *password;
	/* made by prepare */
	struct sq_smtp_mail *mail;
	struct sq_smtp_auth *auth; /* NULL: none */
};

struct sq_smtp_queue {
	struct sq_op *head, *tail;
};

struct sq_smtp_mx;

struct sq_smtp_pool {
	struct sq_lane *lane;
	const struct sq_smtp_conf *conf;
	struct sq_smtp_mx *mx; /* NULL: all to the load's target */
	struct sq_stream_kind kind;
	bool keeps; /* sockets, from one session to the next */
	/* So many sessions are left to events, since one was not there at once. */
	unsigned patience;
	const struct sq_smtp_session *heard; /* whose event is being handled; NULL: nobody's */
	struct sq_tls *tls;                  /* NULL: none */
	struct sq_smtp_mail_lane names;
	int64_t date_s; /* what names.date says */

	struct sq_smtp_session *sessions; /* `limit` of them */
	size_t limit, n_open;
	uint64_t opened; /* sessions so far: whose turn it is among sources and targets */
	struct sq_smtp_session *free;
	struct sq_smtp_list idle;  /* by the time that they became so */
	struct sq_smtp_list owing; /* no message, but a reply is due; by time */
	struct sq_smtp_queue queue;
	bool assigning, ending;
	uv_timer_t timer; /* rest.c's */
	int64_t timer_at_ns;
	char bytes[16384]; /* what was read last */
};

int sq_smtp_pool_init(struct sq_smtp_pool *p, struct sq_lane *lane, struct sq_err *err);
/* Says goodbye on the sessions that can still hear it, and closes all. */
void sq_smtp_pool_fini(struct sq_smtp_pool *p);

/* A new message. */
void sq_smtp_pool_add(struct sq_smtp_pool *p, struct sq_op *op);
/* The engine's end of one, wherever it is. */
void sq_smtp_pool_end(struct sq_smtp_pool *p, struct sq_op *op, uint16_t code);
/* The outcome of one: s is the session that it was on, or NULL. */
void sq_smtp_pool_done(struct sq_smtp_pool *p, struct sq_op *op, struct sq_tally_op *result);

/* The same of one that no session has begun. */
void sq_smtp_pool_fail(struct sq_smtp_pool *p, struct sq_op *op, uint16_t code, uint8_t phase);

/* For sessions.  The next message for this one, or NULL. */
struct sq_op *sq_smtp_pool_next(struct sq_smtp_pool *p, const struct sq_smtp_session *s);
/* It can take another message. */
void sq_smtp_pool_ready(struct sq_smtp_pool *p, struct sq_smtp_session *s);
/* A message that the session could not do: it is the next one again. */
void sq_smtp_pool_back(struct sq_smtp_pool *p, struct sq_op *op);
/* The message's address could not be reached: whether it has another one to try now. */
bool sq_smtp_pool_try_next(struct sq_smtp_pool *p, struct sq_op *op, uint16_t code);
/* Its slot is free. */
void sq_smtp_pool_gone(struct sq_smtp_pool *p, struct sq_smtp_session *s);

/* Of its socket's events. */
static inline uint32_t sq_smtp_pool_token(const struct sq_smtp_session *s)
{
	return (uint32_t)s->generation << 16 | (uint32_t)(s - s->pool->sessions);
}

/* Which message of the load an operation is. */
struct sq_smtp_which sq_smtp_pool_which(const struct sq_smtp_pool *p, const struct sq_op *op);
/* How many of them a session is for. */
int64_t sq_smtp_pool_messages(struct sq_smtp_pool *p);
/* Whether the load's session of this number says STARTTLS. */
bool sq_smtp_pool_starttls(const struct sq_smtp_pool *p, uint64_t number);

#endif
