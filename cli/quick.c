/* From a command line to the scenario that it stands for, which then runs as one from a file: its
 * report holds it, and runs again.
 *
 * The options are the rows of the tables that scenarios are parsed by: those of a load, of its
 * arrivals and of its driver, beside the run's own.  They are copied into one table over one piece
 * of storage (struct quick, with the driver's configuration behind it), so that one parse knows all
 * of them and a misspelt one is looked for in all.
 *
 * What a reader would get wrong: nothing is checked here that a scenario's checks know.  "--rate 1
 * --burst 2" is built as it stands, and refused where every scenario is. */
#include "cli/quick.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/execute.h"
#include "loadgen/engine/driver.h"
#include "scenarios/scenario.h"

struct own {
	char *server, *name;
	int64_t port;
	struct sq_strings expect;
};

struct quick {
	struct own own;
	struct sq_load_spec load;
	struct sq_run_args run;
	max_align_t conf[]; /* the driver's */
};

static const struct sq_opt own_opts[] = {
	{ .name = "server",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct own, server),
	  .help = "the target's name or address, in place of TARGET" },
	{ .name = "port",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct own, port),
	  .min = 1,
	  .max = 65535,
	  .help = "the target's port" },
	{ .name = "name",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct own, name),
	  .help = "what the run is called, also on disk; the driver's name when not given" },
	{ .name = "expect",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct own, expect),
	  .help = "what must hold, as in \"DRIVER.failures == 0\"; may be repeated" },
	{ 0 },
};

/* What has no meaning here: there is one load and no world, and the target is TARGET. */
static const char *const left_out[] = {
	"name",     "driver",   "from",       "target",       "at",
	"arrivals", "loopback", "allow_exec", "allow_global", NULL,
};

enum { PART_OWN, PART_ARRIVALS, PART_LOAD, PART_DRIVER, PART_RUN, N_PARTS, ROWS_MAX = 96 };

struct options {
	const struct sq_kind *kind;
	bool defaults; /* those of a scenario, for help; a command line is parsed without them */
	struct sq_opt part[N_PARTS][ROWS_MAX];
	struct sq_opt all[N_PARTS * ROWS_MAX]; /* the parts as one, for the command line */
	size_t n;
};

static const struct sq_opt *find_sub(const struct sq_opt *opts, const char *name)
{
	while (strcmp(opts->name, name) != 0)
		opts++;
	return opts->sub;
}

static bool is_left_out(const char *name)
{
	for (size_t i = 0; left_out[i]; i++)
		if (strcmp(left_out[i], name) == 0)
			return true;
	return false;
}

static void add_part(struct options *o, int part, const struct sq_opt *opts, size_t shift)
{
	bool whole = part == PART_OWN || part == PART_DRIVER;
	bool scenario = part != PART_OWN && part != PART_RUN;
	size_t n = 0;

	for (; opts->name; opts++) {
		struct sq_opt row = *opts;

		if (!whole && is_left_out(row.name))
			continue;
		assert(n + 1 < ROWS_MAX);
		row.offset += shift;
		/* What is not given stays away from the scenario, and gets its default there.  A
		 * switch alone can't tell. */
		if (scenario && row.type != SQ_OPT_BOOL && !o->defaults)
			row.def = NULL;
		o->all[o->n++] = o->part[part][n++] = row;
	}
}

static struct options *make_options(const struct sq_quick *form, bool defaults)
{
	struct options *o = sq_alloc(sizeof(*o));
	const struct sq_opt *load = find_sub(sq_scenario_opts, "load");

	o->defaults = defaults;
	for (const struct sq_kind *const *k = sq_driver_kinds(); *k; k++)
		if (strcmp((*k)->name, form->driver) == 0)
			o->kind = *k;
	assert(o->kind);
	add_part(o, PART_OWN, own_opts, offsetof(struct quick, own));
	add_part(o, PART_ARRIVALS, find_sub(load, "arrivals"),
		 offsetof(struct quick, load) + offsetof(struct sq_load_spec, arrivals));
	add_part(o, PART_LOAD, load, offsetof(struct quick, load));
	add_part(o, PART_DRIVER, o->kind->opts, offsetof(struct quick, conf));
	add_part(o, PART_RUN, sq_run_args_opts, offsetof(struct quick, run));
	return o;
}

/* ---- the target ---- */

/* "HOST", "HOST:PORT", "v6", "[v6]", "[v6]:PORT" -> "HOST:PORT" or "[v6]:PORT".  NULL where the
 * port is missing or given twice. */
