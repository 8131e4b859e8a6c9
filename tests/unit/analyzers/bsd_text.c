/* BSD's tools, by what was published of their output: the figures of the three reports that squall began
 * with (tests/texts/openbsd-*, with their line breaks restored) each parse to their values, and so
 * do texts in the forms that the tools' sources print.  No BSD ran here. */
#include "analyzers/formats/bsd_text.h"

#include "analyzers/formats/nettext.h"
#include "stats_bench.h"

#define MIB INT64_C(1048576)

static void test_openbsd_netstat_m(void **state)
{
	(void)state;
	check_file(
		sq_bsd_netstat_m, "openbsd-4.4-netstat-m.txt",
		(struct want[]){ { "bsd.mbuf.mbuf_in_use", NULL, 105 },
				 { "bsd.mbuf.mbuf_allocated_to_data", NULL, 97 },
				 { "bsd.mbuf.mbuf_allocated_to_packet_header", NULL, 2 },
				 { "bsd.mbuf.mbuf_allocated_to_socket_name_and_address", NULL, 6 },
				 { "bsd.mbuf.mbuf_cluster_in_use", "current", 96 },
				 { "bsd.mbuf.mbuf_cluster_in_use", "peak", 376 },
				 { "bsd.mbuf.mbuf_cluster_in_use", "max", 6144 },
				 { "bsd.mbuf.Kbyte_allocated_to_network", NULL, 852 },
				 { "bsd.mbuf.Kbyte_allocated_to_network.in_use", NULL, 25 },
				 { "bsd.mbuf.request_for_memory_denied", NULL, 0 },
				 { "bsd.mbuf.request_for_memory_delayed", NULL, 0 },
				 { "bsd.mbuf.call_to_protocol_drain_routine", NULL, 0 },
				 { 0 } },
		12);
	check_file(sq_bsd_netstat_m, "openbsd-3.1-netstat-m.txt",
		   (struct want[]){
			   { "bsd.mbuf.mbuf_in_use", NULL, 384 },
			   { "bsd.mbuf.mbuf_allocated_to_data", NULL, 100 },
			   { "bsd.mbuf.mbuf_allocated_to_packet_header", NULL, 178 },
			   { "bsd.mbuf.mbuf_allocated_to_socket_name_and_address", NULL, 106 },
			   { "bsd.mbuf.mapped_page_in_use", "current", 85 },
			   { "bsd.mbuf.mapped_page_in_use", "total", 1048 },
			   { "bsd.mbuf.Kbyte_allocated_to_network", NULL, 3144 },
			   { "bsd.mbuf.Kbyte_allocated_to_network.in_use", NULL, 8 },
			   { "bsd.mbuf.request_for_memory_denied", NULL, 0 },
			   { "bsd.mbuf.request_for_memory_delayed", NULL, 0 },
			   { "bsd.mbuf.call_to_protocol_drain_routine", NULL, 0 },
			   { 0 } },
		   11);
}

