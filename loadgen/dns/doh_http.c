/* DNS over HTTPS (RFC 8484) as HTTP/2 on one connection, by nghttp2: a request for each query, and
 * its response, known by the stream that they share.
 *
 * Messages have ID 0, as the RFC recommends: caches of HTTP know equal questions by equal bytes.
 * One request alone is sent before the server has told how many it takes at a time.  What it would
 * refuse beyond that is our doing, and must not be counted against it.
 *
 * What a reader would get wrong: nghttp2 calls back in the midst of its work.  A query may get its
 * outcome there, but a session must not be freed until the call is over.  Its user data for a stream
 * is the query's exchange for as long as the query waits, and NULL after that: what then comes on
 * the stream finds nothing, and is late.  nghttp2 allocates by itself, for each stream and frame. */
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#include "loadgen/dns/doh.h"

/* A query in base64. */
enum { ENCODED_MAX = (SQ_DNS_QUERY_MAX + 2) / 3 * 4 };

/* ---- what comes ---- */

static struct sq_dns_doh_exchange *exchange_of(nghttp2_session *http, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(http, stream);
}

/* Of an answer after its query was given up, this alone is still told: the rest is passed over. */
static int on_begin_frame(nghttp2_session *http, const nghttp2_frame_hd *hd, void *conn)
{
	struct sq_dns_doh_conn *c = conn;

	if (hd->type == NGHTTP2_HEADERS && !exchange_of(http, hd->stream_id))
		sq_lane_count(c->lane->lane, SQ_DNS_COUNT_LATE, 1);
	return 0;
}

static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *conn)
{
	struct sq_dns_doh_exchange *x = exchange_of(http, frame->hd.stream_id);

	(void)flags;
	(void)conn;
	if (!x || name_len != strlen(":status") || memcmp(name, ":status", name_len) != 0)
		return 0;
	x->status = 0;
	for (size_t i = 0; i < value_len; i++) /* three digits: nghttp2 has seen to that */
		x->status = (uint16_t)(x->status * 10 + value[i] - '0');
	return 0;
}

static int on_data(nghttp2_session *http, uint8_t flags, int32_t stream, const uint8_t *bytes,
		   size_t len, void *conn)
{
	struct sq_dns_doh_exchange *x = exchange_of(http, stream);
	size_t room = x ? sizeof(x->in) - x->len : 0;

	(void)flags;
	(void)conn;
	if (len > room)
		len = room;
	if (len > 0) {
		memcpy(x->in + x->len, bytes, len);
		x->len = (uint16_t)(x->len + len);
	}
	return 0;
}

static int on_frame(nghttp2_session *http, const nghttp2_frame *frame, void *conn)
{
	bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
		    frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct sq_dns_doh_exchange *x = ends ? exchange_of(http, frame->hd.stream_id) : NULL;

	if (frame->hd.type == NGHTTP2_GOAWAY)
		sq_dns_doh_conn_leave(conn);
	if (!x)
		return 0;
	nghttp2_session_set_stream_user_data(http, x->stream, NULL);
	sq_dns_doh_respond(conn, x);
	return 0;
}

/* A server that is going away takes no stream behind the last that it names; and after a breach of
 * HTTP/2 nghttp2 itself takes none. */
static uint16_t code_of_close(const struct sq_dns_doh_conn *c)
{
	if (c->leaving)
		return SQ_CODE_EOF;
	return sq_dns_doh_http_is_open(c) ? sq_code_errno(ECONNRESET) : SQ_DNS_CODE_GARBLED;
}

static int on_close(nghttp2_session *http, int32_t stream, uint32_t error, void *conn)
{
	struct sq_dns_doh_exchange *x = exchange_of(http, stream);
	struct sq_dns_doh_conn *c = conn;

	(void)error;
	if (x)
		sq_dns_doh_break(c, x, code_of_close(c));
	return 0;
}

bool sq_dns_doh_http_take(struct sq_dns_doh_conn *c, const uint8_t *bytes, size_t len)
{
	return nghttp2_session_mem_recv(c->http, bytes, len) == (ssize_t)len;
}

/* ---- what goes ---- */

static int on_sent(nghttp2_session *http, const nghttp2_frame *frame, void *conn)
{
	struct sq_dns_doh_exchange *x = exchange_of(http, frame->hd.stream_id);
	struct sq_dns_doh_conn *c = conn;

	if (x && frame->hd.type == NGHTTP2_HEADERS)
		x->op->sent_ns = sq_lane_clock(c->lane->lane);
	return 0;
}

static struct sq_dns_asked asked_by(const struct sq_dns_doh_conn *c, struct sq_op *op,
				    uint8_t *scratch)
{
	const struct sq_dns_query *query = sq_dns_query_of(op);

	return sq_dns_ask_get(c->lane->conf->ask, query->question, query->number, scratch);
}

/* The next bytes of a query that is posted. */
static ssize_t on_body(nghttp2_session *http, int32_t stream, uint8_t *out, size_t size,
		       uint32_t *flags, nghttp2_data_source *source, void *conn)
{
	struct sq_dns_doh_exchange *x = exchange_of(http, stream);
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	struct sq_dns_asked asked;
	size_t part;

	(void)source;
	if (!x)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	asked = asked_by(conn, x->op, scratch);
	part = (size_t)asked.len - x->sent;
	if (part <= size)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else
		part = size;
	memcpy(out, asked.query + x->sent, part);
	x->sent = (uint16_t)(x->sent + part);
	return (ssize_t)part;
}