static char *make_target(const char *text, int64_t port, bool port_asked, struct sq_err *err)
{
	const char *bracket = strchr(text, ']'), *colon = strrchr(text, ':');
	bool bare_v6 = *text != '[' && colon && colon != strchr(text, ':');
	bool has_port = *text == '[' ? bracket && bracket[1] == ':' : colon && !bare_v6;

	if (has_port && port_asked) {
		sq_err_set(err, -EINVAL, "--port", "\"%.60s\" names a port already; keep one",
			   text);
		return NULL;
	}
	if (has_port)
		return sq_strdup(text);
	if (!port) {
		sq_err_set(err, -EINVAL, "target",
			   "\"%.60s\" names no port; write it as in 127.0.0.1:9000", text);
		return NULL;
	}
	return sq_printf_dup(bare_v6 ? "[%s]:%d" : "%s:%d", text, (int)port);
}

static int choose_port(const struct sq_quick *form, const struct options *o, const struct quick *q)
{
	json_t *driver = sq_opt_echo(o->part[PART_DRIVER], q);
	const struct sq_quick_port *row = form->ports;
	int port = form->port;

	for (; row && row->key; row++)
		if (sq_same_text(json_string_value(json_object_get(driver, row->key)), row->value))
			port = row->port;
	json_decref(driver);
	return port;
}

static char *find_target(const struct sq_quick *form, const struct options *o,
			 const struct quick *q, const struct sq_strings *rest, struct sq_err *err)
{
	const struct own *own = &q->own;
	bool port_asked = own->port != SQ_OPT_UNSET;

	if (rest->n + (own->server != NULL) == 1)
		return make_target(own->server ? own->server : rest->v[0],
				   port_asked ? own->port : choose_port(form, o, q), port_asked,
				   err);
	if (rest->n + (own->server != NULL) == 0)
		sq_err_set(err, -EINVAL, form->driver,
			   "name the target, as in: squall %s 127.0.0.1:%d", form->driver,
			   form->port ? form->port : 9000);
	else
		sq_err_set(err, -EINVAL, form->driver,
			   "one target is enough, and \"%.60s\" is one more; options begin with --",
			   rest->v[rest->n - 1]);
	return NULL;
}

/* ---- the scenario ---- */

static int set(const struct options *o, struct quick *q, const char *key, const char *text,
	       struct sq_err *err)
{
	struct sq_opt_ctx ctx = { .file = "" };

	return sq_opt_set_text(&ctx, o->all, key, text, q, err);
}

static bool has_any(const json_t *object, const char *const *keys)
{
	for (; *keys; keys++)
		if (json_object_get(object, *keys))
			return true;
	return false;
}

/* What is wrong with the file is said when the run is planned. */
static double trace_length_ns(const struct sq_kind *driver, const struct sq_arrivals_spec *a)
{
	int64_t *at_ns;
	double last;
	size_t n;

	if (sq_driver_trace(driver, a->trace, &at_ns, &n, NULL) < 0)
		return 0;
	last = (double)at_ns[n - 1] / (isnan(a->speed) ? 1 : a->speed);
	free(at_ns);
	return (floor(last / (double)SQ_MS) + 1) * (double)SQ_MS;
}

/* Who asks for a recording, or for so many operations, means all of them: as long as those take,
 * where that is known beforehand. */
static void choose_duration(const struct sq_kind *driver, struct sq_load_spec *load)
{
	const struct sq_arrivals_spec *a = &load->arrivals;
	double n = (double)load->count, ns = 0;

	if (load->duration_ns != SQ_OPT_UNSET)
		return;
	if (a->trace)
		ns = trace_length_ns(driver, a);
	else if (load->count == SQ_OPT_UNSET)
		return;
	else if (!isnan(a->rate_per_s))
		ns = ceil(n / a->rate_per_s * 1e3) * (double)SQ_MS;
	else if (a->burst != SQ_OPT_UNSET && a->every_ns != SQ_OPT_UNSET)
		ns = ceil(n / (double)a->burst /
			  (a->streams == SQ_OPT_UNSET ? 1 : (double)a->streams)) *
		     (double)a->every_ns;
	if (ns > 0 && ns < 0x1p62)
		load->duration_ns = (int64_t)ns;
}

