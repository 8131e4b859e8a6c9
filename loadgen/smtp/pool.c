/* Messages meet sessions.
 *
 * What a reader would get wrong: opening or using a session may end it, and free its slot for the
 * next message, within the call.  So there is one loop that gives out messages, and whoever changes
 * something while it runs leaves the rest to it. */
#include "loadgen/smtp/pool.h"

#include <sys/epoll.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/engine/client.h"
#include "loadgen/smtp/mx.h"
#include "loadgen/smtp/rest.h"

/* One that was idle for less has just been read. */
#define FRESH_NS SQ_MS

enum { LOOK_AHEAD = 64 };

/* ---- queues ---- */

static void queue_add(struct sq_smtp_queue *q, struct sq_op *op)
{
	struct sq_smtp_op *m = sq_smtp_of(op);

	m->next = NULL;
	m->prev = q->tail;
	*(q->tail ? &sq_smtp_of(q->tail)->next : &q->head) = op;
	q->tail = op;
}

static void queue_push(struct sq_smtp_queue *q, struct sq_op *op)
{
	struct sq_smtp_op *m = sq_smtp_of(op);

	m->prev = NULL;
	m->next = q->head;
	*(q->head ? &sq_smtp_of(q->head)->prev : &q->tail) = op;
	q->head = op;
}

static void queue_remove(struct sq_smtp_queue *q, struct sq_op *op)
{
	struct sq_smtp_op *m = sq_smtp_of(op);

	*(m->prev ? &sq_smtp_of(m->prev)->next : &q->head) = m->next;
	*(m->next ? &sq_smtp_of(m->next)->prev : &q->tail) = m->prev;
	m->prev = m->next = NULL;
}

/* ---- outcomes ---- */

struct sq_smtp_which sq_smtp_pool_which(const struct sq_smtp_pool *p, const struct sq_op *op)
{
	const struct sq_lane *lane = p->lane;

	return (struct sq_smtp_which){ .lane = p->names.number,
				       .seq = op->seq,
				       .number =
					       sq_client_number(lane->load, lane->index, op->seq) };
}

int64_t sq_smtp_pool_messages(struct sq_smtp_pool *p)
{
	const struct sq_range *range = &p->conf->messages_per_connection;

	if (range->least == range->most)
		return range->most;
	return range->least +
	       (int64_t)sq_rng_below(&p->lane->rng, (uint64_t)(range->most - range->least) + 1);
}

void sq_smtp_pool_done(struct sq_smtp_pool *p, struct sq_op *op, struct sq_tally_op *result)
{
	struct sq_smtp_op *m = sq_smtp_of(op);

	if (m->domain)
		m->domain->users--;
	result->id = op->seq;
	sq_op_done(p->lane, op, result);
	sq_op_release(p->lane, op);
}

void sq_smtp_pool_fail(struct sq_smtp_pool *p, struct sq_op *op, uint16_t code, uint8_t phase)
{
	struct sq_tally_op result = { .outcome = { .code = code, .phase = phase },
				      .done_ns = sq_lane_clock(p->lane) };

	result.effort[SQ_SMTP_SYN_RETRANS] = sq_smtp_of(op)->syn_retrans;
	sq_smtp_pool_done(p, op, &result);
}

/* Those that waited for half of their time.  To begin them all the same would end in overload with
 * every message begun too late to be finished, and a session reset for each. */
static void give_up_late(struct sq_smtp_pool *p)
{
	int64_t wait_ns = p->lane->load->spec->timeout_ns / 2;
	struct sq_op *op;

	while ((op = p->queue.head) && !sq_smtp_of(op)->returned &&
	       sq_lane_now(p->lane) - sq_smtp_of(op)->queued_ns > wait_ns) {
		queue_remove(&p->queue, op);
		sq_smtp_pool_fail(p, op, SQ_SMTP_NO_SESSION, SQ_SMTP_NO_PHASE);
	}
}

/* ---- which session ---- */

/* By number and not by chance, so that the share is the one asked for. */
bool sq_smtp_pool_starttls(const struct sq_smtp_pool *p, uint64_t number)
{
	double share = p->conf->starttls_percent / 100;

	return floor((double)(number + 1) * share) > floor((double)number * share);
}

static const struct sq_target *target_of(const struct sq_smtp_pool *p, struct sq_op *op)
{
	const struct sq_smtp_op *m = sq_smtp_of(op);
	uint64_t number = sq_client_number(p->lane->load, p->lane->index, p->opened);

	return m->domain ? &m->domain->address[m->address] : sq_load_target(p->lane->load, number);
}

static bool fits(const struct sq_smtp_pool *p, const struct sq_smtp_session *s, struct sq_op *op)
{
	const struct sq_target *to;

	if (!p->mx)
		return true;
	to = target_of(p, op);
	return s->to_len == to->len && memcmp(&s->to, &to->addr, to->len) == 0;
}

/* The latest used, so that the others come to their end.  What happened to it since it was read is
 * seen first: a FIN that is here already must cost no message. */
static struct sq_smtp_session *find_idle(struct sq_smtp_pool *p, struct sq_op *op)
{
	struct sq_smtp_session *s = p->idle.tail;

