/* Packet-filter rules: what each does, as the kernel tells it of real ones, and what they dropped
 * against what the sender was told. */
#include "analyzers/kernel/nft.h"

#include <arpa/inet.h> /* before linux/in.h, which comes with the next */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/wait.h>

#include "source_bench.h"

static void flush(void)
{
	must("nft flush ruleset");
}

static void add_chain(const char *more)
{
	char command[256];

	must("nft add table inet filter");
	snprintf(command, sizeof(command),
		 "nft 'add chain inet filter output { type filter hook output priority 0; %s }'",
		 more);
	must(command);
}

/* Its handle, which nft prints. */
static unsigned add_rule(const char *text)
{
	char command[256], line[256];
	unsigned handle = 0;
	FILE *f;

	snprintf(command, sizeof(command), "nft -e -a 'add rule inet filter output %s'", text);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "# handle ");

		if (at)
			handle = (unsigned)atoi(at + strlen("# handle "));
	}
	assert_int_equal(pclose(f), 0);
	assert_true(handle > 0);
	return handle;
}

static int64_t drops_of(const json_t *records, unsigned handle)
{
	char instance[64];

	snprintf(instance, sizeof(instance), "inet filter output %u", handle);
	return last_value(records, "nft.drops", instance);
}

static int on_rule(const struct nlmsghdr *header, void *arg)
{
	assert_true(sq_nft_parse_rule(header, arg));
	assert_string_equal(((struct sq_nft_rule *)arg)->chain.table, "filter");
	assert_string_equal(((struct sq_nft_rule *)arg)->chain.name, "output");
	return MNL_CB_OK;
}

static void ask_rule(struct sq_netlink *nl, struct sq_nft_rule *ret)
{
	const struct sq_nft_chain chain = { NFPROTO_INET, "filter", "output" };
	char request[SQ_NFT_REQUEST];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);

	sq_nft_request(header, NFT_MSG_GETRULE, &chain);
	assert_int_equal(sq_netlink_ask(nl, header, on_rule, ret), 0);
	must("nft flush chain inet filter output");
}

static void test_which_port(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
	} cases[] = {
		{ "udp dport 9 counter drop", 9 },
		{ "tcp dport 9000 tcp flags syn counter drop", 9000 },
		{ "ip saddr 198.18.0.1 tcp dport 9000 counter reject", 9000 },
		{ "udp dport != 9 counter drop", 0 },
		{ "udp dport { 9, 10 } counter drop", 0 },
		{ "udp dport 9-10 counter drop", 0 },
		{ "tcp sport 9 counter drop", 0 },
		{ "tcp dport & 3 == 1 counter drop", 0 },
		{ "counter drop", 0 },
	};
	struct sq_netlink nl;

	(void)state;
	add_chain("");
	assert_int_equal(sq_netlink_open(&nl, NETLINK_NETFILTER, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_nft_rule rule = { .handle = 0 };

		add_rule(cases[i].text);
		ask_rule(&nl, &rule);
		if (rule.port != cases[i].port)
			fail_msg("%s: got %u", cases[i].text, rule.port);
	}
	sq_netlink_close(&nl);
	flush();
}

