/* squall doctor: what can be captured here, and which limits will bite before the servers do. */
#include "analyzers/doctor.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/execute.h"

struct doctor_args {
	bool json;
};

static const struct sq_opt doctor_opts[] = {
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

static int doctor(int argc, char **argv)
{
	struct doctor_args args;
	struct sq_strings rest;
	json_t *examined;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, doctor_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n > 0) {
		fprintf(stderr, "squall: doctor: \"%s\" is too much: it looks at this machine\n",
			rest.v[0]);
	} else {
		examined = sq_doctor_examine();
		if (args.json) {
			json_dumpf(examined, stdout, JSON_INDENT(2));
			putchar('\n');
		} else {
			print_text(examined);
		}
		status = json_integer_value(json_object_get(examined, "bites")) > 0 ? SQ_EXIT_FAILED
										    : SQ_EXIT_OK;
		json_decref(examined);
	}
	sq_args_rest_free(&rest);
	sq_opt_fini(doctor_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(doctor_opts, out);
	sq_buf_puts(out, "\nexit status: 0 no limit will bite, 1 one will\n");
}

const struct sq_command sq_command_doctor = {
	.name = "doctor",
	.args = "[options]",
	.summary =
		"what this machine lets be captured, what not and why, and which limits will bite",
	.options = options,
	.run = doctor,
};
