/* One SMTP session: a connection, what was said on it, and the message in hand.
 *
 * Which reply is due next is the whole state.  With PIPELINING more than one command is out:
 * `sent` says how far the message in hand got, and a second message may stand behind it, whose
 * envelope went out with the first one's text.  It is not in hand before the first has its answer:
 * when the session ends before that, it goes to another session, since nothing of it was answered.
 *
 * session_open.c makes the connection, session.c is the connection, session_cost.c what it cost, dialog.c
 * what each reply means. */
#ifndef SQ_LOADGEN_SMTP_SESSION_H
#define SQ_LOADGEN_SMTP_SESSION_H

#include <sys/socket.h>
#include <sys/uio.h>

#include <stdbool.h>
#include <stdint.h>

#include "loadgen/engine/lane.h"
#include "loadgen/engine/stream.h"
#include "loadgen/smtp/reply.h"
#include "loadgen/smtp/words.h"

struct sq_smtp_pool;
struct sq_smtp_domain;
struct sq_smtp_session;

/* An operation's part: one message. */
struct sq_smtp_op {
	struct sq_op *prev, *next;       /* where it waits: a queue of the pool or of a domain */
	struct sq_smtp_session *session; /* that it was given to; NULL: it waits */
	struct sq_smtp_domain *domain;   /* NULL: all goes to the load's target */
	int64_t asked_ns;                /* when its domain was looked up */
	int64_t queued_ns;
	uint32_t syn_retrans;
	uint16_t refusal;                  /* the first of its recipients that was refused */
	char status[SQ_SMTP_WORD_MAX + 1]; /* with it */
	uint8_t address;                   /* which one of the domain's */
	bool resolving;
	bool returned; /* a session had it, and could not begin it */
};

static inline struct sq_smtp_op *sq_smtp_of(struct sq_op *op)
{
	return (struct sq_smtp_op *)op->priv;
}

/* Whose reply is due: a phase, or one of these. */
enum {
	SQ_SMTP_DUE_RSET = SQ_SMTP_PHASES,
	SQ_SMTP_DUE_NOTHING, /* idle */
	SQ_SMTP_DUE_FIN,     /* after 221 or 421 */
};

struct sq_smtp_list {
	struct sq_smtp_session *head, *tail;
};

struct sq_smtp_session {
	struct sq_smtp_pool *pool;
	struct sq_smtp_session *prev, *next;
	struct sq_smtp_list *list; /* NULL: it has a message in hand */
	int64_t listed_ns;

	struct sq_stream stream;
	uint64_t serial;     /* no other session's */
	uint16_t generation; /* changes with the socket */
	uint8_t due, sent;
	uint8_t extensions; /* that the server offers */
	bool pipelining;    /* offered, and wanted */
	bool plain;         /* HELO was said */
	bool starttls;      /* it is to be encrypted once the server was greeted */
	uint8_t said;       /* lines of AUTH */
	bool fin;           /* the server's FIN is here, behind what is still to be read */
	bool broken;        /* and so is the connection */
	uint16_t unsent; /* why a write failed; what is still to be read comes first; 0: none did */
	bool quit_sent;  /* behind the text of its last message */
	bool doomed;     /* what is behind the message in hand was given up: no further than that */
	bool in_mail;    /* a MAIL was accepted, and no text yet */

	struct sq_op *op, *ahead;
	int64_t messages, most; /* begun on it, the one ahead included; with the last comes QUIT */
	unsigned rcpt_due, rcpt_ok;
	unsigned text_due, text_ok; /* of LMTP's replies to the text */
	int64_t since_ns;           /* when the phase began */
	int64_t last_due_ns;        /* of its latest message: in whose bin its QUIT is booked */
	uint32_t retrans;           /* segments sent again that are accounted for */

	struct sq_smtp_reply reply;
	char *text;     /* commands and header on their way */
	char *text_end; /* in it: behind the final dot */
	struct iovec out[3];
	unsigned out_at, out_n; /* out_n 0: all is sent */
	struct sockaddr_storage to;
	socklen_t to_len;
};

/* Opens one for a message, in a free slot, from the source whose turn it is.  What fails here has its
 * outcome when it returns. */
void sq_smtp_session_open(struct sq_smtp_session *s, struct sq_op *op, const struct sq_target *to);
void sq_smtp_session_input(struct sq_smtp_session *s, uint32_t events);
/* Makes it one of TLS, at a word of the dialog's. */
void sq_smtp_session_secure(struct sq_smtp_session *s);
/* Sends out[0 .. n-1]; the session may be gone after it. */
void sq_smtp_session_send(struct sq_smtp_session *s, unsigned n);
/* The end by an error: the message in hand fails with code, no QUIT, a reset. */
void sq_smtp_session_die(struct sq_smtp_session *s, uint16_t code);
/* The end of one that has no message. */
void sq_smtp_session_close(struct sq_smtp_session *s);
/* Whether the server closed it, or said something, that was not read yet. */
bool sq_smtp_session_stale(const struct sq_smtp_session *s);

/* The end of the message in hand; the session goes on. */
void sq_smtp_session_finish(struct sq_smtp_session *s, uint16_t code, uint8_t phase);
/* A phase of the message in hand (if there is one) is over as of now. */
void sq_smtp_session_phase(struct sq_smtp_session *s, unsigned phase);
/* The phase of the reply that is due. */
uint8_t sq_smtp_session_phase_due(const struct sq_smtp_session *s);

/* The text that ends at `end`, from s->text on; the session may be gone after it. */
static inline void sq_smtp_session_say(struct sq_smtp_session *s, const char *end)
{
	s->out[0] = (struct iovec){ s->text, (size_t)(end - s->text) };
	sq_smtp_session_send(s, 1);
}

/* What the session's files share.  Whether it is the one that had that serial; any call that sends or reads
 * may have ended that. */
bool sq_smtp_session_is(const struct sq_smtp_session *s, uint64_t serial);
/* Events carry on what is left; out: what is to be written, or a connect. */
void sq_smtp_session_wait(struct sq_smtp_session *s, bool out);
/* Carries the making of the connection on; true when it is made. */
bool sq_smtp_session_make(struct sq_smtp_session *s, uint32_t events);
/* The efforts of a message that has its end. */
void sq_smtp_session_efforts(struct sq_smtp_session *s, struct sq_tally_op *result);

/* dialog.c */
void sq_smtp_dialog_begin(struct sq_smtp_session *s, struct sq_op *op);
void sq_smtp_dialog_reply(struct sq_smtp_session *s);
/* Sends the envelope of the message in hand. */
void sq_smtp_dialog_envelope(struct sq_smtp_session *s);
/* Lets go of the message in hand, which was refused. */
void sq_smtp_dialog_refuse(struct sq_smtp_session *s, uint16_t outcome, uint8_t phase);
void sq_smtp_dialog_quit(struct sq_smtp_session *s);

#endif
