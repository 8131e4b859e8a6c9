/* What the tests of the smtp driver share: a scripted SMTP server in a process of its own, and a
 * worker's run with the driver's counts.  Included by one test program each. */
#ifndef SQ_TESTS_UNIT_LOADGEN_SMTP_BENCH_H
#define SQ_TESTS_UNIT_LOADGEN_SMTP_BENCH_H

#include <netinet/tcp.h>
#include <sys/mman.h>

#include "loadgen/smtp/pool.h"
#include "scenarios/target.h"
#include "tests/unit/loadgen/bench.h"

/* ---- the server ---- */

enum {
	AT_BANNER,
	AT_HELO,
	AT_MAIL,
	AT_RCPT,
	AT_DATA,
	AT_BODY,
	AT_RSET,
	AT_QUIT,
	AT_AUTH,
	AT_TLS,
	AT_PLACES
};

/* Beside a reply's text, what a script can say. */
#define SAY_FIN   "<fin>"
#define SAY_RST   "<rst>"
#define SAY_STALL "<stall>"
#define SAY_SLOW  "<slow>"  /* the ordinary answer, a byte every 5 ms */
#define SAY_PART  "<part>"  /* the beginning of a reply, and no more */
#define SAY_FLOOD "<flood>" /* 4 MiB of one line that does not end */
#define SAY_DEAF  "<deaf>"  /* and never reads again */

struct smtpd_conn {
	int fd, n; /* n: its number, from 0 */
	int mails;
	bool in_mail, rcpt_ok, in_body, in_auth, stalled, quit, hasty, failed;
	size_t len;
	char bytes[8192];
};

/* Shared with the test. */
struct smtpd_seen {
	int connections, most_open, accepted, quits, rsets, helos, ehlos;
	int lhlos;
	int resets, fins;  /* how peers closed without QUIT */
	int at[AT_PLACES]; /* commands by place */
	int faults;        /* the script's own count */
	int most_mails;    /* on one connection */
	int64_t bytes;
	char last_mail[256], last_rcpt[256], ids[4096][48];
	char header[2048]; /* of the last message */
};

struct smtpd {
	/* NULL: the ordinary answer.  nth: of this place, from 0, over all connections. */
	const char *(*answer)(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			      const char *line);
	bool pipelining, drip; /* drip: replies byte by byte */
	int64_t delay_ns;      /* before each reply */
	int64_t idle_ns;   /* what befalls a connection that has been silent so long; 0: nothing */
	const char *idle;  /* NULL: FIN; a text, and after "421" a FIN too */
	const char *early; /* a reply to a text that is still being sent */
	bool leaves;       /* and closes behind it, though there is more to be read */
	struct smtpd_seen *seen;
	struct server server;
	struct smtpd_conn *conns[256];
	int64_t heard_ns[256];
	int n_conns;
};

static inline const char *smtpd_ordinary(const struct smtpd *d, int place)
{
	static const char *const texts[AT_PLACES] = {
		[AT_BANNER] = "220 scripted.test\r\n",  [AT_MAIL] = "250 2.1.0 Ok\r\n",
		[AT_RCPT] = "250 2.1.5 Ok\r\n",         [AT_DATA] = "354 End with a dot\r\n",
		[AT_BODY] = "250 2.0.0 Ok: taken\r\n",  [AT_RSET] = "250 2.0.0 Ok\r\n",
		[AT_QUIT] = "221 2.0.0 Bye\r\n",        [AT_AUTH] = "235 2.7.0 Welcome\r\n",
		[AT_TLS] = "502 5.5.1 No TLS here\r\n",
	};

	if (place == AT_HELO)
		return d->pipelining ? "250-scripted.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
				     : "250-scripted.test\r\n250 8BITMIME\r\n";
	return texts[place];
}

static inline void smtpd_say(const struct smtpd *d, const struct smtpd_conn *c, const char *text)
{
	size_t len = strlen(text), step = d->drip ? 1 : len;

	if (d->delay_ns)
		sq_sleep_until(sq_now_ns() + d->delay_ns);
	for (size_t at = 0; at < len; at += step) {
		if (send(c->fd, text + at, step, MSG_NOSIGNAL) == -1)
			return;
		if (d->drip)
			sq_sleep_until(sq_now_ns() + 50 * SQ_US);
	}
}

static inline void smtpd_say_slowly(const struct smtpd_conn *c, const char *text)
{
	for (; *text && send(c->fd, text, 1, MSG_NOSIGNAL) == 1; text++)
		sq_sleep_until(sq_now_ns() + 5 * SQ_MS);
}

