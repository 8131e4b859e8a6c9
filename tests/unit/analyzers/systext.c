/* The parsers of /proc's texts on texts as old, new and broken kernels might give them. */
#include "analyzers/formats/systext.h"

#include "base/rng.h"
#include "text_bench.h"

static size_t pressure_of_cpu(struct sq_nettext *t, const char *text, size_t len,
			      struct sq_sample *s)
{
	return sq_systext_pressure(t, "cpu", text, len, s);
}

static size_t conntrack(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	return sq_nettext_processors(t, "conntrack", NULL, text, len, s);
}

static const struct text_case cases[] = {
	{ "stat",
	  sq_systext_stat,
	  { "cpu  10 1 20 300 4 0 7 2 0 0\ncpu0 5 0 10 150 4 0 7 2 0 0\nintr 655 0 1 2 3\nctxt 99\n"
	    "btime 1764247000\nprocesses 12\nprocs_running 3\nprocs_blocked 0\nsoftirq 44 1 2\n" },
	  26,
	  { { "cpu.user", NULL, 100 },
	    { "cpu.idle", "cpu0", 1500 },
	    { "stat.intr", NULL, 655 },
	    { "stat.ctxt", NULL, 99 },
	    { "stat.procs_running", NULL, 3 },
	    { "stat.softirq", NULL, 44 } } },
	{ "stat of long ago, and a column that nobody knows",
	  sq_systext_stat,
	  { "cpu  10 1 20 300\ncpu0 10 1 20 300\n", "cpu 10 1 20 310 0 0 0 0 0 0 77\n" },
	  10,
	  { { "cpu.idle", NULL, 3100 }, { "cpu.steal", NULL, 0 } } },
	{ "iowait steps back",
	  sq_systext_stat,
	  { "cpu0 0 0 0 50 9\n", "cpu0 0 0 0 51 8\n", "cpu0 0 0 0 52 10\n" },
	  5,
	  { { "cpu.idle", "cpu0", 520 }, { "cpu.iowait", "cpu0", 100 } } },
	{ "a processor goes",
	  sq_systext_stat,
	  { "cpu 3 0\ncpu0 1 0\ncpu1 2 0\nctxt 5\n", "cpu 4 0\ncpu1 4 0\nctxt 6\n" },
	  5,
	  { { "cpu.user", "cpu0", 10 }, { "cpu.user", "cpu1", 40 }, { "stat.ctxt", NULL, 6 } } },
	{ "meminfo",
	  sq_systext_meminfo,
	  { "MemTotal:       24684084 kB\nActive(anon):       1872 kB\nHugePages_Free:       7\nodd\n"
	    "Broken: x kB\n" },
	  3,
	  { { "mem.MemTotal", NULL, INT64_C(24684084) * 1024 },
	    { "mem.Active(anon)", NULL, 1872 * 1024 },
	    { "mem.HugePages_Free", NULL, 7 } } },
	{ "softirqs",
	  sq_systext_softirqs,
	  { "                    CPU0       CPU1       \n          HI:          1          2\n"
	    "      NET_RX:   30 4294967295\n" },
	  4,
	  { { "softirq.HI", "cpu0", 1 },
	    { "softirq.NET_RX", "cpu0", 30 },
	    { "softirq.NET_RX", "cpu1", 4294967295 } } },
	{ "softirqs when a processor goes",
	  sq_systext_softirqs,
	  { "CPU0 CPU1 CPU2\nHI: 1 2 3\n", "CPU0 CPU2\nHI: 4 5\n" },
	  2,
	  { { "softirq.HI", "cpu0", 4 },
	    { "softirq.HI", "cpu1", 2 },
	    { "softirq.HI", "cpu2", 5 } } },
	{ "interrupts",
	  sq_systext_interrupts,
	  { "           CPU0       CPU1       \n"
	    " 38:          4       4938 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\n"
	    "LOC:   11454169    7157765   Local timer interrupts\nERR:          3\n : 1 2\nx\n" },
	  3,
	  { { "irq", "38:virtio2-input.0", 4942 },
	    { "irq", "LOC", 18611934 },
	    { "irq", "ERR", 3 } } },
	{ "an interrupt comes between others, and a sum beyond 32 bits",
	  sq_systext_interrupts,
	  { "CPU0 CPU1\n 1: 4294967290 2 chip a\n 9: 3 4 chip b\n",
	    "CPU0 CPU1\n 1: 4294967295 3 chip a\n 5: 6 7 chip c\n 9: 8 9 chip b\n" },
	  3,
	  { { "irq", "1:a", 4294967298 }, { "irq", "5:c", 13 }, { "irq", "9:b", 17 } } },
	{ "file-nr",
	  sq_systext_files,
	  { "694\t0\t9223372036854775807\n" },
	  3,
	  { { "file.allocated", NULL, 694 }, { "file.max", NULL, INT64_MAX } } },
	{ "pressure",
	  pressure_of_cpu,
	  { "some avg10=2.33 avg60=3.04 avg300=8.48 total=3624321368\n"
	    "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\nsome total=x\n" },
	  2,
	  { { "psi.cpu.some", NULL, 3624321368 }, { "psi.cpu.full", NULL, 7 } } },
	{ "conntrack",
	  conntrack,
	  { "entries  clashres drop fresh\n0000000a  00000001 ffffffff 00000002\n"
	    "0000000a  00000002 00000003 00000004\n" },
	  4,
	  { { "conntrack.entries", NULL, 10 },
	    { "conntrack.clashres", NULL, 3 },
	    { "conntrack.drop", NULL, 4294967298 },
	    { "conntrack.fresh", NULL, 6 } } },
	{ "a processor's 32 bits wrap",
	  conntrack,
	  { "entries drop\n1 ffffffff\n1 00000003\n", "entries drop\n1 00000001\n1 00000003\n" },
	  2,
	  { { "conntrack.drop", NULL, 4294967300 } } },
	{ "conntrack cut off",
	  conntrack,
	  { "entries drop\n0000000a 0000" },
	  2,
	  { { "conntrack.drop", NULL, 0 } } },
	{ "nothing", conntrack, { "" }, 0, { { 0 } } },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		check_case(&cases[k]);
}

