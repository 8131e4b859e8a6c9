/* The usual commands of a BSD, on a BSD.  What a reader would get wrong: Linux has a netstat -s and a
 * vmstat -m too, whose figures would be taken for a BSD's.  So they run where uname says BSD. */
#include "analyzers/formats/bsd_source.h"

#include <errno.h>
#include <string.h>

#include "analyzers/places/place.h"

static int check_system(struct sq_sample *s, int64_t timeout_ns, struct sq_err *err)
{
	struct sq_buf name = { 0 };
	int rc = sq_place_run(sq_sample_place(s), "uname", timeout_ns, &name, err);
	struct sq_span system = sq_span_of_buf(&name);

	if (rc == 0 && !sq_span_find(system, "BSD") && !sq_span_begins(system, "DragonFly"))
		rc = sq_err_set(err, -ENOENT, "",
				"this is no FreeBSD or OpenBSD; name one by \"where\"");
	sq_buf_fini(&name);
	return rc;
}

int sq_bsd_open(struct sq_stats_source *source, const struct sq_stats_command_conf *conf,
		const char *usual, sq_stats_parser *parse, struct sq_sample *s, struct sq_err *err)
{
	int rc = 0;

	if (strcmp(conf->command, usual) == 0)
		rc = check_system(s, conf->timeout_ns, err);
	return rc < 0 ? rc : sq_stats_command_open(source, conf, parse, s, err);
}
