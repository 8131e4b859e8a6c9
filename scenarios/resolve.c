/* One name, looked up once while the plan is made: c-ares driven by poll(2) until it has an answer
 * or the time is over.  Only the plan of a run without a world comes here; the safety gate judges
 * what comes back as it judges an address that was typed.
 *
 * What a reader would get wrong: this is not getaddrinfo(3).  That one's time-out is the
 * resolver's own (30 s and more), and its NSS modules may start threads or leave sockets in a
 * process that must stay single-threaded (it enters namespaces).  Here everything is gone when the
 * function returns.  Names that only other NSS modules know (mDNS ...) are not found. */
#include "scenarios/resolve.h"

#include <arpa/inet.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ares.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
	LIMIT_S = 5,
	/* 1.5 s, then 3 s (c-ares doubles it): a lost datagram is asked again within the limit. */
	TRY_MS = 1500,
	TRIES = 2,
};

struct lookup {
	const char *name, *where;
	int64_t limit_ns;
	ares_channel channel;
	bool done;
	int status;
	struct sq_ip ip;
	bool found;
};

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
	struct lookup *l = arg;

	(void)timeouts;
	l->done = true;
	l->status = status;
	if (!answer)
		return;
	for (const struct ares_addrinfo_node *n = answer->nodes; n; n = n->ai_next) {
		struct sq_ip ip;

		if (sq_ip_from_sockaddr(n->ai_addr, &ip) < 0)
			continue;
		if (!l->found || (ip.family == AF_INET && l->ip.family != AF_INET))
			l->ip = ip;
		l->found = true;
	}
	ares_freeaddrinfo(answer);
}