/* base64url without padding (RFC 4648, 5); its end, where a 0 stands. */
static void encode(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-_";
	unsigned bits = 0, n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (n += 8; n >= 6; n -= 6)
			*out++ = digits[bits >> (n - 6) & 63];
	}
	if (n > 0)
		*out++ = digits[bits << (6 - n) & 63];
	*out = '\0';
}

static nghttp2_nv field(const char *name, const char *value)
{
	return (nghttp2_nv){ .name = (uint8_t *)name,
			     .value = (uint8_t *)value,
			     .namelen = strlen(name),
			     .valuelen = strlen(value),
			     .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME };
}

bool sq_dns_doh_http_ask(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x)
{
	const struct sq_dns_doh_spec *spec = &c->lane->conf->doh;
	char path[SQ_DNS_DOH_PATH_MAX + sizeof("?dns=") + ENCODED_MAX];
	const nghttp2_data_provider body = { .read_callback = on_body };
	bool get = spec->method == SQ_DNS_DOH_GET;
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	struct sq_dns_asked asked = asked_by(c, x->op, scratch);
	int at = snprintf(path, sizeof(path), get ? "%s?dns=" : "%s", spec->path);
	char length[8];

	if (get)
		encode(asked.query, asked.len, path + at);
	snprintf(length, sizeof(length), "%u", (unsigned)asked.len);
	const nghttp2_nv fields[] = {
		field(":method", get ? "GET" : "POST"),
		field(":scheme", "https"),
		field(":authority", c->lane->authority),
		field(":path", path),
		field("accept", "application/dns-message"),
		field("content-type", "application/dns-message"), /* these two of POST alone */
		field("content-length", length),
	};
	x->status = x->sent = x->len = 0;
	x->stream =
		nghttp2_submit_request(c->http, NULL, fields, get ? 5 : 7, get ? NULL : &body, x);
	return x->stream > 0;
}

void sq_dns_doh_http_cancel(struct sq_dns_doh_conn *c, const struct sq_dns_doh_exchange *x)
{
	nghttp2_session_set_stream_user_data(c->http, x->stream, NULL);
	nghttp2_submit_rst_stream(c->http, NGHTTP2_FLAG_NONE, x->stream, NGHTTP2_CANCEL);
}

void sq_dns_doh_http_fill(struct sq_dns_doh_conn *c)
{
	while (c->out_n < SQ_DNS_DOH_OUT) {
		size_t part = SQ_DNS_DOH_OUT - c->out_n;

		if (c->chunk_n == 0) {
			ssize_t n = nghttp2_session_mem_send(c->http, &c->chunk);

			if (n <= 0) /* nothing, or no memory: the deadlines will tell */
				return;
			c->chunk_n = (size_t)n;
		}
		if (part > c->chunk_n)
			part = c->chunk_n;
		memcpy(c->out + c->out_n, c->chunk, part);
		c->out_n += (uint32_t)part;
		c->chunk += part;
		c->chunk_n -= part;
	}
}

/* ---- its life ---- */

bool sq_dns_doh_http_init(struct sq_dns_doh_lane *l)
{
	if (nghttp2_session_callbacks_new(&l->callbacks) != 0)
		return false;
	if (nghttp2_option_new(&l->option) != 0) {
		nghttp2_session_callbacks_del(l->callbacks);
		return false;
	}
	nghttp2_option_set_peer_max_concurrent_streams(l->option, 1);
	nghttp2_session_callbacks_set_on_begin_frame_callback(l->callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_header_callback(l->callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(l->callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(l->callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(l->callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(l->callbacks, on_sent);
	return true;
}

void sq_dns_doh_http_fini(struct sq_dns_doh_lane *l)
{
	nghttp2_option_del(l->option);
	nghttp2_session_callbacks_del(l->callbacks);
}

bool sq_dns_doh_http_open(struct sq_dns_doh_conn *c)
{
	const nghttp2_settings_entry no_push = { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 };

	if (nghttp2_session_client_new2(&c->http, c->lane->callbacks, c, c->lane->option) != 0)
		return false;
	if (nghttp2_submit_settings(c->http, NGHTTP2_FLAG_NONE, &no_push, 1) == 0)
		return true;
	sq_dns_doh_http_close(c);
	return false;
}

void sq_dns_doh_http_close(struct sq_dns_doh_conn *c)
{
	nghttp2_session_del(c->http);
	c->http = NULL;
	c->chunk_n = c->out_at = c->out_n = 0;
}

bool sq_dns_doh_http_is_open(const struct sq_dns_doh_conn *c)
{
	return nghttp2_session_check_request_allowed(c->http);
}

bool sq_dns_doh_http_is_over(const struct sq_dns_doh_conn *c)
{
	return c->chunk_n == 0 && c->out_at == c->out_n && !nghttp2_session_want_read(c->http) &&
	       !nghttp2_session_want_write(c->http);
}