static void test_openbsd_top(void **state)
{
	(void)state;
	check_file(sq_bsd_top, "openbsd-4.4-top.txt",
		   (struct want[]){ { "bsd.load", "1 min", 8 },
				    { "bsd.load", "5 min", 8 },
				    { "bsd.load", "15 min", 8 },
				    { "bsd.processes", "all", 28 },
				    { "bsd.processes", "idle", 27 },
				    { "bsd.processes", "on_processor", 1 },
				    { "bsd.cpu", "user", 2 },
				    { "bsd.cpu", "nice", 0 },
				    { "bsd.cpu", "system", 2 },
				    { "bsd.cpu", "interrupt", 229 },
				    { "bsd.cpu", "idle", 768 },
				    { "bsd.memory", "Real_act", 26 * MIB },
				    { "bsd.memory", "Real_tot", 55 * MIB },
				    { "bsd.memory", "Free", 95 * MIB },
				    { "bsd.memory", "Swap_used", 0 },
				    { "bsd.memory", "Swap_tot", 516 * MIB },
				    { 0 } },
		   16);
	check_file(sq_bsd_top, "openbsd-3.1-top.txt",
		   (struct want[]){ { "bsd.load", "1 min", 19 },
				    { "bsd.load", "5 min", 12 },
				    { "bsd.load", "15 min", 9 },
				    { "bsd.processes", "all", 68 },
				    { "bsd.processes", "running", 1 },
				    { "bsd.processes", "idle", 64 },
				    { "bsd.processes", "zombie", 3 },
				    { "bsd.cpu", "user", 3 },
				    { "bsd.cpu", "nice", 9 },
				    { "bsd.cpu", "system", 3 },
				    { "bsd.cpu", "interrupt", 0 },
				    { "bsd.cpu", "idle", 984 },
				    { "bsd.memory", "Real_act", 49 * MIB },
				    { "bsd.memory", "Real_tot", 80 * MIB },
				    { "bsd.memory", "Free", 41 * MIB },
				    { "bsd.memory", "Swap_used", 0 },
				    { "bsd.memory", "Swap_tot", 256 * MIB },
				    { 0 } },
		   17);
	check_text(sq_bsd_top, "Memory: Real: 68M/117M act/tot Free: 3724K Swap: 24M/256M used/tot",
		   (struct want[]){ { "bsd.memory", "Real_act", 68 * MIB },
				    { "bsd.memory", "Real_tot", 117 * MIB },
				    { "bsd.memory", "Free", 3724 * INT64_C(1024) },
				    { "bsd.memory", "Swap_used", 24 * MIB },
				    { "bsd.memory", "Swap_tot", 256 * MIB },
				    { 0 } },
		   5);
}

static void test_openbsd_pools(void **state)
{
	(void)state;
	check_file(sq_bsd_vmstat_m, "openbsd-3.1-vmstat-m.txt",
		   (struct want[]){ { "bsd.pool.Size", "mclpl", 2048 },
				    { "bsd.pool.Requests", "mclpl", 1758499 },
				    { "bsd.pool.Fail", "mclpl", 14725 },
				    { "bsd.pool.Releases", "mclpl", 1757480 },
				    { "bsd.pool.Pgreq", "mclpl", 518 },
				    { "bsd.pool.Pgrel", "mclpl", 2 },
				    { "bsd.pool.Npage", "mclpl", 516 },
				    { "bsd.pool.Hiwat", "mclpl", 516 },
				    { "bsd.pool.Minpg", "mclpl", 4 },
				    { "bsd.pool.Maxpg", "mclpl", 512 },
				    { "bsd.pool.Idle", "mclpl", 4 },
				    { 0 } },
		   11);
	/* The types have three columns Limit, of which the first is theirs; a Maxpg inf is none. */
	check_file(sq_bsd_vmstat_m, "openbsd-vmstat-m.txt",
		   (struct want[]){ { "bsd.malloc.InUse", "devbuf", 1270 },
				    { "bsd.malloc.MemUse", "devbuf", 4096 * 1024 },
				    { "bsd.malloc.HighUse", "pcb", 12 * 1024 },
				    { "bsd.malloc.Limit", "pcb", 39322 * INT64_C(1024) },
				    { "bsd.malloc.Requests", "pcb", 2317 },
				    { "bsd.pool.InUse", "mcl2k", 96 },
				    { "bsd.pool.Fail", "mcl2k", 4 },
				    { "bsd.pool.Maxpg", "mbufpl", 384 },
				    { "bsd.pool.Maxpg", "mcl2k", NOT_THERE },
				    { "bsd.pool.Hiwat", "tcpcb", 3 },
				    { 0 } },
		   2 * 5 + 3 * 11 - 1);
}

