/* Parsers of the texts of /proc that tell of the whole machine, in the manner of nettext.h. */
#ifndef SQ_ANALYZERS_FORMATS_SYSTEXT_H
#define SQ_ANALYZERS_FORMATS_SYSTEXT_H

#include "analyzers/formats/nettext.h"

sq_nettext_parser sq_systext_stat;       /* cpu lines, and a few of one number */
sq_nettext_parser sq_systext_meminfo;    /* "MemFree: 23848628 kB" */
sq_nettext_parser sq_systext_softirqs;   /* a line for each kind, a column for each processor */
sq_nettext_parser sq_systext_interrupts; /* the same, and who asked for it behind the counts */
sq_nettext_parser sq_systext_files;      /* file-nr: three numbers */

/* One file of /proc/pressure. */
size_t sq_systext_pressure(struct sq_nettext *t, const char *resource, const char *text, size_t len,
			   struct sq_sample *s);

#endif
