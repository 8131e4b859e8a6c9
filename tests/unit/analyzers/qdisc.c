/* Queueing disciplines: the messages of the kernel, and its counts against those of the protocol. */
#include "analyzers/kernel/qdisc.h"

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "source_bench.h"

struct message { /* room for one */
	char bytes[1024];
};

static struct nlmsghdr *message_begin(struct message *m, uint32_t parent, const char *kind)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(m->bytes);
	struct tcmsg *msg = mnl_nlmsg_put_extra_header(header, sizeof(*msg));

	header->nlmsg_type = RTM_NEWQDISC;
	msg->tcm_ifindex = 7;
	msg->tcm_parent = parent;
	mnl_attr_put_strz(header, TCA_KIND, kind);
	return header;
}

static void put_stats(struct nlmsghdr *header)
{
	struct gnet_stats_basic basic = { .bytes = UINT64_C(5000000000), .packets = 123 };
	struct gnet_stats_queue queue = {
		.qlen = 20, .backlog = 2840, .drops = 968, .requeues = 3, .overlimits = 999
	};
	struct nlattr *nest = mnl_attr_nest_start(header, TCA_STATS2);

	mnl_attr_put(header, TCA_STATS_BASIC, sizeof(basic), &basic);
	mnl_attr_put(header, TCA_STATS_QUEUE, sizeof(queue), &queue);
	mnl_attr_nest_end(header, nest);
}

static void test_a_tbf(void **state)
{
	struct tc_tbf_qopt opt = { .rate.rate = 12500, .limit = 3000, .buffer = 2000000 };
	struct message m;
	struct nlmsghdr *header = message_begin(&m, TC_H_ROOT, "tbf");
	struct nlattr *nest = mnl_attr_nest_start(header, TCA_OPTIONS);
	struct sq_qdisc q;

	(void)state;
	mnl_attr_put(header, TCA_TBF_PARMS, sizeof(opt), &opt);
	mnl_attr_nest_end(header, nest);
	put_stats(header);
	assert_true(sq_qdisc_parse(header, &q));
	assert_int_equal(q.device, 7);
	assert_string_equal(q.kind, "tbf");
	assert_int_equal(q.bytes, 5000000000);
	assert_int_equal(q.packets, 123);
	assert_int_equal(q.drops, 968);
	assert_int_equal(q.requeues, 3);
	assert_int_equal(q.overlimits, 999);
	assert_int_equal(q.queued, 20);
	assert_int_equal(q.backlog, 2840);
	assert_int_equal(q.rate_bytes_per_s, 12500);
	assert_int_equal(q.burst_bytes, 1600);
	assert_int_equal(q.limit_bytes, 3000);
	assert_int_equal(q.limit_packets, 0);
}

static void test_more_than_32_bits(void **state)
{
	const uint64_t packets = UINT64_C(0x100000002), rate = UINT64_C(5000000000);
	struct gnet_stats_basic basic = { .packets = 2 };
	struct gnet_stats_queue queue = { .drops = 0 };
	struct tc_tbf_qopt opt = { .rate.rate = UINT32_MAX, .buffer = 15625 };
	struct message m;
	struct nlmsghdr *header = message_begin(&m, TC_H_ROOT, "tbf");
	struct nlattr *nest = mnl_attr_nest_start(header, TCA_OPTIONS);
	struct sq_qdisc q;

	(void)state;
	mnl_attr_put(header, TCA_TBF_RATE64, sizeof(rate), &rate);
	mnl_attr_put(header, TCA_TBF_PARMS, sizeof(opt), &opt);
	mnl_attr_nest_end(header, nest);
	nest = mnl_attr_nest_start(header, TCA_STATS2);
	mnl_attr_put(header, TCA_STATS_PKT64, sizeof(packets), &packets);
	mnl_attr_put(header, TCA_STATS_BASIC, sizeof(basic), &basic);
	mnl_attr_put(header, TCA_STATS_QUEUE, sizeof(queue), &queue);
	mnl_attr_nest_end(header, nest);
	assert_true(sq_qdisc_parse(header, &q));
	assert_int_equal(q.packets, packets);
	assert_int_equal(q.rate_bytes_per_s, rate);
	assert_int_equal(q.burst_bytes, 5000000);
}

