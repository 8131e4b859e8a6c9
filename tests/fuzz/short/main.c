/* The short form of a fuzz target, for every check: built with whatever compiler and sanitizers the
 * tests are, it feeds the target texts and packets that are cut, flipped, spliced and repeated, from
 * a fixed seed, for some seconds.  The long form is the same target under libFuzzer:
 *
 *   clang -std=c11 -D_GNU_SOURCE -I. -fsanitize=fuzzer,address,undefined tests/fuzz/NAME.c ... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"

enum { LONGEST = 600, SECONDS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
	const char *text;
	size_t len;
} seeds[] = {
#define SEED(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
	SEED("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x03www\x07"
	     "example\x04test\x00\x00\x01\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00"),
	SEED("\x12\x34\x81\x83\x00\x01\x00\x01\x00\x00\x00\x00\x01"
	     "a\x00\x00\x1c\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"),
	SEED("www.ex\\.am\\065ple.test."),
	SEED("www.example.test A\nexample.test MX\n; x\n. TYPE999\n"),
	SEED("{random:8}.test"),
	SEED("A:70,AAAA:25,MX:5"),
	SEED("example.test\nrequire a A 192.0.2.1\nprohibit x A\nadd x 3600 MX 10 m\n"
	     "add t 1 TXT \"a b\" c\nadd u 1 TYPE65 \\# 2 c0ff\ndelete w\nsend\n"),
	SEED("250-mail.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 ENHANCEDSTATUSCODES\r\n"),
	SEED("Nov 27 05:06:07 relay postfix/smtp[321]: 4F2A31: to=<a@b.test>, relay=none, delay=2.1, "
	     "delays=0.04/0/2/0, dsn=4.4.3, status=deferred (Host or domain name not found. Name "
	     "service error for name=b.test type=MX: Host not found, try again)"),
	SEED("Nov 27 05:06:07 relay postfix/qmgr[7]: 4F2A31: from=<>, status=expired, returned"),
	SEED("EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nDATA\r\nX-Squall-Id: 5eed.0.17\r\n"
	     "X-Squall-Digest: cbf29ce484222325 0\r\n\r\n..\r\n.\r\nAUTH LOGIN\r\neA==\r\neQ==\r\n"),
	SEED("LHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n"
	     "X-Squall-Id: 5eed.0.17\r\n\r\n.\r\nRSET\r\nSTARTTLS\r\n"),
	SEED("squall-receipts/1\n5eed.0.17 1764234304123456789 12345678 sound 9c1d2e3f,0\n"
	     "5eed.0.18 1764234304123456789 - unchecked 1\nend 2\n"),
	SEED("{\"opcodes\":{\"QUERY\":1},\"nsstats\":{\"QrySERVFAIL\":255},\"views\":{\"_default\":{"
	     "\"resolver\":{\"stats\":{\"QueryTimeout\":135},\"adb\":{\"nnames\":7}}}}}"),
	SEED("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na_total 1"),
	SEED("thread0.num.queries=3\ntotal.recursion.time.avg=0.012\n[a.test.] mod-stats.x[NOERROR] = 4\n"
	     "Active connections: 1 \nserver accepts handled requests\n 4 4 4 \nReading: 0 Waiting: 1\n"),
	SEED("# TYPE a_total counter\na_total{b=\"}\\\"\",c=\"d\"} 1.5e3 17\na_ratio 0.5\na_seconds -2\n"),
	SEED("tcp:\n\t9 packets sent\n\t\t7 data packets (512 bytes) resent\n\t4 syncache entries added\n"
	     "\t\t1 dropped\n96/376/6144 mbuf clusters in use (current/peak/max)\n852 Kbytes (25% in use)\n"),
	SEED("Name Size Requests Fail Npage\nmclpl 2048 175 14 516\n  Type InUse MemUse Size(s)\nbus 8 5 10K 16,32\n"
	     "ITEM SIZE LIMIT USED\nUMA Kegs: 384, 0, 210\ntcp4 193/0/128 *.80\ntcp 1 2 10.0.0.1.22 x.1 ESTABLISHED\n"),
	SEED("load averages: 0.08, 0.08\n28 processes: 27 idle, 1 on cpu\nCPU states: 0.2% user,98.4% idle\n"
	     "Memory: Real: 26M/55M act/tot Free: 95M\nMem: 1M Active, 2M Free\nState Table  Total  Rate\n  inserts 7 1.2/s\n"
	     "states hard limit 100\na.b: 1\nLimiting x from 250 to 200 packets/sec\n"),
	SEED("5 (a) b) S 12 34 56 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 3 0 99 1000 7 0"),
	SEED("CPU:1 [LOST 17 EVENTS]\nkfree_skb: location=tcp_v4_rcv+0x1a/0xb20 reason: NO_SOCKET"),
	SEED("4:cpu,cpuacct:/a\n0::/b\n31 23 0:28 /a /sys/fs/cgroup rw - cgroup cgroup rw,cpu\n"),
	SEED("{\"k\":\"tick\",\"b\":1000000010,\"e\":1000000011,\"v\":[0,5,1,9],\"raw\":[0,7]}\n"
	     "{\"k\":\"gap\",\"b\":1000000010,\"e\":1000000011,\"source\":\"a\",\"because\":\"x\"}\n"
	     "{\"k\":\"pong\",\"n\":3,\"t\":1000000020}\n"),
	SEED("{\"k\":\"metric\",\"i\":2,\"part\":0,\"source\":\"c\",\"metric\":\"o\",\"instance\":\"p\","
	     "\"unit\":\"packets\",\"kind\":\"counter\",\"width\":64}\n"
	     "{\"k\":\"tick\",\"b\":1000000010,\"e\":1000000011,\"v\":[2,5],\"raw\":[2,5]}\n"
	     "{\"k\":\"env\",\"environment\":{\"cpus\":2}}\n"),
	SEED("TcpExt: A ListenDrops\nTcpExt: 1 2\nIcmpMsg: InType3\nIcmpMsg: -1\nTCP: inuse 1 mem 3\n"
	     "entries drop\n0000000a ffffffff\n694\t0\t9223372036854775807\n"),
	SEED("    CPU0  CPU1\nNET_RX: 30 4294967295\n 38: 4 9 PCI-MSIX 1-edge eth0\nLOC: 1 2 Local\n"
	     "cpu  10 1 20 300 4\ncpu0 5 0 10\nintr 655 0 1\nMemFree: 7 kB\nsome avg10=0.00 total=36\n"),
	SEED("220 hello\r\n354 go on\r\n452 4.2.2 full\r\n550-no\r\n550 5.1.1 never\r\n"),
};

static size_t mutate(struct sq_rng *rng, uint8_t *data, size_t len)
{
	size_t at = len ? sq_rng_below(rng, len) : 0, n;

	switch (sq_rng_below(rng, 5)) {
	case 0: /* cut */
		return at;
	case 1:
		if (len)
			data[at] = (uint8_t)sq_rng_u64(rng);
		return len;
	case 2:
		if (len)
			data[at] ^= (uint8_t)(1U << sq_rng_below(rng, 8));
		return len;
	case 3: /* say a part again */
		n = sq_rng_below(rng, len - at + 1);
		n = n < LONGEST - len ? n : LONGEST - len;
		memmove(data + len, data + at, n);
		return len + n;
	default: /* leave a part out */
		n = sq_rng_below(rng, len - at + 1);
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	}
}

int main(void)
{
	int64_t end_ns = sq_now_ns() + SECONDS * SQ_SEC;
	unsigned long runs = 0;
	struct sq_rng rng;

	sq_rng_init(&rng, 1, 0);
	for (; sq_now_ns() < end_ns; runs++) {
		size_t which = sq_rng_below(&rng, sizeof(seeds) / sizeof(seeds[0]));
		size_t len = seeds[which].len;
		uint8_t data[LONGEST], *exact;

		memcpy(data, seeds[which].text, len);
		for (uint64_t n = sq_rng_below(&rng, 6); n > 0; n--)
			len = mutate(&rng, data, len);
		exact = malloc(len ? len : 1); /* so that a read beyond it is seen */
		if (!exact)
			return 1;
		memcpy(exact, data, len);
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	printf("%lu runs\n", runs);
	return 0;
}
