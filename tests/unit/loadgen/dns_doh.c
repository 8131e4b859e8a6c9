/* The dns driver over HTTPS against a small HTTP/2 server that breaks off in each way: every query has
 * one outcome, under its own name, and what comes too late is counted. */
#include <nghttp2/nghttp2.h>

#include "tests/unit/loadgen/dns_bench.h"
#include "tests/unit/loadgen/tls_server.h"

/* ---- a server: a process for each connection, that reads and writes in turn ---- */

enum manner {
	ANSWERS,
	FAILS,     /* with status 503 */
	REDIRECTS, /* 302 */
	REFUSES,   /* resets each stream */
	GOES_AWAY, /* takes no stream at all */
	CUTS,      /* ends in the midst of an answer */
	SILENT,
	LATE, /* answers the first when they are given up */
	ODD,  /* another question */
	OTHER_ID,
	GARBLES,   /* a message that is none */
	SPEAKS_1,  /* HTTP/1.1, though it agreed to HTTP/2 */
	UNAGREED,  /* does not know ALPN */
	FIN_AFTER, /* answers, then ends */
	STALLS,    /* accepts, and says nothing */
	DIES,      /* the first connection falls silent after some answers */
	MANNERS
};

struct web {
	enum manner manner;
	SSL *ssl;
	nghttp2_session *http;
	unsigned responses, heard;
};

struct request {
	uint8_t msg[600];
	size_t len, sent;
};

static int on_request(nghttp2_session *http, const nghttp2_frame *frame, void *web)
{
	(void)web;
	if (frame->hd.type == NGHTTP2_HEADERS)
		nghttp2_session_set_stream_user_data(http, frame->hd.stream_id,
						     sq_alloc(sizeof(struct request)));
	return 0;
}

static int on_body(nghttp2_session *http, uint8_t flags, int32_t stream, const uint8_t *bytes,
		   size_t len, void *web)
{
	struct request *r = nghttp2_session_get_stream_user_data(http, stream);

	(void)flags;
	(void)web;
	assert_true(len <= sizeof(r->msg) - r->len);
	memcpy(r->msg + r->len, bytes, len);
	r->len += len;
	return 0;
}

static ssize_t read_reply(nghttp2_session *http, int32_t stream, uint8_t *out, size_t size,
			  uint32_t *flags, nghttp2_data_source *source, void *web)
{
	struct request *r = source->ptr;
	size_t part = r->len - r->sent < size ? r->len - r->sent : size;

	(void)http;
	(void)stream;
	(void)web;
	memcpy(out, r->msg + r->sent, part);
	r->sent += part;
	if (r->sent == r->len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)part;
}

static void respond(struct web *w, int32_t stream, struct request *r)
{
	const nghttp2_data_provider body = { .source = { .ptr = r }, .read_callback = read_reply };
	const char *status = w->manner == FAILS ? "503" : w->manner == REDIRECTS ? "302" : "200";
	const nghttp2_nv field = { .name = (uint8_t *)":status",
				   .value = (uint8_t *)status,
				   .namelen = 7,
				   .valuelen = 3 };

	assert_int_equal(sq_dns_get16(r->msg), 0);
	sq_dns_put16(r->msg + 2, sq_dns_get16(r->msg + 2) | SQ_DNS_QR);
	if (w->manner == ODD)
		r->msg[SQ_DNS_HEADER + 1] ^= 1;
	if (w->manner == OTHER_ID)
		r->msg[1] = 1;
	if (w->manner == GARBLES)
		r->len = 5;
	assert_int_equal(nghttp2_submit_response(w->http, stream, &field, 1, &body), 0);
	w->responses++;
}

