/* The SMTP sink: a mail server that accepts, counts and throws away, with faults by phase.  It is
 * the far end of a relay benchmark, in the manner of Postal's sink and of Postfix's smtp-sink.
 *
 * One thread, one epoll.  Sessions are in loadgen/smtp/sink_session.c, their sockets in sink_conn.c;
 * here are the options, the listener and the loop.
 *
 * A reader would get wrong: listen, accept and sessions share one loop, but a delay never blocks
 * it.  Whatever waits (a delayed answer, a farewell, an accept that failed) is a timer, and the loop
 * sleeps until the first of them. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/listen.h"
#include "loadgen/engine/sink.h"
#include "loadgen/smtp/sink_conn.h"

enum {
	SMTP_EVENTS = 256,
	SMTP_ACCEPTS_A_TURN = 256, /* then the open sessions have their turn */
	SMTP_HOST_MAX = 255,
};

#define SMTP_RETRY_NS (10 * SQ_MS)
#define SMTP_FLUSH_NS SQ_SEC

struct smtp_conf {
	char *listen;
	int64_t backlog;
	char *banner;
	int64_t greeting_delay_ns;
	int64_t max_messages, max_recipients;
	struct sq_strings faults;
	int protocol, tls;
	char *tls_certificate, *tls_key;
	char *record;
	int record_fd; /* of a run, in place of `record`; 0: none */
};

struct smtp_state {
	int listen_fd, epoll_fd;
	struct sq_smtpd shared;
	struct sq_tls_server *tls; /* NULL: none */
	struct sq_smtpd_conns conns;
	struct sq_smtpd_timer retry; /* of an accept that failed */
	struct sq_smtpd_timer flush; /* of receipts */
};

enum { SMTP_PROTOCOL_SMTP, SMTP_PROTOCOL_LMTP };
enum { SMTP_TLS_NONE, SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT };

static const char *const protocol_choices[] = { "smtp", "lmtp", NULL };
static const char *const tls_choices[] = { "none", "starttls", "implicit", NULL };

static const struct sq_opt smtp_opts[] = {
	{ .name = "listen",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct smtp_conf, listen),
	  .required = true,
	  .help = "address and port, \"127.0.0.1:2525\" or \"[::1]:2525\"; port 0 takes a free one" },
	{ .name = "backlog",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct smtp_conf, backlog),
	  .def = "4096",
	  .min = 1,
	  .max = 65535,
	  .help = "the accept queue asked of listen(2); net.core.somaxconn caps it" },
	{ .name = "protocol",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct smtp_conf, protocol),
	  .def = "smtp",
	  .choices = protocol_choices,
	  .help = "lmtp takes LHLO, and answers the final dot for each recipient" },
	{ .name = "tls",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct smtp_conf, tls),
	  .def = "none",
	  .choices = tls_choices,
	  .help = "offered by STARTTLS; or from the first byte on" },
	{ .name = "tls_certificate",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct smtp_conf, tls_certificate),
	  .help = "a file in PEM form, with its chain; without it one is made up for the banner's name" },
	{ .name = "tls_key",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct smtp_conf, tls_key),
	  .help = "the certificate's key, likewise" },
	{ .name = "banner",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct smtp_conf, banner),
	  .def = "sink.test",
	  .help = "the host name in its greeting" },
	{ .name = "greeting_delay",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct smtp_conf, greeting_delay_ns),
	  .def = "0s",
	  .help = "time before the greeting, for each connection its own" },
	{ .name = "max_messages_per_connection",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct smtp_conf, max_messages),
	  .def = "0",
	  .help = "messages after which MAIL is answered 421 4.7.0 and the connection closed; "
		  "0: no limit" },
	{ .name = "max_recipients",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct smtp_conf, max_recipients),
	  .def = "0",
	  .help = "recipients of a message after which RCPT is answered 452 4.5.3; 0: no limit" },
	{ .name = "faults",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct smtp_conf, faults),
	  .help = "PHASE:ACTION[:PERCENT%], such as \"rcpt:452:10%\"; PHASE: connect, banner, helo, "
		  "tls, auth, mail, rcpt, rcpt=PATTERN (of addresses, with * and ?), data, body (the "
		  "final dot), quit; ACTION: a reply code (400 to 599; "
		  "421 closes), drop (RST), close (FIN, no answer), stall (never an answer), "
		  "garbage (no reply), data:slow:SIZE (of the text a second), "
		  "delay:DURATION; PERCENT is exact, not chance, and 100% when not given" },
	{ .name = "record",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct smtp_conf, record),
	  .help = "a new file for a receipt of each message of a load of squall's, for squall analyze "
		  "--sink; in a run they are in the run's folder" },
	{ 0 },
};