static sq_nettext_parser *const parsers[] = {
	sq_systext_stat,  sq_systext_meminfo, sq_systext_softirqs, sq_systext_interrupts,
	sq_systext_files, pressure_of_cpu,    conntrack,
};

/* Each case's texts to each parser, cut at every place, and spoilt at random: none steps out. */
static void test_hostile(void **state)
{
	struct sq_rng rng;
	struct bench b;

	(void)state;
	bench_open(&b);
	sq_rng_init(&rng, 11, 0);
	for (size_t p = 0; p < sizeof(parsers) / sizeof(parsers[0]); p++) {
		struct sq_nettext t = { 0 };

		for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
			const char *text = cases[k].text[0];
			size_t len = strlen(text);
			char spoilt[512];

			for (size_t cut = 0; cut <= len; cut += 1 + cut / 64)
				parse(&b, &t, parsers[p], text, cut);
			memcpy(spoilt, text, len);
			for (int round = 0; len > 0 && round < 40; round++) {
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

/* A machine of 4096 processors. */
static void test_very_wide(void **state)
{
	enum { WIDE = 4096 };
	char *text = malloc(WIDE * 40), *p = text;
	struct sq_nettext t = { 0 };
	struct bench b;

	(void)state;
	for (int i = 0; i < WIDE; i++)
		p += sprintf(p, " CPU%d", i);
	p += sprintf(p, "\nNET_RX:");
	for (int i = 0; i < WIDE; i++)
		p += sprintf(p, " %d", i);
	bench_open(&b);
	bench_tick_empty(&b);
	assert_int_equal(parse(&b, &t, sq_systext_softirqs, text, (size_t)(p - text)), WIDE);
	sq_nettext_fini(&t);
	assert_int_equal(parse(&b, &t, sq_systext_interrupts, text, (size_t)(p - text)), 1);
	sq_nettext_fini(&t);
	memset(text, 'a', WIDE * 40);
	for (size_t k = 0; k < sizeof(parsers) / sizeof(parsers[0]); k++) {
		assert_int_equal(parse(&b, &t, parsers[k], text, WIDE * 40 - 1), 0);
		sq_nettext_fini(&t);
	}
	json_decref(bench_close(&b));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_very_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