static int on_end(nghttp2_session *http, const nghttp2_frame *frame, void *web)
{
	int32_t stream = frame->hd.stream_id;
	struct web *w = web;

	if (!(frame->hd.type == NGHTTP2_DATA && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
	    w->manner == SILENT || (w->manner == DIES && ++w->heard > 5))
		return 0;
	if (w->manner == REFUSES)
		nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
	else if (w->manner == GOES_AWAY)
		nghttp2_submit_goaway(http, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
	else
		respond(w, stream, nghttp2_session_get_stream_user_data(http, stream));
	return 0;
}

/* By FIN: what was left unread would make an RST of it. */
static void web_end(struct web *w)
{
	uint8_t rest[1 << 10];
	int fd = SSL_get_fd(w->ssl);

	shutdown(fd, SHUT_WR);
	while (recv(fd, rest, sizeof(rest), 0) > 0)
		;
	_exit(0);
}

/* Says what there is to say; half of it, and the end, where that is the manner. */
static void web_send(struct web *w)
{
	static uint8_t out[1 << 20];
	size_t n = 0;
	const uint8_t *chunk;
	ssize_t got;

	while ((got = nghttp2_session_mem_send(w->http, &chunk)) > 0) {
		assert_true((size_t)got <= sizeof(out) - n);
		memcpy(out + n, chunk, (size_t)got);
		n += (size_t)got;
	}
	if (w->manner == LATE && w->responses > 0) {
		usleep(2500000);
		w->manner = ANSWERS;
	}
	if (w->manner == CUTS && w->responses > 0)
		n -= 20;
	if (n > 0)
		SSL_write(w->ssl, out, (int)n);
	if (w->responses > 0 && (w->manner == CUTS || w->manner == FIN_AFTER))
		web_end(w);
	w->responses = 0;
}

static nghttp2_session *session_of(struct web *w)
{
	const nghttp2_settings_entry few = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 20 };
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *http;

	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_request);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_body);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_end);
	assert_int_equal(nghttp2_session_server_new(&http, callbacks, w), 0);
	assert_int_equal(nghttp2_submit_settings(http, NGHTTP2_FLAG_NONE, &few, 1), 0);
	return http;
}

static void web_serve(SSL_CTX *ctx, int fd, enum manner manner)
{
	static const char old[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct web w = { .manner = manner };
	static uint8_t in[1 << 14];
	int n;

	if (manner == STALLS)
		pause();
	w.ssl = tls_server_take(ctx, fd);
	if (!w.ssl)
		return;
	if (manner == SPEAKS_1)
		SSL_write(w.ssl, old, sizeof(old) - 1);
	w.http = session_of(&w);
	while ((n = SSL_read(w.ssl, in, sizeof(in))) > 0) {
		if (manner == SPEAKS_1)
			continue;
		if (nghttp2_session_mem_recv(w.http, in, (size_t)n) < 0)
			return;
		web_send(&w);
	}
}

static int choose_h2(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
		     unsigned in_len, void *arg)
{
	(void)ssl;
	(void)arg;
	assert_true(in_len == 3 && memcmp(in, "\2h2", 3) == 0);
	*out = in + 1;
	*out_len = 2;
	return SSL_TLSEXT_ERR_OK;
}

static void serve(int listener, void *arg)
{
	enum manner manner = *(const enum manner *)arg;
	SSL_CTX *ctx = tls_server_ctx();

	if (manner != UNAGREED)
		SSL_CTX_set_alpn_select_cb(ctx, choose_h2, NULL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			web_serve(ctx, fd, manner);
			_exit(0);
		}
		close(fd);
		if (manner == DIES)
			manner = ANSWERS;
	}
}

/* ---- runs ---- */

enum { QUERIES = 100 };

static void run_within(enum manner manner, const char *conf, double rate, int64_t timeout_ns,
		       struct dns_bench *d)
{
	struct server s = server_listen(1024);

	server_block(&s);
	server_fork(&s, serve, &manner);
	dns_bench_init_to(d, &s, conf);
	d->b.spec.threads = 1;
	d->b.spec.timeout_ns = timeout_ns;
	d->b.spec.count = QUERIES;
	d->b.spec.duration_ns = 10 * SQ_SEC;
	d->b.spec.arrivals.rate_per_s = rate;
	dns_bench_run_done(d);
	assert_int_equal(d->b.scheduled, QUERIES);
	server_stop(&s);
}

static void run(enum manner manner, const char *conf, double rate, struct dns_bench *d)
{
	run_within(manner, conf, rate, 2 * SQ_SEC, d);
}

#define DOH "\"names\": [\"n{0-99}.test\"], \"transport\": \"doh\", \"tls_name\": \"ns.test\""

