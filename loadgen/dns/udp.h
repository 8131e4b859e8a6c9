/* A lane's DNS queries over UDP, from the inside: udp.c and udp_send.c. */
#ifndef SQ_LOADGEN_DNS_UDP_H
#define SQ_LOADGEN_DNS_UDP_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/dns/conf.h"
#include "loadgen/dns/flight.h"
#include "loadgen/dns/query.h"
#include "loadgen/dns/transport.h"

enum {
	SQ_DNS_BURST = 32, /* queries that leave by one socket at a time */
	SQ_DNS_READ = 32,  /* replies that one call reads */
	SQ_DNS_LOOK = 512, /* bytes of each that are kept: enough for header and question */
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

	struct {
		struct sq_op *ops[SQ_DNS_BURST];
		struct mmsghdr msgs[SQ_DNS_BURST];
		struct iovec bytes[SQ_DNS_BURST];
		uint8_t data[SQ_DNS_BURST][SQ_DNS_QUERY_MAX];
	} out;
	struct {
		struct mmsghdr msgs[SQ_DNS_READ];
		struct iovec bytes[SQ_DNS_READ];
		uint8_t data[SQ_DNS_READ][SQ_DNS_LOOK];
	} in;
};

/* Gives each error in the socket's queue to the query that it is about; how many there were. */
unsigned sq_dns_udp_errors(struct sq_dns_udp_lane *c, struct sq_dns_socket *u);

/* Sends the first n of `out`; each is on its way, or has its outcome, or is the unnamed one. */
void sq_dns_udp_send(struct sq_dns_udp_lane *c, struct sq_dns_socket *u, unsigned n);
/* The unnamed one has come to its end: nothing has told why. */
void sq_dns_udp_name_unnamed(struct sq_dns_udp_lane *c, int code);

#endif