/* The next thing that c-ares waits for, or until the limit. */
static void wait_once(struct lookup *l)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	unsigned bits = (unsigned)ares_getsock(l->channel, sockets, ARES_GETSOCK_MAXNUM);
	int64_t left_ms = (l->limit_ns - sq_now_ns()) / SQ_MS + 1;
	struct timeval max = { .tv_sec = left_ms > 0 ? left_ms / 1000 : 0,
			       .tv_usec = left_ms > 0 ? left_ms % 1000 * 1000 : 0 };
	struct timeval tv, *next = ares_timeout(l->channel, &max, &tv);
	nfds_t n = 0;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		/* ARES_GETSOCK_WRITABLE shifts into the sign of an int. */
		bool reads = bits >> i & 1, writes = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
		short events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));

		if (events)
			fds[n++] = (struct pollfd){ .fd = sockets[i], .events = events };
	}
	if (poll(fds, n, (int)(next->tv_sec * 1000 + next->tv_usec / 1000 + 1)) <= 0)
		n = 0;
	for (nfds_t i = 0; i < n; i++)
		ares_process_fd(l->channel, fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
				fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	if (!n)
		ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* "192.0.2.1 and [2001:db8::1]:5353": those that were asked. */
static void list_servers(const struct lookup *l, struct sq_buf *out)
{
	struct ares_addr_port_node *servers = NULL;

	if (ares_get_servers_ports(l->channel, &servers) != ARES_SUCCESS)
		servers = NULL;
	for (const struct ares_addr_port_node *s = servers; s; s = s->next) {
		char text[INET6_ADDRSTRLEN] = "";

		inet_ntop(s->family, &s->addr, text, sizeof(text));
		sq_buf_puts(out, s == servers ? "" : s->next ? ", " : " and ");
		if (!s->udp_port || s->udp_port == 53)
			sq_buf_puts(out, text);
		else
			sq_buf_printf(out, s->family == AF_INET6 ? "[%s]:%d" : "%s:%d", text,
				      s->udp_port);
	}
	if (!servers)
		sq_buf_puts(out, "a name server");
	ares_free_data(servers);
}

static int fail_answer(const struct lookup *l, const char *servers, struct sq_err *err)
{
	switch (l->status) {
	case ARES_SUCCESS:
	case ARES_ENODATA:
		return sq_err_set(err, -ENOENT, l->where,
				  "\"%s\" has no address, says %s; check the name, or give the "
				  "address",
				  l->name, servers);
	case ARES_ENOTFOUND:
		return sq_err_set(err, -ENOENT, l->where,
				  "there is no host \"%s\" (NXDOMAIN from %s); check the name, or "
				  "give the address",
				  l->name, servers);
	case ARES_ETIMEOUT:
	case ARES_ECANCELLED:
		return sq_err_set(err, -ETIMEDOUT, l->where,
				  "no answer about \"%s\" from %s; check the name server "
				  "(/etc/resolv.conf), or give the address",
				  l->name, servers);
	case ARES_ECONNREFUSED:
		return sq_err_set(err, -ECONNREFUSED, l->where,
				  "nothing to ask about \"%s\": %s cannot be reached; check the "
				  "name server (/etc/resolv.conf), or give the address",
				  l->name, servers);
	case ARES_EBADNAME:
	case ARES_EBADQUERY:
		return sq_err_set(err, -EINVAL, l->where,
				  "\"%.100s\" can be no host's name; check it, or give the address",
				  l->name);
	default:
		return sq_err_set(err, -EIO, l->where,
				  "the look-up of \"%s\" failed (%s, from %s); ask again, or give "
				  "the address",
				  l->name, ares_strerror(l->status), servers);
	}
}

static int open_channel(struct lookup *l, const char *servers, int flags, struct sq_err *err)
{
	static char files_then_dns[] = "fb";
	struct ares_options options = {
		.flags = flags, .timeout = TRY_MS, .tries = TRIES, .lookups = files_then_dns
	};
	int rc = ares_init_options(&l->channel, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					   ARES_OPT_LOOKUPS);

	if (rc == ARES_SUCCESS && servers) {
		rc = ares_set_servers_ports_csv(l->channel, servers);
		if (rc != ARES_SUCCESS)
			ares_destroy(l->channel);
	}
	if (rc == ARES_SUCCESS)
		return 0;
	return sq_err_set(err, -EIO, l->where, "names cannot be looked up: %s; give the address",
			  ares_strerror(rc));
}

static int ask(struct lookup *l, const char *servers, int flags, struct sq_buf *asked,
	       struct sq_err *err)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT };
	int rc = open_channel(l, servers, flags, err);

	if (rc < 0)
		return rc;
	l->done = false;
	ares_getaddrinfo(l->channel, l->name, NULL, &hints, on_answer, l);
	while (!l->done && sq_now_ns() < l->limit_ns)
		wait_once(l);
	ares_cancel(l->channel); /* calls on_answer if that is still to come */
	sq_buf_reset(asked);
	list_servers(l, asked);
	ares_destroy(l->channel);
	return 0;
}

int sq_resolve_by(const char *name, const char *servers, const char *where, struct sq_ip *ret,
		  struct sq_err *err)
{
	struct lookup l = { .name = name,
			    .where = where,
			    .limit_ns = sq_now_ns() + LIMIT_S * SQ_SEC };
	struct sq_buf asked = { 0 };
	int rc = ask(&l, servers, 0, &asked, err);

	/* c-ares passes over servers that say SERVFAIL or REFUSED, and when none is left says
	 * that they cannot be reached.  Told not to pass over, it says which it was. */
	if (rc == 0 && l.status == ARES_ECONNREFUSED)
		rc = ask(&l, servers, ARES_FLAG_NOCHECKRESP, &asked, err);
	if (rc == 0 && !l.found)
		rc = fail_answer(&l, asked.data, err);
	if (rc == 0)
		*ret = l.ip;
	sq_buf_fini(&asked);
	return rc;
}

int sq_resolve(const char *name, const char *where, struct sq_ip *ret, struct sq_err *err)
{
	return sq_resolve_by(name, NULL, where, ret, err);
}