static inline void smtpd_flood(const struct smtpd_conn *c)
{
	static char bytes[1 << 16];

	memset(bytes, '2', sizeof(bytes));
	for (int i = 0; i < 64; i++)
		if (send(c->fd, bytes, sizeof(bytes), MSG_NOSIGNAL) == -1)
			return;
}

/* False when the connection is over. */
static inline bool smtpd_answer(struct smtpd *d, struct smtpd_conn *c, int place, const char *line)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	const char *text = d->answer ? d->answer(d, c, place, d->seen->at[place], line) : NULL;
	bool slow;

	d->seen->at[place]++;
	if (!text && place == AT_DATA && !c->rcpt_ok)
		text = "554 5.5.1 No valid recipients\r\n";
	if (!text && place == AT_RCPT && !c->in_mail)
		text = "503 5.5.1 MAIL first\r\n";
	if (!text && place == AT_MAIL && c->in_mail)
		text = "503 5.5.1 Nested MAIL\r\n";
	if (!text)
		text = smtpd_ordinary(d, place);
	if (strcmp(text, SAY_PART) == 0)
		smtpd_say(d, c, "25");
	if (strcmp(text, SAY_PART) == 0 || strcmp(text, SAY_STALL) == 0 ||
	    strcmp(text, SAY_DEAF) == 0) {
		c->stalled = true;
		return true;
	}
	slow = strcmp(text, SAY_SLOW) == 0;
	if (slow)
		text = smtpd_ordinary(d, place);
	if (strcmp(text, SAY_FLOOD) == 0)
		smtpd_flood(c);
	if (strcmp(text, SAY_RST) == 0)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (text[0] == '<')
		return false;
	if (place == AT_MAIL && text[0] == '2')
		c->in_mail = true;
	if (place == AT_BODY || place == AT_RSET)
		c->in_mail = c->rcpt_ok = false;
	if (place == AT_RCPT && text[0] == '2')
		c->rcpt_ok = true;
	c->in_auth = place == AT_AUTH && strncmp(text, "334", 3) == 0;
	if (place == AT_DATA && text[0] == '3')
		c->in_body = true;
	if (place == AT_BODY && text[0] == '2') {
		d->seen->accepted++;
		if (++c->mails > d->seen->most_mails)
			d->seen->most_mails = c->mails;
	}
	if (slow)
		smtpd_say_slowly(c, text);
	else
		smtpd_say(d, c, text);
	return strncmp(text, "421", 3) != 0;
}

static inline void smtpd_note_message(struct smtpd *d, const char *text)
{
	const char *id = strstr(text, "\r\nX-Squall-Id: "), *end = strstr(text, "\r\n\r\n");
	int n = d->seen->at[AT_BODY];

	if (id && n < 4096)
		snprintf(d->seen->ids[n], sizeof(d->seen->ids[n]), "%.*s",
			 (int)strcspn(id + 15, "\r"), id + 15);
	if (end)
		snprintf(d->seen->header, sizeof(d->seen->header), "%.*s", (int)(end + 4 - text),
			 text);
}

static inline bool smtpd_line(struct smtpd *d, struct smtpd_conn *c, char *line)
{
	static const struct {
		const char *verb;
		int place;
	} verbs[] = { { "EHLO", AT_HELO }, { "HELO", AT_HELO }, { "LHLO", AT_HELO },
		      { "AUTH", AT_AUTH }, { "STAR", AT_TLS },  { "MAIL", AT_MAIL },
		      { "RCPT", AT_RCPT }, { "DATA", AT_DATA }, { "RSET", AT_RSET },
		      { "QUIT", AT_QUIT } };

	d->seen->ehlos += strncmp(line, "EHLO", 4) == 0;
	d->seen->helos += strncmp(line, "HELO", 4) == 0;
	d->seen->lhlos += strncmp(line, "LHLO", 4) == 0;
	if (c->in_auth)
		return smtpd_answer(d, c, AT_AUTH, line);
	d->seen->rsets += strncmp(line, "RSET", 4) == 0;
	if (strncmp(line, "MAIL", 4) == 0)
		snprintf(d->seen->last_mail, sizeof(d->seen->last_mail), "%.255s", line);
	if (strncmp(line, "RCPT", 4) == 0)
		snprintf(d->seen->last_rcpt, sizeof(d->seen->last_rcpt), "%.255s", line);
	if (strncmp(line, "QUIT", 4) == 0) {
		d->seen->quits++;
		c->quit = true;
		smtpd_answer(d, c, AT_QUIT, line);
		return c->stalled;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strncmp(line, verbs[i].verb, 4) == 0)
			return smtpd_answer(d, c, verbs[i].place, line);
	smtpd_say(d, c, "500 what\r\n");
	return true;
}