static void test_queues(void **state)
{
	(void)state;
	check_file(sq_bsd_netstat_an, "openbsd-3.1-netstat-send-q.txt",
		   (struct want[]){ { "tcp.recv_q", NULL, 0 },
				    { "tcp.send_q", NULL, 5346 + 7159 },
				    { "tcp.established", NULL, 3 },
				    { 0 } },
		   3);
	check_file(sq_bsd_netstat_an, "openbsd-3.1-netstat-recv-q.txt",
		   (struct want[]){ { "tcp.recv_q", NULL, 8811 + 5820 + 11631 },
				    { "tcp.send_q", NULL, 0 },
				    { "tcp.established", NULL, 3 },
				    { 0 } },
		   3);
	check_file(sq_bsd_netstat_lan, "freebsd-netstat-lan.txt",
		   (struct want[]){ { "listen.queue", "0.0.0.0:80", 193 },
				    { "listen.incomplete", "0.0.0.0:80", 12 },
				    { "listen.backlog", "0.0.0.0:80", 128 },
				    { "listen.queue", "[::]:80", 1 },
				    { "listen.backlog", "[::]:80", 256 },
				    { "listen.backlog", "127.0.0.1:25", 10 },
				    { "listen.backlog", "[::1]:953", 5 },
				    { 0 } },
		   12);
	check_text(sq_bsd_netstat_lan,
		   "Current listen queue sizes (qlen/incqlen/maxqlen)\n"
		   "Listen         Local Address\n192/0/128        *.80\n",
		   (struct want[]){ { "listen.queue", "0.0.0.0:80", 192 }, { 0 } }, 3);
}

static void test_sysctl(void **state)
{
	(void)state;
	check_file(sq_bsd_sysctl, "openbsd-3.1-sysctl.txt",
		   (struct want[]){ { "bsd.sysctl.net.inet.tcp.keepinittime", NULL, 10 },
				    { "bsd.sysctl.net.inet.tcp.keepidle", NULL, 30 },
				    { "bsd.sysctl.net.inet.tcp.keepintvl", NULL, 30 },
				    { "bsd.sysctl.net.inet.tcp.rstppslimit", NULL, 400 },
				    { "bsd.sysctl.net.inet.ip.redirect", NULL, 0 },
				    { "bsd.sysctl.net.inet.ip.maxqueue", NULL, 1000 },
				    { "bsd.sysctl.kern.somaxconn", NULL, 256 },
				    { 0 } },
		   7);
	check_file(sq_bsd_sysctl, "freebsd-sysctl.txt",
		   (struct want[]){ { "bsd.sysctl.kern.ipc.somaxconn", NULL, 128 },
				    { "bsd.sysctl.net.inet.icmp.icmplim", NULL, 200 },
				    { 0 } },
		   5);
}

/* What stands deeper has the name of what it belongs to; a 1 does not change a row's name. */
static void test_netstat_s(void **state)
{
	(void)state;
	check_file(
		sq_bsd_netstat_s, "freebsd-netstat-s.txt",
		(struct want[]){
			{ "bsd.tcp.packet_sent", NULL, 91 },
			{ "bsd.tcp.packet_sent.data_packet", NULL, 55 },
			{ "bsd.tcp.packet_sent.data_packet.byte", NULL, 4096 },
			{ "bsd.tcp.packet_sent.data_packet_retransmitted", NULL, 1 },
			{ "bsd.tcp.packet_sent.data_packet_retransmitted.byte", NULL, 1448 },
			{ "bsd.tcp.packet_received.ack.for_byte", NULL, 4100 },
			{ "bsd.tcp.listen_queue_overflow", NULL, 213 },
			{ "bsd.tcp.connection_closed.including_drop", NULL, 2 },
			{ "bsd.tcp.embryonic_connection_dropped", NULL, 1 },
			{ "bsd.tcp.syncache_entry_added", NULL, 860 },
			{ "bsd.tcp.syncache_entry_added.retransmitted", NULL, 1078 },
			{ "bsd.tcp.syncache_entry_added.dupsyn", NULL, 12 },
			{ "bsd.tcp.syncache_entry_added.dropped", NULL, 3 },
			{ "bsd.tcp.syncache_entry_added.completed", NULL, 640 },
			{ "bsd.tcp.syncache_entry_added.bucket_overflow", NULL, 5 },
			{ "bsd.tcp.syncache_entry_added.reset", NULL, 219 },
			{ "bsd.tcp.syncache_entry_added.aborted", NULL, 213 },
			{ "bsd.tcp.syncache_entry_added.zone_failure", NULL, 1 },
			{ "bsd.tcp.cookie_sent", NULL, 860 },
			{ "bsd.tcp.hostcache_entry_added.bucket_overflow", NULL, 0 },
			{ "bsd.TCP_connection_count_by_state.connection_in_LISTEN_state", NULL, 3 },
			{ "bsd.udp.dropped_due_to_full_socket_buffer", NULL, 1492 },
			{ "bsd.ip.with_data_size_data_length", NULL, 0 },
			{ "bsd.ip.output_packet_dropped_due_to_no_buf_etc", NULL, 4 },
			{ "bsd.icmp.Output_histogram.echo_reply", NULL, 2 },
			{ 0 } },
		0);
	check_file(
		sq_bsd_netstat_s, "openbsd-netstat-s.txt",
		(struct want[]){
			{ "bsd.tcp.SYN_cache_entry_added", NULL, 98 },
			{ "bsd.tcp.SYN_cache_entry_added.completed", NULL, 93 },
			{ "bsd.tcp.SYN_cache_entry_added.aborted_no_space_to_build_PCB", NULL, 4 },
			{ "bsd.tcp.SYN_cache_entry_added.timed_out", NULL, 1 },
			{ "bsd.tcp.persist_timeout.resulting_in_dropped_connection", NULL, 1 },
			{ "bsd.tcp.connection_closed", NULL, 1 },
			{ "bsd.udp.dropped_due_to_full_socket_buffer", NULL, 7 },
			{ 0 } },
		0);
	check_text(sq_bsd_netstat_s, "tcp:\n\t1 syncache entry added\n\t\t1 zone failure\n",
		   (struct want[]){ { "bsd.tcp.syncache_entry_added", NULL, 1 },
				    { "bsd.tcp.syncache_entry_added.zone_failure", NULL, 1 },
				    { 0 } },
		   2);
}

