/* Pressure stall information: how long tasks had to wait for a processor, for memory or for a disk:
 * "psi.memory.some" (one task or more waited), "psi.memory.full" (all that were not idle did), in us.
 * Of the whole machine.
 *
 * What a reader would get wrong: the averages in the same files are made of these; a rise within a
 * bin says the same, without their delay. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyzers/formats/systext.h"

static const char *const resources[] = { "cpu", "memory", "io", "irq" };

enum { RESOURCES = sizeof(resources) / sizeof(resources[0]) };

struct pressure {
	struct sq_nettext_file files[RESOURCES]; /* without a text: not there (irq) */
};

static int pressure_sample(void *state, struct sq_sample *s)
{
	struct pressure *p = state;
	bool any = false;

	for (size_t i = 0; i < RESOURCES; i++) {
		struct sq_nettext_file *f = &p->files[i];
		int rc = f->file.text ? sq_nettext_file_read(f, s) : 0;

		if (rc < 0)
			return rc;
		if (rc > 0)
			f->put = sq_systext_pressure(&f->parsed, resources[i], f->file.text,
						     f->file.len, s) > 0;
		any |= f->put;
	}
	return any ? 0 : -EBADMSG;
}

static void pressure_close(void *state)
{
	struct pressure *p = state;

	for (size_t i = 0; i < RESOURCES; i++)
		sq_nettext_file_close(&p->files[i]);
}

/* Where it is turned off, the files are not there, or (a kernel that was booted without) open and
 * then refuse to be read. */
static int pressure_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct pressure *p = state;
	int first = 0;

	(void)conf;
	for (size_t i = 0; i < RESOURCES; i++) {
		char path[64];
		int rc;

		snprintf(path, sizeof(path), "/proc/pressure/%s", resources[i]);
		rc = sq_nettext_file_open(&p->files[i], sq_sample_place(s), path, NULL);
		if (rc == 0)
			rc = sq_procfile_read(&p->files[i].file);
		if (rc < 0)
			sq_nettext_file_close(&p->files[i]);
		if (i == 0)
			first = rc;
	}
	if (first == 0)
		return 0;
	pressure_close(p);
	return sq_err_set(err, first, "/proc/pressure/cpu",
			  "%s; the kernel counts it when booted with psi=1", strerror(-first));
}

const struct sq_source sq_source_pressure = {
	.kind = {
		.name = "pressure",
		.summary = "time lost waiting for processors, memory and disks (/proc/pressure)",
	},
	.group = "linux",
	.state_size = sizeof(struct pressure),
	.remote = true,
	.open = pressure_open,
	.sample = pressure_sample,
	.close = pressure_close,
};
