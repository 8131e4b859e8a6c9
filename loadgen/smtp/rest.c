/* Two lists, each in the order of its deadlines, since a wait is the same for all in it; so one timer
 * serves both, set for the earlier of their heads. */
#include "loadgen/smtp/rest.h"

#include <sys/epoll.h>

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

/* How long the end of a run waits for the answers to its QUITs. */
#define GOODBYE_NS (200 * SQ_MS)

static void on_timer(uv_timer_t *timer);

static void arm(struct sq_smtp_pool *p, int64_t at_ns)
{
	int64_t left = at_ns - sq_lane_now(p->lane);

	if (at_ns >= p->timer_at_ns)
		return;
	p->timer_at_ns = at_ns;
	uv_timer_start(&p->timer, on_timer, left > 0 ? (uint64_t)(left / SQ_MS + 1) : 0, 0);
}

static void list_add(struct sq_smtp_list *list, struct sq_smtp_session *s)
{
	s->list = list;
	s->listed_ns = sq_lane_now(s->pool->lane);
	s->next = NULL;
	s->prev = list->tail;
	*(list->tail ? &list->tail->next : &list->head) = s;
	list->tail = s;
}

void sq_smtp_rest_leave(struct sq_smtp_session *s)
{
	if (!s->list)
		return;
	*(s->prev ? &s->prev->next : &s->list->head) = s->next;
	*(s->next ? &s->next->prev : &s->list->tail) = s->prev;
	s->list = NULL;
}

static int64_t owing_ns(const struct sq_smtp_pool *p)
{
	return p->lane->load->spec->timeout_ns;
}

void sq_smtp_rest_owing(struct sq_smtp_session *s)
{
	struct sq_smtp_pool *p = s->pool;

	sq_smtp_rest_leave(s);
	list_add(&p->owing, s);
	arm(p, s->listed_ns + owing_ns(p));
}

void sq_smtp_rest_idle(struct sq_smtp_session *s)
{
	struct sq_smtp_pool *p = s->pool;

	sq_smtp_rest_leave(s);
	list_add(&p->idle, s);
	arm(p, s->listed_ns + p->conf->keep_ns);
}

static void on_timer(uv_timer_t *timer)
{
	struct sq_smtp_pool *p = timer->data;
	struct sq_smtp_session *s;
	int64_t now = sq_lane_clock(p->lane);

	while ((s = p->idle.head) && s->listed_ns + p->conf->keep_ns <= now)
		sq_smtp_dialog_quit(s);
	while ((s = p->owing.head) && s->listed_ns + owing_ns(p) <= now)
		sq_smtp_session_die(s, SQ_CODE_TIMEOUT);
	p->timer_at_ns = SQ_NEVER;
	if (p->idle.head)
		arm(p, p->idle.head->listed_ns + p->conf->keep_ns);
	if (p->owing.head)
		arm(p, p->owing.head->listed_ns + owing_ns(p));
}

int sq_smtp_rest_init(struct sq_smtp_pool *p, struct sq_err *err)
{
	int rc = uv_timer_init(p->lane->loop, &p->timer);

	if (rc < 0)
		return sq_err_set(err, rc, p->lane->load->spec->name, "timer: %s", uv_strerror(rc));
	p->timer.data = p;
	p->timer_at_ns = SQ_NEVER;
	return 0;
}

/* ---- the end ---- */

/* Waits for what the sessions that are left have to say; false when that is over. */
static bool hear(struct sq_smtp_pool *p, struct pollfd *fds, int64_t left_ns)
{
	struct timespec ts = { .tv_nsec = left_ns };
	struct sq_smtp_session *s, *next;
	nfds_t n = 0, i = 0;

	for (s = p->owing.head; s; s = s->next)
		fds[n++] = (struct pollfd){ .fd = s->stream.fd, .events = POLLIN };
	if (n == 0 || left_ns <= 0 || ppoll(fds, n, &ts, NULL) <= 0)
		return false;
	/* One that goes on owing stands at the list's end again, behind these. */
	for (s = p->owing.head; i < n; s = next, i++) {
		next = s->next;
		if (fds[i].revents)
			sq_smtp_session_input(s, EPOLLIN);
	}
	return true;
}

void sq_smtp_rest_end(struct sq_smtp_pool *p)
{
	struct pollfd *fds = sq_alloc_n(p->limit, sizeof(*fds));
	int64_t until_ns;

	while (p->idle.head)
		sq_smtp_dialog_quit(p->idle.head);
	until_ns = sq_lane_clock(p->lane) + GOODBYE_NS;
	while (hear(p, fds, until_ns - sq_lane_clock(p->lane)))
		;
	free(fds);
	uv_close((uv_handle_t *)&p->timer, NULL);
}
