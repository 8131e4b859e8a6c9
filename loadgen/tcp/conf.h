/* What the tcp driver is told, and its words in the order of its tables (loadgen/drivers/tcp.c). */
#ifndef SQ_LOADGEN_TCP_CONF_H
#define SQ_LOADGEN_TCP_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/opt.h"
#include "loadgen/engine/stream.h"
#include "results/outcome.h"

enum sq_tcp_phase {
	SQ_TCP_PHASE_CONNECT,
	SQ_TCP_PHASE_ACK,
	SQ_TCP_PHASE_GREETING,
	SQ_TCP_PHASE_TLS,
	SQ_TCP_PHASE_REQUEST,
	SQ_TCP_PHASE_ANSWER,
	SQ_TCP_PHASE_CLOSE,
};

enum sq_tcp_code { SQ_TCP_CODE_GHOST = SQ_CODE_DRIVER, SQ_TCP_CODE_MISMATCH };
enum sq_tcp_effort { SQ_TCP_EFFORT_SYN_RETRANS, SQ_TCP_EFFORT_LOST_SEGS };

enum sq_tcp_count {
	SQ_TCP_COUNT_ROUNDS,
	SQ_TCP_COUNT_BYTES_SENT,
	SQ_TCP_COUNT_BYTES_RECEIVED,
	SQ_TCP_COUNT_HELD_CLOSED,
	SQ_TCP_COUNT_HELD_RESET,
	SQ_TCP_COUNT_TLS_FULL,
	SQ_TCP_COUNT_TLS_RESUMED,
};

enum sq_tcp_until {
	SQ_TCP_UNTIL_CONNECTED,
	SQ_TCP_UNTIL_ACKED,
	SQ_TCP_UNTIL_GREETING,
	SQ_TCP_UNTIL_ANSWER,
	SQ_TCP_UNTIL_CLOSED,
};
enum sq_tcp_close { SQ_TCP_CLOSE_RST, SQ_TCP_CLOSE_FIN, SQ_TCP_CLOSE_HALF };
enum sq_tcp_hold { SQ_TCP_HOLD_CONSTANT, SQ_TCP_HOLD_EXPONENTIAL };
enum sq_tcp_read { SQ_TCP_READ_FAST, SQ_TCP_READ_SLOW, SQ_TCP_READ_NEVER };

struct sq_tcp_conf {
	int until, close, hold_as, read;
	int64_t hold_ns;
	bool greeted;        /* a greeting comes before the first request */
	char *send, *answer; /* NULL: none */
	int64_t send_size, answer_size, rounds;
	int64_t send_piece, read_piece, pause_ns;
	bool bulk;
	int64_t receive_buffer, rate; /* SQ_OPT_UNSET: the kernel's; bit/s */
	bool use_tls;
	struct sq_tls_spec tls;
	char *ports;
	/* made by sq_tcp_conf_check */
	uint16_t first_port;
	uint32_t n_ports; /* 0: the kernel chooses */
	char *payload;    /* a request, or what a bulk stream repeats; payload_len bytes, its own */
	size_t payload_len, answer_len;
};

extern const struct sq_opt sq_tcp_opts[];

/* Refuses what contradicts itself or would mean nothing, and makes what is made of it, which
 * sq_tcp_conf_fini gives back.  -EINVAL, -errno. */
int sq_tcp_conf_check(struct sq_tcp_conf *c, struct sq_err *err);
void sq_tcp_conf_fini(struct sq_tcp_conf *c);

/* Whether requests are sent. */
static inline bool sq_tcp_talks(const struct sq_tcp_conf *c)
{
	return c->until >= SQ_TCP_UNTIL_ANSWER;
}

#endif
