/* What the kernel counted for one TCP socket.  A module of its own, since <linux/tcp.h>, which has
 * the whole of TCP_INFO, and <netinet/tcp.h>, which libuv includes, exclude each other. */
#ifndef SQ_LOADGEN_ENGINE_TCP_INFO_H
#define SQ_LOADGEN_ENGINE_TCP_INFO_H

#include <stdbool.h>
#include <stdint.h>

struct sq_tcp_info {
	bool connected;         /* its handshake is over, for this side */
	uint32_t unacked;       /* segments sent and not acknowledged */
	uint32_t retransmitted; /* segments sent again, SYNs included */
	uint32_t segs_out;      /* all segments sent: SYNs, data, pure ACKs, retransmits */
	uint32_t data_segs_out; /* those with data, retransmits included */
};

/* False when the kernel does not say. */
bool sq_tcp_info(int fd, struct sq_tcp_info *ret);

#endif