static void test_what_rules_do(void **state)
{
	static const struct {
		const char *text;
		enum sq_nft_verdict verdict;
		bool always, counted;
	} cases[] = {
		{ "udp dport 9 counter packets 7 bytes 700 drop", SQ_NFT_DROP, false, true },
		{ "udp dport 9 counter packets 7 bytes 7 log prefix x drop", SQ_NFT_DROP, false,
		  true },
		{ "udp dport 9 drop", SQ_NFT_DROP, false, false },
		/* The counter sees what the condition then spares. */
		{ "counter packets 8 bytes 800 udp dport 9 drop", SQ_NFT_DROP, false, false },
		{ "counter packets 8 bytes 8 udp dport 9 counter packets 7 bytes 7 drop",
		  SQ_NFT_DROP, false, true },
		{ "udp dport 9 counter packets 8 bytes 8 limit rate 5/second drop", SQ_NFT_DROP,
		  false, false },
		{ "udp dport 9 limit rate 5/second counter packets 7 bytes 7 drop", SQ_NFT_DROP,
		  false, true },
		{ "counter packets 7 bytes 700 drop", SQ_NFT_DROP, true, true },
		{ "counter packets 7 bytes 700", SQ_NFT_NONE, true, true },
		{ "drop", SQ_NFT_DROP, true, false },
		{ "udp dport 9 counter packets 7 bytes 700 accept", SQ_NFT_OTHER, false, true },
		{ "udp dport 9 counter packets 7 bytes 700 meta mark set 1", SQ_NFT_NONE, false,
		  false },
		{ "jump other", SQ_NFT_OTHER, true, false },
		{ "ip daddr { 127.0.0.7, 127.0.0.9 } counter packets 7 bytes 7 drop", SQ_NFT_DROP,
		  false, true },
		{ "udp dport vmap { 9 : drop }", SQ_NFT_NONE, false, false },
	};
	struct sq_netlink nl;

	(void)state;
	add_chain("");
	must("nft add chain inet filter other");
	assert_int_equal(sq_netlink_open(&nl, NETLINK_NETFILTER, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_nft_rule rule = { .handle = 0 };
		unsigned handle = add_rule(cases[i].text);

		ask_rule(&nl, &rule);
		if (rule.verdict != cases[i].verdict || rule.always != cases[i].always ||
		    rule.counted != cases[i].counted)
			fail_msg("%s: got %d %d %d", cases[i].text, rule.verdict, rule.always,
				 rule.counted);
		assert_int_equal(rule.handle, handle);
		if (rule.counted)
			assert_int_equal(rule.packets, 7);
	}
	sq_netlink_close(&nl);
	flush();
}

/* As iptables-nft writes `-j REJECT`. */
static struct nlmsghdr *reject_target(char *buffer, const char *target)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *msg = mnl_nlmsg_put_extra_header(header, sizeof(*msg));
	struct nlattr *list, *element, *data;
	const uint64_t count[2] = { 0, UINT64_C(5) << 56 }; /* big-endian */

	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE;
	msg->nfgen_family = NFPROTO_IPV4;
	mnl_attr_put_strz(header, NFTA_RULE_TABLE, "filter");
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, "IN\tPUT");
	list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, "counter");
	data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
	mnl_attr_put(header, NFTA_COUNTER_BYTES, sizeof(count[0]), &count[0]);
	mnl_attr_put(header, NFTA_COUNTER_PACKETS, sizeof(count[1]), &count[1]);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, element);
	element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, "target");
	data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
	mnl_attr_put_strz(header, NFTA_TARGET_NAME, target);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, element);
	mnl_attr_nest_end(header, list);
	return header;
}

static void test_targets_of_iptables(void **state)
{
	char buffer[1024], text[SQ_NFT_TEXT];
	struct sq_nft_rule rule;

	(void)state;
	assert_true(sq_nft_parse_rule(reject_target(buffer, "REJECT"), &rule));
	assert_int_equal(rule.verdict, SQ_NFT_DROP);
	assert_true(rule.counted);
	assert_int_equal(rule.packets, 5);
	sq_nft_text(&rule.chain, 12, text);
	assert_string_equal(text, "ip filter IN?PUT 12");
	assert_true(sq_nft_parse_rule(reject_target(buffer, "LOG"), &rule));
	assert_int_equal(rule.verdict, SQ_NFT_NONE);
}

