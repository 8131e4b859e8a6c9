/* The trace of dropped packets: its lines on several kernels, and real drops.  Without root there is no
 * trace, and what must be right then is the reason. */
#include <sys/wait.h>

#include <dirent.h>
#include <signal.h>

#include "analyzers/formats/drops.h"
#include "analyzers/kernel/kallsyms.h"
#include "analyzers/kernel/tracefs.h"
#include "source_bench.h"

static void test_parse(void **state)
{
	struct sq_drop d;

	(void)state;
	assert_int_equal(sq_drop_parse("kfree_skb: skbaddr=000000001 rx_sk=0 protocol=2048 "
				       "location=tcp_v4_rcv+0x1a/0xb20 reason: TCP_LISTEN_OVERFLOW",
				       &d),
			 SQ_DROP_PACKET);
	assert_string_equal(d.reason, "TCP_LISTEN_OVERFLOW");
	assert_string_equal(d.location, "tcp_v4_rcv");
	/* A module's; a name that begins like a number; Linux 6.1; Linux 5.10. */
	sq_drop_parse("x-1 [001] ..s1. 12.3: kfree_skb: skbaddr=0 protocol=0 "
		      "location=nft_do_chain+0x5/0x9 [nf_tables] reason: NETFILTER_DROP",
		      &d);
	assert_string_equal(d.location, "nft_do_chain");
	sq_drop_parse("kfree_skb: location=add_timer+0x0/0x9 reason: NOMEM", &d);
	assert_string_equal(d.location, "add_timer");
	sq_drop_parse("kfree_skb: skbaddr=00000000abcdef protocol=2048 "
		      "location=ffffffff81a2b3c4 reason: NO_SOCKET",
		      &d);
	assert_string_equal(d.location, "");
	assert_int_equal(d.address, 0xffffffff81a2b3c4);
	assert_string_equal(d.reason, "NO_SOCKET");
	sq_drop_parse("kfree_skb: skbaddr=0 protocol=2048 location=0xffffffff81a2b3c4", &d);
	assert_int_equal(d.address, 0xffffffff81a2b3c4);
	assert_string_equal(d.reason, "NOT_SPECIFIED");
	assert_int_equal(sq_drop_parse("CPU:1 [LOST 17 EVENTS]", &d), SQ_DROP_LOST);
	assert_int_equal(d.lost, 17);
	assert_int_equal(sq_drop_parse("CPU:0 [LOST EVENTS]", &d), SQ_DROP_LOST);
	assert_int_equal(d.lost, 0);
	assert_int_equal(sq_drop_parse("", &d), SQ_DROP_OTHER);
	assert_int_equal(sq_drop_parse("kfree_skb: locati", &d), SQ_DROP_OTHER);
	assert_int_equal(sq_drop_parse("kfree_skb: location=", &d), SQ_DROP_PACKET);
}

/* A function's own address, and one within it. */
static void test_kallsyms(void **state)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], symbol[64], type, name[SQ_KALLSYMS_NAME];
	unsigned long long at = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %c %63s", &at, &type, symbol) == 3 &&
		    strcmp(symbol, "tcp_v4_rcv") == 0)
			break;
	fclose(f);
	assert_true(at != 0);
	assert_int_equal(sq_kallsyms_name(at, name), 0);
	assert_string_equal(name, "tcp_v4_rcv");
	assert_int_equal(sq_kallsyms_name(at + 5, name), 0);
	assert_string_equal(name, "tcp_v4_rcv");
	assert_int_equal(sq_kallsyms_name(1, name), -ENOENT);
}

/* The rise of all rows of a reason. */
static int64_t sum_of(const json_t *records, const char *reason)
{
	int64_t sum = 0;
	size_t i;
	json_t *r;

	json_array_foreach(records, i, r)
		if (record_is(r, "metric") && strcmp(record_text(r, "metric"), "skb.drop") == 0 &&
		    strncmp(record_text(r, "instance"), reason, strlen(reason)) == 0)
			sum += last_value(records, "skb.drop", record_text(r, "instance"));
	return sum;
}

/* Others on the machine may drop such packets meanwhile, a few. */
static void test_drops(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct probe p;
	json_t *records;

	(void)state;
	probe_open(&p, "skb_drops");
	probe_tick(&p);
	assert_int_equal(send_datagrams(fd, 9, 137), 0);
	probe_tick(&p);
	close(fd);
	records = probe_close(&p);
	assert_in_range(sum_of(records, "NO_SOCKET@"), 137, 237);
	assert_int_equal(last_value(records, "skb.lost", NULL), 0);
	json_decref(records);
}

/* More than a ring holds: what it lost is known. */
static void test_lost(void **state)
{
	enum { SENT = 300000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int64_t seen = 0, lost = 0;
	struct probe p;
	json_t *records;

	(void)state;
	probe_open(&p, "skb_drops");
	probe_tick(&p);
	send_datagrams(fd, 9, SENT);
	for (int i = 0; i < 100; i++)
		probe_tick(&p);
	close(fd);
	records = probe_close(&p);
	seen = sum_of(records, "NO_SOCKET@");
	lost = last_value(records, "skb.lost", NULL);
	assert_true(seen > 10000 && lost > 0);
	assert_in_range(sum_of(records, "") + lost, SENT, 2 * SENT);
	json_decref(records);
}

static size_t count_instances(void)
{
	DIR *folder = opendir("/sys/kernel/tracing/instances");
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		n += strncmp(entry->d_name, "squall-", 7) == 0;
	closedir(folder);
	return n;
}

/* A killed process leaves its instance behind, until the next one comes; one in use stays. */
static void test_abandoned(void **state)
{
	struct sq_tracefs in_use, t;
	struct sq_err err = { 0 };
	size_t before;
	int said[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(sq_tracefs_open(&in_use, "skb/kfree_skb", &err), 0);
	before = count_instances();
	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		if (sq_tracefs_open(&t, "skb/kfree_skb", &err) == 0 && write(said[1], "+", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	assert_int_equal(count_instances(), before + 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(count_instances(), before + 1);
	assert_int_equal(sq_tracefs_open(&t, "skb/kfree_skb", &err), 0);
	assert_int_equal(count_instances(), before + 1);
	sq_tracefs_close(&t);
	assert_int_equal(count_instances(), before);
	sq_tracefs_close(&in_use);
	assert_int_equal(count_instances(), before - 1);
	assert_int_equal(sq_tracefs_open(&t, "no/such_event", &err), -ENOENT);
	assert_int_equal(count_instances(), before - 1);
}

static void test_reason(void **state)
{
	struct sq_tracefs t;
	struct sq_err err = { 0 };

	(void)state;
	assert_true(sq_tracefs_open(&t, "skb/kfree_skb", &err) < 0);
	assert_true(strstr(err.text, "takes root") || strstr(err.text, "is mounted"));
}

int main(void)
{
	const struct CMUnitTest with_root[] = {
		cmocka_unit_test(test_parse),     cmocka_unit_test(test_kallsyms),
		cmocka_unit_test(test_drops),     cmocka_unit_test(test_lost),
		cmocka_unit_test(test_abandoned),
	};
	const struct CMUnitTest without[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_reason),
	};

	if (geteuid() != 0)
		return cmocka_run_group_tests(without, NULL, NULL);
	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(with_root, NULL, NULL);
}
