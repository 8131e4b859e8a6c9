/* The host as it is when its capture begins: kernel, processors, memory, the sysctls that say how
 * many connections, datagrams and SYNs fit where, what limits processes, and how each device queues its
 * output.
 *
 * What a reader would get wrong: /proc/sys/net shows the namespace of the caller, and a child
 * namespace has fewer files than the first (netdev_max_backlog, tcp_max_orphans), so that what isn't
 * there is left out rather than given a default.  In a world the supervisor, which stands outside,
 * reads those for all hosts. */
#include "analyzers/capture/environment.h"

#include <linux/netlink.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/kernel/qdisc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/sysctl.h"
#include "base/value.h"

#define FAR_LIMIT (5 * SQ_SEC)

static const char *const sysctls[] = {
	"net.core.somaxconn",
	"net.core.netdev_max_backlog",
	"net.core.rmem_max",
	"net.core.wmem_max",
	"net.core.rmem_default",
	"net.core.wmem_default",
	"net.core.optmem_max",
	"net.core.default_qdisc",
	"net.core.netdev_budget",
	"net.core.netdev_budget_usecs",
	"net.core.dev_weight",
	"net.core.message_burst",
	"net.core.message_cost",
	"net.unix.max_dgram_qlen",
	"net.ipv4.tcp_congestion_control",
	"net.ipv4.tcp_syn_retries",
	"net.ipv4.tcp_syn_linear_timeouts",
	"net.ipv4.tcp_synack_retries",
	"net.ipv4.tcp_abort_on_overflow",
	"net.ipv4.tcp_max_syn_backlog",
	"net.ipv4.tcp_syncookies",
	"net.ipv4.ip_local_port_range",
	"net.ipv4.ip_local_reserved_ports",
	"net.ipv4.tcp_tw_reuse",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_max_orphans",
	"net.ipv4.tcp_mem",
	"net.ipv4.udp_mem",
	"net.ipv4.tcp_rmem",
	"net.ipv4.tcp_wmem",
	"net.ipv4.tcp_retries2",
	"net.ipv4.tcp_orphan_retries",
	"net.ipv4.tcp_max_tw_buckets",
	"net.ipv4.tcp_timestamps",
	"net.ipv4.tcp_rto_min_us",
	"net.ipv4.tcp_rto_max_ms",
	"net.ipv4.udp_rmem_min",
	"net.ipv4.udp_wmem_min",
	"net.ipv4.conf.all.route_localnet",
	"net.ipv4.icmp_ratelimit",
	"net.ipv4.icmp_ratemask",
	"net.ipv4.icmp_msgs_per_sec",
	"net.ipv4.icmp_msgs_burst",
	"net.ipv4.neigh.default.gc_thresh1",
	"net.ipv4.neigh.default.gc_thresh2",
	"net.ipv4.neigh.default.gc_thresh3",
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ip_nonlocal_bind",
	"net.ipv4.ip_forward",
	"net.ipv4.ipfrag_high_thresh",
	"net.ipv4.tcp_fastopen",
	"net.ipv4.tcp_sack",
	"net.ipv4.tcp_window_scaling",
	"net.ipv4.tcp_moderate_rcvbuf",
	"net.ipv4.tcp_slow_start_after_idle",
	"net.ipv4.tcp_notsent_lowat",
	"net.ipv4.tcp_limit_output_bytes",
	"net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_challenge_ack_limit",
	"net.ipv4.tcp_invalid_ratelimit",
	"net.ipv4.tcp_rfc1337",
	"net.ipv4.tcp_ehash_entries",
	"net.ipv4.tcp_migrate_req",
	"net.ipv4.conf.all.rp_filter",
	"net.ipv4.neigh.default.unres_qlen_bytes",
	"net.ipv4.neigh.default.mcast_solicit",
	"net.ipv4.neigh.default.retrans_time_ms",
	"net.ipv4.neigh.default.base_reachable_time_ms",
	"net.ipv6.bindv6only",
	"net.ipv6.icmp.ratelimit",
	"net.ipv6.icmp.ratemask",
	"net.ipv6.neigh.default.gc_thresh1",
	"net.ipv6.neigh.default.gc_thresh2",
	"net.ipv6.neigh.default.gc_thresh3",
	"net.ipv6.conf.all.disable_ipv6",
	"net.netfilter.nf_conntrack_max",
	"net.netfilter.nf_conntrack_buckets",
	"net.netfilter.nf_conntrack_tcp_loose",
	"net.netfilter.nf_conntrack_tcp_be_liberal",
	"net.netfilter.nf_conntrack_tcp_timeout_established",
	"net.netfilter.nf_conntrack_tcp_timeout_syn_recv",
	"net.netfilter.nf_conntrack_tcp_timeout_time_wait",
	"net.netfilter.nf_conntrack_udp_timeout",
	"net.netfilter.nf_conntrack_udp_timeout_stream",
	"fs.file-max",
	"fs.nr_open",
	"fs.epoll.max_user_watches",
	"kernel.pid_max",
	"kernel.threads-max",
	"kernel.printk_ratelimit",
	"kernel.printk_ratelimit_burst",
	"kernel.dmesg_restrict",
	"kernel.sched_rt_runtime_us",
	"vm.overcommit_memory",
	"vm.min_free_kbytes",
};

static void add_sysctl(json_t *to, const char *name)
{
	char value[SQ_SYSCTL_VALUE];

	if (sq_sysctl_read(name, value, sizeof(value)) == 0)
		json_object_set_new(to, name, json_string(value));
}