	while (s) {
		struct sq_smtp_session *before = s->prev;

		if (fits(p, s, op)) {
			if (sq_lane_now(p->lane) - s->listed_ns < FRESH_NS ||
			    !sq_smtp_session_stale(s))
				return s;
			sq_smtp_session_input(s, EPOLLIN);
		}
		s = before;
	}
	return NULL;
}

static void open_session(struct sq_smtp_pool *p, struct sq_op *op)
{
	struct sq_smtp_session *s = p->free;

	p->free = s->next;
	p->n_open++;
	s->list = NULL;
	if (!s->text) /* room for a header, and what goes out behind the text */
		s->text = sq_alloc(2 * sq_smtp_mail_room(p->conf->mail) + 1024);
	sq_smtp_session_open(s, op, target_of(p, op));
}

/* Gives the first in the queue to a session; false when there is none for it. */
static bool assign_first(struct sq_smtp_pool *p)
{
	struct sq_op *op = p->queue.head;
	struct sq_smtp_session *s = find_idle(p, op);

	/* All to other servers: the one that nobody used for longest makes room. */
	if (!s && p->n_open == p->limit && p->idle.head)
		sq_smtp_dialog_quit(p->idle.head);
	if (!s && p->n_open == p->limit)
		return false;
	queue_remove(&p->queue, op);
	if (s)
		sq_smtp_dialog_begin(s, op);
	else
		open_session(p, op);
	return true;
}

static void assign(struct sq_smtp_pool *p)
{
	if (p->assigning || p->ending)
		return;
	p->assigning = true;
	do
		give_up_late(p);
	while (p->queue.head && assign_first(p));
	p->assigning = false;
}

struct sq_op *sq_smtp_pool_next(struct sq_smtp_pool *p, const struct sq_smtp_session *s)
{
	struct sq_op *op;

	give_up_late(p);
	op = p->ending ? NULL : p->queue.head;
	for (int i = 0; op && i < LOOK_AHEAD; i++) {
		if (fits(p, s, op)) {
			queue_remove(&p->queue, op);
			return op;
		}
		op = sq_smtp_of(op)->next;
	}
	return NULL;
}

void sq_smtp_pool_ready(struct sq_smtp_pool *p, struct sq_smtp_session *s)
{
	struct sq_op *op = sq_smtp_pool_next(p, s);

	if (op) {
		sq_smtp_dialog_begin(s, op);
		return;
	}
	/* Nobody will come, or somebody wants its place. */
	if (p->conf->keep_ns == 0 || p->ending || p->queue.head)
		sq_smtp_dialog_quit(s);
	else
		sq_smtp_rest_idle(s);
}

void sq_smtp_pool_gone(struct sq_smtp_pool *p, struct sq_smtp_session *s)
{
	sq_smtp_rest_leave(s);
	s->next = p->free;
	p->free = s;
	p->n_open--;
	assign(p);
}

/* ---- messages ---- */

static void enqueue(struct sq_smtp_pool *p, struct sq_op *op)
{
	sq_smtp_of(op)->queued_ns = sq_lane_now(p->lane);
	queue_add(&p->queue, op);
	assign(p);
}

void sq_smtp_pool_back(struct sq_smtp_pool *p, struct sq_op *op)
{
	sq_smtp_of(op)->session = NULL;
	sq_smtp_of(op)->returned = true;
	op->sent_ns = -1;
	queue_push(&p->queue, op);
	assign(p);
}

bool sq_smtp_pool_try_next(struct sq_smtp_pool *p, struct sq_op *op, uint16_t code)
{
	struct sq_smtp_op *m = sq_smtp_of(op);

	if (!m->domain || m->address + 1U >= m->domain->n ||
	    sq_code_class(sq_smtp_codes, code) == SQ_CLASS_LOCAL)
		return false;
	m->address++;
	sq_lane_count(p->lane, SQ_SMTP_NEXT_MX, 1);
	return true;
}

static void refresh_date(struct sq_smtp_pool *p)
{
	int64_t now_s = sq_lane_now(p->lane) / SQ_SEC;

	if (now_s == p->date_s)
		return;
	p->date_s = now_s;
	sq_smtp_mail_lane_date(&p->names, sq_wall_ns() / SQ_SEC);
}

/* ---- domains ---- */

/* The look-up of a message's domain has ended. */
static void resolved(struct sq_smtp_pool *p, struct sq_op *op)
{
	struct sq_smtp_op *m = sq_smtp_of(op);

	if (m->resolving)
		sq_op_phase(p->lane, op, SQ_SMTP_RESOLVE, sq_lane_now(p->lane) - m->asked_ns);
	m->resolving = false;
	if (m->domain->state == SQ_SMTP_KNOWN)
		enqueue(p, op);
	else
		sq_smtp_pool_fail(p, op, m->domain->code, SQ_SMTP_RESOLVE);
}

static void on_domain(void *arg, struct sq_smtp_domain *d)
{
	struct sq_smtp_pool *p = arg;
	struct sq_op *op;

	sq_lane_clock(p->lane);
	while ((op = d->waiting.head)) {
		queue_remove(&d->waiting, op);
		resolved(p, op);
	}
}

