/* The DNS sink's answers and their faults.
 *
 * Which query meets which fault is not drawn but scheduled: each query adds every share to its
 * credit, and the one with the most credit takes the query and pays with a whole one.  Credits sum
 * to 0 and none falls to -1, so wherever the shares of n queries are whole numbers, the first n
 * have had exactly these: 1.37 % of 10,000 is 137, evenly spread.  (Integers: in floating point
 * that would hold only nearly.)
 *
 * A reader would get wrong: a negative answer has no SOA record, so resolvers don't cache it
 * (RFC 2308, 5).  A target that is asked the same name again should see the query again. */
#include "loadgen/dns/sink_answer.h"

#include <arpa/inet.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	CLASS_ANY = 255,
	TTL_S = 60,
	EDNS_SIZE = 1232, /* what servers say since the flag day of 2020 */
	GARBAGE_LEN = 32,
	NAME_POINTER = 0xc000 | SQ_DNS_HEADER,
};

/* A query that can be answered. */
struct query {
	const uint8_t *msg;
	struct sq_dns_header header;
	struct sq_dns_question question;
	size_t question_end;
	struct sq_dns_edns edns;
};

/* ---- set-up ---- */

static int name_option(const char *option, const char *text, struct sq_dns_name *ret,
		       struct sq_err *err)
{
	struct sq_err why = { 0 };
	int rc = sq_dns_name_parse(text, strlen(text), ret, &why);

	return rc < 0 ? sq_err_set(err, rc, option, "%s", why.text) : 0;
}

static int address_option(struct sq_dns_answerer *a, const char *text, struct sq_err *err)
{
	static const uint8_t documentation[] = { 0x20, 0x01, 0x0d, 0xb8 }; /* RFC 3849 */

	if (inet_pton(AF_INET, text, a->a) != 1)
		return sq_err_set(err, -EINVAL, "sink dns: answer",
				  "expected an IPv4 address such as 192.0.2.1, found \"%.60s\"",
				  text);
	memcpy(a->aaaa, documentation, sizeof(documentation));
	memcpy(a->aaaa + 12, a->a, sizeof(a->a));
	return 0;
}

int sq_dns_answerer_init(struct sq_dns_answerer *a, const struct sq_dns_sink_conf *conf,
			 struct sq_dns_sink_counts *seen, struct sq_err *err)
{
	int rc;

	*a = (struct sq_dns_answerer){
		.seen = seen,
		.rcode = (uint8_t)conf->rcode,
		.delay_share = conf->delay_ns > 0 ? llround(conf->delay_percent * 1e7) : 0,
		.has_zone = conf->zone != NULL,
		.nxdomain = sq_alloc_n(conf->nxdomain.n + 1, sizeof(struct sq_dns_name)),
		.n_nxdomain = conf->nxdomain.n,
	};
	rc = sq_dns_sink_shares(conf, a->share, err);
	if (rc == 0)
		rc = address_option(a, conf->answer, err);
	if (rc == 0 && conf->zone)
		rc = name_option("sink dns: zone", conf->zone, &a->zone, err);
	for (size_t i = 0; rc == 0 && i < conf->nxdomain.n; i++)
		rc = name_option("sink dns: nxdomain", conf->nxdomain.v[i], &a->nxdomain[i], err);
	if (rc < 0)
		sq_dns_answerer_fini(a);
	return rc;
}

void sq_dns_answerer_fini(struct sq_dns_answerer *a)
{
	free(a->nxdomain);
	a->nxdomain = NULL;
	a->n_nxdomain = 0;
}

/* ---- the faults' turns ---- */

static int fault_next(struct sq_dns_answerer *a)
{
	int next = SQ_DNS_FAULTS;

	if (a->share[SQ_DNS_FAULTS] == SQ_DNS_SHARE_ALL)
		return next;
	for (int i = SQ_DNS_FAULTS; i >= 0; i--) {
		a->credit[i] += a->share[i];
		if (a->credit[i] > a->credit[next])
			next = i;
	}
	a->credit[next] -= SQ_DNS_SHARE_ALL;
	return next;
}

static bool delay_next(struct sq_dns_answerer *a)
{
	a->delay_credit += a->delay_share;
	if (a->delay_credit * 2 <= SQ_DNS_SHARE_ALL)
		return false;
	a->delay_credit -= SQ_DNS_SHARE_ALL;
	return true;
}

/* ---- one query ---- */

static bool query_read(const uint8_t *msg, size_t len, struct query *ret)
{
	ret->msg = msg;
	return sq_dns_header_read(msg, len, &ret->header) && !(ret->header.flags & SQ_DNS_QR) &&
	       ret->header.qdcount == 1 &&
	       sq_dns_question_read(msg, len, &ret->question, &ret->question_end) &&
	       sq_dns_edns_read(msg, len, ret->question_end, &ret->edns);
}

static void query_count(struct sq_dns_answerer *a, const struct query *q)
{
	unsigned type = q->question.type;

	sq_dns_count_add(&a->seen->queries, 1);
	sq_dns_count_add(&a->seen->qtypes[type < SQ_DNS_COUNT_TYPES ? type : SQ_DNS_COUNT_TYPES],
			 1);
}

