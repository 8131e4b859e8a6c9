/* What is owed is kept as numbers, not as bytes: all replies are alike, and how many are owed
 * follows from how many bytes were received.  Only an echo that the kernel had no room for is
 * stored. */
#include "loadgen/tcp/sink_owed.h"

#include <string.h>

#include "base/clock.h"

enum { REPLIES = 1 << 16 };

void sq_tcpd_init(struct sq_tcpd *shared, const struct sq_tcpd_conf *conf)
{
	const char *reply = conf->reply ? conf->reply : "x";
	size_t len = strlen(reply);

	*shared = (struct sq_tcpd){ .conf = conf, .first_ns = SQ_NEVER };
	if (conf->greeting)
		shared->greeting_len = strlen(conf->greeting);
	if (!sq_tcpd_replies(conf))
		return;
	shared->reply_len = conf->reply ? (int64_t)len : conf->reply_bytes;
	do
		sq_buf_add(&shared->replies, reply, len);
	while (shared->replies.len + len <= REPLIES);
}

void sq_tcpd_fini(struct sq_tcpd *shared)
{
	sq_buf_fini(&shared->replies);
}

/* Those that are answered. */
static int64_t requests(const struct sq_tcpd_conf *conf, const struct sq_tcpd_conn *c)
{
	int64_t n = c->received / conf->request_bytes;

	return conf->close_after != SQ_OPT_UNSET && n > conf->close_after ? conf->close_after : n;
}

void sq_tcpd_received(const struct sq_tcpd *shared, struct sq_tcpd_conn *c, size_t n)
{
	c->received += (int64_t)n;
	if (shared->reply_len)
		c->owed = requests(shared->conf, c) * shared->reply_len - c->replied;
}

const char *sq_tcpd_owed(const struct sq_tcpd *shared, const struct sq_tcpd_conn *c,
			 size_t *ret_len)
{
	size_t at;

	if (c->greeted < shared->greeting_len) {
		*ret_len = shared->greeting_len - c->greeted;
		return shared->conf->greeting + c->greeted;
	}
	if (c->echoed < c->echo.len) {
		*ret_len = c->echo.len - c->echoed;
		return c->echo.data + c->echoed;
	}
	if (c->owed == 0)
		return NULL;
	at = (size_t)(c->replied % (int64_t)shared->replies.len);
	*ret_len = shared->replies.len - at;
	if ((int64_t)*ret_len > c->owed)
		*ret_len = (size_t)c->owed;
	return shared->replies.data + at;
}

static int64_t replies_paid(const struct sq_tcpd *shared, struct sq_tcpd_conn *c, int64_t n)
{
	int64_t before = c->replied / shared->reply_len;

	c->replied += n;
	c->owed -= n;
	return c->replied / shared->reply_len - before;
}

int64_t sq_tcpd_paid(const struct sq_tcpd *shared, struct sq_tcpd_conn *c, size_t n)
{
	if (c->greeted < shared->greeting_len) {
		c->greeted += n;
		return 0;
	}
	if (c->echoed == c->echo.len)
		return replies_paid(shared, c, (int64_t)n);
	c->echoed += n;
	if (c->echoed == c->echo.len) {
		sq_buf_reset(&c->echo);
		c->echoed = 0;
	}
	return 0;
}

bool sq_tcpd_served(const struct sq_tcpd *shared, const struct sq_tcpd_conn *c)
{
	const struct sq_tcpd_conf *conf = shared->conf;

	return conf->close == SQ_TCPD_CLOSE_NOW ||
	       (conf->close_after != SQ_OPT_UNSET && requests(conf, c) == conf->close_after);
}
