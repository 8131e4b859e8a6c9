/* Deferred deliveries of a relay whose look-ups failed.
 *
 * The relay's log says that a look-up failed, but the same of SERVFAIL, REFUSED, silence and a closed
 * port.  The kernel tells silence and a closed port: from queries that got no answer, ICMP errors that
 * came back and Udp.NoPorts where they came from.  SERVFAIL and REFUSED both are answers: only who
 * gave them knows which.
 *
 * What a reader would get wrong:
 * - These findings stand outside the account, whose rows are operations of a load: each of those
 *   ended well.  So they have no load; count is all deliveries that the host deferred.
 * - One look-up is several queries (the resolver's attempts), all alike: what failed is a multiple of
 *   the deliveries that were tried.  If it is, and no more than a resolver asks, they are the whole of
 *   it, and the finding is exact.
 * - A kernel sends few ICMP errors (net.ipv4.icmp_ratelimit): to most queries a closed port is as
 *   silent as a lost answer, but its own host counts each in Udp.NoPorts.
 * - Datagrams are counted for the host: where it does more by UDP than look up, the multiple fails,
 *   and the finding is no more than strong. */
#include "analyzers/ledger/relay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/placeholder.h"
#include "base/buf.h"
#include "base/mem.h"

/* Of one look-up: glibc asks up to 3 servers up to 5 times each (resolv.conf(5)). */
enum { MOST_QUERIES = 15 };

struct relay {
	const struct sq_run *run;
	const struct sq_rule *rule;
	const char *host;
	uint64_t deferred, explained; /* deliveries */
	uint64_t tried;               /* of the explained */
	bool counted;                 /* its UDP was captured */
	uint64_t sent, received, icmp_errors, no_ports;
	uint64_t closed, silent; /* queries, by how they failed */
	uint64_t rcodes;         /* answers without a result that sinks tell of */
	struct sq_buf said;      /* by whom, and which: "sink dns on resolver: SERVFAIL 80" */
};

/* A host NULL is all of them. */
static uint64_t rise_of(const struct sq_run *run, const char *host, const char *v4, const char *v6)
{
	double a = sq_frame_delta(run, host, v4), b = sq_frame_delta(run, host, v6);

	return (uint64_t)llround((isnan(a) ? 0 : a) + (isnan(b) ? 0 : b));
}

/* ---- from the record ---- */

/* A counter of deliveries by reason: all, or those that the rule is about. */
static uint64_t deliveries(const struct relay *r, const char *metric, bool fitting)
{
	double sum = 0;

	for (size_t i = 0; i < r->run->n_metrics; i++) {
		const struct sq_metric_rec *m = &r->run->metrics[i];

		if (strcmp(m->metric, metric) == 0 && strcmp(m->host, r->host) == 0 &&
		    m->instance && !isnan(m->delta) &&
		    (!fitting ||
		     sq_rule_pay_of(r->rule, "deferred", m->instance, SQ_SIDE_EITHER, NULL, NULL)))
			sum += m->delta;
	}
	return (uint64_t)llround(sum);
}

