/* Replies of a DNS sink on their way out: a queue of those due, and the sending with its errors. */
#ifndef SQ_LOADGEN_DNS_SINK_SEND_H
#define SQ_LOADGEN_DNS_SINK_SEND_H

#include <netinet/in.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/dns/sink_answer.h"
#include "loadgen/dns/sink_counts.h"

/* Where a datagram came from, and to which of our addresses: the way back. */
struct sq_dns_path {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer;
	socklen_t peer_len;
	uint16_t control_len; /* 0 unless the socket is bound to all addresses */
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
};

struct sq_dns_reply {
	int64_t due_ns;
	struct sq_dns_path path;
	struct sq_dns_answer answer;
	uint8_t bytes[SQ_DNS_ANSWER_MAX];
};

/* First in, first out: replies are due in the order in which they were put in.  Zeroed storage is
 * an empty queue. */
struct sq_dns_queue {
	struct sq_dns_reply *ring;
	size_t size; /* a power of two */
	uint64_t in, out;
};

/* The way back of a datagram that recvmsg(2) filled into path: it leaves from the address that was
 * asked, by the interface that routing chooses. */
void sq_dns_path_turn(struct sq_dns_path *path, size_t control_len);

/* The place of the next reply, to be filled; it is in the queue from sq_dns_queue_put on. */
struct sq_dns_reply *sq_dns_queue_room(struct sq_dns_queue *queue);
void sq_dns_queue_put(struct sq_dns_queue *queue);
/* When the first is due; SQ_NEVER when none waits. */
int64_t sq_dns_queue_due(const struct sq_dns_queue *queue);
void sq_dns_queue_fini(struct sq_dns_queue *queue);

/* The socket that replies leave by. */
struct sq_dns_sender {
	int fd;
	bool recverr;
	struct sq_dns_sink_counts *seen;
	int64_t careful_until_ns; /* one by one till then */
	int unnamed; /* the errno that a refusal without a name was booked under; 0: none was */
};

/* Sends what is due, and counts what became of it. */
void sq_dns_queue_send(struct sq_dns_queue *queue, struct sq_dns_sender *sender, int64_t now_ns);

/* Takes the pending ICMP errors of a socket with IP_RECVERR and counts them; how many. */
int sq_dns_errors_take(int fd, struct sq_dns_sink_counts *seen);

#endif