/* What a server without faults would say. */
static uint8_t true_rcode(const struct sq_dns_answerer *a, const struct query *q)
{
	const struct sq_dns_question *question = &q->question;

	if (q->header.flags & SQ_DNS_OPCODE)
		return SQ_DNS_NOTIMP;
	if (question->class != SQ_DNS_CLASS_IN && question->class != CLASS_ANY)
		return SQ_DNS_REFUSED;
	if (a->has_zone && !sq_dns_name_under(&question->name, &a->zone))
		return SQ_DNS_REFUSED;
	for (size_t i = 0; i < a->n_nxdomain; i++)
		if (sq_dns_name_under(&question->name, &a->nxdomain[i]))
			return SQ_DNS_NXDOMAIN;
	return SQ_DNS_NOERROR;
}

static uint8_t *put16(uint8_t *at, unsigned v)
{
	sq_dns_put16(at, (uint16_t)v);
	return at + 2;
}

/* The address record for the question, if its type asks for one. */
static uint8_t *record_write(const struct sq_dns_answerer *a, const struct query *q, uint8_t *at)
{
	bool v6 = q->question.type == SQ_DNS_TYPE_AAAA;
	const uint8_t *data = v6 ? a->aaaa : a->a;
	uint16_t len = v6 ? sizeof(a->aaaa) : sizeof(a->a);

	if (!v6 && q->question.type != SQ_DNS_TYPE_A)
		return at;
	at = put16(at, NAME_POINTER);
	at = put16(at, q->question.type);
	at = put16(at, SQ_DNS_CLASS_IN);
	at = put16(at, 0);
	at = put16(at, TTL_S);
	at = put16(at, len);
	memcpy(at, data, len);
	return at + len;
}

/* Another name of the same length; the root, which has no letter to change, gets another type. */
static void question_garble(uint8_t *question, size_t len)
{
	if (question[0] == 0)
		question[len - 3] ^= 1;
	else
		question[1] = question[1] == 'x' || question[1] == 'X' ? 'y' : 'x';
}

static uint16_t reply_write(const struct sq_dns_answerer *a, const struct query *q, int fault,
			    uint8_t rcode, uint8_t *out)
{
	const struct sq_dns_edns edns = { .present = true,
					  .do_bit = q->edns.do_bit,
					  .udp_size = EDNS_SIZE };
	const size_t question_len = q->question_end - SQ_DNS_HEADER;
	unsigned flags = q->header.flags & (SQ_DNS_OPCODE | SQ_DNS_RD | SQ_DNS_CD);
	uint8_t *body = out + SQ_DNS_HEADER, *at = body + question_len;

	memcpy(body, q->msg + SQ_DNS_HEADER, question_len); /* the case of its letters kept */
	if (fault == SQ_DNS_FAULT_MISMATCH)
		question_garble(body, question_len);
	if (rcode == SQ_DNS_NOERROR && fault != SQ_DNS_FAULT_TRUNCATE)
		at = record_write(a, q, at);
	flags |= SQ_DNS_QR | rcode;
	if (rcode == SQ_DNS_NOERROR || rcode == SQ_DNS_NXDOMAIN)
		flags |= SQ_DNS_AA;
	if (fault == SQ_DNS_FAULT_TRUNCATE)
		flags |= SQ_DNS_TC;
	put16(out, q->header.id ^ (fault == SQ_DNS_FAULT_WRONG_ID ? 0xffffU : 0U));
	put16(out + 2, flags);
	put16(out + 4, 1);
	put16(out + 6, at > body + question_len);
	put16(out + 8, 0);
	put16(out + 10, q->edns.present);
	if (q->edns.present)
		at = sq_dns_edns_write(&edns, at);
	return (uint16_t)(at - out);
}

/* The ID is the query's, so that its client can tell which query it was; all else is nothing: the
 * name would begin with a pointer behind the end. */
static uint16_t garbage_write(const struct query *q, uint8_t *out)
{
	memset(out, 0xff, GARBAGE_LEN);
	put16(out, q->header.id);
	return GARBAGE_LEN;
}

static void fault_count(struct sq_dns_answerer *a, int fault)
{
	_Atomic int64_t *const counts[SQ_DNS_FAULTS + 1] = {
		[SQ_DNS_FAULT_DROP] = &a->seen->dropped,
		[SQ_DNS_FAULT_TRUNCATE] = &a->seen->truncated,
		[SQ_DNS_FAULT_MISMATCH] = &a->seen->mismatched,
		[SQ_DNS_FAULT_WRONG_ID] = &a->seen->wrong_id,
	};

	if (counts[fault])
		sq_dns_count_add(counts[fault], 1);
}

struct sq_dns_answer sq_dns_answer(struct sq_dns_answerer *a, const uint8_t *msg, size_t len,
				   uint8_t *out)
{
	struct sq_dns_answer answer = { .len = 0 };
	struct query q;
	int fault;

	sq_dns_count_add(&a->seen->bytes_received, (int64_t)len);
	if (!query_read(msg, len, &q)) {
		sq_dns_count_add(&a->seen->malformed, 1);
		return answer;
	}
	query_count(a, &q);
	fault = fault_next(a);
	fault_count(a, fault);
	if (fault == SQ_DNS_FAULT_DROP)
		return answer;
	answer.rcode = fault == SQ_DNS_FAULT_RCODE ? a->rcode : true_rcode(a, &q);
	answer.garbage = fault == SQ_DNS_FAULT_GARBAGE;
	answer.len = answer.garbage ? garbage_write(&q, out)
				    : reply_write(a, &q, fault, answer.rcode, out);
	answer.twice = fault == SQ_DNS_FAULT_DUPLICATE;
	answer.delayed = delay_next(a);
	if (answer.delayed)
		sq_dns_count_add(&a->seen->delayed, 1);
	return answer;
}
