/* A query from its due time to its outcome, whatever carries it. */
#include "loadgen/dns/query.h"

#include "loadgen/dns/stream.h"
#include "loadgen/dns/transport.h"

void sq_dns_query_init(struct sq_lane *lane, struct sq_op *op)
{
	const struct sq_dns_conf *conf = lane->conf;
	struct sq_dns_query *query = sq_dns_query_of(op);

	query->number = op->seq * (uint64_t)lane->load->spec->threads + lane->index;
	if (conf->order == SQ_DNS_ORDER_RANDOM)
		query->question = sq_dns_ask_random(conf->ask, &lane->rng);
	else if (conf->order == SQ_DNS_ORDER_ZIPF)
		query->question = sq_dns_ask_popular(conf->ask, &lane->rng);
	else
		query->question = sq_dns_ask_turn(conf->ask, query->number);
}

static void finish(struct sq_lane *lane, struct sq_op *op, struct sq_tally_op *result)
{
	const struct sq_dns_query *query = sq_dns_query_of(op);

	result->local_port = query->port;
	result->id = query->id;
	sq_op_done(lane, op, result);
	sq_op_release(lane, op);
}

/* Whether the answer is to be had whole, over a connection. */
static bool ask_again(struct sq_lane *lane, struct sq_op *op)
{
	const struct sq_dns_lane *d = lane->state;

	if (!d->retry || sq_dns_stream_has(op))
		return false;
	sq_lane_count(lane, SQ_DNS_COUNT_TC_RETRIES, 1);
	sq_dns_stream_take(d->retry, op);
	return true;
}

void sq_dns_query_answer(struct sq_lane *lane, struct sq_op *op, uint16_t flags, int64_t done_ns)
{
	unsigned rcode = flags & SQ_DNS_RCODE;
	struct sq_tally_op result = {
		.outcome = { .code = rcode ? (uint16_t)(SQ_DNS_CODE_RCODE + rcode) : SQ_CODE_OK,
			     .phase = SQ_DNS_PHASE_QUERY },
		.done_ns = done_ns,
	};

	if (flags & SQ_DNS_TC) {
		sq_lane_count(lane, SQ_DNS_COUNT_TRUNCATED, 1);
		if (ask_again(lane, op))
			return;
	}
	sq_op_phase(lane, op, SQ_DNS_PHASE_QUERY, done_ns - op->sent_ns);
	finish(lane, op, &result);
}

void sq_dns_query_fail(struct sq_lane *lane, struct sq_op *op, uint16_t code,
		       enum sq_dns_phase phase)
{
	struct sq_tally_op result = { .outcome = { .code = code, .phase = (uint8_t)phase },
				      .done_ns = sq_lane_clock(lane) };

	finish(lane, op, &result);
}

uint16_t sq_dns_query_end_code(struct sq_op *op, uint16_t code)
{
	uint16_t odd = sq_dns_query_of(op)->odd;

	return code == SQ_CODE_TIMEOUT && odd ? odd : code;
}
