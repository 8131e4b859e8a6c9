/* A lane's DNS queries over UDP, from the inside: udp.c, udp_send.c and udp_errors.c. */
#ifndef SQ_LOADGEN_DNS_UDP_H
#define SQ_LOADGEN_DNS_UDP_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "loadgen/dns/conf.h"
#include "loadgen/dns/flight.h"
#include "loadgen/dns/query.h"
#include "loadgen/dns/transport.h"

enum {
	SQ_DNS_BURST = 64, /* queries that leave by one socket at a time */
	SQ_DNS_READ = 64,  /* replies that one call reads */
	SQ_DNS_LOOK = 512, /* bytes of each that are kept: enough for header and question */
};

_Static_assert(SQ_DNS_BURST <= 64, "UDP_MAX_SEGMENTS of kernels before 6.9");

/* The queries of a burst as few datagrams that the kernel segments: those of one length are one. */
struct sq_dns_segments {
	uint8_t order[SQ_DNS_BURST]; /* of the burst's queries, by length */
	struct mmsghdr msgs[SQ_DNS_BURST];
	struct iovec bytes[SQ_DNS_BURST];
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control[SQ_DNS_BURST];
};

struct sq_dns_udp_lane {
	struct sq_lane *lane;
	const struct sq_dns_conf *conf;
	struct sq_dns_socket *sockets;
	struct sq_dns_place *places; /* of all of them */
	unsigned n_sockets, next;

	/* udp_send.c */
	int64_t careful_until_ns;
	struct sq_op *unnamed; /* refused by the kernel, but not known why; or NULL */
	uint32_t messages;     /* segmented ones so far */

	struct {
		struct sq_op *ops[SQ_DNS_BURST];
		struct mmsghdr msgs[SQ_DNS_BURST];
		struct iovec bytes[SQ_DNS_BURST];
		uint8_t data[SQ_DNS_BURST][SQ_DNS_QUERY_MAX];
	} out;
	struct sq_dns_segments segments;
	struct {
		struct mmsghdr msgs[SQ_DNS_READ];
		struct iovec bytes[SQ_DNS_READ];
		uint8_t data[SQ_DNS_READ][SQ_DNS_LOOK];
		union {
			struct cmsghdr align;
			uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
		} control[SQ_DNS_READ]; /* with kernel_time */
	} in;
};

/* Gives each error in the socket's queue to the queries that it is about; how many there were. */
unsigned sq_dns_udp_errors(struct sq_dns_udp_lane *c, struct sq_dns_socket *u);

/* Sends the first n of `out`; each is on its way, or has its outcome, or is the unnamed one. */
void sq_dns_udp_send(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, unsigned n);
/* How many messages the first n of `out` make in `segments`; where each one's queries end in
 * `order` is told in ends. */
unsigned sq_dns_udp_segment(struct sq_dns_udp_lane *c, unsigned n, uint8_t ends[SQ_DNS_BURST]);
/* The unnamed one has come to its end: nothing has told why. */
void sq_dns_udp_name_unnamed(struct sq_dns_udp_lane *c, int code);

#endif
