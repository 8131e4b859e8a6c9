/* From a capture to the queries in it, layer by layer; libpcap reads the file.
 *
 * Each layer moves a view of the frame's bytes to what it carries, or says that it carries nothing
 * of ours.  What a reader would get wrong: a frame may be padded and a capture cut, so the lengths
 * that count are those of the IP and UDP headers, and what was captured must reach as far. */
#include "loadgen/dns/pcap.h"

#include <netinet/in.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/dns/wire.h"

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,
	ETHER_QINQ = 0x88a8,
	UDP_SIZE = 8,
	IPV6_SIZE = 40,
	FRAGMENT = 0x3fff, /* more to come, or not the first */
};

struct view {
	const uint8_t *at;
	size_t len;
};

static bool skip(struct view *v, size_t n)
{
	if (n > v->len)
		return false;
	v->at += n;
	v->len -= n;
	return true;
}

/* Cuts what lies beyond n. */
static bool cut(struct view *v, size_t n)
{
	if (n > v->len)
		return false;
	v->len = n;
	return true;
}

/* ---- layers ---- */

/* An ethertype at v->at + type_at, with size bytes of header, and the VLAN tags behind it. */
static bool ether_pass(struct view *v, size_t type_at, size_t size)
{
	unsigned type;

	do {
		if (v->len < size)
			return false;
		type = sq_dns_get16(v->at + type_at);
		skip(v, size);
		type_at = 2;
		size = 4;
	} while (type == ETHER_VLAN || type == ETHER_QINQ);
	return type == ETHER_IPV4 || type == ETHER_IPV6;
}

static bool link_pass(int type, struct view *v)
{
	switch (type) {
	case DLT_EN10MB:
		return ether_pass(v, 12, 14);
	case DLT_LINUX_SLL:
		return ether_pass(v, 14, 16);
	case DLT_LINUX_SLL2:
		return ether_pass(v, 0, 20);
	case DLT_NULL:
	case DLT_LOOP:
		return skip(v, 4); /* a family in the byte order of who wrote it: IP tells itself */
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return true;
	default:
		return false;
	}
}

static bool ipv4_pass(struct view *v)
{
	size_t header = (size_t)(v->at[0] & 15U) * 4;

	return v->len >= 20 && header >= 20 && v->at[9] == IPPROTO_UDP &&
	       !(sq_dns_get16(v->at + 6) & FRAGMENT) && cut(v, sq_dns_get16(v->at + 2)) &&
	       skip(v, header);
}

/* Extension headers that may stand before UDP; a fragment is none of them. */
static bool ipv6_pass(struct view *v)
{
	unsigned next;

	if (v->len < IPV6_SIZE || !cut(v, (size_t)IPV6_SIZE + sq_dns_get16(v->at + 4)))
		return false;
	next = v->at[6];
	skip(v, IPV6_SIZE);
	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
		if (v->len < 8)
			return false;
		next = v->at[0];
		if (!skip(v, ((size_t)v->at[1] + 1) * 8))
			return false;
	}
	return next == IPPROTO_UDP;
}

static bool ip_pass(struct view *v)
{
	if (v->len == 0)
		return false;
	return v->at[0] >> 4 == 4 ? ipv4_pass(v) : v->at[0] >> 4 == 6 && ipv6_pass(v);
}

static bool udp_pass(struct view *v, uint16_t port)
{
	return v->len >= UDP_SIZE && sq_dns_get16(v->at + 2) == port &&
	       cut(v, sq_dns_get16(v->at + 4)) && skip(v, UDP_SIZE);
}

static bool is_query(const struct view *v, size_t *ret_question_len)
{
	struct sq_dns_question question;
	struct sq_dns_header header;
	size_t end;

	if (v->len > SQ_DNS_QUERY_MAX || !sq_dns_header_read(v->at, v->len, &header) ||
	    header.flags & (SQ_DNS_QR | SQ_DNS_OPCODE) || header.qdcount != 1 ||
	    !sq_dns_question_read(v->at, v->len, &question, &end))
		return false;
	*ret_question_len = end - SQ_DNS_HEADER;
	return true;
}

