/* The parsers of /proc/net on texts as old, new and broken kernels might give them. */
#include "analyzers/formats/nettext.h"

#include "base/rng.h"
#include "text_bench.h"

#define LONG "Averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongname"

static const struct text_case cases[] = {
	{ "a pair",
	  sq_nettext_tables,
	  { "Tcp: RtoMin MaxConn CurrEstab InSegs\nTcp: 200 -1 3 77\n" },
	  4,
	  { { "Tcp.RtoMin", NULL, 200 },
	    { "Tcp.MaxConn", NULL, -1 },
	    { "Tcp.CurrEstab", NULL, 3 },
	    { "Tcp.InSegs", NULL, 77 } } },
	{ "a column more in the middle",
	  sq_nettext_tables,
	  { "TcpExt: A ListenDrops\nTcpExt: 1 2\n",
	    "TcpExt: A NewInTheMiddle ListenDrops\nTcpExt: 1 50 9\n" },
	  3,
	  { { "TcpExt.A", NULL, 1 },
	    { "TcpExt.NewInTheMiddle", NULL, 50 },
	    { "TcpExt.ListenDrops", NULL, 9 } } },
	{ "a column less",
	  sq_nettext_tables,
	  { "TcpExt: A B C\nTcpExt: 1 2 3\n", "TcpExt: A C\nTcpExt: 4 5\n" },
	  2,
	  { { "TcpExt.A", NULL, 4 }, { "TcpExt.B", NULL, 2 }, { "TcpExt.C", NULL, 5 } } },
	{ "a pair more before the others",
	  sq_nettext_tables,
	  { "Udp: InErrors\nUdp: 4\n", "IcmpMsg: InType3\nIcmpMsg: 6\nUdp: InErrors\nUdp: 5\n" },
	  2,
	  { { "IcmpMsg.InType3", NULL, 6 }, { "Udp.InErrors", NULL, 5 } } },
	{ "values cut off",
	  sq_nettext_tables,
	  { "Ip: A B C\nIp: 1 2" },
	  2,
	  { { "Ip.A", NULL, 1 }, { "Ip.B", NULL, 2 }, { "Ip.C", NULL, NOT_THERE } } },
	{ "more values than names",
	  sq_nettext_tables,
	  { "Ip: A\nIp: 1 2 3\n" },
	  1,
	  { { "Ip.A", NULL, 1 } } },
	{ "no pair", sq_nettext_tables, { "Ip: A B\n" }, 0, { { "Ip.A", NULL, NOT_THERE } } },
	{ "an orphaned line before a pair",
	  sq_nettext_tables,
	  { "Ip: A B\nUdp: X\nUdp: 7\nno colon\n\n" },
	  1,
	  { { "Udp.X", NULL, 7 } } },
	{ "no numbers",
	  sq_nettext_tables,
	  { "Ip: A B C D\nIp: x 1x - 99999999999999999999\n" },
	  0,
	  { { 0 } } },
	{ "the largest number",
	  sq_nettext_tables,
	  { "Ip: A\nIp: 9223372036854775807\n" },
	  1,
	  { { "Ip.A", NULL, INT64_MAX } } },
	{ "a name too long and one that is no text",
	  sq_nettext_tables,
	  { "Ip: " LONG " \xff\xfe B\nIp: 1 2 3\n" },
	  1,
	  { { "Ip.B", NULL, 3 } } },
	{ "the same column twice",
	  sq_nettext_tables,
	  { "Ip: A A\nIp: 1 2\n" },
	  2,
	  { { "Ip.A", NULL, 2 } } },
	{ "nothing", sq_nettext_tables, { "" }, 0, { { 0 } } },
	{ "snmp6",
	  sq_nettext_lines,
	  { "Ip6InReceives                   \t12\nIp6InOctets\t99\n",
	    "Ip6InReceives                   \t13\nIcmp6OutType135\t2\nIp6InOctets\t100\nbroken\n" },
	  3,
	  { { "Ip6InReceives", NULL, 13 },
	    { "Ip6InOctets", NULL, 100 },
	    { "Icmp6OutType135", NULL, 2 } } },
	{ "sockstat",
	  sq_nettext_sockstat,
	  { "sockets: used 16\nTCP: inuse 1 orphan 0 tw 2 alloc 1 mem 3\nUDP: inuse 4 mem 5\n"
	    "FRAG: inuse 0 memory 8\n" },
	  10,
	  { { "sockstat.sockets.used", NULL, 16 },
	    { "sockstat.TCP.inuse", NULL, 1 },
	    { "sockstat.TCP.mem", NULL, 3 },
	    { "sockstat.UDP.inuse", NULL, 4 },
	    { "sockstat.UDP.mem", NULL, 5 },
	    { "sockstat.FRAG.memory", NULL, 8 } } },
	{ "sockstat with a new word",
	  sq_nettext_sockstat,
	  { "TCP: inuse 1 mem 3\n", "TCP: inuse 2 fresh 9 mem 4 odd\n" },
	  3,
	  { { "sockstat.TCP.inuse", NULL, 2 },
	    { "sockstat.TCP.fresh", NULL, 9 },
	    { "sockstat.TCP.mem", NULL, 4 } } },
	{ "softnet of today",
	  sq_nettext_softnet,
	  { "00000011 00000001 00000002 0 0 0 0 0 0 00000003 00000004 0 00000000 0 0\n"
	    "0000027a 00000000 00000000 0 0 0 0 0 0 00000000 00000000 0 00000003 0 0\n" },
	  10,
	  { { "softnet.processed", "cpu0", 17 },
	    { "softnet.dropped", "cpu0", 1 },
	    { "softnet.time_squeeze", "cpu0", 2 },
	    { "softnet.received_rps", "cpu0", 3 },
	    { "softnet.flow_limit_count", "cpu0", 4 },
	    { "softnet.processed", "cpu3", 634 } } },
	{ "softnet of long ago",
	  sq_nettext_softnet,
	  { "00000011 00000001 00000002 0 0 0 0 0 0\n00000005 0 0 0 0 0 0 0 0\n" },
	  6,
	  { { "softnet.processed", "cpu0", 17 },
	    { "softnet.processed", "cpu1", 5 },
	    { "softnet.received_rps", "cpu0", NOT_THERE } } },
	{ "softnet's columns grow and break",
	  sq_nettext_softnet,
	  { "1 2\n", "3 4 5\nxyz 1\n123456789 1\n" },
	  3,
	  { { "softnet.processed", "cpu0", 3 }, { "softnet.time_squeeze", "cpu0", 5 } } },
	{ "softnet of a processor that can't be",
	  sq_nettext_softnet,
	  { "1 0 0 0 0 0 0 0 0 0 0 0 ffffffff 0 0\n" },
	  0,
	  { { 0 } } },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		check_case(&cases[k]);
}