static void test_freebsd_memory(void **state)
{
	(void)state;
	check_file(sq_bsd_netstat_m, "freebsd-netstat-m.txt",
		   (struct want[]){ { "bsd.mbuf.mbuf_in_use", "current", 1233 },
				    { "bsd.mbuf.mbuf_in_use", "cache", 597 },
				    { "bsd.mbuf.mbuf_in_use", "total", 1830 },
				    { "bsd.mbuf.mbuf_cluster_in_use", "current", 1232 },
				    { "bsd.mbuf.mbuf_cluster_in_use", "max", 8896 },
				    { "bsd.mbuf.4k_page_size_jumbo_cluster_in_use", "total", 2 },
				    { "bsd.mbuf.byte_allocated_to_network", "total", 3313 * 1024 },
				    { "bsd.mbuf.request_for_mbuf_denied", "mbufs", 7 },
				    { "bsd.mbuf.request_for_mbuf_denied", "clusters", 9 },
				    { "bsd.mbuf.request_for_mbuf_denied", "mbuf+clusters", 3 },
				    { "bsd.mbuf.request_for_mbuf_delayed", "clusters", 1 },
				    { "bsd.mbuf.sendfile_syscall", NULL, 5 },
				    { 0 } },
		   3 + 4 + 2 + 4 + 4 + 3 + 3 + 3 + 3 + 1);
	check_file(sq_bsd_vmstat_z, "freebsd-vmstat-z.txt",
		   (struct want[]){ { "bsd.zone.USED", "UMA Kegs", 210 },
				    { "bsd.zone.SIZE", "16 Bucket", 144 },
				    { "bsd.zone.USED", "mbuf_cluster", 9614 },
				    { "bsd.zone.LIMIT", "mbuf_cluster", 4084056 },
				    { "bsd.zone.REQ", "mbuf_cluster", 4372990387 },
				    { "bsd.zone.FAIL", "mbuf_cluster", 19 },
				    { "bsd.zone.SLEEP", "mbuf_cluster", 3 },
				    { "bsd.zone.FAIL", "syncache", 2 },
				    { 0 } },
		   5 * 8);
	check_file(sq_bsd_vmstat_m, "freebsd-vmstat-m.txt",
		   (struct want[]){ { "bsd.malloc.InUse", "CAM DEV", 5 },
				    { "bsd.malloc.MemUse", "CAM DEV", 10240 },
				    { "bsd.malloc.Requests", "CAM DEV", 6 },
				    { "bsd.malloc.InUse", "bus 8", 12 },
				    { "bsd.malloc.Requests", "mbuf_tag", 31 },
				    { "bsd.malloc.Requests", "kqueue", 1204 },
				    { 0 } },
		   4 * 3);
}

