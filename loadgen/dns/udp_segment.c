/* Bursts that the kernel segments (UDP_SEGMENT, udp(7)): queries of one length go through the
 * network stack as one datagram, and are cut apart at its far end.  Most of what a query costs is
 * that way, so it halves what the generator pays.
 *
 * All segments of a datagram but the last must have the same length, so a burst is put in order by
 * length and each run of equal ones is a message of its own.  Within a burst all are due together:
 * their order tells nothing.
 *
 * What a reader would get wrong: the kernel takes or refuses such a message as a whole, and counts it
 * once.  What was refused is therefore sent again one by one (udp_send.c), so that each query has the
 * outcome that is its own; the counter then has one refusal too many for each second with refusals.
 * And a shaper on the way may cut a burst apart and drop some of it without a word to us. */
#include <netinet/in.h>
#include <netinet/udp.h>

#include <string.h>

#include "loadgen/dns/udp.h"

/* Insertion: a burst is short, and mostly in order. */
static void sort_by_length(struct sq_dns_udp_lane *c, unsigned n)
{
	uint8_t *order = c->segments.order;

	for (unsigned i = 0; i < n; i++) {
		unsigned at = i;

		while (at > 0 && c->out.bytes[order[at - 1]].iov_len > c->out.bytes[i].iov_len) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = (uint8_t)i;
	}
}

/* Message m is the queries from begin to end of the order. */
static void message_make(struct sq_dns_segments *s, unsigned m, unsigned begin, unsigned end)
{
	struct msghdr *msg = &s->msgs[m].msg_hdr;
	uint16_t len = (uint16_t)s->bytes[begin].iov_len;
	struct cmsghdr *cmsg;

	*msg = (struct msghdr){ .msg_iov = &s->bytes[begin], .msg_iovlen = end - begin };
	if (end - begin == 1)
		return;
	msg->msg_control = &s->control[m];
	msg->msg_controllen = sizeof(s->control[m]);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = IPPROTO_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(len));
	memcpy(CMSG_DATA(cmsg), &len, sizeof(len));
}

unsigned sq_dns_udp_segment(struct sq_dns_udp_lane *c, unsigned n, uint8_t ends[SQ_DNS_BURST])
{
	struct sq_dns_segments *s = &c->segments;
	unsigned messages = 0;

	sort_by_length(c, n);
	for (unsigned i = 0; i < n; i++)
		s->bytes[i] = c->out.bytes[s->order[i]];
	for (unsigned begin = 0, end; begin < n; begin = end) {
		end = begin + 1;
		while (end < n && s->bytes[end].iov_len == s->bytes[begin].iov_len)
			end++;
		message_make(s, messages, begin, end);
		ends[messages++] = (uint8_t)end;
	}
	return messages;
}
