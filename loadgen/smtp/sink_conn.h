/* The connections of the SMTP sink: what moves octets between sockets and sessions. */
#ifndef SQ_LOADGEN_SMTP_SINK_CONN_H
#define SQ_LOADGEN_SMTP_SINK_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "loadgen/engine/tls_server.h"
#include "loadgen/smtp/sink_session.h"
#include "loadgen/smtp/sink_timer.h"

/* Found by its descriptor; kept, with its storage, for the next connection of that number. */
struct sq_smtpd_conn {
	struct sq_smtpd_timer timer; /* first: a timer of the conns is a conn */
	struct sq_smtpd_session session;
	int fd;
	bool open;
	bool shaking;       /* hands, by TLS */
	bool paused;        /* nothing is read until its timer: the text is read slowly */
	struct ssl_st *ssl; /* NULL: plain */
	uint32_t events;    /* under watch */
	struct sq_buf in;   /* the start of a line, or what a session may not look at yet */
	struct sq_buf out;  /* what the kernel had no room for; nothing is read meanwhile */
};

struct sq_smtpd_conns {
	struct sq_smtpd *shared;
	struct sq_tls_server *tls; /* NULL: none; the owner's */
	int epoll_fd;
	struct sq_smtpd_timers timers;
	struct sq_smtpd_conn **by_fd;
	size_t len;
	char *rx; /* what is being looked at */
};

void sq_smtpd_conns_init(struct sq_smtpd_conns *conns, struct sq_smtpd *shared,
			 struct sq_tls_server *tls, int epoll_fd);
void sq_smtpd_conns_fini(struct sq_smtpd_conns *conns);

/* Takes fd over, non-blocking.  Any epoll event that has fd as its data goes to sq_smtpd_conn_event,
 * which finds out for itself what it was; a timer that is due to sq_smtpd_conn_due. */
void sq_smtpd_conn_open(struct sq_smtpd_conns *conns, int fd);
void sq_smtpd_conn_event(struct sq_smtpd_conns *conns, int fd);
void sq_smtpd_conn_due(struct sq_smtpd_conns *conns, struct sq_smtpd_timer *timer);

#endif
