/* c-ares in a lane's loop: its sockets are watched by uv_poll, its time-outs by one timer.
 *
 * What a reader would get wrong: c-ares takes SERVFAIL and REFUSED for a reason to ask the next
 * server, and loses the word on the way; ARES_FLAG_NOCHECKRESP makes it say what was answered.  And
 * what is in the loop is closed by the loop: the memory goes when libuv says so. */
#include "loadgen/smtp/resolver.h"

#include <netinet/in.h>
#include <sys/time.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/mem.h"

enum { TRY_MS = 2000, TRIES = 3 };

struct watched { /* a socket of c-ares's */
	uv_poll_t poll;
	struct sq_smtp_resolver *r;
	int fd;
	struct watched *next;
};

struct sq_smtp_resolver {
	struct sq_lane *lane;
	ares_channel channel;
	uv_timer_t timer;
	struct watched *sockets;
};

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

static void arm(struct sq_smtp_resolver *r)
{
	struct timeval tv, *wait = ares_timeout(r->channel, NULL, &tv);

	if (wait)
		uv_timer_start(&r->timer, on_timer,
			       (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1,
			       0);
	else
		uv_timer_stop(&r->timer);
}

static void on_timer(uv_timer_t *timer)
{
	struct sq_smtp_resolver *r = timer->data;

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(r);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watched *sock = poll->data;
	struct sq_smtp_resolver *r = sock->r;
	int fd = sock->fd; /* processing may close it */

	ares_process_fd(r->channel, status < 0 || events & UV_READABLE ? fd : ARES_SOCKET_BAD,
			status < 0 || events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
	arm(r);
}

static void free_socket(uv_handle_t *poll)
{
	free(poll->data);
}

static struct watched *socket_of(struct sq_smtp_resolver *r, int fd)
{
	struct watched *sock = r->sockets;

	while (sock && sock->fd != fd)
		sock = sock->next;
	if (sock)
		return sock;
	sock = sq_alloc(sizeof(*sock));
	if (uv_poll_init(r->lane->loop, &sock->poll, fd) < 0) {
		free(sock);
		return NULL; /* never read: the look-up times out */
	}
	sock->poll.data = sock;
	sock->r = r;
	sock->fd = fd;
	sock->next = r->sockets;
	r->sockets = sock;
	return sock;
}

/* Called before c-ares closes the descriptor. */
static void socket_drop(struct sq_smtp_resolver *r, int fd)
{
	struct watched **at = &r->sockets, *sock;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	sock = *at;
	if (!sock)
		return;
	*at = sock->next;
	uv_close((uv_handle_t *)&sock->poll, free_socket);
}

static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct sq_smtp_resolver *r = data;
	struct watched *sock;

	if (!readable && !writable) {
		socket_drop(r, fd);
		return;
	}
	sock = socket_of(r, fd);
	if (sock)
		uv_poll_start(&sock->poll,
			      (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

/* ---- made and unmade ---- */

in_port_t sq_smtp_port(const struct sq_target *t)
{
	const struct sockaddr *any = (const struct sockaddr *)&t->addr;

	if (any->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)any)->sin6_port);
	return ntohs(((const struct sockaddr_in *)any)->sin_port);
}

static int set_server(ares_channel channel, const struct sq_target *t)
{
	struct ares_addr_port_node node = { .family = t->addr.ss_family };
	const struct sockaddr_in *in = (const struct sockaddr_in *)&t->addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&t->addr;

	node.udp_port = node.tcp_port = sq_smtp_port(t);
	if (t->addr.ss_family == AF_INET)
		node.addr.addr4 = in->sin_addr;
	else
		memcpy(&node.addr.addr6, &in6->sin6_addr, sizeof(node.addr.addr6));
	return ares_set_servers_ports(channel, &node);
}

/* Questions come from the load's first source. */
static void set_source(ares_channel channel, const struct sq_load_plan *load)
{
	struct sq_ip first;
	uint32_t v4;

	if (load->sources.count == 0)
		return;
	first = sq_sources_nth(&load->sources, 0);
	memcpy(&v4, first.bytes, sizeof(v4));
	if (first.family == AF_INET)
		ares_set_local_ip4(channel, ntohl(v4));
	else
		ares_set_local_ip6(channel, first.bytes);
}

/* Nothing of this machine's own resolver: no resolv.conf, no hosts file, no search list. */
static int channel_open(struct sq_smtp_resolver *r)
{
	struct ares_options options = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
						 ARES_FLAG_NOCHECKRESP,
					.timeout = TRY_MS,
					.tries = TRIES,
					.lookups = (char *)"b",
					.resolvconf_path = (char *)"/dev/null",
					.sock_state_cb = on_socket_state,
					.sock_state_cb_data = r };
	int rc = ares_init_options(&r->channel, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					   ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF |
					   ARES_OPT_SOCK_STATE_CB);

	if (rc != ARES_SUCCESS)
		return rc;
	set_source(r->channel, r->lane->load);
	rc = set_server(r->channel, &r->lane->load->resolver);
	if (rc != ARES_SUCCESS)
		ares_destroy(r->channel);
	return rc;
}

struct sq_smtp_resolver *sq_smtp_resolver_new(struct sq_lane *lane, struct sq_err *err)
{
	const char *name = lane->load->spec->name;
	struct sq_smtp_resolver *r;
	int rc;

	if (lane->load->resolver.len == 0) {
		sq_err_set(err, -EINVAL, name,
			   "deliver \"mx\" looks domains up; give the load a resolver");
		return NULL;
	}
	r = sq_alloc(sizeof(*r));
	r->lane = lane;
	rc = channel_open(r);
	if (rc != ARES_SUCCESS) {
		sq_err_set(err, -EIO, name, "c-ares: %s", ares_strerror(rc));
		free(r);
		return NULL;
	}
	uv_timer_init(lane->loop, &r->timer); /* never fails */
	r->timer.data = r;
	return r;
}

static void free_resolver(uv_handle_t *timer)
{
	free(timer->data);
}

struct sq_smtp_resolver *sq_smtp_resolver_free(struct sq_smtp_resolver *r)
{
	if (!r)
		return NULL;
	ares_destroy(r->channel);
	uv_close((uv_handle_t *)&r->timer, free_resolver);
	return NULL;
}

ares_channel sq_smtp_resolver_channel(const struct sq_smtp_resolver *r)
{
	return r->channel;
}

void sq_smtp_resolver_asked(struct sq_smtp_resolver *r)
{
	arm(r);
}
