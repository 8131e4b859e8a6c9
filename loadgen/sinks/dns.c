/* The DNS sink: a UDP server that answers every question alike, with programmed faults.
 *
 * One thread and one loop: send the delayed answers that are due, read what may be read, answer it,
 * wait.  Queries are read in batches; an answer without delay leaves before the next batch is read.
 * What is answered is decided in loadgen/dns/sink_answer.c, when to read in sink_pace.c.
 *
 * A reader would get wrong: capacity and pause leave queries in the socket's receive buffer rather
 * than take and keep them, since that is what a slow server does: what overflows is the kernel's to
 * drop and to count.  And the waiting is timed by a timerfd, not by ppoll's own timeout, to which
 * the kernel adds a slack of 0.1 %: 50 us for an answer that is due in 50 ms. */
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/dns/sink_answer.h"
#include "loadgen/dns/sink_conf.h"
#include "loadgen/dns/sink_counts.h"
#include "loadgen/dns/sink_pace.h"
#include "loadgen/dns/sink_send.h"
#include "loadgen/engine/listen.h"
#include "loadgen/engine/sink.h"

enum {
	DNS_BATCH = 64,
	DNS_QUERY_MAX = 2048, /* what is longer is no query that anybody sends */
};

struct dns_batch {
	struct mmsghdr msg[DNS_BATCH];
	struct iovec bytes[DNS_BATCH];
	struct sq_dns_path path[DNS_BATCH];
	uint8_t data[DNS_BATCH][DNS_QUERY_MAX];
};

struct dns_state {
	const struct sq_dns_sink_conf *conf;
	int fd, timer_fd;
	int64_t timer_ns; /* what the timer is set to; SQ_NEVER: off */
	struct sq_dns_pace pace;
	struct sq_dns_answerer answerer;
	struct sq_dns_queue now, later;
	struct sq_dns_sender sender;
	struct sq_dns_sink_counts seen;
	struct dns_batch batch;
};

/* ---- the socket ---- */

static int buffer_size(int fd, int option)
{
	int size = 0;
	socklen_t len = sizeof(size);

	getsockopt(fd, SOL_SOCKET, option, &size, &len);
	return size;
}

static int fail_socket(const char *what, struct sq_err *err)
{
	return sq_err_set(err, -errno, "sink dns", "cannot %s: %s", what, strerrordesc_np(errno));
}

static int flag_set(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

/* Bound to all addresses: a reply must leave from the one that was asked, which the kernel tells
 * of each query when it is told to. */
static int path_ask(int fd, struct sq_err *err)
{
	struct sq_dns_path bound = { .peer_len = sizeof(bound.peer) };
	bool v6, all;

	if (getsockname(fd, &bound.peer.any, &bound.peer_len) == -1)
		return fail_socket("tell the socket's address", err);
	v6 = bound.peer.any.sa_family == AF_INET6;
	all = v6 ? IN6_IS_ADDR_UNSPECIFIED(&bound.peer.v6.sin6_addr)
		 : bound.peer.v4.sin_addr.s_addr == htonl(INADDR_ANY);
	if (!all || (v6 ? flag_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO)
			: flag_set(fd, IPPROTO_IP, IP_PKTINFO)) == 0)
		return 0;
	return fail_socket("learn which address is asked", err);
}

/* An IPv6 socket answers IPv4 peers too, whose errors have their own option. */
static int errors_ask(int fd, struct sq_err *err)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
	    flag_set(fd, IPPROTO_IP, IP_RECVERR) == 0 &&
	    (addr.ss_family == AF_INET || flag_set(fd, IPPROTO_IPV6, IPV6_RECVERR) == 0))
		return 0;
	return fail_socket("ask for errors", err);
}

static int socket_prepare(struct dns_state *d, struct sq_err *err)
{
	int rc = sq_listen_buffer(d->fd, true, d->conf->receive_buffer, "sink dns: receive_buffer",
				  err);

	if (rc == 0)
		rc = sq_listen_buffer(d->fd, false, d->conf->send_buffer, "sink dns: send_buffer",
				      err);
	if (rc == 0)
		rc = path_ask(d->fd, err);
	if (rc == 0 && d->conf->recverr)
		rc = errors_ask(d->fd, err);
	return rc;
}

