/* The options of the DNS sink, and the arithmetic of its shares.
 *
 * A reader would get wrong: a query meets one fault at most, so the shares add up.  Were each drawn
 * for itself, "10 % dropped, 10 % SERVFAIL" would drop some of the SERVFAILs, and neither count
 * would be what was asked for. */
#include "loadgen/dns/sink_conf.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>

#include "base/clock.h"
#include "loadgen/dns/wire.h"

/* In the order of enum sq_dns_rcode. */
static const char *const rcode_choices[] = {
	"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
	"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", NULL,
};

#define PERCENT(fault) offsetof(struct sq_dns_sink_conf, percent[fault])

const struct sq_opt sq_dns_sink_opts[] = {
	{ .name = "listen",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_sink_conf, listen),
	  .required = true,
	  .help = "address and port, \"127.0.0.1:5300\" or \"[::1]:5300\"; port 0 takes a free one" },
	{ .name = "answer",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_sink_conf, answer),
	  .def = "192.0.2.1",
	  .help = "the address in answers to A; AAAA gets 2001:db8::ADDRESS, other types no data" },
	{ .name = "zone",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_dns_sink_conf, zone),
	  .help = "names that are not under it are REFUSED; absent: every name is served" },
	{ .name = "nxdomain",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_dns_sink_conf, nxdomain),
	  .help = "names that do not exist, with all below them" },
	{ .name = "rcode",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct sq_dns_sink_conf, rcode),
	  .def = "NOERROR",
	  .choices = rcode_choices,
	  .help = "an rcode to answer with, without data" },
	{ .name = "rcode_percent",
	  .type = SQ_OPT_REAL,
	  .offset = PERCENT(SQ_DNS_FAULT_RCODE),
	  .max = 100,
	  .help = "share of the queries that get that rcode; absent: all that no other fault takes" },
	{ .name = "drop_percent",
	  .type = SQ_OPT_REAL,
	  .offset = PERCENT(SQ_DNS_FAULT_DROP),
	  .def = "0",
	  .max = 100,
	  .help = "share of the queries that are never answered; like all shares exact, and even" },
	{ .name = "truncate_percent",
	  .type = SQ_OPT_REAL,
	  .offset = PERCENT(SQ_DNS_FAULT_TRUNCATE),
	  .def = "0",
	  .max = 100,
	  .help = "share answered with TC=1 and no data" },
	{ .name = "mismatch_percent",
	  .type = SQ_OPT_REAL,
	  .offset = PERCENT(SQ_DNS_FAULT_MISMATCH),
	  .def = "0",
	  .max = 100,
	  .help = "share whose answer is to another question" },
	{ .name = "wrong_id_percent",
	  .type = SQ_OPT_REAL,
	  .offset = PERCENT(SQ_DNS_FAULT_WRONG_ID),
	  .def = "0",
	  .max = 100,
	  .help = "share whose answer has another ID" },
	{ .name = "duplicate_percent",
	  .type = SQ_OPT_REAL,
	  .offset = PERCENT(SQ_DNS_FAULT_DUPLICATE),
	  .def = "0",
	  .max = 100,
	  .help = "share answered twice" },
	{ .name = "garbage_percent",
	  .type = SQ_OPT_REAL,
	  .offset = PERCENT(SQ_DNS_FAULT_GARBAGE),
	  .def = "0",
	  .max = 100,
	  .help = "share answered with the query's ID and bytes that are no DNS message" },
	{ .name = "delay",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_dns_sink_conf, delay_ns),
	  .def = "0s",
	  .max = 60e9,
	  .help = "time from reading a query to sending its answer" },
	{ .name = "delay_percent",
	  .type = SQ_OPT_REAL,
	  .offset = offsetof(struct sq_dns_sink_conf, delay_percent),
	  .def = "100",
	  .max = 100,
	  .help = "share of the answers that are delayed, whatever their fault" },
	{ .name = "capacity",
	  .type = SQ_OPT_RATE,
	  .offset = offsetof(struct sq_dns_sink_conf, capacity_per_s),
	  .min = 0.001,
	  .max = 1e9,
	  .help = "queries read a second; those beyond wait in the receive buffer, or overflow it" },
	{ .name = "capacity_burst",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_sink_conf, capacity_burst),
	  .def = "1",
	  .min = 1,
	  .max = 1e6,
	  .help = "queries read at once after a time without any" },
	{ .name = "capacity_noise",
	  .type = SQ_OPT_REAL,
	  .offset = offsetof(struct sq_dns_sink_conf, capacity_noise),
	  .def = "0",
	  .max = 95,
	  .help = "how far from the capacity that of each 100 ms may lie, in percent, drawn at random" },
	{ .name = "noise_seed",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_dns_sink_conf, noise_seed),
	  .min = 0,
	  .max = 9e15,
	  .help = "what it is drawn from; absent: another each time" },
	{ .name = "receive_buffer",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_dns_sink_conf, receive_buffer),
	  .min = 1,
	  .max = INT_MAX / 2,
	  .help = "SO_RCVBUF; the kernel doubles it, and a query takes 0.75 KiB or more of it" },
	{ .name = "send_buffer",
	  .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_dns_sink_conf, send_buffer),
	  .min = 1,
	  .max = INT_MAX / 2,
	  .help = "SO_SNDBUF; the kernel doubles it" },
	{ .name = "pause_at",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_dns_sink_conf, pause_at_ns),
	  .def = "0s",
	  .max = 86400e9,
	  .help = "when to stop reading and answering, counted from the first query" },
	{ .name = "pause_for",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_dns_sink_conf, pause_for_ns),
	  .def = "0s",
	  .max = 86400e9,
	  .help = "for how long" },
	{ .name = "recverr",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_dns_sink_conf, recverr),
	  .def = "false",
	  .help = "IP_RECVERR: answers that the interface's queue drops fail with ENOBUFS, and ICMP "
		  "errors are counted" },
	{ 0 },
};

int sq_dns_sink_shares(const struct sq_dns_sink_conf *conf, int64_t ret[SQ_DNS_FAULTS + 1],
		       struct sq_err *err)
{
	int64_t share[SQ_DNS_FAULTS + 1] = { 0 }, rest = SQ_DNS_SHARE_ALL;
	bool with_rcode = conf->rcode != SQ_DNS_NOERROR;
	double rcode_percent = conf->percent[SQ_DNS_FAULT_RCODE];

	if (!with_rcode && !isnan(rcode_percent))
		return sq_err_set(err, -EINVAL, "sink dns: rcode_percent",
				  "says how many get an rcode, but rcode is NOERROR; name one, for "
				  "example SERVFAIL");
	for (int i = 0; i < SQ_DNS_FAULTS; i++) {
		if (!isnan(conf->percent[i])) /* 10^-9 of all is 10^-7 percent */
			share[i] = llround(conf->percent[i] * 1e7);
		rest -= share[i];
	}
	if (rest < 0)
		return sq_err_set(err, -EINVAL, "sink dns",
				  "the shares add up to %g %%, and a query meets one fault at "
				  "most; lower one",
				  (double)(SQ_DNS_SHARE_ALL - rest) / 1e7);
	if (with_rcode && isnan(rcode_percent)) {
		share[SQ_DNS_FAULT_RCODE] = rest;
		rest = 0;
	}
	share[SQ_DNS_FAULTS] = rest;
	for (int i = 0; i <= SQ_DNS_FAULTS; i++)
		ret[i] = share[i];
	return 0;
}