/* Any one byte changed, and cut anywhere: it is read no further than it goes. */
static void test_broken_messages(void **state)
{
	char whole[1024];
	struct nlmsghdr *header = reject_target(whole, "REJECT");
	uint32_t len = header->nlmsg_len;
	struct sq_nft_rule rule;
	struct sq_nft_chain chain;
	bool drops;

	(void)state;
	for (uint32_t at = NLMSG_HDRLEN; at < len; at++) {
		for (unsigned value = 0; value < 256; value += 3) {
			char *copy = malloc(len);

			memcpy(copy, whole, len);
			copy[at] = (char)value;
			sq_nft_parse_rule((struct nlmsghdr *)copy, &rule);
			((struct nlmsghdr *)copy)->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 |
								NFT_MSG_NEWCHAIN;
			sq_nft_parse_chain((struct nlmsghdr *)copy, &chain, &drops);
			free(copy);
		}
	}
	for (uint32_t cut = NLMSG_HDRLEN; cut < len; cut += 4) {
		char *copy = malloc(cut);

		memcpy(copy, whole, cut);
		((struct nlmsghdr *)copy)->nlmsg_len = cut;
		sq_nft_parse_rule((struct nlmsghdr *)copy, &rule);
		free(copy);
	}
}

static void test_drops_are_the_sender_s_eperms(void **state)
{
	struct probe p;
	json_t *records;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned counting, other;

	(void)state;
	add_chain("");
	counting = add_rule("udp dport 9 counter drop");
	other = add_rule("udp dport 10 drop");
	send_datagrams(fd, 9, 5); /* before the first reading */
	probe_open(&p, "nft");
	probe_tick(&p);
	assert_int_equal(send_datagrams(fd, 9, 137), 137);
	assert_int_equal(errno, EPERM);
	assert_int_equal(send_datagrams(fd, 10, 3), 3);
	probe_tick(&p);
	close(fd);
	flush();
	records = probe_close(&p);
	assert_int_equal(drops_of(records, counting), 137);
	assert_int_equal(drops_of(records, other), NOT_THERE);
	assert_int_equal(last_value(records, "nft.uncounted_drops", NULL), 1);
	json_decref(records);
}

static void test_rules_that_come_and_go(void **state)
{
	struct probe p;
	json_t *records;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned first, second, third;
	char command[128];

	(void)state;
	probe_open(&p, "nft");
	probe_tick(&p);
	add_chain("");
	first = add_rule("udp dport 9 counter drop");
	send_datagrams(fd, 9, 10);
	probe_tick(&p);
	/* In front of it, so that its place is another. */
	must("nft insert rule inet filter output udp dport 10 counter reject");
	second = first + 1;
	send_datagrams(fd, 9, 10);
	send_datagrams(fd, 10, 4);
	probe_tick(&p);
	snprintf(command, sizeof(command), "nft delete rule inet filter output handle %u", first);
	must(command);
	third = add_rule("udp dport 9 counter drop");
	send_datagrams(fd, 9, 3);
	probe_tick(&p);
	close(fd);
	flush();
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(drops_of(records, first), 20);
	assert_int_equal(drops_of(records, second), 4);
	assert_int_equal(drops_of(records, third), 3);
	assert_int_equal(last_value(records, "nft.uncounted_drops", NULL), 0);
	assert_int_equal(count_records(records, "restart"), 0);
	json_decref(records);
}

static int64_t all_drops(const json_t *records)
{
	int64_t sum = 0;
	const json_t *r;
	size_t i;

	json_array_foreach(records, i, r)
		if (record_is(r, "metric") && strcmp(record_text(r, "metric"), "nft.drops") == 0)
			sum += last_value(records, "nft.drops", record_text(r, "instance"));
	return sum;
}