static json_t *read_sysctls(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
		add_sysctl(all, sysctls[i]);
	return all;
}

json_t *sq_environment_globals(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
		if (sq_sysctl_is_global(sysctls[i]))
			add_sysctl(all, sysctls[i]);
	return all;
}

static void add_number(json_t *to, const char *key, uint64_t value)
{
	if (value > 0 && value <= INT64_MAX)
		json_object_set_new(to, key, json_integer((json_int_t)value));
}

static void add_qdisc(const struct sq_qdisc *q, void *to)
{
	json_t *entry = json_object();
	char device[IF_NAMESIZE];

	sq_netlink_device(q->device, device);
	json_object_set_new(entry, "device", json_string(device));
	json_object_set_new(entry, "kind", json_string(q->kind));
	add_number(entry, "rate_bit_per_s", 8 * q->rate_bytes_per_s);
	add_number(entry, "burst_bytes", q->burst_bytes);
	add_number(entry, "limit_bytes", q->limit_bytes);
	add_number(entry, "limit_packets", q->limit_packets);
	json_array_append_new(to, entry);
}

static void add_qdiscs(json_t *to)
{
	struct sq_netlink nl;
	json_t *all = json_array();

	if (sq_netlink_open(&nl, NETLINK_ROUTE, NULL) == 0 &&
	    sq_qdisc_dump(&nl, add_qdisc, all) == 0)
		json_object_set(to, "qdiscs", all);
	json_decref(all);
	sq_netlink_close(&nl);
}

/* x86 calls it "model name"; other architectures give "Model", "cpu" or nothing of the kind. */
static void add_cpu_model(json_t *to)
{
	static const char *const keys[] = { "model name", "Model", "cpu model", "cpu" };
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[512];
	size_t best = sizeof(keys) / sizeof(keys[0]);

	while (f && best > 0 && fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		sq_text_squeeze(line);
		sq_text_squeeze(value);
		for (size_t i = 0; i < best; i++) {
			if (strcmp(line, keys[i]) == 0 && *value) {
				json_object_set_new(to, "cpu_model", json_string(value));
				best = i;
			}
		}
	}
	if (f)
		fclose(f);
}

/* A line of shell that writes "KEY VALUE" lines: the kernel's name, processors, and each sysctl that is
 * there. */
static void far_line(struct sq_buf *line)
{
	sq_buf_puts(line,
		    "echo system `uname -s`; echo kernel `uname -r`; echo machine `uname -m`; "
		    "echo cpus `grep -c ^processor /proc/cpuinfo`; "
		    "echo nofile `ulimit -Hn`; echo clock_source `cat "
		    "/sys/devices/system/clocksource/clocksource0/current_clocksource`; "
		    "cd /proc/sys && for f in");
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		char name[SQ_SYSCTL_NAME];

		if (sq_sysctl_name(sysctls[i], name) == 0)
			sq_buf_printf(line, " %s", name);
	}
	sq_buf_puts(line, "; do [ -r $f ] && echo $f `cat $f`; done; true");
}

/* "net/core/somaxconn" is the file of net.core.somaxconn. */
static const char *sysctl_of(const char *file)
{
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		char name[SQ_SYSCTL_NAME];

		if (sq_sysctl_name(sysctls[i], name) == 0 && strcmp(name, file) == 0)
			return sysctls[i];
	}
	return NULL;
}

static void add_far(json_t *env, const char *key, const char *value)
{
	const char *sysctl = sysctl_of(key);

	if (sysctl)
		json_object_set_new(json_object_get(env, "sysctls"), sysctl, json_string(value));
	else if (strcmp(key, "cpus") == 0 || strcmp(key, "nofile") == 0)
		add_number(env, key, strtoull(value, NULL, 10));
	else if (strcmp(key, "kernel") == 0 || strcmp(key, "machine") == 0 ||
		 strcmp(key, "system") == 0 || strcmp(key, "clock_source") == 0)
		json_object_set_new(env, key, json_string(value));
}

json_t *sq_environment_far(struct sq_place *place)
{
	json_t *env = json_pack("{s:{}}", "sysctls");
	struct sq_buf line = { 0 }, text = { 0 };
	char *rest, *next;

	far_line(&line);
	rest = sq_place_run(place, line.data, FAR_LIMIT, &text, NULL) == 0 ? text.data : NULL;
	while (rest && (next = strsep(&rest, "\n"))) {
		char *value = next + strcspn(next, " ");

		if (!*value)
			continue;
		*value++ = '\0';
		sq_text_squeeze(value);
		add_far(env, next, value);
	}
	sq_buf_fini(&line);
	sq_buf_fini(&text);
	return env;
}

json_t *sq_environment_read(void)
{
	json_t *env = json_object();
	struct utsname name;
	struct rlimit limit;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);

	if (uname(&name) == 0) {
		json_object_set_new(env, "kernel", json_string(name.release));
		json_object_set_new(env, "machine", json_string(name.machine));
	}
	if (cpus > 0)
		json_object_set_new(env, "cpus", json_integer(cpus));
	add_cpu_model(env);
	if (pages > 0)
		json_object_set_new(env, "memory_bytes",
				    json_integer((json_int_t)pages * sysconf(_SC_PAGESIZE)));
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		json_object_set_new(env, "nofile",
				    json_integer(limit.rlim_max > INT64_MAX
							 ? INT64_MAX
							 : (json_int_t)limit.rlim_max));
	sq_environment_machine(env);
	json_object_set_new(env, "sysctls", read_sysctls());
	add_qdiscs(env);
	return env;
}
