/* Open files of the whole machine against its limit: "file.allocated", "file.max".
 *
 * What a reader would get wrong: few servers meet this limit (errno ENFILE); a process's own
 * (RLIMIT_NOFILE, EMFILE) is much lower, and is the source process's.  And the text has three numbers
 * without names: allocated, unused (0 since Linux 2.6), max. */
#include "analyzers/formats/systext.h"

static int files_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/sys/fs/file-nr", err);
}

static int files_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_systext_files, s);
}

const struct sq_source sq_source_files = {
	.kind = {
		.name = "files",
		.summary = "open files of the machine, and its limit (/proc/sys/fs/file-nr)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = files_open,
	.sample = files_sample,
	.close = sq_nettext_file_close,
};