static void test_freebsd_top(void **state)
{
	(void)state;
	check_file(sq_bsd_top, "freebsd-top.txt",
		   (struct want[]){ { "bsd.load", "1 min", 112 },
				    { "bsd.load", "15 min", 65 },
				    { "bsd.processes", "all", 48 },
				    { "bsd.processes", "sleeping", 47 },
				    { "bsd.cpu", "interrupt", 12 },
				    { "bsd.memory", "Active", 2145 * MIB },
				    { "bsd.memory", "Free", 4120 * MIB },
				    { "bsd.memory", "swap_Used", 512 * MIB },
				    { 0 } },
		   0);
}

static void test_pf(void **state)
{
	(void)state;
	check_file(sq_bsd_pfctl, "pfctl.txt",
		   (struct want[]){ { "bsd.pf.State_Table.current_entry", NULL, 649 },
				    { "bsd.pf.State_Table.half-open_tcp", NULL, 2 },
				    { "bsd.pf.State_Table.search", NULL, 18421725761 },
				    { "bsd.pf.State_Table.insert", NULL, 156762508 },
				    { "bsd.pf.State_Table.removal", NULL, 156761859 },
				    { "bsd.pf.Counter.memory", NULL, 101 },
				    { "bsd.pf.Counter.state-limit", NULL, 9 },
				    { "bsd.pf.Limit_Counter.max_state_per_rule", NULL, 17 },
				    { "bsd.pf.limit", "states", 100000 },
				    { "bsd.pf.limit", "src-nodes", 10000 },
				    { "bsd.pf.limit", "frags", 5000 },
				    { 0 } },
		   16);
}

static void test_dmesg(void **state)
{
	(void)state;
	check_file(sq_bsd_dmesg, "freebsd-dmesg.txt",
		   (struct want[]){ { "bsd.dmesg", "response limited", 3 },
				    { "bsd.dmesg", "listen queue overflow", 1 },
				    { "bsd.dmesg", "mbuf clusters exhausted", 1 },
				    { "bsd.dmesg", "file table full", 0 },
				    { "bsd.icmplim.held_back", NULL, 50 + 11 + 3 },
				    { 0 } },
		   5);
}

/* The report of "Out of socket memory" is Linux's own. */
static void parse_sockstat(struct sq_span text, struct sq_stats *t)
{
	struct sq_nettext parsed = { 0 };

	sq_nettext_sockstat(&parsed, text.p, sq_span_len(text), t->sample);
	sq_nettext_fini(&parsed);
}

static void test_linux_sockstat(void **state)
{
	(void)state;
	check_file(parse_sockstat, "linux-sockstat.txt",
		   (struct want[]){ { "sockstat.sockets.used", NULL, 14565 },
				    { "sockstat.TCP.inuse", NULL, 35938 },
				    { "sockstat.TCP.orphan", NULL, 21564 },
				    { "sockstat.TCP.tw", NULL, 70529 },
				    { "sockstat.TCP.alloc", NULL, 35942 },
				    { "sockstat.TCP.mem", NULL, 1894 },
				    { "sockstat.UDP.inuse", NULL, 11 },
				    { "sockstat.UDP.mem", NULL, 3 },
				    { "sockstat.FRAG.memory", NULL, 0 },
				    { 0 } },
		   12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openbsd_netstat_m),
		cmocka_unit_test(test_openbsd_top),
		cmocka_unit_test(test_openbsd_pools),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_netstat_s),
		cmocka_unit_test(test_freebsd_memory),
		cmocka_unit_test(test_freebsd_top),
		cmocka_unit_test(test_pf),
		cmocka_unit_test(test_dmesg),
		cmocka_unit_test(test_linux_sockstat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
