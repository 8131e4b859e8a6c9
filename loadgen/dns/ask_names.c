/* Questions from patterns of names. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "loadgen/dns/ask_private.h"
#include "loadgen/dns/label.h"

static const char where[] = "dns: names";

static int add_pattern(struct sq_dns_ask *ask, const struct sq_pattern *pattern, uint8_t vary,
		       struct sq_err *err)
{
	struct sq_dns_question question = { .type = ask->types.turn[0], .class = SQ_DNS_CLASS_IN };
	uint64_t count = sq_pattern_count(pattern);
	size_t size = sq_pattern_longest(pattern) + 1;
	char *text;
	int rc = 0;

	if (count > SQ_DNS_ASK_MAX) /* before the time and the memory are spent */
		count = SQ_DNS_ASK_MAX + 1;
	text = sq_alloc(size);
	sq_dns_ask_open(ask);
	for (uint64_t i = 0; i < count && rc == 0; i++) {
		size_t len = sq_pattern_write(pattern, i, text, size);

		rc = sq_dns_name_need(text, len, where, &question.name, err);
		if (rc == 0)
			rc = sq_dns_ask_add(ask, &question, vary, where, err);
	}
	sq_dns_ask_close(ask);
	free(text);
	return rc;
}

static int add_name(struct sq_dns_ask *ask, const char *name, struct sq_err *err)
{
	struct sq_pattern *pattern = NULL;
	int rc = -EINVAL;
	bool random;
	char *text = sq_dns_label_expand(name, &random, where, err);
	unsigned vary = (random ? SQ_DNS_VARY_NAME : 0) | (ask->types.n > 1 ? SQ_DNS_VARY_TYPE : 0);

	if (text)
		pattern = sq_pattern_new(text, where, err);
	if (pattern)
		rc = add_pattern(ask, pattern, (uint8_t)vary, err);
	sq_pattern_free(pattern);
	free(text);
	return rc;
}

int sq_dns_ask_names(struct sq_dns_ask *ask, const struct sq_strings *names, struct sq_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < names->n && rc == 0; i++)
		rc = add_name(ask, names->v[i], err);
	return rc;
}
