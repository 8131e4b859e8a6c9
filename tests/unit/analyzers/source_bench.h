/* One source in a network namespace of the test's own, and the tools that set that up. */
#ifndef SQ_TESTS_SOURCE_BENCH_H
#define SQ_TESTS_SOURCE_BENCH_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <sched.h>

#include "analyzers/source.h"
#include "spool_bench.h"

static inline void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

/* A shell command, mostly tc or nft, which must succeed. */
static inline void must(const char *command)
{
	if (system(command) != 0) /* NOLINT(cert-env33-c) */
		fail_msg("failed: %s", command);
}

/* Into a namespace with lo up; as root of a user namespace when not root.  False, and says why. */
static inline bool enter_namespace(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWNET) == -1) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1) {
			perror("unshare(CLONE_NEWNET), which these tests need");
			return false;
		}
		/* Without a map, tc and nft would lose the capabilities when they start. */
		write_text("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
		write_text("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
		write_text("/proc/self/gid_map", map);
	}
	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	return system("ip link set lo up") == 0;
}

struct probe {
	struct bench bench;
	const struct sq_source *source;
	void *state;
};

static inline const struct sq_source *source_named(const char *name)
{
	for (size_t i = 0; sq_sources[i]; i++)
		if (strcmp(sq_sources[i]->kind.name, name) == 0)
			return sq_sources[i];
	fail_msg("no source %s", name);
	return NULL;
}

/* conf: the source's own, or NULL for one that has none. */
static inline void probe_open_conf(struct probe *p, const char *name, const void *conf)
{
	struct sq_err err = { 0 };

	bench_open(&p->bench);
	p->source = source_named(name);
	p->state = calloc(1, p->source->state_size);
	if (p->source->open(p->state, conf, p->bench.sample, &err) < 0)
		fail_msg("%s: %s: %s", name, err.where, err.text);
}

static inline void probe_open(struct probe *p, const char *name)
{
	probe_open_conf(p, name, NULL);
}

static inline void probe_tick(struct probe *p)
{
	sq_sample_begin(p->bench.sample, sq_now_ns());
	sq_sample_enter(p->bench.sample, p->bench.source);
	sq_sample_leave(p->bench.sample, p->source->sample(p->state, p->bench.sample));
	assert_int_equal(sq_sample_end(p->bench.sample, sq_now_ns(), NULL), 0);
}

/* The records.  In no test here may a reading have failed or a counter have fallen unseen. */
static inline json_t *probe_close(struct probe *p)
{
	json_t *records;

	p->source->close(p->state);
	free(p->state);
	records = bench_close(&p->bench);
	assert_int_equal(count_records(records, "gap"), 0);
	return records;
}

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* n datagrams of 100 bytes; how many sends failed, the last one's errno in errno. */
static inline int send_datagrams(int fd, int port, int n)
{
	struct sockaddr_in to = loopback(port);
	static const char payload[100];
	int failed = 0, why = 0;

	for (int i = 0; i < n; i++) {
		if (sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to)) !=
		    -1)
			continue;
		failed++;
		why = errno;
	}
	errno = why;
	return failed;
}

/* A counter of UDP in /proc/net/snmp, by its place: 4 RcvbufErrors, 5 SndbufErrors. */
enum { UDP_RCVBUF_ERRORS = 4, UDP_SNDBUF_ERRORS = 5 };
static inline long long udp_counter(int place)
{
	FILE *f = fopen("/proc/thread-self/net/snmp", "r");
	char line[512];
	long long v[6] = { 0 };

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Udp: %lld %lld %lld %lld %lld %lld", &v[0], &v[1], &v[2], &v[3],
			   &v[4], &v[5]) == 6)
			break;
	fclose(f);
	return v[place];
}

#endif
