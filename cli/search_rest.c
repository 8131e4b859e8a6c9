/* The cool-down between trials that share a server: what one trial leaves behind must not fail the next.
 *
 * Waited for are this network namespace's TIME_WAIT sockets (they may take a tenth of the ports, or what they took before the
 * search), what waits in the queues of its listeners and UDP sockets, and packets that still come.
 *
 * What a reader would get wrong: it is this machine that is looked at.  Of a server on another one its own queues are
 * not seen; that it has come to rest shows in its packets alone, and what has not (memory, a disk) in the lower
 * bounds' confirmation at the end. */
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/kernel/inet_diag.h"
#include "analyzers/kernel/netlink.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/sysctl.h"
#include "cli/search.h"
#include "scenarios/plan.h"

#define LOOK_NS (100 * SQ_MS)

/* A load's packets that are left, of each thousand operations, when it is over; and what a machine always has. */
enum { LEFT_PER_MILLE = 10, LEFT_LEAST = 20 };

struct look {
	uint64_t time_wait, queued, packets;
};

struct sq_quiet {
	struct sq_netlink diag;
	struct look before; /* packets: in LOOK_NS */
	double ports;
	struct sq_err err; /* of the queues, which are then not seen */
};

/* ---- a look ---- */

/* The number under a name in one of the kernel's tables of two lines: names, then numbers. */
static uint64_t table_value(FILE *f, const char *table, const char *name)
{
	char names[4096], numbers[4096], *n = NULL, *v = NULL;

	rewind(f);
	while (fgets(names, sizeof(names), f) && fgets(numbers, sizeof(numbers), f)) {
		char *name_at = strtok_r(names, " \n", &n),
		     *number_at = strtok_r(numbers, " \n", &v);

		if (!name_at || strcmp(name_at, table) != 0)
			continue;
		while (name_at && number_at && strcmp(name_at, name) != 0) {
			name_at = strtok_r(NULL, " \n", &n);
			number_at = strtok_r(NULL, " \n", &v);
		}
		return number_at ? strtoull(number_at, NULL, 10) : 0;
	}
	return 0;
}

static uint64_t packets_in(void)
{
	FILE *f = fopen("/proc/thread-self/net/snmp", "re");
	uint64_t sum = 0;

	if (!f)
		return 0;
	sum = table_value(f, "Tcp:", "InSegs") + table_value(f, "Udp:", "InDatagrams");
	fclose(f);
	return sum;
}

static uint64_t time_wait(void)
{
	FILE *f = fopen("/proc/thread-self/net/sockstat", "re");
	uint64_t n = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		const char *tw = strncmp(line, "TCP:", 4) == 0 ? strstr(line, " tw ") : NULL;

		if (tw)
			n = strtoull(tw + strlen(" tw "), NULL, 10);
	}
	if (f)
		fclose(f);
	return n;
}

static int add_queue(const struct nlmsghdr *header, void *sum)
{
	struct sq_diag_address local;
	const struct inet_diag_msg *m = sq_diag_message(header, &local);

	if (m)
		*(uint64_t *)sum += m->idiag_rqueue;
	return MNL_CB_OK;
}

/* Connections not accepted yet, and bytes of datagrams not read. */
static uint64_t queued(struct sq_quiet *q)
{
	uint64_t sum = 0;

	if (q->err.code)
		return 0;
	sq_diag_dump_tcp(&q->diag, 1U << TCP_LISTEN, 0, add_queue, &sum);
	sq_diag_dump_udp(&q->diag, AF_INET, UINT32_MAX, 0, add_queue, &sum);
	sq_diag_dump_udp(&q->diag, AF_INET6, UINT32_MAX, 0, add_queue, &sum);
	return sum;
}

/* Takes LOOK_NS. */
static struct look look(struct sq_quiet *q)
{
	uint64_t packets = packets_in();

	sq_sleep_until(sq_now_ns() + LOOK_NS);
	return (struct look){ .time_wait = time_wait(),
			      .queued = queued(q),
			      .packets = packets_in() - packets };
}

static double port_count(void)
{
	char range[SQ_SYSCTL_VALUE];

	if (sq_sysctl_read("net.ipv4.ip_local_port_range", range, sizeof(range)) < 0)
		return 0;
	return sq_port_range_size(range);
}

struct sq_quiet *sq_quiet_new(void)
{
	struct sq_quiet *q = sq_alloc(sizeof(*q));

	sq_netlink_open(&q->diag, NETLINK_SOCK_DIAG, &q->err);
	q->ports = port_count();
	q->before = look(q);
	return q;
}

struct sq_quiet *sq_quiet_free(struct sq_quiet *q)
{
	if (q)
		sq_netlink_close(&q->diag);
	free(q);
	return NULL;
}

/* ---- waiting ---- */

/* Says what is not at rest. */
static bool is_quiet(const struct sq_quiet *q, const struct look *now, double load,
		     struct sq_search_rest *ret)
{
	double packets = fmax(2 * (double)q->before.packets,
			      load * sq_seconds(LOOK_NS) * LEFT_PER_MILLE / 1000);
	const char *what = NULL;
	uint64_t n = 0;

	if (now->time_wait > q->before.time_wait && (double)now->time_wait > q->ports / 10) {
		what = "sockets in TIME_WAIT";
		n = now->time_wait;
	} else if (now->queued > q->before.queued) {
		what = "connections or bytes in queues";
		n = now->queued;
	} else if ((double)now->packets > fmax(packets, LEFT_LEAST)) {
		what = "packets in 100 ms";
		n = now->packets;
	}
	snprintf(ret->because, sizeof(ret->because), "%llu %s", (unsigned long long)n,
		 what ? what : "");
	return !what;
}

void sq_quiet_await(struct sq_quiet *q, double load, int64_t least_ns, int64_t most_ns,
		    struct sq_search_rest *ret)
{
	int64_t begin_ns = sq_now_ns();
	struct look now;

	*ret = (struct sq_search_rest){ 0 };
	for (int64_t slept = LOOK_NS; slept < least_ns && !sq_interrupted(); slept += LOOK_NS)
		sq_sleep_until(begin_ns + slept);
	do {
		now = look(q);
		ret->at_rest = is_quiet(q, &now, load, ret);
	} while (!ret->at_rest && !sq_interrupted() && sq_now_ns() - begin_ns < most_ns);
	ret->took_ns = sq_now_ns() - begin_ns;
	if (ret->at_rest)
		ret->because[0] = '\0';
}