static void test_limits(void **state)
{
	static const struct {
		const char *kind;
		uint16_t attr;
		uint32_t bytes, packets;
	} cases[] = {
		{ "pfifo", 0, 0, 77 },
		{ "bfifo", 0, 77, 0 },
		{ "fq_codel", TCA_FQ_CODEL_LIMIT, 0, 77 },
		{ "fq", TCA_FQ_PLIMIT, 0, 77 },
		{ "fq", TCA_FQ_FLOW_PLIMIT, 0, 0 },
		{ "something", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint32_t limit = 77;
		struct message m;
		struct nlmsghdr *header = message_begin(&m, TC_H_ROOT, cases[i].kind);
		struct sq_qdisc q;

		if (cases[i].attr) {
			struct nlattr *nest = mnl_attr_nest_start(header, TCA_OPTIONS);

			mnl_attr_put(header, cases[i].attr, sizeof(limit), &limit);
			mnl_attr_nest_end(header, nest);
		} else {
			mnl_attr_put(header, TCA_OPTIONS, sizeof(limit), &limit);
		}
		put_stats(header);
		assert_true(sq_qdisc_parse(header, &q));
		assert_int_equal(q.limit_bytes, cases[i].bytes);
		assert_int_equal(q.limit_packets, cases[i].packets);
	}
}

static void test_what_is_passed_over(void **state)
{
	static const struct {
		uint32_t parent;
		const char *kind;
		bool stats, want;
	} cases[] = {
		{ TC_H_ROOT, "pfifo_fast", true, true },
		{ TC_H_ROOT, "pfifo_fast", false, false }, /* no counts, and no zeros */
		{ TC_H_ROOT, "noqueue", true, false },
		{ TC_H_INGRESS, "ingress", true, false },
		{ TC_H_INGRESS, "clsact", true, false },
		{ 0x10001, "bfifo", true, false }, /* 1:1, a child */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message m;
		struct nlmsghdr *header = message_begin(&m, cases[i].parent, cases[i].kind);
		struct sq_qdisc q;

		if (cases[i].stats)
			put_stats(header);
		assert_int_equal(sq_qdisc_parse(header, &q), cases[i].want);
	}
}

/* Cut anywhere (messages are multiples of 4), it is read no further than it goes. */
static void test_short_messages(void **state)
{
	struct message m;
	struct nlmsghdr *header = message_begin(&m, TC_H_ROOT, "tbf");

	(void)state;
	put_stats(header);
	for (uint32_t len = NLMSG_HDRLEN; len < header->nlmsg_len; len += 4) {
		struct nlmsghdr *cut = malloc(len);
		struct sq_qdisc q;

		memcpy(cut, header, len);
		cut->nlmsg_len = len;
		assert_false(sq_qdisc_parse(cut, &q));
		free(cut);
	}
}

static int bound(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Drops are what the sender's protocol counted, once: not the child's in addition. */
static void check_drops(const char *child)
{
	struct probe p;
	json_t *records;
	long long errors;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), server = bound(9300), on = 1, failed;

	must("tc qdisc add dev lo root handle 1: tbf rate 100kbit burst 1600 limit 3000");
	if (child)
		must(child);
	setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	probe_open(&p, "qdisc");
	probe_tick(&p);
	errors = udp_counter(UDP_SNDBUF_ERRORS);
	failed = send_datagrams(fd, 9300, 1000);
	probe_tick(&p);
	errors = udp_counter(UDP_SNDBUF_ERRORS) - errors;
	close(fd);
	close(server);
	must("tc qdisc del dev lo root");
	probe_tick(&p);
	records = probe_close(&p);
	assert_in_range(errors, 900, 990);
	assert_int_equal(failed, errors);
	assert_int_equal(last_value(records, "qdisc.drops", "lo"), errors);
	/* What waited when the queue was taken away waits no more. */
	assert_in_range(tick_value(nth_record(records, "tick", 1),
				   record_int(find_metric(records, "qdisc.queued", "lo"), "i")),
			10, 30);
	assert_int_equal(last_value(records, "qdisc.queued", "lo"), 0);
	assert_int_equal(last_value(records, "qdisc.backlog", "lo"), 0);
	assert_int_equal(count_records(records, "restart"), 0);
	assert_int_equal(count_records(records, "metric"), 1 + 7);
	json_decref(records);
}

static void test_drops(void **state)
{
	(void)state;
	check_drops(NULL);
}

static void test_drops_of_a_child(void **state)
{
	(void)state;
	check_drops("tc qdisc add dev lo parent 1:1 handle 10: bfifo limit 3000");
}

/* A queue that appears in mid-run counts from 0; devices without one have no rows. */
static void test_a_queue_that_comes_late(void **state)
{
	struct probe p;
	json_t *records;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), server = bound(9301);

	(void)state;
	must("ip link add v7 type veth peer name w7");
	probe_open(&p, "qdisc");
	probe_tick(&p);
	must("tc qdisc add dev lo root pfifo limit 100");
	send_datagrams(fd, 9301, 50);
	probe_tick(&p);
	must("tc qdisc replace dev lo root pfifo_fast && tc qdisc add dev v7 root pfifo");
	send_datagrams(fd, 9301, 10);
	probe_tick(&p);
	close(fd);
	close(server);
	must("tc qdisc del dev lo root && ip link del v7");
	records = probe_close(&p);
	assert_int_equal(tick_value(nth_record(records, "tick", 1),
				    record_int(find_metric(records, "qdisc.packets", "lo"), "i")),
			 50);
	assert_int_equal(last_value(records, "qdisc.drops", "v7"), 0);
	assert_int_equal(count_records(records, "metric"), 1 + 14);
	/* The new one of lo began at 0: its packets and bytes fell. */
	assert_int_equal(count_records(records, "restart"), 2);
	json_decref(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tbf),
		cmocka_unit_test(test_more_than_32_bits),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_is_passed_over),
		cmocka_unit_test(test_short_messages),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_drops_of_a_child),
		cmocka_unit_test(test_a_queue_that_comes_late),
	};

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
