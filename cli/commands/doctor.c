/* squall doctor: what can be captured here or elsewhere, and which limits will bite before the servers do. */
#include "analyzers/doctor/doctor.h"

#include <errno.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/execute.h"

struct doctor_args {
	char *where;
	bool allow_exec, json;
};

static const struct sq_opt doctor_opts[] = {
	{ .name = "where",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct doctor_args, where),
	  .help = "the machine to look at: \"ssh:HOST\", or \"exec:COMMAND\" for any command that "
		  "gives a shell on its pipes; this one when not given" },
	{ .name = "allow_exec",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct doctor_args, allow_exec),
	  .help = "also try the sources that start programs (knotc, unbound-control ...)" },
	{ .name = "json",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct doctor_args, json),
	  .help = "as JSON, with the machine's environment" },
	{ 0 },
};

static void print_text(const json_t *examined)
{
	struct sq_buf out = { 0 };

	sq_doctor_text(examined, &out, sq_terminal_width());
	fputs(out.data, stdout);
	sq_buf_fini(&out);
}

/* A machine that can't be reached is no machine without limits. */
static int report(const struct doctor_args *args)
{
	struct sq_err err = { 0 };
	json_t *examined = args->where ? sq_doctor_examine_far(args->where, args->allow_exec, &err)
				       : sq_doctor_examine(args->allow_exec);
	json_int_t bites;

	if (!examined) {
		sq_complain(&err);
		return err.code == -EINVAL ? SQ_EXIT_USAGE : SQ_EXIT_UNMEASURED;
	}
	bites = json_integer_value(json_object_get(examined, "bites"));
	if (args->json) {
		json_dumpf(examined, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_text(examined);
	}
	json_decref(examined);
	return bites > 0 ? SQ_EXIT_FAILED : SQ_EXIT_OK;
}

static int doctor(int argc, char **argv)
{
	struct doctor_args args;
	struct sq_strings rest;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, doctor_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n == 0)
		status = report(&args);
	else
		fprintf(stderr, "squall: doctor: \"%s\" is too much; another machine is --where\n",
			rest.v[0]);
	sq_args_rest_free(&rest);
	sq_opt_fini(doctor_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(doctor_opts, out);
	sq_buf_puts(
		out,
		"\nexit status: 0 no limit will bite, 1 one will, 3 the machine can't be reached\n");
}

const struct sq_command sq_command_doctor = {
	.name = "doctor",
	.args = "[options]",
	.summary = "what a machine lets be captured, what not and why, and which limits will bite",
	.options = options,
	.run = doctor,
};