/* ---- files ---- */

static bool is_capture(const char *path)
{
	static const uint32_t magics[] = { 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1,
					   0x0a0d0d0a };
	FILE *f = fopen(path, "re");
	uint32_t magic = 0;
	bool is = false;

	if (!f)
		return false;
	if (fread(&magic, sizeof(magic), 1, f) == 1)
		for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
			is = is || magic == magics[i];
	fclose(f);
	return is;
}

struct reading {
	pcap_t *pcap;
	const char *path;
	uint16_t port;
	unsigned long frames, queries;
};

static bool find_query(const struct reading *r, struct view *v, size_t *ret_question_len)
{
	return link_pass(pcap_datalink(r->pcap), v) && ip_pass(v) && udp_pass(v, r->port) &&
	       is_query(v, ret_question_len);
}

static int read_frames(struct reading *r,
		       int (*fn)(void *arg, const struct sq_dns_recorded *recorded,
				 struct sq_err *err),
		       void *arg, struct sq_err *err)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got = 1, rc = 0;

	while (rc == 0 && (got = pcap_next_ex(r->pcap, &header, &bytes)) == 1) {
		struct view v = { bytes, header->caplen };
		struct sq_dns_recorded recorded;

		r->frames++;
		if (!find_query(r, &v, &recorded.question_len))
			continue;
		r->queries++;
		recorded.query = v.at;
		recorded.len = v.len;
		recorded.at_ns = header->ts.tv_sec * SQ_SEC + header->ts.tv_usec;
		rc = fn(arg, &recorded, err);
	}
	if (rc == 0 && got == PCAP_ERROR)
		rc = sq_err_set(err, -EINVAL, r->path, "the capture cannot be read: %s",
				pcap_geterr(r->pcap));
	return rc;
}

int sq_dns_pcap_read(const char *path, uint16_t port,
		     int (*fn)(void *arg, const struct sq_dns_recorded *r, struct sq_err *err),
		     void *arg, struct sq_err *err)
{
	struct reading r = { .path = path, .port = port };
	char why[PCAP_ERRBUF_SIZE];
	int rc;

	if (!is_capture(path))
		return -ENOENT;
	r.pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!r.pcap)
		return sq_err_set(err, -EINVAL, path, "the capture cannot be read: %s", why);
	rc = read_frames(&r, fn, arg, err);
	pcap_close(r.pcap);
	if (rc == 0 && r.queries == 0)
		rc = sq_err_set(err, -EINVAL, path,
				"none of the capture's %lu frames is a whole DNS query by UDP to "
				"port %u; fragments and malformed ones were passed over",
				r.frames, port);
	return rc;
}

/* ---- times ---- */

struct times {
	int64_t *at_ns;
	int64_t first_ns;
	size_t n, cap;
};

static int add_time(void *arg, const struct sq_dns_recorded *r, struct sq_err *err)
{
	struct times *t = arg;
	int64_t at_ns;

	(void)err;
	if (t->n == 0)
		t->first_ns = r->at_ns;
	at_ns = r->at_ns - t->first_ns;
	if (t->n > 0 && at_ns < t->at_ns[t->n - 1])
		at_ns = t->at_ns[t->n - 1];
	t->at_ns = sq_grow(t->at_ns, t->n, &t->cap, sizeof(*t->at_ns));
	t->at_ns[t->n++] = at_ns;
	return 0;
}

int sq_dns_pcap_times(const char *path, int64_t **ret_at_ns, size_t *ret_n, struct sq_err *err)
{
	struct times t = { 0 };
	int rc = sq_dns_pcap_read(path, SQ_DNS_PORT, add_time, &t, err);

	if (rc < 0) {
		free(t.at_ns);
		return rc;
	}
	*ret_at_ns = t.at_ns;
	*ret_n = t.n;
	return 0;
}
