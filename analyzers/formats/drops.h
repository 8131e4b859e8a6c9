/* A line of the trace of dropped packets. */
#ifndef SQ_ANALYZERS_FORMATS_DROPS_H
#define SQ_ANALYZERS_FORMATS_DROPS_H

#include <stdbool.h>
#include <stdint.h>

enum sq_drop_line { SQ_DROP_OTHER, SQ_DROP_PACKET, SQ_DROP_LOST };

enum { SQ_DROP_WORD = 64 };

struct sq_drop {
	char reason[SQ_DROP_WORD];   /* "TCP_LISTEN_OVERFLOW"; "NOT_SPECIFIED" before Linux 5.17 */
	char location[SQ_DROP_WORD]; /* "tcp_v4_rcv"; "": only the address is known */
	uint64_t address;
	uint64_t lost; /* SQ_DROP_LOST: how many, 0 when the kernel does not know */
};

/* line: NUL-terminated, any text. */
enum sq_drop_line sq_drop_parse(const char *line, struct sq_drop *ret);

#endif