static int loop_watch(const struct smtp_state *t, int fd, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(t->epoll_fd, op, fd, &ev);
}

/* ---- accepting ---- */

/* A full descriptor table leaves the listener readable: a try each 10 ms, not a spin. */
static void accept_failed(struct smtp_state *t, int code)
{
	_Atomic int64_t *errors = t->shared.counts.accept_errors;

	sq_smtpd_count(&errors[code < SQ_SMTPD_ERRNOS ? code : 0], 1);
	if (code == ECONNABORTED)
		return;
	loop_watch(t, t->listen_fd, EPOLL_CTL_MOD, 0);
	sq_smtpd_timer_set(&t->conns.timers, &t->retry, sq_now_ns() + SMTP_RETRY_NS);
}

static void on_listener(struct smtp_state *t)
{
	for (int i = 0; i < SMTP_ACCEPTS_A_TURN; i++) {
		int fd = accept4(t->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd != -1) {
			sq_smtpd_conn_open(&t->conns, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EINTR)
			continue;
		accept_failed(t, errno);
		if (t->retry.place)
			return;
	}
}

/* ---- the sink ---- */

/* It stands in the first line that a client reads. */
static int check_host(const char *host, struct sq_err *err)
{
	size_t len = strlen(host), good = 0;

	while (isgraph((unsigned char)host[good]))
		good++;
	if (len > 0 && len <= SMTP_HOST_MAX && good == len)
		return 0;
	return sq_err_set(err, -EINVAL, "sink smtp",
			  "banner: expected a host name, found \"%.80s\"; write for example "
			  "\"sink.test\"",
			  host);
}

static void smtp_close(void *state)
{
	struct smtp_state *t = state;

	sq_smtpd_conns_fini(&t->conns);
	t->tls = sq_tls_server_free(t->tls);
	sq_smtpd_faults_fini(&t->shared.faults);
	t->shared.receipts = sq_receipts_close(t->shared.receipts);
	sq_buf_fini(&t->shared.tx);
	if (t->listen_fd >= 0)
		close(t->listen_fd);
	if (t->epoll_fd >= 0)
		close(t->epoll_fd);
	t->listen_fd = t->epoll_fd = -1;
}

static int smtp_listen(struct smtp_state *t, const struct smtp_conf *conf, struct sq_err *err)
{
	const int on = 1;

	t->listen_fd = sq_listen_open(conf->listen, SOCK_STREAM, (int)conf->backlog, err);
	if (t->listen_fd < 0)
		return t->listen_fd;
	/* An answer is one send, so Nagle could only hold back the next.  Connections inherit it. */
	setsockopt(t->listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll_fd == -1 || loop_watch(t, t->listen_fd, EPOLL_CTL_ADD, EPOLLIN) == -1)
		return sq_err_set(err, -errno, "sink smtp",
				  "cannot make a descriptor: %s; raise the limit of open files",
				  strerrordesc_np(errno));
	return 0;
}

static int smtp_record(struct smtp_state *t, const struct smtp_conf *conf, struct sq_err *err)
{
	if (conf->record_fd > 0)
		t->shared.receipts = sq_receipts_new(conf->record_fd);
	else if (conf->record)
		t->shared.receipts = sq_receipts_open(conf->record, err);
	return t->shared.receipts || !conf->record ? 0 : err->code;
}

static void smtp_record_to(void *conf, int fd)
{
	((struct smtp_conf *)conf)->record_fd = fd;
}

static int smtp_secure(struct smtp_state *t, const struct smtp_conf *conf, struct sq_err *err)
{
	if (!t->shared.tls)
		return 0;
	t->tls = sq_tls_server_new(conf->tls_certificate, conf->tls_key, conf->banner, "sink smtp",
				   err);
	return t->tls ? 0 : err->code;
}

static int smtp_open(void *state, const void *conf, struct sq_err *err)
{
	struct smtp_state *t = state;
	const struct smtp_conf *c = conf;
	int rc;

	t->listen_fd = t->epoll_fd = -1;
	t->shared.host = c->banner;
	t->shared.lmtp = c->protocol == SMTP_PROTOCOL_LMTP;
	t->shared.tls = c->tls != SMTP_TLS_NONE;
	t->shared.tls_at_once = c->tls == SMTP_TLS_IMPLICIT;
	t->shared.greeting_delay_ns = c->greeting_delay_ns;
	t->shared.max_messages = c->max_messages;
	t->shared.max_recipients = c->max_recipients;
	rc = check_host(c->banner, err);
	if (rc == 0)
		rc = sq_smtpd_faults_init(&t->shared.faults, &c->faults, err);
	if (rc == 0)
		rc = smtp_secure(t, c, err);
	sq_listen_raise_limit();
	if (rc == 0)
		rc = smtp_listen(t, c, err);
	if (rc == 0)
		rc = smtp_record(t, c, err);
	sq_smtpd_conns_init(&t->conns, &t->shared, t->tls, t->epoll_fd);
	if (rc < 0)
		smtp_close(t);
	return rc;
}

static int loop_wait(const struct smtp_state *t, struct epoll_event events[SMTP_EVENTS])
{
	int64_t due_ns = sq_smtpd_timers_next(&t->conns.timers);
	int64_t left_ns = due_ns == SQ_NEVER ? SQ_NEVER : due_ns - sq_now_ns();
	struct timespec left = { 0 };

	if (left_ns > 0)
		left = (struct timespec){ .tv_sec = left_ns / SQ_SEC, .tv_nsec = left_ns % SQ_SEC };
	return epoll_pwait2(t->epoll_fd, events, SMTP_EVENTS, due_ns == SQ_NEVER ? NULL : &left,
			    NULL);
}

static void on_timers(struct smtp_state *t)
{
	int64_t now_ns = t->conns.timers.n ? sq_now_ns() : 0;
	struct sq_smtpd_timer *timer;

	while ((timer = sq_smtpd_timers_take(&t->conns.timers, now_ns)))
		if (timer == &t->retry)
			loop_watch(t, t->listen_fd, EPOLL_CTL_MOD, EPOLLIN);
		else if (timer == &t->flush)
			sq_receipts_flush(t->shared.receipts);
		else
			sq_smtpd_conn_due(&t->conns, timer);
}

static int smtp_serve(void *state, int stop_fd, struct sq_err *err)
{
	struct smtp_state *t = state;
	struct epoll_event events[SMTP_EVENTS];

	if (loop_watch(t, stop_fd, EPOLL_CTL_ADD, EPOLLIN) == -1)
		return sq_err_set(err, -errno, "sink smtp", "cannot watch a descriptor: %s",
				  strerrordesc_np(errno));
	for (;;) {
		int n = loop_wait(t, events);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == stop_fd)
				return 0;
			if (fd == t->listen_fd)
				on_listener(t);
			else
				sq_smtpd_conn_event(&t->conns, fd);
		}
		on_timers(t);
		if (t->shared.receipts && !t->flush.place &&
		    sq_receipts_waiting(t->shared.receipts))
			sq_smtpd_timer_set(&t->conns.timers, &t->flush,
					   sq_now_ns() + SMTP_FLUSH_NS);
	}
}

static json_t *smtp_counts(const void *state)
{
	const struct smtp_state *t = state;
	char listen[SQ_LISTEN_TEXT];
	json_t *counts;

	sq_listen_text(t->listen_fd, listen);
	counts = json_pack("{s:s, s:s}", "sink", "smtp", "listen", listen);
	json_object_update_new(counts, sq_smtpd_counts_json(&t->shared.counts));
	if (t->shared.receipts && sq_receipts_failed(t->shared.receipts))
		json_object_set_new(
			counts, "receipts_lost",
			json_string(strerrorname_np(sq_receipts_failed(t->shared.receipts))));
	sq_listen_queue(t->listen_fd, counts);
	return counts;
}

const struct sq_sink sq_sink_smtp = {
	.kind = { .name = "smtp",
		  .summary = "accepts mail, counts it and throws it away; with faults by phase",
		  .opts = smtp_opts,
		  .conf_size = sizeof(struct smtp_conf) },
	.state_size = sizeof(struct smtp_state),
	.record = smtp_record_to,
	.open = smtp_open,
	.serve = smtp_serve,
	.counts = smtp_counts,
	.close = smtp_close,
};
