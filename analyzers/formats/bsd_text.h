/* What tools of FreeBSD and OpenBSD print about the kernel: from a whole output to puts into a sample,
 * under names that begin with "bsd." and are otherwise the tool's own words.  They were tested on
 * outputs that were published, not on a running BSD.  A text may be cut anywhere. */
#ifndef SQ_ANALYZERS_FORMATS_BSD_TEXT_H
#define SQ_ANALYZERS_FORMATS_BSD_TEXT_H

#include "analyzers/formats/server_stats.h"

sq_stats_parser sq_bsd_netstat_s;
sq_stats_parser sq_bsd_netstat_m;
sq_stats_parser sq_bsd_netstat_lan; /* -Lan: accept queues */
sq_stats_parser sq_bsd_netstat_an;  /* -an, -f inet: Recv-Q and Send-Q */
sq_stats_parser sq_bsd_vmstat_m;    /* malloc's types; OpenBSD's pools too */
sq_stats_parser sq_bsd_vmstat_z;    /* FreeBSD's zones */
sq_stats_parser sq_bsd_top;
sq_stats_parser sq_bsd_pfctl; /* -si, -sm */
sq_stats_parser sq_bsd_sysctl;
sq_stats_parser sq_bsd_dmesg;

/* ---- what they share ---- */

enum { SQ_BSD_NAME = 160 };

/* A tool's words as a name: "listen queue overflows" is "listen_queue_overflow".  The tools print
 * the singular when they count 1, so words are singular in names.  Goes on behind what out holds
 * already; false when that makes no name, or there is no room for it. */
bool sq_bsd_name(char out[SQ_BSD_NAME], struct sq_span words);

void sq_bsd_put(struct sq_stats *t, const char *name, const char *instance, uint64_t value);

#endif