/* What a person who gives few options means by it. */
static int fill_in(const struct sq_quick *form, const struct options *o, struct quick *q,
		   struct sq_err *err)
{
	static const char *const shapes[] = { "rate",  "ramp",  "steps",  "poisson",
					      "burst", "trace", "closed", NULL };
	const char *const contents[] = { form->otherwise.key, form->otherwise.instead[0],
					 form->otherwise.instead[1], NULL };
	json_t *arrivals = sq_opt_echo(o->part[PART_ARRIVALS], q);
	json_t *driver = sq_opt_echo(o->part[PART_DRIVER], q);
	int rc = 0;

	if (!has_any(arrivals, shapes))
		rc = set(o, q, "rate", form->rate, err);
	if (rc == 0 && form->otherwise.key && !has_any(driver, contents))
		rc = set(o, q, form->otherwise.key, form->otherwise.value, err);
	choose_duration(o->kind, &q->load);
	json_decref(arrivals);
	json_decref(driver);
	return rc;
}

static json_t *make_scenario(const struct sq_quick *form, const struct options *o,
			     const struct quick *q, const char *target)
{
	json_t *load = json_pack("{s:s}", "driver", form->driver);
	json_t *expect = json_array();

	json_object_update_new(load, sq_opt_echo(o->part[PART_LOAD], q));
	json_object_update_new(load, sq_opt_echo(o->part[PART_DRIVER], q));
	json_object_set_new(load, "arrivals", sq_opt_echo(o->part[PART_ARRIVALS], q));
	for (size_t i = 0; i < q->own.expect.n; i++)
		json_array_append_new(expect, json_string(q->own.expect.v[i]));
	return json_pack("{s:s, s:s, s:[o], s:o}", "name", q->own.name ? q->own.name : form->driver,
			 "target", target, "load", load, "expect", expect);
}

static int execute(const struct sq_quick *form, const struct options *o, struct quick *q,
		   const struct sq_strings *rest, int argc, char **argv)
{
	struct sq_err err = { 0 };
	char *target = find_target(form, o, q, rest, &err);
	int status = SQ_EXIT_USAGE;
	json_t *doc;

	if (!target || fill_in(form, o, q, &err) < 0) {
		sq_complain(&err);
		fprintf(stderr, "try: squall help %s\n", form->driver);
	} else {
		doc = make_scenario(form, o, q, target);
		status = sq_execute(doc, form->driver, &q->run, false, argc, argv, NULL);
		json_decref(doc);
	}
	free(target);
	return status;
}

int sq_quick(const struct sq_quick *form, int argc, char **argv)
{
	struct options *o = make_options(form, false);
	struct quick *q = sq_alloc(sizeof(*q) + o->kind->conf_size);
	struct sq_strings rest;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse_letters(argc, argv, o->all, form->letters, q, &rest) == 0) {
		status = execute(form, o, q, &rest, argc, argv);
		sq_args_rest_free(&rest);
		sq_opt_fini(o->all, q);
	}
	free(q);
	free(o);
	return status;
}

static void help_ports(const struct sq_quick *form, struct sq_buf *out)
{
	const struct sq_quick_port *row = form->ports;

	sq_buf_printf(out, "TARGET: a host's name or address; port %d when it names none",
		      form->port);
	for (; row && row->key; row++)
		sq_buf_printf(out, ", %d with --%s %s", row->port, row->key, row->value);
	sq_buf_puts(out, "\n");
}

void sq_quick_help(const struct sq_quick *form, struct sq_buf *out)
{
	struct options *o = make_options(form, true);

	if (form->port)
		help_ports(form, out);
	else
		sq_buf_puts(out, "TARGET: a host's name or address, and a port\n");
	sq_opt_help(o->part[PART_OWN], out);
	sq_buf_printf(out, "\nwhen operations start; --rate %s when nothing is asked for\n",
		      form->rate);
	sq_opt_help(o->part[PART_ARRIVALS], out);
	sq_buf_puts(
		out,
		"\nthe load; --trace, and --count with --rate or --burst, last as long as they take\n");
	sq_opt_help(o->part[PART_LOAD], out);
	sq_buf_printf(out, "\n%s: %s", o->kind->name, o->kind->summary);
	if (form->otherwise.key)
		sq_buf_printf(out, "; --%s %s when nothing else says what to do",
			      form->otherwise.key, form->otherwise.value);
	sq_buf_puts(out, "\n");
	sq_opt_help(o->part[PART_DRIVER], out);
	sq_buf_puts(out, "\nthe run\n");
	sq_opt_help(o->part[PART_RUN], out);
	if (form->letters)
		sq_buf_puts(out, "\nletters, as other programs have them\n");
	sq_args_letters_help(form->letters, out);
	free(o);
}
