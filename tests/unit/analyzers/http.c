/* The GET of statistics pages, before a server that answers well, cut, late, or not at all, or has gone. */
#include "analyzers/formats/http.h"

#include <sys/wait.h>

#include "source_bench.h"

/* Answers one connection with a text, in a process of its own; its port.  pause_ms: before the text's
 * second half. */
static int serve(const char *answer, unsigned pause_ms, pid_t *ret_pid)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct sockaddr_in at = loopback(0);
	socklen_t len = sizeof(at);
	size_t half = strlen(answer) / 2;
	char request[1024];

	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		fd = accept(listener, NULL, NULL);
		if (read(fd, request, sizeof(request)) > 0 && write(fd, answer, half) >= 0) {
			usleep(pause_ms * 1000);
			if (write(fd, answer + half, strlen(answer) - half) == -1)
				_exit(1);
		}
		_exit(0);
	}
	close(listener);
	return ntohs(at.sin_port);
}

static void check_get(const char *answer, unsigned pause_ms, int want_rc, const char *want)
{
	struct sq_buf out = { 0 };
	struct sq_err err = { 0 };
	char url[64];
	pid_t pid;
	int port = serve(answer, pause_ms, &pid), rc;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", port);
	rc = sq_http_get(url, 300 * SQ_MS, &out, &err);
	if (rc != want_rc)
		fail_msg("%s: got %d (%s), want %d", answer, rc, err.text, want_rc);
	if (rc == 0)
		assert_string_equal(out.data, want);
	else
		assert_true(err.text[0] != '\0');
	waitpid(pid, NULL, 0);
	sq_buf_fini(&out);
}

static void test_http(void **state)
{
	(void)state;
	check_get("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 0, 0, "abc");
	check_get("HTTP/1.0 200 OK\r\n\r\nabc", 50, 0, "abc");
	check_get("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc", 0, -EBADMSG, NULL);
	check_get("HTTP/1.1 404 Not Found\r\n\r\nno", 0, -EBADMSG, NULL);
	check_get("HTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n", 0, -EBADMSG, NULL);
	check_get("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, -EBADMSG,
		  NULL);
	check_get("SSH-2.0-x\r\n", 0, -EBADMSG, NULL);
	check_get("", 0, -EBADMSG, NULL);
	check_get("HTTP/1.0 200 OK\r\n\r\nslow", 600, -ETIMEDOUT, NULL);
}

/* A source whose server has gone is a gap at each reading, and says once why. */
static void test_server_gone(void **state)
{
	struct {
		char *url;
		int64_t timeout_ns;
		struct sq_strings names;
	} conf = { .timeout_ns = SQ_SEC }; /* as prometheus has it */
	struct probe p;
	json_t *records;
	char url[64];
	pid_t pid;

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/metrics",
		 serve("HTTP/1.0 200 OK\r\n\r\nx 1\n", 0, &pid));
	conf.url = url;
	probe_open_conf(&p, "prometheus", &conf);
	waitpid(pid, NULL, 0);
	probe_tick(&p);
	probe_tick(&p);
	p.source->close(p.state);
	free(p.state);
	records = bench_close(&p.bench);
	assert_int_equal(count_records(records, "gap"), 2);
	assert_int_equal(count_records(records, "event"), 1);
	assert_non_null(strstr(record_text(nth_record(records, "event", 0), "text"),
			       "it gives no counters: "));
	json_decref(records);
}

static void test_urls(void **state)
{
	static const char *const bad[] = { "https://127.0.0.1/",  "127.0.0.1:80",
					   "http://localhost/",   "http://127.0.0.1:0/",
					   "http://127.0.0.1:x/", "http://[::1/",
					   "http:///x",           "http://127.0.0.1:65536/",
					   "http://::1/x" };
	struct sq_buf out = { 0 };
	struct sq_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sq_http_get(bad[i], SQ_SEC, &out, &err), -EINVAL);
	/* Nobody listens in a namespace of one's own. */
	assert_int_equal(sq_http_get("http://127.0.0.1:9/", SQ_SEC, &out, &err), -ECONNREFUSED);
	assert_int_equal(sq_http_get("http://[::1]:9/x", SQ_SEC, &out, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.text, "see that the server gives its statistics there"));
	sq_buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_http),
					    cmocka_unit_test(test_server_gone),
					    cmocka_unit_test(test_urls) };

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