static void read_datagrams(struct relay *r)
{
	r->counted = !isnan(sq_frame_delta(r->run, r->host, "Udp.OutDatagrams"));
	r->sent = rise_of(r->run, r->host, "Udp.OutDatagrams", "Udp6OutDatagrams");
	r->received = rise_of(r->run, r->host, "Udp.InDatagrams", "Udp6InDatagrams");
	r->icmp_errors = rise_of(r->run, r->host, "Icmp.InDestUnreachs", "Icmp6InDestUnreachs");
	/* Of every host, the relay's too: its name server may stand beside it. */
	r->no_ports = rise_of(r->run, NULL, "Udp.NoPorts", "Udp6NoPorts");
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void tell_apart(struct relay *r)
{
	uint64_t unanswered = r->sent > r->received ? r->sent - r->received : 0;
	uint64_t refused = r->no_ports > r->icmp_errors ? r->no_ports : r->icmp_errors;

	r->closed = least(unanswered, refused);
	r->silent = unanswered - r->closed;
}

/* "SERVFAIL 80" of one sink's counts; NXDOMAIN is a result. */
static void add_rcodes(struct relay *r, const json_t *server)
{
	json_t *rcodes = json_object_get(json_object_get(server, "counts"), "rcodes"), *n;
	const char *before = r->said.len ? ", " : "", *name;

	json_object_foreach(rcodes, name, n) {
		if (strcmp(name, "NOERROR") == 0 || strcmp(name, "NXDOMAIN") == 0)
			continue;
		sq_buf_printf(&r->said, "%s%s on %s: %s %lld", before,
			      json_string_value(json_object_get(server, "what")),
			      json_string_value(json_object_get(server, "host")), name,
			      json_integer_value(n));
		r->rcodes += (uint64_t)json_integer_value(n);
		before = ", ";
	}
}

static struct relay relay_read(const struct sq_run *run, const struct sq_rule *rule,
			       const char *host)
{
	struct relay r = { .run = run, .rule = rule, .host = host };
	const json_t *server;
	size_t i;

	r.deferred = deliveries(&r, "postfix.deferred", false);
	r.explained = deliveries(&r, "postfix.deferred", true);
	r.tried = r.explained - least(r.explained, deliveries(&r, "postfix.untried", true));
	read_datagrams(&r);
	tell_apart(&r);
	json_array_foreach(run->servers, i, server)
		add_rcodes(&r, server);
	return r;
}

/* ---- into words ---- */

static uint64_t failed_queries(const struct relay *r)
{
	return r->closed + r->silent + r->rcodes;
}

static bool is_exact(const struct relay *r)
{
	uint64_t failed = failed_queries(r);

	return failed > 0 && failed <= MOST_QUERIES * r->tried && failed % r->tried == 0 &&
	       r->rcodes <= r->received;
}

static void say(json_t *evidence, struct sq_buf *b)
{
	json_array_append_new(evidence, json_string(b->data));
	sq_buf_reset(b);
}

static void say_log(const struct relay *r, json_t *evidence, struct sq_buf *b)
{
	const struct sq_metric_rec *queue =
		sq_run_find_metric(r->run, r->host, "postfix.queue", "deferred");

	sq_buf_printf(b,
		      "Postfix on %s deferred %llu deliveries, %llu of them because a name could "
		      "not be looked up",
		      r->host, (unsigned long long)r->deferred, (unsigned long long)r->explained);
	if (queue && queue->max > 0)
		sq_buf_printf(b, "; up to %.0f messages stood in its queue deferred", queue->max);
	say(evidence, b);
}

static void say_closed(const struct relay *r, json_t *evidence, struct sq_buf *b)
{
	sq_buf_printf(b,
		      "%llu queries met a closed port: Udp.NoPorts rose by %llu, "
		      "Icmp.InDestUnreachs on %s by %llu",
		      (unsigned long long)r->closed, (unsigned long long)r->no_ports, r->host,
		      (unsigned long long)r->icmp_errors);
	if (r->icmp_errors < r->closed)
		sq_buf_puts(b, " (the other ICMP errors were held back by net.ipv4.icmp_ratelimit, "
			       "so that those queries waited for their time-out)");
	say(evidence, b);
}

static void say_rcodes(const struct relay *r, json_t *evidence, struct sq_buf *b)
{
	sq_buf_printf(b, "%llu queries were answered without a result: %s",
		      (unsigned long long)r->rcodes, r->said.data);
	say(evidence, b);
}

static void say_answered(const struct relay *r, json_t *evidence, struct sq_buf *b)
{
	sq_buf_printf(
		b,
		"%s sent %llu datagrams and got %llu: its queries were answered, but without "
		"a result; SERVFAIL and REFUSED can't be told apart from here, only by the name "
		"server's own statistics",
		r->host, (unsigned long long)r->sent, (unsigned long long)r->received);
	say(evidence, b);
}

static void say_how(const struct relay *r, json_t *evidence, struct sq_buf *b)
{
	if (!r->counted) {
		sq_buf_printf(b,
			      "Udp and Icmp of %s were not captured: whether its name server "
			      "was silent, closed or answered is not known",
			      r->host);
		say(evidence, b);
		return;
	}
	if (r->closed)
		say_closed(r, evidence, b);
	if (r->silent) {
		sq_buf_printf(b,
			      "%llu queries were never answered: %s sent %llu datagrams and got "
			      "%llu, and nobody counted a closed port for them",
			      (unsigned long long)r->silent, r->host, (unsigned long long)r->sent,
			      (unsigned long long)r->received);
		say(evidence, b);
	}
	if (r->rcodes)
		say_rcodes(r, evidence, b);
	else if (!r->closed && !r->silent)
		say_answered(r, evidence, b);
}

static json_t *evidence_of(const struct relay *r)
{
	json_t *evidence = json_array();
	struct sq_buf b = { 0 };

	say_log(r, evidence, &b);
	say_how(r, evidence, &b);
	if (is_exact(r)) {
		sq_buf_printf(&b,
			      "%llu failed queries are %llu for each of the %llu deliveries "
			      "that were tried",
			      (unsigned long long)failed_queries(r),
			      (unsigned long long)(failed_queries(r) / r->tried),
			      (unsigned long long)r->tried);
		say(evidence, &b);
	}
	sq_buf_fini(&b);
	return evidence;
}

static void add_finding(const struct relay *r, struct sq_findings *f)
{
	const struct sq_topic topic = { .run = r->run, .host = r->host, .needed = NAN };
	struct sq_finding *finding = sq_findings_add(f);
	struct sq_buf b = { 0 };

	finding->failure = sq_strdup("deferred");
	finding->mechanism = sq_strdup(r->rule->id);
	finding->host = sq_strdup(r->host);
	finding->count = r->deferred;
	finding->explained = r->explained;
	finding->unexplained = r->deferred - r->explained;
	finding->confidence = is_exact(r) ? SQ_EXACT : SQ_STRONG;
	finding->evidence = evidence_of(r);
	sq_topic_expand(&topic, r->rule->advice, &b);
	finding->advice = sq_strdup(b.data);
	finding->reference = sq_strdup(r->rule->reference);
	sq_buf_fini(&b);
}

/* Postfix was asked about, and could not be read. */
static void note_absent(const struct sq_run *run, const struct sq_rule *rule, struct sq_findings *f)
{
	const json_t *a;
	size_t i;

	json_array_foreach(run->absent, i, a) {
		const char *source = json_string_value(json_object_get(a, "source"));

		if (source && strcmp(source, "postfix") == 0)
			sq_findings_not_examined(f, rule->id,
						 json_string_value(json_object_get(a, "host")),
						 json_string_value(json_object_get(a, "because")));
	}
}

/* The row of the counter that stands first for its host. */
static bool is_first_of_host(const struct sq_run *run, size_t i)
{
	const struct sq_metric_rec *m = &run->metrics[i];

	if (strcmp(m->metric, "postfix.deferred") != 0)
		return false;
	for (size_t j = 0; j < i; j++)
		if (strcmp(run->metrics[j].metric, m->metric) == 0 &&
		    strcmp(run->metrics[j].host, m->host) == 0)
			return false;
	return true;
}

void sq_relay_examine(const struct sq_run *run, const struct sq_rule *rule, struct sq_findings *f)
{
	if (rule->fact != SQ_FACT_RELAY_LOOKUP)
		return;
	note_absent(run, rule, f);
	for (size_t i = 0; i < run->n_metrics; i++) {
		struct relay r;

		if (!is_first_of_host(run, i))
			continue;
		r = relay_read(run, rule, run->metrics[i].host);
		if (r.explained > 0)
			add_finding(&r, f);
		sq_buf_fini(&r.said);
	}
}
