/* Queries as an application makes them: c-ares asks, waits, asks again and turns to the next server,
 * and an operation ends with what c-ares tells its caller.
 *
 * c-ares has one UDP socket for each server, which all queries of a lane share, and closes it whenever
 * nothing is under way: a slow load has a new port for each query, a fast one the same for all.  A
 * truncated answer is asked for again over TCP.  Its sockets are made and written here (ares_socket_functions): the
 * load's source holds for them, a limit of this machine keeps its name, and what goes over the wire
 * beside the first datagram of a query is counted.
 *
 * What a reader would get wrong: c-ares can't be told to give up one query.  One whose deadline has
 * passed is `timeout`, and its place stays taken until c-ares is done with it, at the latest after
 * all its tries; an answer that comes till then is `late`.  And SERVFAIL, NOTIMP and REFUSED are no
 * answers for c-ares 1.18: it asks the next server, or the only one again at once, and says in the
 * end that it could contact none.  That is what the application hears, so it is the outcome. */
#include "loadgen/dns/stub.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/dns/query.h"
#include "loadgen/dns/transport.h"
#include "loadgen/engine/ares.h"
#include "loadgen/engine/client.h"
#include "scenarios/cidr.h"

enum { PLACES = 1 << 16, UNSENT = -1 };

struct stub_lane;

/* A query that c-ares works on; its index is its ID. */
struct place {
	struct stub_lane *lane;
	struct sq_op *op; /* NULL: it has its outcome */
	int server;       /* the last one that it was sent to, or UNSENT */
	int error;        /* why that could not be sent; 0: it was */
};

struct server {
	struct sq_ip ip;
	in_port_t port;
	int fd; /* of its UDP socket, or -1 */
	uint16_t local_port;
};

struct stub_lane {
	struct sq_lane *lane;
	uint64_t opened; /* sockets so far: whose turn it is among the sources */
	const struct sq_dns_conf *conf;
	struct sq_ares *ares;
	struct server *servers;
	struct place *places;
	uint16_t *free_ids; /* a ring, so that an ID rests as long as it can */
	uint32_t taken, given_back;
	int socket_error; /* why c-ares got no socket the last time it wanted one; 0: it did */
};

/* ---- places ---- */

static bool is_full(const struct stub_lane *c)
{
	return c->taken - c->given_back == PLACES;
}

static uint16_t take_place(struct stub_lane *c, struct sq_op *op)
{
	uint16_t id = c->free_ids[c->taken++ % PLACES];

	c->places[id] = (struct place){ .lane = c, .op = op, .server = UNSENT };
	return id;
}

static void give_back(struct stub_lane *c, struct place *place)
{
	place->lane = NULL;
	c->free_ids[c->given_back++ % PLACES] = (uint16_t)(place - c->places);
}

/* ---- c-ares's sockets ---- */

