/* The DNS sink's counts as JSON. */
#include "loadgen/dns/sink_counts.h"

#include <stddef.h>

#include "results/outcome.h"

static const struct {
	const char *name;
	size_t offset;
} plain[] = {
	{ "queries", offsetof(struct sq_dns_sink_counts, queries) },
	{ "answered", offsetof(struct sq_dns_sink_counts, answered) },
	{ "dropped", offsetof(struct sq_dns_sink_counts, dropped) },
	{ "waiting", offsetof(struct sq_dns_sink_counts, waiting) },
	{ "malformed", offsetof(struct sq_dns_sink_counts, malformed) },
	{ "delayed", offsetof(struct sq_dns_sink_counts, delayed) },
	{ "truncated", offsetof(struct sq_dns_sink_counts, truncated) },
	{ "mismatched", offsetof(struct sq_dns_sink_counts, mismatched) },
	{ "wrong_id", offsetof(struct sq_dns_sink_counts, wrong_id) },
	{ "duplicated", offsetof(struct sq_dns_sink_counts, duplicated) },
	{ "garbage", offsetof(struct sq_dns_sink_counts, garbage) },
	{ "bytes_received", offsetof(struct sq_dns_sink_counts, bytes_received) },
	{ "bytes_sent", offsetof(struct sq_dns_sink_counts, bytes_sent) },
};

static void set_nonzero(json_t *object, const char *name, const _Atomic int64_t *count)
{
	int64_t n = sq_dns_count_get(count);

	if (n)
		json_object_set_new(object, name, json_integer(n));
}

static json_t *rcodes_json(const _Atomic int64_t *rcodes)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < SQ_DNS_RCODES; i++)
		set_nonzero(object, sq_dns_rcode_name(i), &rcodes[i]);
	return object;
}

static json_t *qtypes_json(const _Atomic int64_t *qtypes)
{
	json_t *object = json_object();
	char name[16];

	for (unsigned i = 0; i < SQ_DNS_COUNT_TYPES; i++)
		set_nonzero(object, sq_dns_type_name((uint16_t)i, name), &qtypes[i]);
	set_nonzero(object, "other", &qtypes[SQ_DNS_COUNT_TYPES]);
	return object;
}

static json_t *errnos_json(const _Atomic int64_t *errors)
{
	json_t *object = json_object();

	for (int i = 0; i < SQ_DNS_COUNT_ERRNOS; i++)
		set_nonzero(object, sq_code_name(NULL, sq_code_errno(i)), &errors[i]);
	return object;
}

json_t *sq_dns_sink_counts_json(const struct sq_dns_sink_counts *counts)
{
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		const void *at = (const char *)counts + plain[i].offset;

		json_object_set_new(object, plain[i].name, json_integer(sq_dns_count_get(at)));
	}
	json_object_set_new(object, "rcodes", rcodes_json(counts->rcodes));
	json_object_set_new(object, "qtypes", qtypes_json(counts->qtypes));
	json_object_set_new(object, "send_errors", errnos_json(counts->send_errors));
	json_object_set_new(object, "icmp_errors", errnos_json(counts->icmp_errors));
	return object;
}
