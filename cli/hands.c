/* The hands of the journal.
 *
 * What a reader would get wrong: a far shell is kept open from one setting to the next, since ssh takes a quarter of
 * a second to connect, but never while a run is under way: its processes would inherit the pipes, and what the run
 * does to the network would end it. */
#include "cli/hands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/places/place_far.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/sysctl.h"
#include "base/value.h"
#include "scenarios/where.h"

#define PATIENCE_NS (120 * SQ_SEC) /* for a command, such as one that starts a server anew */

/* The far shell that is open. */
static struct {
	char *where;
	struct sq_far *far;
	struct sq_place *place;
} there;

void sq_hands_close(void)
{
	there.place = sq_place_free(there.place);
	there.far = sq_far_free(there.far);
	free(there.where);
	there.where = NULL;
}

int sq_hands_check(const char *place, struct sq_err *err)
{
	char **argv = NULL;
	int rc = place ? sq_where_argv(place, &argv, err) : 0;

	sq_where_free(argv);
	return rc;
}

/* NULL with err. */
static struct sq_place *reach(const char *where, struct sq_err *err)
{
	if (!where)
		return sq_place_here();
	if (there.place && strcmp(there.where, where) == 0 && sq_far_is_open(there.far))
		return there.place;
	sq_hands_close();
	if (sq_hands_check(where, err) < 0)
		return NULL;
	there.where = sq_strdup(where);
	there.far = sq_far_new(there.where);
	if (sq_far_open(there.far, err) < 0) {
		sq_hands_close();
		return NULL;
	}
	there.place = sq_place_new(there.far);
	return there.place;
}

int sq_hands_run(const char *place, const char *line, struct sq_buf *out, struct sq_err *err)
{
	struct sq_place *p = reach(place, err);

	return p ? sq_place_run(p, line, PATIENCE_NS, out, err) : err->code;
}

static int run(void *arg, const char *place, const char *line, struct sq_err *err)
{
	struct sq_buf out = { 0 };
	int rc = sq_hands_run(place, line, &out, err);

	(void)arg;
	sq_buf_fini(&out);
	return rc;
}

static int hand_read(void *arg, const char *place, const char *key, char *ret_value,
		     struct sq_err *err)
{
	struct sq_buf line = { 0 }, out = { 0 };
	char path[SQ_SETTING_PATH];
	int rc = sq_setting_path(key, path);

	(void)arg;
	if (rc < 0)
		return sq_err_set(err, rc, key, "is no name of a setting");
	sq_buf_puts(&line, "cat ");
	sq_far_quote(&line, path);
	rc = sq_hands_run(place, line.data, &out, err);
	if (rc == 0 && out.len >= SQ_SYSCTL_VALUE)
		rc = sq_err_set(err, -EOVERFLOW, key, "its value is too long");
	if (rc == 0) {
		snprintf(ret_value, SQ_SYSCTL_VALUE, "%s", out.data ? out.data : "");
		sq_text_squeeze(ret_value);
	}
	sq_buf_fini(&line);
	sq_buf_fini(&out);
	return rc;
}

static int hand_write(void *arg, const char *place, const char *key, const char *value,
		      struct sq_err *err)
{
	struct sq_buf line = { 0 };
	char path[SQ_SETTING_PATH];
	int rc = sq_setting_path(key, path);

	if (rc < 0)
		return sq_err_set(err, rc, key, "is no name of a setting");
	/* The end of the line, since the kernel takes no empty write. */
	sq_buf_puts(&line, "printf '%s\\n' ");
	sq_far_quote(&line, value);
	sq_buf_puts(&line, " > ");
	sq_far_quote(&line, path);
	rc = run(arg, place, line.data, err);
	sq_buf_fini(&line);
	return rc;
}

static void say_set_back(void *arg, const char *place, const char *key, const char *from,
			 const char *to)
{
	const char *at = place ? " at " : "";

	(void)arg;
	place = place ? place : "";
	if (from)
		fprintf(stderr,
			"squall: %s%s%s is set back from %s to %s, which a killed run left "
			"changed\n",
			key, at, place, from, to);
	else
		fprintf(stderr, "squall: \"%s\" was run%s%s, which a killed run left undone\n", key,
			at, place);
}

const struct sq_journal_hands sq_hands = {
	.read = hand_read,
	.write = hand_write,
	.run = run,
	.told = say_set_back,
};