/* All that is whole of what was read; large texts are let go of but for their end. */
static inline bool smtpd_take(struct smtpd *d, struct smtpd_conn *c)
{
	char *end;

	for (;;) {
		size_t used;
		bool empty = c->in_body && strncmp(c->bytes, ".\r\n", 3) == 0;

		c->bytes[c->len] = '\0';
		end = empty ? c->bytes : strstr(c->bytes, c->in_body ? "\r\n.\r\n" : "\r\n");
		if (!end) {
			if (c->in_body && c->len > 6000) {
				if (d->early && !c->hasty)
					smtpd_say(d, c, d->early);
				if (d->early && d->leaves)
					return false;
				c->hasty = true;
				smtpd_note_message(d, c->bytes);
				memmove(c->bytes + 2048, c->bytes + c->len - 8, 8);
				c->len = 2056;
			}
			return true;
		}
		used = (size_t)(end - c->bytes) + (empty ? 3 : c->in_body ? 5 : 2);
		if (c->in_body) {
			c->in_body = false;
			smtpd_note_message(d, c->bytes);
			if (!smtpd_answer(d, c, AT_BODY, ""))
				return false;
		} else {
			*end = '\0';
			if (!smtpd_line(d, c, c->bytes))
				return false;
		}
		if (c->stalled)
			return true;
		c->len -= used;
		memmove(c->bytes, c->bytes + used, c->len);
	}
}

static inline bool smtpd_read(struct smtpd *d, struct smtpd_conn *c)
{
	ssize_t n = recv(c->fd, c->bytes + c->len, sizeof(c->bytes) - 1 - c->len, 0);

	if (n <= 0) {
		d->seen->resets += n < 0 && !c->quit;
		d->seen->fins += n == 0 && !c->quit;
		return false;
	}
	d->seen->bytes += n;
	c->len += (size_t)n;
	if (c->stalled) {
		c->len = 0;
		return true;
	}
	return smtpd_take(d, c);
}

static inline void smtpd_drop(struct smtpd *d, int i)
{
	close(d->conns[i]->fd);
	free(d->conns[i]);
	d->n_conns--;
	d->conns[i] = d->conns[d->n_conns];
	d->heard_ns[i] = d->heard_ns[d->n_conns];
}