struct described {
	const char *metric, *kind, *unit;
	int width;
};

static void test_kinds_and_units(void **state)
{
	static const char tables[] =
		"Ip: Forwarding DefaultTTL InReceives\nIp: 1 64 5\n"
		"Tcp: CurrEstab RetransSegs\nTcp: 0 0\n"
		"TcpExt: ListenOverflows Unheard\nTcpExt: 0 0\nIpExt: InOctets\nIpExt: 4\n";
	static const char sockstat[] = "TCP: inuse 1 mem 1\nFRAG: memory 0\n";
	static const char softnet[] = "1 2 3\n";
	static const struct described want[] = {
		{ "Ip.Forwarding", "gauge", "", 64 },
		{ "Ip.DefaultTTL", "gauge", "", 64 },
		{ "Ip.InReceives", "counter", "packets", 64 },
		{ "Tcp.CurrEstab", "gauge", "connections", 64 },
		{ "Tcp.RetransSegs", "counter", "packets", 64 },
		{ "TcpExt.ListenOverflows", "counter", "packets", 64 },
		{ "TcpExt.Unheard", "counter", "", 64 },
		{ "IpExt.InOctets", "counter", "bytes", 64 },
		{ "sockstat.TCP.inuse", "gauge", "sockets", 64 },
		{ "sockstat.TCP.mem", "gauge", "pages", 64 },
		{ "sockstat.FRAG.memory", "gauge", "bytes", 64 },
	};
	struct sq_nettext t[3] = { { 0 } };
	struct bench b;
	json_t *records;

	(void)state;
	bench_open(&b);
	parse(&b, &t[0], sq_nettext_tables, tables, strlen(tables));
	parse(&b, &t[1], sq_nettext_sockstat, sockstat, strlen(sockstat));
	parse(&b, &t[2], sq_nettext_softnet, softnet, strlen(softnet));
	records = bench_close(&b);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		json_t *m = find_metric(records, want[i].metric, NULL);

		assert_non_null(m);
		assert_string_equal(record_text(m, "kind"), want[i].kind);
		assert_string_equal(record_text(m, "unit"), want[i].unit);
		assert_int_equal(record_int(m, "width"), want[i].width);
	}
	assert_int_equal(record_int(find_metric(records, "softnet.processed", "cpu0"), "width"),
			 32);
	json_decref(records);
	for (size_t i = 0; i < 3; i++)
		sq_nettext_fini(&t[i]);
}

