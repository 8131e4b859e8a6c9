/* What waits in the buffers of all established TCP connections of the network namespace, summed:
 * "tcp.recv_q" (received, and not yet read by the program), "tcp.send_q" (sent or to be sent, and not
 * yet acknowledged), and how many connections there are, "tcp.established".
 *
 * What a reader would get wrong:
 * - A full Recv-Q means a program here that does not read, a full Send-Q a peer that does not, or a
 *   slow path to it.
 * - Listing costs 0.7 us for each connection, 15 ms for 20,000 of them; so it may take 0.2 % of a
 *   processor.  Between two readings the gauges stay where they were ("capture.took" of "queues"
 *   rises where it was read). */
#include <linux/netlink.h>

#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/kernel/inet_diag.h"
#include "analyzers/thrift.h"

enum { STATE_ESTABLISHED = 1 }; /* TCP_ESTABLISHED of the kernel's net/tcp_states.h */

enum row { RECV_Q, SEND_Q, ESTABLISHED, ROWS };

static const char *const rows[ROWS] = {
	[RECV_Q] = "tcp.recv_q",
	[SEND_Q] = "tcp.send_q",
	[ESTABLISHED] = "tcp.established",
};

struct queues {
	struct sq_netlink netlink;
	struct sq_thrift thrift;
	unsigned row[ROWS];
	uint64_t sum[ROWS];
};

static int on_socket(const struct nlmsghdr *header, void *arg)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(header);
	struct queues *q = arg;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg))
		return MNL_CB_OK;
	q->sum[RECV_Q] += msg->idiag_rqueue;
	q->sum[SEND_Q] += msg->idiag_wqueue;
	q->sum[ESTABLISHED]++;
	return MNL_CB_OK;
}

static int dump_all(struct queues *q)
{
	memset(q->sum, 0, sizeof(q->sum));
	return sq_diag_dump_tcp(&q->netlink, 1U << STATE_ESTABLISHED, 0, on_socket, q);
}

static int queues_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct queues *q = state;
	int rc = sq_netlink_open(&q->netlink, NETLINK_SOCK_DIAG, err);

	(void)conf;
	if (rc < 0)
		return rc;
	/* A kernel without inet_diag, or a sandbox, refuses here. */
	rc = dump_all(q);
	if (rc < 0) {
		sq_err_set(err, rc, "sock_diag", "listing the connections: %s", strerror(-rc));
		sq_netlink_close(&q->netlink);
		return rc;
	}
	for (size_t i = 0; i < ROWS; i++)
		q->row[i] = sq_catalogue_metric(s, rows[i], NULL);
	return 0;
}

static int queues_sample(void *state, struct sq_sample *s)
{
	struct queues *q = state;
	int rc;

	if (!sq_thrift_begin(&q->thrift))
		return 0;
	rc = dump_all(q);
	sq_thrift_end(&q->thrift);
	for (size_t i = 0; rc == 0 && i < ROWS; i++)
		sq_sample_put(s, q->row[i], q->sum[i]);
	return rc;
}

static void queues_close(void *state)
{
	struct queues *q = state;

	sq_netlink_close(&q->netlink);
}

const struct sq_source sq_source_queues = {
	.kind = {
		.name = "queues",
		.summary = "what waits in the buffers of all TCP connections together (inet_diag)",
	},
	.group = "linux",
	.state_size = sizeof(struct queues),
	.blocking = true,
	.open = queues_open,
	.sample = queues_sample,
	.close = queues_close,
};
