/* Around a run of a side: commands before, settings, the run, settings back, commands after.
 *
 * What a reader would get wrong:
 * - A command after stands in the journal before the first command before has run, so that who kills this process
 *   between them leaves it to "squall restore".
 * - Who is no root has no journal.  Settings of a machine are refused then; commands are run, and it is said that a
 *   kill would leave them undone. */
#include "cli/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/value.h"
#include "cli/args.h"
#include "cli/globals.h"
#include "cli/hands.h"
#include "scenarios/scenario.h"

static int run_line(const struct sq_deed *d, const char *when, struct sq_buf *out,
		    struct sq_err *err)
{
	struct sq_err why = { 0 };
	int rc = sq_hands_run(d->where, d->text, out, &why);
	char where[sizeof(why.where)];

	if (rc == 0)
		return 0;
	snprintf(where, sizeof(where), "%s: %.200s", when, d->text);
	return sq_err_set(err, rc, where, "%s", why.text);
}

static int run_lines(const struct sq_deeds *deeds, const char *when, bool all, struct sq_err *err)
{
	struct sq_buf out = { 0 };
	int rc = 0;

	for (size_t i = 0; (all || rc == 0) && i < deeds->n; i++) {
		int one = run_line(&deeds->v[i], when, &out, rc < 0 ? NULL : err);

		rc = rc < 0 ? rc : one;
	}
	sq_buf_fini(&out);
	return rc;
}

/* ---- settings ---- */

/* All interrupts of a network device; a device of a bus below (virtio) has them in the one above. */
static int set_device(struct sq_journal *j, const struct sq_deed *d, const char *device,
		      struct sq_err *err)
{
	char *line = sq_printf_dup("cd /sys/class/net/%s/device/ && "
				   "{ ls -1 msi_irqs 2>/dev/null || ls -1 ../msi_irqs; } | grep .",
				   device);
	struct sq_buf out = { 0 };
	struct sq_err why = { 0 };
	int rc = sq_hands_run(d->where, line, &out, &why);
	char *rest = NULL;

	if (rc < 0)
		sq_err_set(err, rc, d->name, "not here: %s has no interrupts of its own", device);
	sq_buf_puts(&out, "");
	for (char *n = strtok_r(out.data, "\n", &rest); rc == 0 && n;
	     n = strtok_r(NULL, "\n", &rest)) {
		char name[32];

		snprintf(name, sizeof(name), "irq:%.20s", n);
		rc = sq_journal_set(j, d->where, name, d->text, err);
	}
	sq_buf_fini(&out);
	free(line);
	return rc;
}

/* A name of a network device goes into a line of shell. */
static bool is_device(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789_-")];
}

static int set_one(struct sq_journal *j, const struct sq_deed *d, struct sq_err *err)
{
	static const char irq[] = "irq:";
	const char *device = d->name + strlen(irq);

	if (strncmp(d->name, irq, strlen(irq)) == 0 && sq_setting_is_sysctl(d->name) &&
	    is_device(device))
		return set_device(j, d, device, err);
	return sq_journal_set(j, d->where, d->name, d->text, err);
}

/* ---- in and out ---- */

static int take_journal(struct sq_stage *s, struct sq_err *err)
{
	static bool said;
	int rc = 0;

	if (geteuid() != 0 && !s->side->settings.n) {
		if (!said && s->side->after.n)
			fprintf(stderr,
				"squall: as you are not root there is no journal: a kill -9 "
				"would leave what runs \"after\" undone\n");
		said = true;
		return 0;
	}
	s->journal = sq_globals_open(err);
	if (!s->journal)
		return err->code;
	for (size_t i = s->side->after.n; rc == 0 && i-- > 0;)
		rc = sq_journal_run(s->journal, s->side->after.v[i].where, s->side->after.v[i].text,
				    err);
	return rc;
}

int sq_stage_enter(struct sq_stage *s, const struct sq_variant *side, struct sq_err *err)
{
	int rc = 0;

	*s = (struct sq_stage){ .side = side };
	if (!side->settings.n && !side->before.n && !side->after.n)
		return 0;
	sq_interrupt_hold();
	s->entered = true;
	if (side->settings.n || side->after.n)
		rc = take_journal(s, err);
	s->begun = rc == 0;
	if (rc == 0)
		rc = run_lines(&side->before, "before", false, err);
	for (size_t i = 0; rc == 0 && i < side->settings.n; i++)
		rc = set_one(s->journal, &side->settings.v[i], err);
	sq_hands_close();
	return rc;
}

int sq_stage_leave(struct sq_stage *s, struct sq_err *err)
{
	struct sq_err why = { 0 };
	int rc = 0;

	if (!s->entered)
		return 0;
	if (s->journal)
		rc = sq_globals_set_back(s->journal);
	else if (s->begun)
		rc = run_lines(&s->side->after, "after", true, &why);
	if (why.code)
		sq_complain(&why);
	if (rc < 0 && !err->code)
		sq_err_set(err, rc, s->side->label, "what it changed could not be undone");
	sq_hands_close();
	s->entered = false;
	return rc;
}

/* ---- the scenario ---- */

/* Its first line. */
static int tell_label(const struct sq_deed *d, json_t *labels, struct sq_err *err)
{
	struct sq_deed both = { d->where, d->name, sq_printf_dup("%s 2>&1", d->text) };
	struct sq_buf out = { 0 };
	int rc = run_line(&both, "labels", &out, err);
	char *line;

	sq_buf_puts(&out, "");
	line = out.data;
	line[strcspn(line, "\n")] = '\0';
	sq_text_squeeze(line);
	if (rc == 0 && json_object_set_new(labels, d->name, json_string(line)) < 0)
		rc = sq_err_set(err, -EILSEQ, d->name, "what it tells is no UTF-8");
	sq_buf_fini(&out);
	free(both.text);
	return rc;
}

static int set_labels(const struct sq_variant *side, json_t *doc, struct sq_err *err)
{
	json_t *labels = json_object();
	int rc = 0;

	json_object_update(labels, json_object_get(doc, "labels"));
	for (size_t i = 0; i < side->labels.n; i++)
		json_object_set_new(labels, side->labels.v[i].name,
				    json_string(side->labels.v[i].text));
	for (size_t i = 0; rc == 0 && i < side->tellers.n; i++)
		rc = tell_label(&side->tellers.v[i], labels, err);
	if (rc == 0 && json_object_size(labels))
		json_object_set(doc, "labels", labels);
	json_decref(labels);
	sq_hands_close();
	return rc;
}

/* Before the host's own servers, in their order. */
static void add_programs(const struct sq_variant *side, json_t *doc)
{
	for (size_t i = side->programs.n; i-- > 0;) {
		json_t *host = json_object_get(sq_json_pointer_get(doc, "/world/hosts"),
					       side->programs.v[i].where);
		json_t *argv = json_loads(side->programs.v[i].text, 0, NULL);
		json_t *run = json_object_get(host, "run");

		if (!run) {
			run = json_array();
			json_object_set_new(host, "run", run);
		}
		json_array_insert_new(run, 0, json_pack("{s:o, s:b}", "argv", argv, "once", 1));
	}
}

int sq_stage_scenario(const struct sq_variant *side, json_t *doc, struct sq_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < side->set.n; i++)
		rc = sq_scenario_apply_set(doc, side->set.v[i], err);
	if (rc < 0)
		return rc;
	add_programs(side, doc);
	json_object_del(doc, "variants");
	return set_labels(side, doc, err);
}