static const struct {
	const char *what;
	enum manner manner;
	double rate;
	const char *conf, *outcome; /* of all of them */
	const char *count;          /* and the count of what came of it; or NULL */
} cases[] = {
	{ "answers", ANSWERS, 500, "{" DOH "}", "ok@", NULL },
	{ "one query a connection", ANSWERS, 50,
	  "{" DOH ", \"connections\": 100, \"per_connection\": 1}", "ok@", "connections" },
	{ "more than streams may be", ANSWERS, 20000,
	  "{" DOH ", \"connections\": 1, \"pipeline\": 1000}", "ok@", NULL },
	{ "503", FAILS, 500, "{" DOH "}", "http-5xx@query", NULL },
	{ "302", REDIRECTS, 500, "{" DOH "}", "http-status@query", NULL },
	{ "streams reset", REFUSES, 500, "{" DOH "}", "ECONNRESET@query", NULL },
	{ "GOAWAY", GOES_AWAY, 100, "{" DOH "}", "eof@query", NULL },
	{ "an end in an answer", CUTS, 100, "{" DOH "}", "eof@query", NULL },
	{ "silence", SILENT, 500, "{" DOH "}", "timeout@query", NULL },
	{ "another question", ODD, 500, "{" DOH "}", "mismatch@query", "mismatched" },
	{ "another ID", OTHER_ID, 500, "{" DOH "}", "mismatch@query", "mismatched" },
	{ "no message", GARBLES, 500, "{" DOH "}", "garbled@query", "garbled" },
	{ "HTTP/1.1", SPEAKS_1, 100, "{" DOH "}", "garbled@query", NULL },
	{ "no ALPN", UNAGREED, 100, "{" DOH "}", "tls@tls", NULL },
	{ "an end when idle", FIN_AFTER, 50, "{" DOH ", \"connections\": 100, \"pipeline\": 1}",
	  "ok@", "closed_by_server" },
	{ "no handshake", STALLS, 500, "{" DOH ", \"connections\": 100, \"pipeline\": 1}",
	  "timeout@tls", NULL },
};

static void outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_bench d;

		printf("%s\n", cases[i].what);
		run(cases[i].manner, cases[i].conf, cases[i].rate, &d);
		assert_int_equal(dns_n(&d, cases[i].outcome), QUERIES);
		if (cases[i].count) /* the run may be over before the last connection is */
			assert_in_range(dns_count(&d, cases[i].count), QUERIES - 1, QUERIES);
		dns_bench_fini(&d);
	}
}

/* Those that were answered before the server saw that their streams had been ended. */
static void late(void **state)
{
	struct dns_bench d;

	(void)state;
	run(LATE, "{" DOH ", \"connections\": 1}", 40, &d);
	assert_true(dns_count(&d, "late") > 0);
	assert_true(dns_count(&d, "late") <= dns_n(&d, "timeout@query"));
	assert_true(dns_n(&d, "ok@") > 0);
	assert_int_equal(dns_n(&d, "ok@") + dns_n(&d, "timeout@query"), QUERIES);
	dns_bench_fini(&d);
}

#define NARROW "{" DOH ", \"connections\": 1, \"pipeline\": 10}"

static void waits_for_room(void **state)
{
	struct dns_bench d;

	(void)state;
	run(ANSWERS, NARROW, 20000, &d);
	assert_int_equal(dns_n(&d, "ok@"), QUERIES);
	assert_true(dns_count(&d, "waited") > 50);
	dns_bench_fini(&d);
	run_within(SILENT, NARROW, 1000, 300 * SQ_MS, &d);
	assert_int_equal(dns_n(&d, "timeout@query"), 10);
	assert_int_equal(dns_n(&d, "timeout@send"), QUERIES - 10);
	dns_bench_fini(&d);
}

/* One of two connections dies: it gets no more queries from the first time-out on, and another is made
 * in its place. */
static void passes_by_the_dead(void **state)
{
	struct dns_bench d;

	(void)state;
	run_within(DIES, "{" DOH ", \"connections\": 2}", 200, 200 * SQ_MS, &d);
	assert_in_range(dns_n(&d, "timeout@query"), 10, 30);
	assert_int_equal(dns_n(&d, "ok@") + dns_n(&d, "timeout@query"), QUERIES);
	assert_int_equal(dns_count(&d, "connections"), 3);
	dns_bench_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(late),
		cmocka_unit_test(waits_for_room),
		cmocka_unit_test(passes_by_the_dead),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
