/* Parsers of the texts of /proc/net: from a whole text to puts into a sample. */
#ifndef SQ_ANALYZERS_FORMATS_NETTEXT_H
#define SQ_ANALYZERS_FORMATS_NETTEXT_H

#include <stddef.h>

#include "analyzers/formats/procfile.h"
#include "analyzers/source.h"

/* What is remembered of the last text, so that rows are looked up by name only when the text's
 * shape has changed.  All zeros is empty.  One for each file, and always the same parser and
 * sample. */
struct sq_nettext {
	struct sq_nettext_group *groups;
	size_t n_groups, cap_groups;
};

void sq_nettext_fini(struct sq_nettext *t);

/* Each puts what it recognises and returns the number of puts; a text may be cut anywhere, and
 * what it doesn't recognise is passed over. text[len] must be NUL. */
typedef size_t sq_nettext_parser(struct sq_nettext *t, const char *text, size_t len,
				 struct sq_sample *s);

sq_nettext_parser sq_nettext_tables;   /* snmp, netstat: a line of names, a line of values */
sq_nettext_parser sq_nettext_lines;    /* snmp6: a name and a value on each line */
sq_nettext_parser sq_nettext_sockstat; /* "TCP: inuse 1 orphan 0 ..." */
sq_nettext_parser sq_nettext_softnet;  /* hexadecimal columns, a line for each processor */

/* Of /proc/net/stat: a line of names, and a hexadecimal one for each processor.  Puts their sums as
 * PREFIX.NAME of an instance (or NULL), and of "entries", which is the same on each line, the first. */
size_t sq_nettext_processors(struct sq_nettext *t, const char *prefix, const char *instance,
			     const char *text, size_t len, struct sq_sample *s);

/* The state of a source that is one such file, and its hooks. */
struct sq_nettext_file {
	struct sq_procfile file;
	struct sq_nettext parsed;
	bool put; /* what the last text said */
};

int sq_nettext_file_open(struct sq_nettext_file *f, struct sq_place *place, const char *path,
			 struct sq_err *err);
/* For those that put by themselves, and then set put: 1 when there is something new to put, 0 when what was put
 * stands still, or -errno. */
int sq_nettext_file_read(struct sq_nettext_file *f, const struct sq_sample *s);

/* Nothing is put, and it is 0, while the text is that of the last reading, which the sample has kept. */
int sq_nettext_file_sample(struct sq_nettext_file *f, sq_nettext_parser *parse,
			   struct sq_sample *s);
void sq_nettext_file_close(void *state);

#endif