/* ---- reading and answering ---- */

static unsigned batch_read(struct dns_state *d, unsigned max)
{
	struct dns_batch *b = &d->batch;
	int n;

	for (unsigned i = 0; i < max; i++) {
		b->bytes[i] = (struct iovec){ b->data[i], sizeof(b->data[i]) };
		b->msg[i].msg_hdr = (struct msghdr){
			.msg_name = &b->path[i].peer,
			.msg_namelen = sizeof(b->path[i].peer),
			.msg_iov = &b->bytes[i],
			.msg_iovlen = 1,
			.msg_control = &b->path[i].control,
			.msg_controllen = sizeof(b->path[i].control),
		};
	}
	n = recvmmsg(d->fd, b->msg, max, MSG_DONTWAIT, NULL);
	return n == -1 ? 0 : (unsigned)n;
}

static void query_answer(struct dns_state *d, unsigned i, int64_t now_ns)
{
	struct dns_batch *b = &d->batch;
	struct sq_dns_path *path = &b->path[i];
	uint8_t bytes[SQ_DNS_ANSWER_MAX];
	struct sq_dns_answer answer =
		sq_dns_answer(&d->answerer, b->data[i], b->msg[i].msg_len, bytes);
	struct sq_dns_queue *queue = answer.delayed ? &d->later : &d->now;
	struct sq_dns_reply *reply;

	if (answer.len == 0)
		return;
	path->peer_len = b->msg[i].msg_hdr.msg_namelen;
	sq_dns_path_turn(path, b->msg[i].msg_hdr.msg_controllen);
	reply = sq_dns_queue_room(queue);
	reply->due_ns = answer.delayed ? now_ns + d->conf->delay_ns : now_ns;
	reply->path = *path;
	reply->answer = answer;
	memcpy(reply->bytes, bytes, answer.len);
	sq_dns_queue_put(queue);
}

static void queries_take(struct dns_state *d)
{
	unsigned room = sq_dns_pace_room(&d->pace, sq_now_ns(), DNS_BATCH), n;
	int64_t now_ns;

	if (room == 0)
		return;
	n = batch_read(d, room);
	now_ns = sq_now_ns();
	sq_dns_pace_took(&d->pace, now_ns, room, n);
	for (unsigned i = 0; i < n; i++)
		query_answer(d, i, now_ns);
	sq_dns_queue_send(&d->now, &d->sender, now_ns);
}

static void waiting_count(struct dns_state *d)
{
	int64_t waiting = (int64_t)(d->later.in - d->later.out);

	atomic_store_explicit(&d->seen.waiting, waiting, memory_order_relaxed);
}

/* ---- waiting ---- */

static void timer_set(struct dns_state *d, int64_t when_ns)
{
	struct itimerspec when = { .it_value = { 0 } };

	if (when_ns == d->timer_ns)
		return;
	if (when_ns != SQ_NEVER)
		when.it_value = (struct timespec){ when_ns / SQ_SEC, when_ns % SQ_SEC };
	d->timer_ns = when_ns;
	timerfd_settime(d->timer_fd, TFD_TIMER_ABSTIME, &when,
			NULL); /* what expired is forgotten */
}

/* When there is something to do that no datagram tells of. */
static int64_t wake_next(const struct dns_state *d, bool paused)
{
	int64_t later_ns = sq_dns_queue_due(&d->later), read_ns = SQ_NEVER;

	if (paused)
		return d->pace.pause_end_ns;
	if (!d->pace.idle)
		read_ns = sq_dns_pace_due(&d->pace);
	return later_ns < read_ns ? later_ns : read_ns;
}