static void resolve(struct sq_smtp_pool *p, struct sq_op *op)
{
	char address[SQ_SMTP_ADDRESS_MAX + 1];
	uint64_t number = sq_smtp_pool_which(p, op).number;
	struct sq_smtp_op *m = sq_smtp_of(op);

	m->domain = sq_smtp_mx_ask(p->mx, sq_smtp_mail_domain(p->conf->mail, number, address));
	m->asked_ns = sq_lane_clock(p->lane);
	if (!m->domain) {
		sq_smtp_pool_fail(p, op, sq_code_errno(ENOBUFS), SQ_SMTP_RESOLVE);
	} else if (m->domain->state == SQ_SMTP_ASKED) {
		m->resolving = true;
		queue_add(&m->domain->waiting, op);
	} else {
		resolved(p, op);
	}
}

/* ---- for the driver ---- */

void sq_smtp_pool_add(struct sq_smtp_pool *p, struct sq_op *op)
{
	refresh_date(p);
	if (p->mx)
		resolve(p, op);
	else
		enqueue(p, op);
}

void sq_smtp_pool_end(struct sq_smtp_pool *p, struct sq_op *op, uint16_t code)
{
	struct sq_smtp_op *m = sq_smtp_of(op);
	struct sq_smtp_session *s = m->session;

	p->ending = p->ending || code == SQ_CODE_CANCELED;
	if (m->resolving) {
		queue_remove(&m->domain->waiting, op);
		sq_smtp_pool_fail(p, op, code, SQ_SMTP_RESOLVE);
	} else if (!s) {
		queue_remove(&p->queue, op);
		sq_smtp_pool_fail(p, op, code == SQ_CODE_TIMEOUT ? SQ_SMTP_NO_SESSION : code,
				  SQ_SMTP_NO_PHASE);
	} else if (s->ahead == op) {
		/* Its envelope is out: the session can't be used beyond the message before it. */
		s->ahead = NULL;
		s->doomed = true;
		sq_smtp_pool_fail(p, op, code, SQ_SMTP_MAIL);
	} else {
		sq_smtp_session_die(s, code);
	}
}

static size_t limit_of(const struct sq_lane *lane, const struct sq_smtp_conf *conf)
{
	int64_t threads = lane->load->spec->threads;

	return (size_t)((conf->connections + threads - 1) / threads);
}

/* What sessions of this lane have in common. */
static int connect_by(struct sq_smtp_pool *p, struct sq_err *err)
{
	const struct sq_smtp_conf *conf = p->conf;

	/* A socket is kept only where nobody can tell it from another one: of a list of sources each
	 * session must have its own, and exchangers may be of another family. */
	p->keeps = conf->deliver != SQ_SMTP_DELIVER_MX && p->lane->load->sources.count <= 1;
	p->kind.fin = p->kind.unwatched = true;
	if (conf->use_tls || conf->starttls_percent > 0) {
		p->tls = sq_tls_new(&conf->tls, NULL, err);
		if (!p->tls)
			return -EINVAL;
	}
	p->kind.tls = conf->use_tls ? p->tls : NULL;
	if (conf->deliver == SQ_SMTP_DELIVER_MX) {
		p->mx = sq_smtp_mx_new(p->lane, on_domain, p, err);
		if (!p->mx)
			return -EINVAL;
	}
	return 0;
}

int sq_smtp_pool_init(struct sq_smtp_pool *p, struct sq_lane *lane, struct sq_err *err)
{
	const struct sq_smtp_conf *conf = lane->conf;
	int rc;

	p->lane = lane;
	p->conf = conf;
	p->date_s = -1;
	lane->id = sq_rng_u64(&lane->rng);
	sq_smtp_mail_lane_init(&p->names, lane->id, lane->index);
	sq_smtp_mail_lane_date(&p->names, sq_wall_ns() / SQ_SEC);
	rc = connect_by(p, err);
	if (rc == 0)
		rc = sq_smtp_rest_init(p, err);
	if (rc < 0) {
		p->mx = sq_smtp_mx_free(p->mx);
		p->tls = sq_tls_free(p->tls);
		return rc;
	}
	p->limit = limit_of(lane, conf);
	p->sessions = sq_alloc_n(p->limit, sizeof(*p->sessions));
	for (size_t i = p->limit; i-- > 0;) {
		struct sq_smtp_session *s = &p->sessions[i];

		s->pool = p;
		s->stream.fd = -1;
		s->next = p->free;
		p->free = s;
	}
	return 0;
}

void sq_smtp_pool_fini(struct sq_smtp_pool *p)
{
	p->ending = true;
	sq_smtp_rest_end(p);
	for (size_t i = 0; i < p->limit; i++) {
		if (p->sessions[i].stream.state != SQ_STREAM_CLOSED)
			sq_smtp_session_close(&p->sessions[i]);
		sq_stream_reset(&p->sessions[i].stream); /* a socket that was kept */
		free(p->sessions[i].text);
	}
	free(p->sessions);
	p->mx = sq_smtp_mx_free(p->mx);
	p->tls = sq_tls_free(p->tls);
}
