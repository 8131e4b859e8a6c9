/* A lane's DNS queries over HTTPS, from the inside: doh.c, doh_conn.c, and doh_http.c, which alone
 * knows nghttp2. */
#ifndef SQ_LOADGEN_DNS_DOH_H
#define SQ_LOADGEN_DNS_DOH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/dns/conf.h"
#include "loadgen/dns/query.h"
#include "loadgen/dns/waiting.h"
#include "loadgen/engine/stream.h"

enum {
	SQ_DNS_DOH_LOOK = SQ_DNS_QUERY_MAX, /* bytes of an answer that are looked at */
	SQ_DNS_DOH_OUT = 1 << 14,           /* as much as a TLS record holds */
	SQ_DNS_DOH_AUTHORITY = 512,
};

struct nghttp2_session;
struct nghttp2_session_callbacks;
struct nghttp2_option;

/* A query and its response: one stream of HTTP/2. */
struct sq_dns_doh_exchange {
	struct sq_op *op; /* NULL: none; `next` is the next such one + 1, or 0 */
	uint32_t next;
	int32_t stream;
	uint16_t status; /* 0: no response yet */
	uint16_t sent;   /* bytes of the query's body */
	uint16_t len;    /* of what is in `in` */
	uint8_t in[SQ_DNS_DOH_LOOK];
};

struct sq_dns_doh_conn {
	struct sq_stream stream;
	struct nghttp2_session *http; /* NULL: closed */
	struct sq_dns_doh_lane *lane;
	struct sq_dns_doh_exchange *exchanges; /* as many as `pipeline` */
	uint32_t n, used, free; /* how many have a query, ever had one; the first without + 1 */
	struct sq_op *opener;   /* the query that wanted it; NULL: it has its outcome */
	int64_t since_ns;       /* of the state it is in, when it is being made */
	int64_t quiet_ns;       /* since then nothing came, though something was waited for */
	uint64_t asked;
	uint16_t generation;
	bool leaving; /* the server has said that it goes away (GOAWAY) */
	bool silent;  /* it seems dead, and gets no more queries unless something comes */
	uint8_t seen; /* its state as far as it was told of */
	const uint8_t *chunk;
	size_t chunk_n; /* of nghttp2's bytes that are not in `out` yet */
	uint8_t *out;
	uint32_t out_at, out_n;
};

struct sq_dns_doh_lane {
	uint64_t opened; /* connections so far: whose turn it is among sources and targets */
	struct sq_lane *lane;
	const struct sq_dns_conf *conf;
	struct sq_stream_kind kind;
	struct nghttp2_session_callbacks *callbacks;
	struct nghttp2_option *option;
	struct sq_dns_doh_conn *conns;
	struct sq_dns_doh_exchange *exchanges; /* of all of them */
	uint8_t *out;
	uint32_t n, next;
	struct sq_dns_waiting waiting; /* for room */
	char authority[SQ_DNS_DOH_AUTHORITY];
	uint8_t bytes[SQ_DNS_DOH_OUT];
};

/* ---- doh.c ---- */

/* The whole response is there: the query has its outcome. */
void sq_dns_doh_respond(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x);

/* ---- doh_conn.c ---- */

/* The one that this token is of; NULL when it has been closed since. */
struct sq_dns_doh_conn *sq_dns_doh_conn_of(struct sq_dns_doh_lane *l, uint32_t token);
bool sq_dns_doh_conn_has_room(const struct sq_dns_doh_conn *c);
/* Sees what happened to an idle one since it was read: an end that is here already must cost no
 * query. */
void sq_dns_doh_conn_refresh(struct sq_dns_doh_conn *c);

/* A query for one that has room, opened if need be; flush sends it.  It may have its outcome at
 * once. */
void sq_dns_doh_conn_ask(struct sq_dns_doh_conn *c, struct sq_op *op);
/* False when the connection is gone. */
bool sq_dns_doh_conn_flush(struct sq_dns_doh_conn *c);
void sq_dns_doh_conn_input(struct sq_dns_doh_conn *c, uint32_t events);

/* As the driver's end (SQ_CODE_TIMEOUT ...). */
void sq_dns_doh_conn_end(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x, uint16_t code);
/* A GOAWAY came. */
void sq_dns_doh_conn_leave(struct sq_dns_doh_conn *c);
/* Nothing waits on it. */
void sq_dns_doh_conn_close(struct sq_dns_doh_conn *c);

/* Frees an exchange; the operation that it was for. */
struct sq_op *sq_dns_doh_free(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x);
/* The same, and the query fails with this code, in the connection's phase or that of its waiting. */
void sq_dns_doh_break(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x, uint16_t code);

/* ---- doh_http.c ---- */

/* False: no memory; so with the next two. */
bool sq_dns_doh_http_init(struct sq_dns_doh_lane *l);
void sq_dns_doh_http_fini(struct sq_dns_doh_lane *l);

bool sq_dns_doh_http_open(struct sq_dns_doh_conn *c);
void sq_dns_doh_http_close(struct sq_dns_doh_conn *c);

/* Whether the server takes more requests, as far as it has said; and whether nothing at all is to
 * come or go any more. */
bool sq_dns_doh_http_is_open(const struct sq_dns_doh_conn *c);
bool sq_dns_doh_http_is_over(const struct sq_dns_doh_conn *c);

/* These only queue what they have to say, which fill takes out. */
bool sq_dns_doh_http_ask(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x);
void sq_dns_doh_http_cancel(struct sq_dns_doh_conn *c, const struct sq_dns_doh_exchange *x);

/* False: these bytes are no HTTP/2. */
bool sq_dns_doh_http_take(struct sq_dns_doh_conn *c, const uint8_t *bytes, size_t len);
/* Puts what is to be sent into `out`, as far as there is room. */
void sq_dns_doh_http_fill(struct sq_dns_doh_conn *c);

#endif
