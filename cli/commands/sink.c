/* squall sink KIND: a built-in target with programmed faults. */
#include "loadgen/engine/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/value.h"
#include "cli/args.h"
#include "cli/command.h"

static const struct sq_kind *find_kind(const char *name)
{
	const char *names[64];
	size_t n = 0;
	const char *near;

	for (const struct sq_kind *const *k = sq_sink_kinds(); *k && n < 63; k++) {
		if (strcmp((*k)->name, name) == 0)
			return *k;
		names[n++] = (*k)->name;
	}
	names[n] = NULL;
	near = sq_nearest(name, names);
	fprintf(stderr, "squall: sink: unknown kind \"%s\"; did you mean \"%s\"?\n", name,
		near ? near : names[0]);
	return NULL;
}

static void say_ready(void *arg)
{
	fprintf(stderr, "squall: sink %s: serving; Ctrl-C ends it, SIGUSR1 prints its counts\n",
		((const struct sq_kind *)arg)->name);
}

static int serve(const struct sq_kind *kind, const void *conf)
{
	struct sq_err err = { 0 };
	struct sq_kind named = *kind;
	int rc = sq_sink_run(kind, conf, -1, STDOUT_FILENO, say_ready, &named, &err);

	if (rc == 0)
		return SQ_EXIT_OK;
	sq_complain(&err);
	return rc == -EINVAL ? SQ_EXIT_USAGE : SQ_EXIT_UNMEASURED;
}

static int sink(int argc, char **argv)
{
	const struct sq_kind *kind;
	struct sq_strings rest;
	void *conf;
	int status = SQ_EXIT_USAGE;

	if (argc < 2) {
		fprintf(stderr, "squall: sink: which kind? try: squall help sink\n");
		return SQ_EXIT_USAGE;
	}
	kind = find_kind(argv[1]);
	if (!kind)
		return SQ_EXIT_USAGE;
	conf = sq_alloc(kind->conf_size);
	argv[1] = argv[0];
	if (sq_args_parse(argc - 1, argv + 1, kind->opts, conf, &rest) == 0) {
		if (rest.n)
			fprintf(stderr, "squall: sink: what is \"%s\"? options begin with --\n",
				rest.v[0]);
		else
			status = serve(kind, conf);
		sq_args_rest_free(&rest);
		sq_opt_fini(kind->opts, conf);
	}
	free(conf);
	return status;
}

static void options(struct sq_buf *out)
{
	for (const struct sq_kind *const *k = sq_sink_kinds(); *k; k++) {
		sq_buf_printf(out, "squall sink %s: %s\n", (*k)->name, (*k)->summary);
		sq_opt_help((*k)->opts, out);
	}
}

const struct sq_command sq_command_sink = {
	.name = "sink",
	.args = "KIND [options]",
	.summary = "serve as a target, with programmed faults",
	.options = options,
	.run = sink,
};