static inline void smtpd_accept(struct smtpd *d)
{
	int fd, one = 1;

	while (d->n_conns < 256 && (fd = accept4(d->server.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct smtpd_conn *c = calloc(1, sizeof(*c));

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		c->n = d->seen->connections++;
		d->heard_ns[d->n_conns] = sq_now_ns();
		d->conns[d->n_conns++] = c;
		if (d->n_conns > d->seen->most_open)
			d->seen->most_open = d->n_conns;
		if (!smtpd_answer(d, c, AT_BANNER, ""))
			smtpd_drop(d, d->n_conns - 1);
	}
}

/* False when the connection is over. */
static inline bool smtpd_idle(struct smtpd *d, int i)
{
	if (d->idle_ns == 0 || sq_now_ns() - d->heard_ns[i] < d->idle_ns)
		return true;
	d->heard_ns[i] = sq_now_ns();
	if (!d->idle)
		return false;
	smtpd_say(d, d->conns[i], d->idle);
	return strncmp(d->idle, "421", 3) != 0;
}

static inline void smtpd_serve(int listener, void *arg)
{
	struct smtpd *d = arg;

	for (;;) {
		struct pollfd fds[257] = { { .fd = listener, .events = POLLIN } };
		int n = d->n_conns;

		for (int i = 0; i < n; i++)
			fds[i + 1] = (struct pollfd){ .fd = d->conns[i]->fd, .events = POLLIN };
		poll(fds, (nfds_t)n + 1, d->idle_ns ? 5 : -1);
		for (int i = n; i-- > 0;) {
			if (fds[i + 1].revents)
				d->heard_ns[i] = sq_now_ns();
			if (fds[i + 1].revents ? !smtpd_read(d, d->conns[i]) : !smtpd_idle(d, i))
				smtpd_drop(d, i);
		}
		smtpd_accept(d);
	}
}

static inline void smtpd_start(struct smtpd *d)
{
	d->seen = mmap(NULL, sizeof(*d->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_true(d->seen != MAP_FAILED);
	d->server = server_listen(4096);
	server_fork(&d->server, smtpd_serve, d);
}

/* What it saw stays until the test ends. */
static inline void smtpd_stop(struct smtpd *d)
{
	sq_sleep_until(sq_now_ns() + 20 * SQ_MS); /* what was said last is read */
	server_stop(&d->server);
}

/* ---- the run ---- */

struct smtp_bench {
	struct bench b;
	json_t *counts, *phases; /* phases: how many latencies of each */
	const struct sq_driver *driver;
	struct sq_gate *gate;
};

/* What prepare says. */
static inline int smtp_bench_init(struct smtp_bench *s, const struct smtpd *d, const char *conf)
{
	const struct sq_kind *kind = bench_kind("smtp");
	struct sq_err err = { 0 };
	int rc;

	bench_plan(&s->b, kind, conf, &d->server.addr, sizeof(d->server.addr));
	s->b.spec.threads = 1;
	s->b.spec.duration_ns = 20 * SQ_SEC;
	s->b.spec.timeout_ns = 5 * SQ_SEC;
	s->driver = sq_driver_of(kind);
	rc = s->driver->prepare(s->b.spec.driver.conf, &s->b.load, &err);
	if (rc < 0)
		printf("  %s: %s\n", err.where, err.text);
	s->counts = json_object();
	s->phases = json_object();
	s->gate = sq_gate_new();
	s->b.load.gate = s->gate;
	return rc;
}

static inline void smtp_bench_fini(struct smtp_bench *s)
{
	s->driver->release(s->b.spec.driver.conf);
	sq_opt_fini(s->driver->kind.opts, s->b.spec.driver.conf);
	bench_fini(&s->b);
	json_decref(s->counts);
	json_decref(s->phases);
	sq_gate_free(s->gate);
}

static inline void smtp_add(json_t *to, const char *key, json_int_t n)
{
	n += json_integer_value(json_object_get(to, key));
	json_object_set_new(to, key, json_integer(n));
}

static inline int smtp_record(json_t *r, void *arg, struct sq_err *err)
{
	struct smtp_bench *s = arg;
	const char *key;
	json_t *v;

	json_object_foreach(json_object_get(r, "counts"), key, v)
		smtp_add(s->counts, key, json_integer_value(v));
	json_object_foreach(json_object_get(json_object_get(r, "hist"), "phases"), key, v) {
		struct sq_hist *h = sq_hist_new(SQ_HIST_FINE);

		assert_int_equal(sq_hist_merge_json(h, v), 0);
		smtp_add(s->phases, key, (json_int_t)sq_hist_count(h));
		sq_hist_free(h);
	}
	return bench_record(r, &s->b, err);
}

static inline int64_t smtp_count(const struct smtp_bench *s, const char *key)
{
	return json_integer_value(json_object_get(s->counts, key));
}

static inline int64_t smtp_phase(const struct smtp_bench *s, const char *key)
{
	return json_integer_value(json_object_get(s->phases, key));
}

static inline int64_t smtp_n(const struct smtp_bench *s, const char *key)
{
	return bench_n(&s->b, key);
}

/* bench_run, with the counts. */
static inline void smtp_run(struct smtp_bench *s)
{
	bench_run_with(&s->b, smtp_record, s);
}

static inline void smtp_run_done(struct smtp_bench *s)
{
	char *counts;

	smtp_run(s);
	counts = json_dumps(s->counts, JSON_COMPACT | JSON_SORT_KEYS);
	printf("  %s\n", counts);
	free(counts);
	bench_check(&s->b);
}

/* A closed loop of one message after the other, `at_once` of them side by side. */
static inline void smtp_closed(struct smtp_bench *s, int64_t count, int64_t at_once)
{
	s->b.spec.arrivals.closed = at_once;
	s->b.spec.count = count;
}

/* A run of that against that server, which is there for it alone. */
static inline void smtp_meet(struct smtp_bench *s, struct smtpd *d, const char *conf, int64_t count,
			     int64_t at_once)
{
	smtpd_start(d);
	assert_int_equal(smtp_bench_init(s, d, conf), 0);
	smtp_closed(s, count, at_once);
	smtp_run_done(s);
	smtpd_stop(d);
}

#endif