static bool is_datagram(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

static struct server *server_of_socket(struct stub_lane *c, int fd)
{
	for (size_t i = 0; i < c->conf->stub.n_targets; i++)
		if (c->servers[i].fd == fd)
			return &c->servers[i];
	return NULL;
}

static struct server *server_at(struct stub_lane *c, const struct sockaddr *addr)
{
	struct sq_target t = { .text = "" };
	struct sq_ip ip;

	if (sq_ip_from_sockaddr(addr, &ip) < 0)
		return NULL;
	memcpy(&t.addr, addr,
	       addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
	for (size_t i = 0; i < c->conf->stub.n_targets; i++)
		if (c->servers[i].port == sq_target_port(&t) && sq_ip_equal(&c->servers[i].ip, &ip))
			return &c->servers[i];
	return NULL;
}

static ares_socket_t on_socket(int family, int type, int protocol, void *arg)
{
	struct stub_lane *c = arg;
	const struct sq_target to = { .addr.ss_family = (sa_family_t)family };
	const struct sq_lane *lane = c->lane;
	int fd = sq_client_socket(lane->load, &to, type,
				  sq_client_number(lane->load, lane->index, c->opened++));

	(void)protocol;
	c->socket_error = fd < 0 ? -fd : 0;
	if (fd >= 0)
		return fd;
	errno = -fd;
	return ARES_SOCKET_BAD;
}

static int on_connect(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t len, void *arg)
{
	struct stub_lane *c = arg;
	bool datagram = is_datagram(fd);
	struct server *server;

	if (!datagram)
		sq_lane_count(c->lane, SQ_DNS_COUNT_STUB_CONNECTIONS, 1);
	if (connect(fd, addr, len) == -1) {
		if (errno != EINPROGRESS)
			c->socket_error = errno;
		return -1;
	}
	server = datagram ? server_at(c, addr) : NULL;
	if (server) {
		server->fd = fd;
		server->local_port = sq_client_port(fd);
	}
	return 0;
}

static int on_close(ares_socket_t fd, void *arg)
{
	struct server *server = server_of_socket(arg, fd);

	if (server)
		server->fd = -1;
	return close(fd);
}

static ares_ssize_t on_receive(ares_socket_t fd, void *data, size_t size, int flags,
			       struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	(void)arg;
	return recvfrom(fd, data, size, flags, from, from_len);
}

static void note_sent(struct stub_lane *c, struct place *place, const struct server *server)
{
	int index = (int)(server - c->servers);

	if (place->server != UNSENT)
		sq_lane_count(c->lane, SQ_DNS_COUNT_STUB_RETRIES, 1);
	if (place->server != UNSENT && place->server != index)
		sq_lane_count(c->lane, SQ_DNS_COUNT_STUB_FAILOVERS, 1);
	place->server = index;
	if (place->op) {
		sq_dns_query_of(place->op)->port = server->local_port;
		if (place->op->sent_ns < 0)
			place->op->sent_ns = sq_lane_clock(c->lane);
	}
}

/* A closed port told by ICMP is the server's word; anything else is this machine's. */
static ares_ssize_t on_send(ares_socket_t fd, const struct iovec *bytes, int n, void *arg)
{
	struct stub_lane *c = arg;
	struct server *server = server_of_socket(c, fd);
	ares_ssize_t sent = writev(fd, bytes, n);
	struct place *place;

	if (!server) /* TCP */
		return sent;
	place = &c->places[sq_dns_get16(bytes[0].iov_base)];
	place->error = sent == -1 && errno != ECONNREFUSED ? errno : 0;
	if (sent != -1)
		note_sent(c, place, server);
	return sent;
}

static const struct ares_socket_functions socket_functions = {
	.asocket = on_socket,
	.aclose = on_close,
	.aconnect = on_connect,
	.arecvfrom = on_receive,
	.asendv = on_send,
};

/* ---- what c-ares says ---- */

/* It could contact no server: was it kept from it by this machine? */
static void fail_contact(struct stub_lane *c, const struct place *place)
{
	if (place->error)
		sq_dns_query_fail(c->lane, place->op, sq_code_errno(place->error),
				  SQ_DNS_PHASE_SEND);
	else if (c->socket_error)
		sq_dns_query_fail(c->lane, place->op, sq_code_errno(c->socket_error),
				  SQ_DNS_PHASE_SOCKET);
	else
		sq_dns_query_fail(c->lane, place->op, SQ_DNS_CODE_STUB_REFUSED,
				  SQ_DNS_PHASE_RESOLVER);
}

static void fail_query(struct stub_lane *c, const struct place *place, int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		sq_dns_query_fail(c->lane, place->op, SQ_DNS_CODE_STUB_TIMEOUT,
				  SQ_DNS_PHASE_RESOLVER);
		break;
	case ARES_EBADRESP:
		sq_dns_query_fail(c->lane, place->op, SQ_DNS_CODE_GARBLED, SQ_DNS_PHASE_RESOLVER);
		break;
	case ARES_ENOMEM:
		sq_dns_query_fail(c->lane, place->op, sq_code_errno(ENOMEM), SQ_DNS_PHASE_RESOLVER);
		break;
	default:
		fail_contact(c, place);
	}
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct place *place = arg;
	struct stub_lane *c = place->lane;
	bool answered = status == ARES_SUCCESS && len >= SQ_DNS_HEADER;

	(void)timeouts; /* its own; retries for another reason are none */
	if (!place->op && answered)
		sq_lane_count(c->lane, SQ_DNS_COUNT_LATE, 1);
	else if (place->op && answered)
		sq_dns_query_answer(c->lane, place->op, sq_dns_get16(answer + 2),
				    sq_lane_clock(c->lane));
	else if (place->op)
		fail_query(c, place, status);
	give_back(c, place);
}

/* ---- hooks ---- */

static void ask(struct stub_lane *c, struct sq_op *op)
{
	struct sq_dns_query *query = sq_dns_query_of(op);
	uint8_t msg[SQ_DNS_QUERY_MAX];
	struct sq_dns_asked asked;

	sq_dns_query_init(c->lane, op);
	asked = sq_dns_ask_get(c->conf->ask, query->question, query->number, msg);
	if (asked.query != msg)
		memcpy(msg, asked.query, asked.len);
	query->id = take_place(c, op);
	sq_dns_put16(msg, query->id);
	ares_send(sq_ares_channel(c->ares), msg, asked.len, on_answer, &c->places[query->id]);
}

static unsigned stub_start(void *state, const int64_t *due_ns, unsigned n)
{
	struct stub_lane *c = state;
	unsigned taken = 0;

	for (; taken < n && !is_full(c); taken++) {
		struct sq_op *op = sq_op_new(c->lane, due_ns[taken]);

		if (!op)
			break;
		ask(c, op);
	}
	sq_ares_asked(c->ares);
	return taken;
}

static void stub_end(void *state, struct sq_op *op, uint16_t code)
{
	struct stub_lane *c = state;

	c->places[sq_dns_query_of(op)->id].op = NULL;
	sq_dns_query_fail(c->lane, op, code, SQ_DNS_PHASE_RESOLVER);
}

/* ---- a lane's ---- */

static void stub_fini(void *state)
{
	struct stub_lane *c = state;

	sq_ares_free(c->ares);
	free(c->servers);
	free(c->places);
	free(c->free_ids);
}

static void init_servers(struct stub_lane *c)
{
	const struct sq_dns_stub_spec *stub = &c->conf->stub;

	c->servers = sq_alloc_n(stub->n_targets, sizeof(*c->servers));
	for (size_t i = 0; i < stub->n_targets; i++) {
		c->servers[i].fd = -1;
		c->servers[i].port = sq_target_port(&stub->targets[i]);
		sq_ip_from_sockaddr((const struct sockaddr *)&stub->targets[i].addr,
				    &c->servers[i].ip);
	}
}

static void init_places(struct stub_lane *c)
{
	uint16_t first = (uint16_t)sq_rng_u64(&c->lane->rng);

	c->places = sq_alloc_n(PLACES, sizeof(*c->places));
	c->free_ids = sq_alloc_n(PLACES, sizeof(*c->free_ids));
	for (uint32_t i = 0; i < PLACES; i++)
		c->free_ids[i] = (uint16_t)(first + i);
}

/* With an OPT record in the queries, answers over UDP may be as long as it offers. */
static int stub_init(void *state, struct sq_lane *lane, struct sq_err *err)
{
	struct stub_lane *c = state;
	const struct sq_dns_conf *conf = lane->conf;
	const struct sq_dns_stub_spec *stub = &conf->stub;
	const struct sq_ares_spec spec = {
		.flags = conf->edns || conf->dnssec ? ARES_FLAG_EDNS : 0,
		.edns_size = conf->edns ? (int)conf->edns : SQ_DNS_EDNS_DEFAULT,
		.try_ms = (int)(stub->timeout_ns / SQ_MS),
		.tries = (int)stub->tries,
		.rotate = stub->rotate,
		.servers = stub->targets,
		.n_servers = stub->n_targets,
		.sockets = &socket_functions,
		.sockets_arg = c,
	};

	c->lane = lane;
	c->conf = conf;
	c->ares = sq_ares_new(lane, &spec, err);
	if (!c->ares)
		return err->code;
	init_servers(c);
	init_places(c);
	return 0;
}

/* ---- before the run ---- */

static int add_servers(struct sq_dns_stub_spec *stub, const struct sq_load_plan *load,
		       struct sq_err *err)
{
	stub->targets = sq_alloc_n(stub->servers.n + 1, sizeof(*stub->targets));
	stub->targets[stub->n_targets++] = load->target;
	for (size_t i = 0; i < stub->servers.n; i++) {
		struct sq_target *t = &stub->targets[stub->n_targets++];
		int rc =
			sq_gate_target(load->gate, stub->servers.v[i], "dns: stub_servers", t, err);

		if (rc < 0)
			return rc;
		if (load->sources.count && t->addr.ss_family != load->sources.v[0].first.family)
			return sq_err_set(err, -EINVAL, "dns: stub_servers",
					  "%s and the load's source are not of one family; give "
					  "all in IPv4 or all in IPv6",
					  t->text);
	}
	return 0;
}

int sq_dns_stub_prepare(struct sq_dns_conf *conf, const struct sq_load_plan *load,
			struct sq_err *err)
{
	int rc;

	if (conf->client != SQ_DNS_CLIENT_STUB)
		return conf->stub.servers.n == 0
			       ? 0
			       : sq_err_set(err, -EINVAL, "dns: stub_servers",
					    "only the stub has several servers; set client to "
					    "\"stub\", or leave them out");
	rc = sq_ares_library("dns", err);
	if (rc == 0)
		rc = add_servers(&conf->stub, load, err);
	if (rc < 0)
		sq_dns_stub_release(conf);
	return rc;
}

void sq_dns_stub_release(struct sq_dns_conf *conf)
{
	free(conf->stub.targets);
	conf->stub.targets = NULL;
	conf->stub.n_targets = 0;
}

const struct sq_dns_transport sq_dns_stub = {
	.state_size = sizeof(struct stub_lane),
	.init = stub_init,
	.fini = stub_fini,
	.start = stub_start,
	.end = stub_end,
};
