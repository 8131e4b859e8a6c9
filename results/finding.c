/* Lists of findings.  They are few and made once, so each list grows at powers of two and needs
 * no capacity of its own. */
#include "results/finding.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *sq_confidence_name(enum sq_confidence c)
{
	static const char *const names[] = {
		[SQ_WEAK] = "weak",
		[SQ_STRONG] = "strong",
		[SQ_EXACT] = "exact",
		[SQ_PROVED] = "proved",
	};

	return names[c];
}

/* Room for one more, zeroed; pointers into the list don't outlive it. */
static void *grow(void *list, size_t n, size_t size)
{
	if (n == 0 || (n & (n - 1)) == 0)
		list = sq_realloc_n(list, n ? 2 * n : 1, size);
	memset((char *)list + n * size, 0, size);
	return list;
}

struct sq_finding *sq_findings_add(struct sq_findings *f)
{
	f->v = grow(f->v, f->n, sizeof(*f->v));
	return &f->v[f->n++];
}

static void finding_fini(struct sq_finding *f)
{
	free(f->load);
	free(f->failure);
	free(f->mechanism);
	free(f->host);
	free(f->advice);
	free(f->reference);
	json_decref(f->evidence);
}

void sq_findings_drop_empty(struct sq_findings *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].explained > 0)
			f->v[kept++] = f->v[i];
		else
			finding_fini(&f->v[i]);
	}
	f->n = kept;
}

struct sq_account *sq_findings_account(struct sq_findings *f, const char *load, const char *failure,
				       uint64_t count)
{
	struct sq_account *a;

	f->accounts = grow(f->accounts, f->n_accounts, sizeof(*f->accounts));
	a = &f->accounts[f->n_accounts++];
	a->load = sq_strdup(load);
	a->failure = sq_strdup(failure);
	a->count = count;
	a->unexplained = count;
	return a;
}

void sq_findings_not_examined(struct sq_findings *f, const char *mechanism, const char *host,
			      const char *because)
{
	struct sq_not_examined *n;

	for (size_t i = 0; i < f->n_not_examined; i++) {
		n = &f->not_examined[i];
		if (strcmp(n->mechanism, mechanism) == 0 && sq_same_text(n->host, host) &&
		    strcmp(n->because, because) == 0)
			return; /* of another of its counters */
	}
	f->not_examined = grow(f->not_examined, f->n_not_examined, sizeof(*f->not_examined));
	n = &f->not_examined[f->n_not_examined++];
	n->mechanism = sq_strdup(mechanism);
	n->host = sq_strdup(host);
	n->because = sq_strdup(because);
}

struct sq_mover *sq_findings_mover(struct sq_findings *f, const char *load, const char *failure,
				   const char *host, const char *metric, const char *instance)
{
	struct sq_mover *m;

	f->movers = grow(f->movers, f->n_movers, sizeof(*f->movers));
	m = &f->movers[f->n_movers++];
	m->load = sq_strdup(load);
	m->failure = sq_strdup(failure);
	m->host = sq_strdup(host);
	m->metric = sq_strdup(metric);
	m->instance = sq_strdup(instance);
	return m;
}

bool sq_findings_is_noted(const struct sq_findings *f, const char *mechanism, const char *host)
{
	for (size_t i = 0; i < f->n_not_examined; i++) {
		if (strcmp(f->not_examined[i].mechanism, mechanism) == 0 &&
		    sq_same_text(f->not_examined[i].host, host))
			return true;
	}
	return false;
}

void sq_findings_fini(struct sq_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		finding_fini(&f->v[i]);
	for (size_t i = 0; i < f->n_accounts; i++) {
		free(f->accounts[i].load);
		free(f->accounts[i].failure);
	}
	for (size_t i = 0; i < f->n_not_examined; i++) {
		free(f->not_examined[i].mechanism);
		free(f->not_examined[i].host);
		free(f->not_examined[i].because);
	}
	for (size_t i = 0; i < f->n_movers; i++) {
		free(f->movers[i].load);
		free(f->movers[i].failure);
		free(f->movers[i].host);
		free(f->movers[i].metric);
		free(f->movers[i].instance);
	}
	free(f->v);
	free(f->movers);
	free(f->accounts);
	free(f->not_examined);
	memset(f, 0, sizeof(*f));
}
