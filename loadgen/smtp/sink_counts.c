/* The counts of the SMTP sink as JSON. */
#include "loadgen/smtp/sink_counts.h"

#include <stddef.h>
#include <stdio.h>

#include "results/outcome.h"

struct row {
	const char *name;
	size_t offset;
};

static const struct row rows[] = {
	{ "connections", offsetof(struct sq_smtpd_counts, connections) },
	{ "open", offsetof(struct sq_smtpd_counts, open) },
	{ "peak_open", offsetof(struct sq_smtpd_counts, peak_open) },
	{ "messages", offsetof(struct sq_smtpd_counts, messages) },
	{ "recipients", offsetof(struct sq_smtpd_counts, recipients) },
	{ "bytes", offsetof(struct sq_smtpd_counts, bytes) },
	{ "receipts", offsetof(struct sq_smtpd_counts, receipts) },
	{ "corrupt", offsetof(struct sq_smtpd_counts, corrupt) },
	{ "unmarked", offsetof(struct sq_smtpd_counts, unmarked) },
	{ "secured", offsetof(struct sq_smtpd_counts, secured) },
	{ "not_secured", offsetof(struct sq_smtpd_counts, not_secured) },
	{ "authenticated", offsetof(struct sq_smtpd_counts, authenticated) },
	{ "quits", offsetof(struct sq_smtpd_counts, ends[SQ_SMTPD_END_QUIT]) },
	{ "closed_without_quit", offsetof(struct sq_smtpd_counts, ends[SQ_SMTPD_END_FIN]) },
	{ "closed_by_sink", offsetof(struct sq_smtpd_counts, ends[SQ_SMTPD_END_SINK]) },
	{ "resets", offsetof(struct sq_smtpd_counts, ends[SQ_SMTPD_END_RESET]) },
	{ "lost", offsetof(struct sq_smtpd_counts, ends[SQ_SMTPD_END_LOST]) },
	{ "protocol_errors", offsetof(struct sq_smtpd_counts, protocol_errors) },
	{ "bare_lf", offsetof(struct sq_smtpd_counts, bare_lf) },
	{ "long_lines", offsetof(struct sq_smtpd_counts, long_lines) },
};

void sq_smtpd_count_open(struct sq_smtpd_counts *counts)
{
	int64_t open;

	sq_smtpd_count(&counts->connections, 1);
	sq_smtpd_count(&counts->open, 1);
	open = sq_smtpd_counted(&counts->open);
	if (open > sq_smtpd_counted(&counts->peak_open))
		atomic_store_explicit(&counts->peak_open, open, memory_order_relaxed);
}

void sq_smtpd_count_end(struct sq_smtpd_counts *counts, enum sq_smtpd_end end)
{
	sq_smtpd_count(&counts->open, -1);
	sq_smtpd_count(&counts->ends[end], 1);
}

static void add(json_t *object, const char *name, int64_t n)
{
	if (n)
		json_object_set_new(object, name, json_integer(n));
}

/* {"rcpt:452": 12} */
static json_t *rejected_json(const struct sq_smtpd_counts *counts)
{
	json_t *object = json_object();
	char name[32];

	for (int phase = 0; phase < SQ_SMTPD_PHASES; phase++)
		for (int code = 0; code < SQ_SMTPD_CODES; code++) {
			snprintf(name, sizeof(name), "%s:%d", sq_smtpd_phase_names[phase], code);
			add(object, name, sq_smtpd_counted(&counts->rejected[phase][code]));
		}
	return object;
}

/* {"body:drop": 7} */
static json_t *faults_json(const struct sq_smtpd_counts *counts)
{
	json_t *object = json_object();
	char name[32];

	for (int phase = 0; phase < SQ_SMTPD_PHASES; phase++)
		for (int action = 0; action < SQ_SMTPD_ACTIONS; action++) {
			snprintf(name, sizeof(name), "%s:%s", sq_smtpd_phase_names[phase],
				 sq_smtpd_action_names[action]);
			add(object, name, sq_smtpd_counted(&counts->faults[phase][action]));
		}
	return object;
}

static json_t *accept_errors_json(const struct sq_smtpd_counts *counts)
{
	json_t *object = json_object();

	for (int i = 0; i < SQ_SMTPD_ERRNOS; i++)
		add(object, sq_code_name(NULL, sq_code_errno(i)),
		    sq_smtpd_counted(&counts->accept_errors[i]));
	return object;
}

json_t *sq_smtpd_counts_json(const struct sq_smtpd_counts *counts)
{
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const void *count = (const char *)counts + rows[i].offset;

		json_object_set_new(object, rows[i].name, json_integer(sq_smtpd_counted(count)));
	}
	json_object_set_new(object, "rejected", rejected_json(counts));
	json_object_set_new(object, "faults", faults_json(counts));
	json_object_set_new(object, "accept_errors", accept_errors_json(counts));
	return object;
}