static const char *const hostile[] = {
	"Tcp: RtoMin MaxConn CurrEstab InSegs\nTcp: 200 -1 3 77\nTcpExt: A B\nTcpExt: 1 2\n",
	"Ip6InReceives                   \t12\nIp6InOctets\t99\n",
	"sockets: used 16\nTCP: inuse 1 orphan 0 tw 2 alloc 1 mem 3\nUDP: inuse 4 mem 5\n",
	"00000011 00000001 00000002 0 0 0 0 0 0 00000003 00000004 0 00000000 0 0\n",
	":\n:\n: :\n-: -\n \t \n::::\n:: :\n",
};

static sq_nettext_parser *const parsers[] = { sq_nettext_tables, sq_nettext_lines,
					      sq_nettext_sockstat, sq_nettext_softnet };

/* Cut at every place, and spoilt at random: no parser steps out of the text. */
static void test_hostile(void **state)
{
	struct sq_rng rng;
	struct bench b;

	(void)state;
	bench_open(&b);
	sq_rng_init(&rng, 7, 0);
	for (size_t p = 0; p < sizeof(parsers) / sizeof(parsers[0]); p++) {
		struct sq_nettext t = { 0 };

		for (size_t h = 0; h < sizeof(hostile) / sizeof(hostile[0]); h++) {
			size_t len = strlen(hostile[h]);
			char spoilt[256];

			for (size_t cut = 0; cut <= len; cut++)
				parse(&b, &t, parsers[p], hostile[h], cut);
			for (int round = 0; round < 300; round++) {
				memcpy(spoilt, hostile[h], len);
				for (int i = 0; i < 4; i++)
					spoilt[sq_rng_below(&rng, len)] =
						(char)sq_rng_below(&rng, round % 2 ? 256 : 64);
				parse(&b, &t, parsers[p], spoilt, len);
			}
		}
		sq_nettext_fini(&t);
	}
	/* Every record that came of it is JSON. */
	json_decref(bench_close(&b));
}

/* 100,000 columns on one line, and a text without any end of line. */
static void test_very_long_lines(void **state)
{
	enum { COLUMNS = 100000 };
	char *text = malloc(COLUMNS * 12), *p = text;
	struct sq_nettext t = { 0 };
	struct bench b;

	(void)state;
	p += sprintf(p, "Ip:");
	for (int i = 0; i < COLUMNS; i++)
		p += sprintf(p, " c%d", i % 1000);
	p += sprintf(p, "\nIp:");
	for (int i = 0; i < COLUMNS; i++)
		p += sprintf(p, " %d", i % 7);
	bench_open(&b);
	assert_int_equal(parse(&b, &t, sq_nettext_tables, text, (size_t)(p - text)), COLUMNS);
	sq_nettext_fini(&t);
	memset(text, 'a', COLUMNS * 12);
	for (size_t k = 0; k < sizeof(parsers) / sizeof(parsers[0]); k++) {
		assert_int_equal(parse(&b, &t, parsers[k], text, COLUMNS * 12), 0);
		sq_nettext_fini(&t);
	}
	json_decref(bench_close(&b));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_kinds_and_units),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_very_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
