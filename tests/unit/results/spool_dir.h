/* A run's folder with a spool that a test writes line by line. */
#ifndef TESTS_RESULTS_SPOOL_DIR_H
#define TESTS_RESULTS_SPOOL_DIR_H

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

struct spool_dir {
	char path[64];
};

static inline struct spool_dir spool_dir_make(void)
{
	struct spool_dir d = { "/tmp/sq-results-XXXXXX" };
	char spool[80];

	assert_non_null(mkdtemp(d.path));
	snprintf(spool, sizeof(spool), "%s/spool", d.path);
	assert_int_equal(mkdir(spool, 0777), 0);
	return d;
}

static inline void spool_dir_put(const struct spool_dir *d, const char *name, const char *text)
{
	char *path = sq_printf_dup("%s/spool/%s", d->path, name);
	FILE *f = fopen(path, "ae");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static inline void spool_dir_remove(const struct spool_dir *d)
{
	char *spool = sq_printf_dup("%s/spool", d->path);
	DIR *folder = opendir(spool);
	struct dirent *e;

	while ((e = readdir(folder)))
		unlinkat(dirfd(folder), e->d_name, 0);
	closedir(folder);
	rmdir(spool);
	rmdir(d->path);
	free(spool);
}

/* Bins of 100 ms; one load, 4 s long with a warm-up of 1 s, one effort and more keys. */
#define HEAD_WITH(more)                                                                        \
	"{\"k\":\"head\",\"schema\":\"squall-spool/1\",\"meta\":{\"id\":\"x\",\"name\":\"n\"," \
	"\"argv\":[\"squall\",\"run\"],\"seed\":7,\"started\":\"2026-01-01T00:00:00Z\","       \
	"\"squall\":{\"version\":\"9.9\",\"commit\":\"abc\"},\"authorized\":[]},"              \
	"\"scenario\":{\"name\":\"n\"},\"bin_ns\":100000000,\"lost\":[\"its own network\"],"   \
	"\"loads\":[{\"name\":\"storm\",\"driver\":\"tcp\",\"target\":\"server:9000\","        \
	"\"from\":\"client\",\"threads\":2,\"at_ns\":0,\"duration_ns\":4000000000,"            \
	"\"warmup_ns\":1000000000,\"timeout_ns\":800000000," more                              \
	"\"efforts\":[\"syn_retrans\"]}]}\n"
#define HEAD  HEAD_WITH("")
#define START "{\"k\":\"start\",\"t0_mono_ns\":5000000000,\"t0_wall_ns\":1}\n"
#define END   "{\"k\":\"end\",\"t\":4500000000,\"outcome\":\"completed\",\"because\":null}\n"

#endif
