/* A machine at the far end of a command's pipes: squall there says what it sees itself; without it a plain
 * shell can read files, and that is what is said of it.
 *
 * What a reader would get wrong: what comes from there is a stranger's text.  A login may greet, and a
 * squall of another version may know other keys; so only what has the shape is taken. */
#include "analyzers/places/far.h"

#include <errno.h>
#include <string.h>

#include "analyzers/capture/environment.h"
#include "analyzers/doctor/doctor.h"
#include "analyzers/doctor/private.h"
#include "analyzers/places/place_far.h"
#include "base/clock.h"

#define ANSWER_LIMIT (30 * SQ_SEC)

/* Behind what a login says.  NULL: there is none. */
static json_t *parse_answer(const char *text)
{
	const char *begin = strstr(text, "{\n");
	json_t *examined = begin ? json_loads(begin, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (json_is_object(json_object_get(examined, "environment")) &&
	    json_is_array(json_object_get(examined, "sources")) &&
	    json_is_array(json_object_get(examined, "abilities")) &&
	    json_is_array(json_object_get(examined, "limits")) &&
	    json_is_integer(json_object_get(examined, "bites")))
		return examined;
	json_decref(examined);
	return NULL;
}

static json_t *examine_shell(struct sq_far *far, bool allow_exec)
{
	struct sq_place *place = sq_place_new(far);
	json_t *environment = sq_environment_far(place), *examined;
	const char *system = json_string_value(json_object_get(environment, "system"));
	const struct sq_doctor_look look = { .place = place,
					     .allow_exec = allow_exec,
					     .bsd = system && strstr(system, "BSD") };

	examined = sq_doctor_put(environment, sq_doctor_sources(&look), json_array());
	sq_place_free(place);
	return examined;
}

/* With squall there it is found by its PATH, or by sh as "not found" (127). */
static json_t *ask(struct sq_far *far, const char *where, bool allow_exec, struct sq_err *err)
{
	const char *line = allow_exec ? "squall doctor --json --allow-exec"
				      : "squall doctor --json";
	struct sq_buf out = { 0 };
	struct sq_far_moment when;
	json_t *examined = NULL;
	int status, rc = sq_far_ask(far, line, sq_now_ns() + ANSWER_LIMIT, &out, &status, &when);

	if (rc < 0)
		sq_err_set(err, rc, where, "%s",
			   sq_far_why(far)[0] ? sq_far_why(far) : strerror(-rc));
	else if (status == 127)
		examined = examine_shell(far, allow_exec);
	else
		examined = parse_answer(out.data ? out.data : "");
	if (rc == 0 && !examined)
		sq_err_set(
			err, -EBADMSG, where,
			"squall is there, but its doctor gave no answer that is understood (exit "
			"status %d); install the same version",
			status);
	sq_buf_fini(&out);
	return examined;
}

json_t *sq_doctor_examine_far(const char *where, bool allow_exec, struct sq_err *err)
{
	struct sq_far *far = sq_far_new(where);
	json_t *examined = sq_far_open(far, err) == 0 ? ask(far, where, allow_exec, err) : NULL;

	sq_far_free(far);
	return examined;
}