/* With its counters, as "nft list ruleset" saves them, and twice: the drops are those that there were. */
static void test_rules_loaded_anew(void **state)
{
	static const char reload[] = "(echo flush table inet filter; nft list ruleset) | nft -f -";
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct probe p;
	json_t *records;

	(void)state;
	add_chain("policy drop;");
	add_rule("udp dport 9 counter drop");
	add_rule("udp dport 10 counter drop");
	add_rule("counter");
	send_datagrams(fd, 9, 5);
	probe_open(&p, "nft");
	probe_tick(&p);
	for (int i = 0; i < 2; i++) {
		send_datagrams(fd, 9, 7);
		send_datagrams(fd, 11, 3);
		probe_tick(&p);
		send_datagrams(fd, 9, 4);
		must(reload);
		send_datagrams(fd, 9, 2);
		send_datagrams(fd, 10, 1);
		probe_tick(&p);
	}
	close(fd);
	flush();
	records = probe_close(&p);
	assert_int_equal(all_drops(records), 2 * (7 + 3 + 4 + 2 + 1));
	json_decref(records);
}

/* A policy counts only by a bare counter in front of it. */
static void test_policies(void **state)
{
	static const struct {
		const char *rule;
		int64_t drops, uncounted;
	} cases[] = {
		{ "udp dport 10 counter accept", NOT_THERE, 1 },
		{ "counter", 6, 0 },
		{ "udp dport 9 counter", NOT_THERE, 1 },
		{ "counter drop", 6, 0 },
		{ "drop", NOT_THERE, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		struct probe p;
		json_t *records;
		unsigned handle;

		add_chain("policy drop;");
		must("nft add chain inet filter other");
		must("nft add rule inet filter output udp dport 11 counter accept");
		handle = add_rule(cases[i].rule);
		probe_open(&p, "nft");
		probe_tick(&p);
		assert_int_equal(send_datagrams(fd, 9, 6), 6);
		probe_tick(&p);
		close(fd);
		flush();
		records = probe_close(&p);
		assert_int_equal(drops_of(records, handle), cases[i].drops);
		assert_int_equal(last_value(records, "nft.uncounted_drops", NULL),
				 cases[i].uncounted);
		json_decref(records);
	}
}

/* More than fit in one answer, in several chains. */
static void test_many_rules(void **state)
{
	enum { MANY = 200 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct probe p;
	json_t *records;
	size_t i, rows = 0;
	int64_t sum = 0;
	json_t *r;

	(void)state;
	add_chain("");
	/* A batch each: what an ordinary user may send at once is limited. */
	must("for c in a b c; do"
	     " (echo add chain inet filter $c; echo add rule inet filter output jump $c;"
	     " for i in $(seq 200); do echo add rule inet filter $c udp dport $((i+1000)) accept;"
	     " echo add rule inet filter $c udp dport $i counter drop; done) | nft -f - || exit;"
	     " done");
	probe_open(&p, "nft");
	probe_tick(&p);
	for (int port = 1; port <= MANY; port += 7)
		send_datagrams(fd, port, port);
	probe_tick(&p);
	close(fd);
	flush();
	records = probe_close(&p);
	json_array_foreach(records, i, r) {
		const char *instance = record_text(r, "instance");

		if (strcmp(record_text(r, "metric"), "nft.drops") != 0)
			continue;
		sum += last_value(records, "nft.drops", instance);
		rows++;
	}
	assert_int_equal(rows, 3 * MANY);
	for (int port = 1; port <= MANY; port += 7)
		sum -= port;
	assert_int_equal(sum, 0);
	json_decref(records);
}

/* A namespace of another owner, in which the caller may not look. */
static void test_without_permission(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		const struct sq_source *source = source_named("nft");
		void *memory = calloc(1, source->state_size);
		struct sq_err err = { 0 };
		int rc;

		if (unshare(CLONE_NEWUSER) == -1)
			_exit(2);
		rc = source->open(memory, NULL, NULL, &err);
		_exit(rc == -EPERM && strstr(err.text, "CAP_NET_ADMIN") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_rules_do),
		cmocka_unit_test(test_which_port),
		cmocka_unit_test(test_targets_of_iptables),
		cmocka_unit_test(test_broken_messages),
		cmocka_unit_test(test_drops_are_the_sender_s_eperms),
		cmocka_unit_test(test_rules_that_come_and_go),
		cmocka_unit_test(test_rules_loaded_anew),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_without_permission),
	};

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
