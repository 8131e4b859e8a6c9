/* The grammar and the checks of variants.
 *
 * What a reader would get wrong: a world's hosts are there only while a run is under way.  So what runs before on one
 * is a program of that host that must end before its servers start ("once"), and nothing runs there afterwards. */
#include "scenarios/variant.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "scenarios/scenario_private.h"
#include "scenarios/where.h"

#define COMMAND(member) offsetof(struct sq_variant_command, member)
#define LABEL(member)   offsetof(struct sq_variant_label, member)
#define VARIANT(member) offsetof(struct sq_variant_spec, member)

/* clang-format off */
static const struct sq_opt before_opts[] = {
	{ .name = "argv", .type = SQ_OPT_STRINGS, .offset = COMMAND(argv), .required = true,
	  .help = "a program and its arguments, never through a shell of yours; needs --allow-exec" },
	{ .name = "host", .type = SQ_OPT_STRING, .offset = COMMAND(host),
	  .help = "the host of the world that it runs on, before the servers there start; the "
		  "variant's \"where\" when not given" },
	{ 0 },
};

static const struct sq_opt after_opts[] = {
	{ .name = "argv", .type = SQ_OPT_STRINGS, .offset = COMMAND(argv), .required = true,
	  .help = "a program and its arguments; needs --allow-exec" },
	{ 0 },
};

static const struct sq_opt label_opts[] = {
	{ .name = "text", .type = SQ_OPT_STRING, .offset = LABEL(text), .help = "as in \"6.1.0\"" },
	{ .name = "argv", .type = SQ_OPT_STRINGS, .offset = LABEL(argv),
	  .help = "instead of a text a program that tells it on its first line, as in "
		  "[\"named\", \"-v\"]; needs --allow-exec" },
	{ 0 },
};

const struct sq_opt sq_variant_opts[] = {
	{ .name = "set", .type = SQ_OPT_PAIRS, .offset = VARIANT(set),
	  .help = "JSON pointers into this file, each with its value in the words of --set" },
	{ .name = "machine", .type = SQ_OPT_PAIRS, .offset = VARIANT(machine),
	  .help = "settings of the machine that \"where\" names, set back after each run: sysctls, "
		  "cpu:N (1 online, 0 offline), smt (on, off), irq:N or irq:DEVICE (the CPUs that may "
		  "take its interrupts); needs --allow-global" },
	{ .name = "where", .type = SQ_OPT_STRING, .offset = VARIANT(where),
	  .help = "the machine of \"machine\", \"before\", \"after\" and \"labels\": \"ssh:HOST\", or "
		  "\"exec:COMMAND\" for any command that gives a shell on its pipes; this one when not "
		  "given; needs --allow-exec" },
	{ .name = "before", .type = SQ_OPT_LIST, .offset = VARIANT(before), .sub = before_opts,
	  .elem_size = sizeof(struct sq_variant_command),
	  .help = "a program that must end well before each of its runs" },
	{ .name = "after", .type = SQ_OPT_LIST, .offset = VARIANT(after), .sub = after_opts,
	  .elem_size = sizeof(struct sq_variant_command),
	  .help = "a program that undoes that: it runs after each of its runs, whatever became of it" },
	{ .name = "labels", .type = SQ_OPT_MAP, .offset = VARIANT(labels), .sub = label_opts,
	  .elem_size = sizeof(struct sq_variant_label),
	  .help = "what it is called beside its name, as in \"kernel\": it stands in reports and comparisons" },
	{ 0 },
};
/* clang-format on */

static const struct sq_variant_spec *variant_at(const struct sq_scenario *s, size_t i)
{
	return (const struct sq_variant_spec *)s->variants.v + i;
}

static int check_set(const struct sq_scenario *s, const struct sq_variant_spec *v,
		     const char *pointer, struct sq_err *err)
{
	for (size_t i = 0; i < v->set.n; i++)
		if (*v->set.v[i].key != '/')
			return sq_scenario_fail(s, pointer, err,
						"\"set\": expected JSON pointers such as "
						"\"/load/0/threads\", found \"%.60s\"",
						v->set.v[i].key);
	return 0;
}

static int check_commands(const struct sq_scenario *s, const struct sq_list *list,
			  const char *pointer, struct sq_err *err)
{
	const struct sq_variant_command *c = list->v;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->n; i++)
		if (!c[i].argv.n)
			rc = sq_scenario_fail(s, pointer, err, "a program's \"argv\" is empty");
		else
			rc = sq_scenario_check_host(s, c[i].host, pointer, err);
	return rc;
}

static int check_labels(const struct sq_scenario *s, const struct sq_list *list,
			const char *pointer, struct sq_err *err)
{
	const struct sq_variant_label *l = list->v;

	for (size_t i = 0; i < list->n; i++)
		if (!l[i].text == !l[i].argv.n)
			return sq_scenario_fail(s, pointer, err,
						"label \"%.60s\": give either \"text\" or \"argv\"",
						l[i].name);
	return 0;
}

static int check_where(const struct sq_scenario *s, const char *where, const char *pointer,
		       struct sq_err *err)
{
	struct sq_err why = { 0 };
	char **argv = NULL;
	int rc = where ? sq_where_argv(where, &argv, &why) : 0;

	sq_where_free(argv);
	return rc < 0 ? sq_scenario_fail(s, pointer, err, "\"where\": %s", why.text) : 0;
}

int sq_scenario_check_variants(const struct sq_scenario *s, struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->variants.n; i++) {
		const struct sq_variant_spec *v = variant_at(s, i);

		sq_json_pointer_join(pointer, sizeof(pointer), "/variants", v->name);
		rc = check_set(s, v, pointer, err);
		if (rc == 0)
			rc = check_where(s, v->where, pointer, err);
		if (rc == 0)
			rc = check_commands(s, &v->before, pointer, err);
		if (rc == 0)
			rc = check_commands(s, &v->after, pointer, err);
		if (rc == 0)
			rc = check_labels(s, &v->labels, pointer, err);
	}
	return rc;
}
