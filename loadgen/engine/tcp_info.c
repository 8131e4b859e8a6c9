/* TCP_INFO, by the kernel's own header. */
#include "loadgen/engine/tcp_info.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* include/net/tcp_states.h, which no user's header shows beside <linux/tcp.h>. */
enum { SYN_SENT = 2, CLOSED = 7 };

bool sq_tcp_info(int fd, struct sq_tcp_info *ret)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return false;
	*ret = (struct sq_tcp_info){
		.connected = info.tcpi_state != SYN_SENT && info.tcpi_state != CLOSED,
		.unacked = info.tcpi_unacked,
		.retransmitted = info.tcpi_total_retrans,
		.segs_out = info.tcpi_segs_out,
		.data_segs_out = info.tcpi_data_segs_out,
	};
	return true;
}
