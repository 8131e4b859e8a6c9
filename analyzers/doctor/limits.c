/* Which limits will bite: each is known by a name, a value that is in force, a least value that a load of
 * some thousand connections or queries a second does not meet, and what to do.
 *
 * What a reader would get wrong:
 * - A limit that bites is no fault of the machine's.  It says that what fails first may be the limit and
 *   not the server.
 * - What is not known here (a kernel without conntrack, a virtual machine without governors) limits
 *   nothing, and is left out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/doctor/doctor.h"

/* One number of a sysctl against the least that will do. */
struct least {
	const char *sysctl;
	unsigned word; /* which number of it, from 0 */
	double least;
	const char *because, *advice;
};

static const struct least leasts[] = {
	{ "fs.file-max", 0, 200000, "all processes of the machine open no more files together",
	  "sysctl -w fs.file-max=1000000" },
	{ "net.core.somaxconn", 0, 1024,
	  "no accept queue holds more, whatever a server asks of listen()",
	  "sysctl -w net.core.somaxconn=4096, and the server's own backlog" },
	{ "net.core.netdev_max_backlog", 0, 1000,
	  "no processor holds more packets that came in and wait; the rest is dropped "
	  "(softnet.dropped)",
	  "sysctl -w net.core.netdev_max_backlog=5000" },
	{ "net.core.rmem_max", 0, 1 << 20,
	  "no socket may ask for a larger receive buffer without privilege, and 212992 bytes hold 256 "
	  "small datagrams",
	  "sysctl -w net.core.rmem_max=8388608, and SO_RCVBUF in the server" },
	{ "net.core.wmem_max", 0, 212992,
	  "no socket may ask for a larger send buffer without privilege",
	  "sysctl -w net.core.wmem_max=8388608" },
	{ "net.ipv4.tcp_max_syn_backlog", 0, 1024,
	  "so many connections may be half open at a listener, three quarters of it without syncookies",
	  "sysctl -w net.ipv4.tcp_max_syn_backlog=4096" },
	{ "net.ipv4.tcp_max_orphans", 0, 4096,
	  "beyond so many connections without a process, closed ones are reset",
	  "sysctl -w net.ipv4.tcp_max_orphans=65536" },
	{ "net.ipv4.tcp_mem", 2, 16384,
	  "TCP may have so many pages of memory, then it drops and resets",
	  "sysctl -w net.ipv4.tcp_mem='49152 65536 98304'" },
	{ "net.ipv4.udp_mem", 2, 16384,
	  "UDP may have so many pages of memory, then datagrams are dropped",
	  "sysctl -w net.ipv4.udp_mem='49152 65536 98304'" },
	{ "net.ipv4.neigh.default.gc_thresh3", 0, 1024,
	  "so many neighbours on all links together; a packet to one more is dropped",
	  "sysctl -w net.ipv4.neigh.default.gc_thresh3=8192, gc_thresh2 and gc_thresh1 below it" },
	{ "net.netfilter.nf_conntrack_max", 0, 131072,
	  "connection tracking holds so many connections, closed ones for two minutes more, and drops "
	  "the rest",
	  "sysctl -w net.netfilter.nf_conntrack_max=1048576, or a notrack rule for the ports of the load" },
	{ "kernel.pid_max", 0, 32768, "so many processes and threads at once",
	  "sysctl -w kernel.pid_max=4194304" },
};

static void add_row(json_t *rows, const char *limit, const char *value, bool bites,
		    const char *because, const char *advice)
{
	json_array_append_new(rows,
			      json_pack("{s:s, s:s, s:b, s:s, s:s}", "limit", limit, "value", value,
					"bites", (int)bites, "because", because, "advice", advice));
}

static void add_number(json_t *rows, const char *limit, double value, bool bites,
		       const char *because, const char *advice)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*f", value == floor(value) ? 0 : 2, value);
	add_row(rows, limit, text, bites, because, advice);
}

static const char *sysctl_of(const json_t *environment, const char *name)
{
	return json_string_value(json_object_get(json_object_get(environment, "sysctls"), name));
}

/* A number that stands at a place of a text; NAN when there is none. */
static double word_number(const char *text, unsigned word)
{
	char *end;
	double value;

	for (;; word--) {
		value = strtod(text, &end);
		if (end == text)
			return NAN;
		if (word == 0)
			return value;
		text = end;
	}
}

static void check_least(json_t *rows, const json_t *environment, const struct least *l)
{
	const char *text = sysctl_of(environment, l->sysctl);
	double value = text ? word_number(text, l->word) : NAN;

	if (!isnan(value))
		add_row(rows, l->sysctl, text, value < l->least, l->because, l->advice);
}

static void add_size(json_t *rows, const char *limit, double bytes, double least,
		     const char *because, const char *advice)
{
	char text[32];

	snprintf(text, sizeof(text), "%.0f MiB", bytes / (1 << 20));
	add_row(rows, limit, text, bytes < least, because, advice);
}

/* ---- limits that are no single number ---- */

