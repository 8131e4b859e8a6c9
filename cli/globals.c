#include "cli/globals.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/args.h"
#include "cli/hands.h"

/* As long as a lab takes that has the machine before us. */
#define WAIT_NS (60 * SQ_SEC)

/* One journal for a process, however often it is taken: a lock does not let its own holder in again. */
static struct {
	struct sq_journal *journal;
	size_t holders;
} held;

static struct sq_journal *open_waiting(const struct sq_journal_hands *hands, struct sq_err *err)
{
	struct sq_err busy = { 0 };
	struct sq_journal *journal = sq_journal_open(SQ_JOURNAL_DIR, 0, hands, &busy);

	if (!journal && busy.code == -EBUSY) {
		sq_complain(&busy);
		fprintf(stderr, "squall: waiting for it for up to %d s\n", (int)(WAIT_NS / SQ_SEC));
		return sq_journal_open(SQ_JOURNAL_DIR, WAIT_NS, hands, err);
	}
	if (!journal && err)
		*err = busy;
	return journal;
}

struct sq_journal *sq_globals_open_by(const struct sq_journal_hands *hands, struct sq_err *err)
{
	if (!held.journal)
		held.journal = open_waiting(hands, err);
	held.holders += held.journal != NULL;
	sq_hands_close();
	return held.journal;
}

struct sq_journal *sq_globals_open(struct sq_err *err)
{
	return sq_globals_open_by(&sq_hands, err);
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
		rc = sq_journal_set(journal, NULL, global->v[i].key, global->v[i].value, err);
	if (rc == 0)
		*ret_journal = journal;
	else
		sq_globals_set_back(journal);
	return rc;
}

int sq_globals_set_back(struct sq_journal *journal)
{
	struct sq_err err = { 0 };
	int rc;

	if (!journal || --held.holders > 0)
		return 0;
	held.journal = NULL;
	rc = sq_journal_close(journal, &err);
	sq_hands_close();
	if (rc < 0)
		sq_complain(&err);
	return rc;
}