/* False when the sink is to stop. */
static bool dns_wait(struct dns_state *d, int stop_fd, bool paused)
{
	struct pollfd fds[] = {
		{ .fd = stop_fd, .events = POLLIN },
		{ .fd = d->fd, .events = d->pace.idle && !paused ? POLLIN : 0 },
		{ .fd = d->timer_fd, .events = POLLIN },
	};
	int64_t wake_ns = wake_next(d, paused);
	bool at_once = wake_ns <= sq_now_ns();

	if (!at_once)
		timer_set(d, wake_ns);
	if (poll(fds, sizeof(fds) / sizeof(*fds), at_once ? 0 : -1) <= 0)
		return true;
	if (fds[1].revents & POLLERR)
		sq_dns_errors_take(d->fd, &d->seen);
	if (fds[1].revents & POLLIN)
		sq_dns_pace_wake(&d->pace, sq_now_ns());
	return fds[0].revents == 0;
}

static int dns_serve(void *state, int stop_fd, struct sq_err *err)
{
	struct dns_state *d = state;
	bool paused;

	(void)err;
	do {
		int64_t now_ns = sq_now_ns();

		paused = sq_dns_pace_paused(&d->pace, now_ns);
		if (!paused) {
			sq_dns_queue_send(&d->later, &d->sender, now_ns);
			queries_take(d);
			waiting_count(d);
		}
	} while (dns_wait(d, stop_fd, paused));
	return 0;
}

/* ---- the sink ---- */

static void dns_close(void *state)
{
	struct dns_state *d = state;

	sq_dns_answerer_fini(&d->answerer);
	sq_dns_queue_fini(&d->now);
	sq_dns_queue_fini(&d->later);
	if (d->timer_fd >= 0)
		close(d->timer_fd);
	if (d->fd >= 0)
		close(d->fd);
}

static int dns_open(void *state, const void *conf, struct sq_err *err)
{
	struct dns_state *d = state;
	int rc;

	d->conf = conf;
	d->fd = d->timer_fd = -1;
	d->timer_ns = SQ_NEVER;
	rc = sq_dns_pace_init(&d->pace, conf, err);
	if (rc == 0)
		rc = sq_dns_answerer_init(&d->answerer, conf, &d->seen, err);
	if (rc < 0)
		return rc;
	rc = d->fd = sq_listen_open(d->conf->listen, SOCK_DGRAM, 0, err);
	d->sender = (struct sq_dns_sender){ .fd = d->fd,
					    .recverr = d->conf->recverr,
					    .seen = &d->seen };
	if (rc >= 0)
		rc = socket_prepare(d, err);
	if (rc >= 0) {
		d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
		if (d->timer_fd == -1)
			rc = fail_socket("make a timer", err);
	}
	if (rc < 0)
		dns_close(d);
	return rc;
}

static json_t *dns_counts(const void *state)
{
	const struct dns_state *d = state;
	json_t *counts = json_object();
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(memory);
	char listen[SQ_LISTEN_TEXT];

	sq_listen_text(d->fd, listen);
	json_object_set_new(counts, "sink", json_string("dns"));
	json_object_set_new(counts, "listen", json_string(listen));
	json_object_update_new(counts, sq_dns_sink_counts_json(&d->seen));
	json_object_set_new(counts, "receive_buffer", json_integer(buffer_size(d->fd, SO_RCVBUF)));
	json_object_set_new(counts, "send_buffer", json_integer(buffer_size(d->fd, SO_SNDBUF)));
	/* The kernel's own word of this socket: datagrams that found no room, and what waits. */
	if (getsockopt(d->fd, SOL_SOCKET, SO_MEMINFO, memory, &len) == 0) {
		json_object_set_new(counts, "receive_drops",
				    json_integer(memory[SK_MEMINFO_DROPS]));
		json_object_set_new(counts, "receive_queue_bytes",
				    json_integer(memory[SK_MEMINFO_RMEM_ALLOC]));
	}
	return counts;
}

const struct sq_sink sq_sink_dns = {
	.kind = { .name = "dns",
		  .summary =
			  "answers every question alike over UDP; slow, lossy or wrong, on request",
		  .opts = sq_dns_sink_opts,
		  .conf_size = sizeof(struct sq_dns_sink_conf) },
	.state_size = sizeof(struct dns_state),
	.open = dns_open,
	.serve = dns_serve,
	.counts = dns_counts,
	.close = dns_close,
};