/* The hard limit ("nofile"): squall raises its own to it, and so can most servers. */
static void check_descriptors(json_t *rows, const json_t *environment)
{
	const json_t *hard = json_object_get(environment, "nofile");

	if (json_is_integer(hard))
		add_number(
			rows, "open files of a process", json_number_value(hard),
			json_integer_value(hard) < 16384,
			"a process holds no more connections than it may have descriptors",
			"ulimit -Hn 1048576, LimitNOFILE= of a systemd unit, or \"workers\" of a "
			"load, each of which has so many of its own");
}

/* Reserved ports are written "8080,9000-9010". */
static double count_reserved(const char *text, double least, double most)
{
	double n = 0;

	while (text && *text) {
		char *end;
		double from = strtod(text, &end), to = from;

		if (*end == '-')
			to = strtod(end + 1, &end);
		if (end == text)
			break;
		from = from < least ? least : from;
		to = to > most ? most : to;
		n += to >= from ? to - from + 1 : 0;
		text = *end == ',' ? end + 1 : end;
	}
	return n;
}

static void check_ports(json_t *rows, const json_t *environment)
{
	const char *range = sysctl_of(environment, "net.ipv4.ip_local_port_range");
	double least = range ? word_number(range, 0) : NAN;
	double most = range ? word_number(range, 1) : NAN;
	double n;

	if (isnan(least) || isnan(most))
		return;
	n = most - least + 1 -
	    count_reserved(sysctl_of(environment, "net.ipv4.ip_local_reserved_ports"), least, most);
	add_number(
		rows, "local ports", n, n < 20000,
		"so many connections from one address to one target, those in TIME_WAIT (60 s) "
		"too, and connect() slows down at half of them",
		"sysctl -w net.ipv4.ip_local_port_range='1024 65535', more addresses as the load's "
		"\"source\", or a close by reset");
}

static void check_clock(json_t *rows, const json_t *environment)
{
	static const char *const slow[] = { "hpet", "acpi_pm", "jiffies", "refined-jiffies",
					    "pit" };
	const char *source = json_string_value(json_object_get(environment, "clock_source"));
	bool bites = false;

	if (!source)
		return;
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++)
		bites |= strcmp(source, slow[i]) == 0;
	add_row(rows, "clock source", source, bites,
		"the time is read several times for each operation; a slow source takes 1 us and more",
		"a kernel parameter (clocksource=tsc), or ask the host of the virtual machine for one");
}

static void check_governors(json_t *rows, const json_t *environment)
{
	static const char *const slow[] = { "powersave", "ondemand", "conservative" };
	json_t *governors = json_object_get(environment, "governors"), *g;
	size_t i;

	json_array_foreach(governors, i, g) {
		bool bites = false;

		for (size_t k = 0; k < sizeof(slow) / sizeof(slow[0]); k++)
			bites |= strcmp(json_string_value(g), slow[k]) == 0;
		add_row(rows, "cpu governor", json_string_value(g), bites,
			"a processor that slows down while it waits adds its waking up to latencies",
			"cpupower frequency-set -g performance");
	}
}

/* The fewest of what is there, what may be used, and what the control group pays for. */
static void check_cpus(json_t *rows, const json_t *environment)
{
	double online = json_number_value(json_object_get(environment, "cpus"));
	double n = online;
	const json_t *allowed = json_object_get(environment, "cpus_allowed");
	const json_t *quota = json_object_get(json_object_get(environment, "cgroup"), "cpus");

	if (online <= 0)
		return;
	if (allowed && json_number_value(allowed) < n)
		n = json_number_value(allowed);
	if (quota && json_number_value(quota) < n)
		n = json_number_value(quota);
	add_number(rows, "processors", n, n < 2,
		   "load, server and capture take turns on one processor, and measure each other",
		   "a machine with more, or a wider taskset or control group");
	if (quota && json_number_value(quota) < online)
		add_number(rows, "control group's processors", json_number_value(quota), true,
			   "beyond it all of the group stands still until the next period "
			   "(cgroup.cpu.nr_throttled)",
			   "raise cpu.max (CPUQuota= of a systemd unit, --cpus of a container)");
}

static void check_memory(json_t *rows, const json_t *environment)
{
	double memory = json_number_value(json_object_get(environment, "memory_bytes"));
	const json_t *limit =
		json_object_get(json_object_get(environment, "cgroup"), "memory_bytes");

	if (limit && json_number_value(limit) < memory)
		add_size(
			rows, "control group's memory", json_number_value(limit), 1 << 30,
			"socket buffers count too; at the limit processes are killed "
			"(cgroup.memory.oom_kill)",
			"raise memory.max (MemoryMax= of a systemd unit, --memory of a container)");
	if (memory > 0)
		add_size(
			rows, "memory", memory, 1 << 30,
			"servers, load and socket buffers share it; where it ends processes are killed",
			"a machine with more");
}

json_t *sq_doctor_limits(const json_t *environment)
{
	json_t *rows = json_array();

	check_descriptors(rows, environment);
	check_ports(rows, environment);
	for (size_t i = 0; i < sizeof(leasts) / sizeof(leasts[0]); i++)
		check_least(rows, environment, &leasts[i]);
	check_clock(rows, environment);
	check_governors(rows, environment);
	check_cpus(rows, environment);
	check_memory(rows, environment);
	return rows;
}
