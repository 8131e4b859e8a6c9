/* c-ares in a lane's loop: its sockets are watched by uv_poll, its time-outs by one timer.
 *
 * What a reader would get wrong: ares_timeout() walks all that is under way, so it is asked when the
 * timer has fired, not at each question: no time-out is shorter than the first one, and a timer that
 * fires too early costs one look.  And what is in the loop is closed by the loop: the memory goes
 * when libuv says so. */
#include "loadgen/engine/ares.h"

#include <netinet/in.h>
#include <sys/time.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/mem.h"

struct watched { /* a socket of c-ares's */
	uv_poll_t poll;
	struct sq_ares *r;
	int fd;
	struct watched *next;
};

struct sq_ares {
	struct sq_lane *lane;
	ares_channel channel;
	uv_timer_t timer;
	uint64_t try_ms; /* the first time-out, so the shortest */
	struct watched *sockets;
};

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

/* For the next time-out of all. */
static void arm(struct sq_ares *r)
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
	struct sq_ares *r = timer->data;

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(r);
}

void sq_ares_asked(struct sq_ares *r)
{
	if (!uv_is_active((const uv_handle_t *)&r->timer) ||
	    uv_timer_get_due_in(&r->timer) > r->try_ms + 1)
		uv_timer_start(&r->timer, on_timer, r->try_ms + 1, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watched *sock = poll->data;
	struct sq_ares *r = sock->r;
	int fd = sock->fd; /* processing may close it */

	ares_process_fd(r->channel, status < 0 || events & UV_READABLE ? fd : ARES_SOCKET_BAD,
			status < 0 || events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
	sq_ares_asked(r); /* it may have asked another server */
}

static void free_socket(uv_handle_t *poll)
{
	free(poll->data);
}

static struct watched *socket_of(struct sq_ares *r, int fd)
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
static void socket_drop(struct sq_ares *r, int fd)
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
	struct sq_ares *r = data;
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

static struct ares_addr_port_node node_of(const struct sq_target *t)
{
	struct ares_addr_port_node node = { .family = t->addr.ss_family };
	const struct sockaddr_in *in = (const struct sockaddr_in *)&t->addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&t->addr;

	node.udp_port = node.tcp_port = sq_target_port(t);
	if (t->addr.ss_family == AF_INET)
		node.addr.addr4 = in->sin_addr;
	else
		memcpy(&node.addr.addr6, &in6->sin6_addr, sizeof(node.addr.addr6));
	return node;
}

static int set_servers(ares_channel channel, const struct sq_target *servers, size_t n)
{
	struct ares_addr_port_node *nodes = sq_alloc_n(n, sizeof(*nodes));
	int rc;

	for (size_t i = 0; i < n; i++) {
		nodes[i] = node_of(&servers[i]);
		nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
	}
	rc = ares_set_servers_ports(channel, nodes);
	free(nodes);
	return rc;
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

/* Nothing of this machine's own resolver: no resolv.conf, no hosts file, no search list.  (Its
 * RES_OPTIONS can't change what is set here.) */
static int channel_open(struct sq_ares *r, const struct sq_ares_spec *spec)
{
	struct ares_options options = { .flags = spec->flags | ARES_FLAG_NOSEARCH |
						 ARES_FLAG_NOALIASES,
					.timeout = spec->try_ms,
					.tries = spec->tries,
					.ednspsz = spec->edns_size,
					.lookups = (char *)"b",
					.resolvconf_path = (char *)"/dev/null",
					.sock_state_cb = on_socket_state,
					.sock_state_cb_data = r };
	int rc = ares_init_options(&r->channel, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					   ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS |
					   ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB |
					   (spec->rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE));

	if (rc != ARES_SUCCESS)
		return rc;
	set_source(r->channel, r->lane->load);
	if (spec->sockets)
		ares_set_socket_functions(r->channel, spec->sockets, spec->sockets_arg);
	rc = set_servers(r->channel, spec->servers, spec->n_servers);
	if (rc != ARES_SUCCESS)
		ares_destroy(r->channel);
	return rc;
}

int sq_ares_library(const char *where, struct sq_err *err)
{
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return sq_err_set(err, -EIO, where, "c-ares can't be initialized");
	return 0;
}

struct sq_ares *sq_ares_new(struct sq_lane *lane, const struct sq_ares_spec *spec,
			    struct sq_err *err)
{
	struct sq_ares *r = sq_alloc(sizeof(*r));
	int rc;

	r->lane = lane;
	r->try_ms = (uint64_t)spec->try_ms;
	rc = channel_open(r, spec);
	if (rc != ARES_SUCCESS) {
		sq_err_set(err, -EIO, lane->load->spec->name, "c-ares: %s", ares_strerror(rc));
		free(r);
		return NULL;
	}
	uv_timer_init(lane->loop, &r->timer); /* never fails */
	r->timer.data = r;
	return r;
}

static void free_ares(uv_handle_t *timer)
{
	free(timer->data);
}

struct sq_ares *sq_ares_free(struct sq_ares *r)
{
	if (!r)
		return NULL;
	ares_destroy(r->channel);
	uv_close((uv_handle_t *)&r->timer, free_ares);
	return NULL;
}

ares_channel sq_ares_channel(const struct sq_ares *r)
{
	return r->channel;
}
