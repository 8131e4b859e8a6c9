/* named's counters, out of its statistics channel, under its own names: "bind.QrySERVFAIL",
 * "bind.rcode.SERVFAIL", "bind.resolver.QueryTimeout" by view.
 *
 * What a reader would get wrong:
 * - named leaves out what is 0.  So a counter shows up when it first counts, and has then risen from 0.
 *   Those that say what went wrong, or that a limit was met, are put as the 0 that they are, so that
 *   "none" can be told from "not known".
 * - "Qry" counts answers by what became of the query, "rcode" answers by what stood in them, "resolver"
 *   what named itself asked of others.
 * - With recursive-clients reached, named gives up the oldest query for the newest (RecLimitDropped, and
 *   an answer SERVFAIL: QrySERVFAIL); one for which there is no room even so is in QrySERVFAIL alone.
 * - The built-in view _bind (version.bind and the like) has rows of its own. */
#include <stdio.h>

#include "analyzers/formats/server_stats.h"
#include "base/json.h"

/* Where they stand in the document, and what their names begin with here. */
static const struct section {
	const char *key, *prefix;
} sections[] = {
	{ "nsstats", "" },          { "zonestats", "zone." }, { "sockstats", "socket." },
	{ "opcodes", "opcode." },   { "rcodes", "rcode." },   { "qtypes", "qtype." },
}, view_sections[] = {
	{ "stats", "resolver." },
	{ "qtypes", "resolver.qtype." },
	{ "cachestats", "cache." },
	{ "cache", "cache.rrset." },
	{ "adb", "adb." },
};

enum {
	SECTIONS = sizeof(sections) / sizeof(sections[0]),
	VIEW_SECTIONS = sizeof(view_sections) / sizeof(view_sections[0]),
};

static const char *const silent_zeros[] = {
	"QrySERVFAIL",     "QryFailure",  "QryDropped",   "QryDuplicate",  "QryFORMERR",
	"QryNXDOMAIN",     "QrySuccess",  "QryRecursion", "AuthQryRej",    "RecQryRej",
	"RecLimitDropped", "RateDropped", "RateSlipped",  "TruncatedResp",
};

static const char *const resolver_zeros[] = {
	"QueryTimeout", "SERVFAIL",  "Lame",       "Retry",
	"ServerQuota",  "ZoneQuota", "QueryAbort", "QuerySockFail",
};

static void put(struct sq_stats *t, const char *prefix, const char *name, const char *view,
		uint64_t value)
{
	char text[SQ_STATS_NAME];
	int len = snprintf(text, sizeof(text), "%s%s", prefix, name);

	if (len < 0 || (size_t)len >= sizeof(text))
		t->passed++;
	else
		sq_stats_put(t, "bind.", sq_span_of(text), sq_span_of(view), value);
}

static void put_object(struct sq_stats *t, const json_t *object, const char *prefix,
		       const char *view)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
		if (json_is_integer(value))
			put(t, prefix, name, view, (uint64_t)json_integer_value(value));
}

static void put_view(struct sq_stats *t, const char *view, const json_t *resolver)
{
	const size_t zeros = sizeof(resolver_zeros) / sizeof(resolver_zeros[0]);

	for (size_t i = 0; i < zeros && json_object_get(resolver, "stats"); i++)
		put(t, "resolver.", resolver_zeros[i], view, 0);
	for (size_t i = 0; i < VIEW_SECTIONS; i++)
		put_object(t, json_object_get(resolver, view_sections[i].key),
			   view_sections[i].prefix, view);
}

void sq_stats_bind(struct sq_span text, struct sq_stats *t)
{
	const size_t zeros = sizeof(silent_zeros) / sizeof(silent_zeros[0]);
	json_t *doc = sq_json_load_text(text.p, sq_span_len(text), "named", NULL), *view;
	const char *name;

	for (size_t i = 0; i < zeros && json_object_get(doc, "opcodes"); i++)
		put(t, "", silent_zeros[i], "", 0);
	for (size_t i = 0; i < SECTIONS; i++)
		put_object(t, json_object_get(doc, sections[i].key), sections[i].prefix, "");
	json_object_foreach(json_object_get(doc, "views"), name, view)
		put_view(t, name, json_object_get(view, "resolver"));
	json_decref(doc);
}

/* ---- its log ---- */

static const char *const complaints[] = {
	"no more recursive clients",
	"recursive-clients soft limit exceeded",
	"no more TCP clients",
	"quota reached",
	"error sending response",
	"file descriptor exceeds limit",
	"too many open files",
	"not enough free resources",
	"out of memory",
	"rate limit drop",
	"timed out resolving",
	"exiting (due to",
};

const char *sq_stats_named_complaint(struct sq_span line)
{
	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (sq_span_find(line, complaints[i]))
			return complaints[i];
	return NULL;
}
