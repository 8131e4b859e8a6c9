/* The counts of the TCP sink: summed up, and as JSON. */
#include "loadgen/tcp/sink_counts.h"

#include <stddef.h>

#include "results/outcome.h"

/* Causes before effects. */
static const struct {
	const char *name;
	size_t offset;
} rows[] = {
	{ "accepted", offsetof(struct sq_tcpd_counts, accepted) },
	{ "closed_by_peer", offsetof(struct sq_tcpd_counts, ends[SQ_TCPD_END_PEER]) },
	{ "closed_by_sink", offsetof(struct sq_tcpd_counts, ends[SQ_TCPD_END_SINK]) },
	{ "resets", offsetof(struct sq_tcpd_counts, ends[SQ_TCPD_END_PEER_RESET]) },
	{ "resets_by_sink", offsetof(struct sq_tcpd_counts, ends[SQ_TCPD_END_SINK_RESET]) },
	{ "lost", offsetof(struct sq_tcpd_counts, ends[SQ_TCPD_END_LOST]) },
	{ "bytes_received", offsetof(struct sq_tcpd_counts, bytes_received) },
	{ "bytes_sent", offsetof(struct sq_tcpd_counts, bytes_sent) },
	{ "replies", offsetof(struct sq_tcpd_counts, replies) },
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

static _Atomic int64_t *row_of(struct sq_tcpd_counts *counts, size_t row)
{
	return (_Atomic int64_t *)((char *)counts + rows[row].offset);
}

static int64_t row_get(const struct sq_tcpd_counts *counts, size_t row)
{
	return sq_tcpd_counted((const _Atomic int64_t *)((const char *)counts + rows[row].offset));
}

void sq_tcpd_counts_add(struct sq_tcpd_counts *sum, const struct sq_tcpd_counts *counts)
{
	for (size_t i = ROWS; i-- > 0;)
		sq_tcpd_count(row_of(sum, i), row_get(counts, i));
	for (int i = 0; i < SQ_TCPD_ERRNOS; i++)
		sq_tcpd_count(&sum->accept_errors[i], sq_tcpd_counted(&counts->accept_errors[i]));
}

json_t *sq_tcpd_counts_json(const struct sq_tcpd_counts *counts)
{
	json_t *object = json_object(), *errors = json_object();

	for (size_t i = 0; i < ROWS; i++)
		json_object_set_new(object, rows[i].name, json_integer(row_get(counts, i)));
	for (int i = 0; i < SQ_TCPD_ERRNOS; i++) {
		int64_t n = sq_tcpd_counted(&counts->accept_errors[i]);

		if (n)
			json_object_set_new(errors, sq_code_name(NULL, sq_code_errno(i)),
					    json_integer(n));
	}
	json_object_set_new(object, "accept_errors", errors);
	return object;
}
