#include "cli/globals.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/args.h"

/* As long as a lab takes that has the machine before us. */
#define WAIT_NS (60 * SQ_SEC)

static void say_set_back(void *arg, const char *key, const char *from, const char *to)
{
	(void)arg;
	fprintf(stderr, "squall: %s is set back from %s to %s, which a killed run left changed\n",
		key, from, to);
}

struct sq_journal *sq_globals_open(struct sq_err *err)
{
	struct sq_err busy = { 0 };
	struct sq_journal *journal = sq_journal_open(SQ_JOURNAL_DIR, 0, say_set_back, NULL, &busy);

	if (!journal && busy.code == -EBUSY) {
		sq_complain(&busy);
		fprintf(stderr, "squall: waiting for it for up to %d s\n", (int)(WAIT_NS / SQ_SEC));
		return sq_journal_open(SQ_JOURNAL_DIR, WAIT_NS, say_set_back, NULL, err);
	}
	if (!journal && err)
		*err = busy;
	return journal;
}

int sq_globals_set(const struct sq_plan *plan, struct sq_journal **ret_journal, struct sq_err *err)
{
	const struct sq_pairs *global = &plan->scenario->world.sysctl;
	struct sq_journal *journal;
	int rc = 0;

	if (!plan->world || !global->n)
		return 0;
	journal = sq_globals_open(err);
	if (!journal)
		return err->code;
	for (size_t i = 0; rc == 0 && i < global->n; i++)
		rc = sq_journal_set(journal, global->v[i].key, global->v[i].value, err);
	if (rc == 0)
		*ret_journal = journal;
	else
		sq_globals_set_back(journal);
	return rc;
}

int sq_globals_set_back(struct sq_journal *journal)
{
	struct sq_err err = { 0 };
	int rc = sq_journal_close(journal, &err);

	if (rc < 0)
		sq_complain(&err);
	return rc;
}
