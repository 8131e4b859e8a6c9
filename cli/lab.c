#include "cli/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/value.h"
#include "cli/args.h"
#include "scenarios/labs.h"

static const struct sq_embedded *find_shipped(const char *name)
{
	const char *names[256];
	size_t n = 0;
	const char *near;

	for (; sq_labs[n].name && n < 255; n++) {
		if (strcmp(sq_labs[n].name, name) == 0)
			return &sq_labs[n];
		names[n] = sq_labs[n].name;
	}
	names[n] = NULL;
	near = sq_nearest(name, names);
	if (near)
		fprintf(stderr, "squall: lab: no lab \"%s\"; did you mean \"%s\"?\n", name, near);
	else
		fprintf(stderr, "squall: lab: no lab \"%s\"; try: squall lab list\n", name);
	return NULL;
}

int sq_lab_open(const char *word, struct sq_lab *ret)
{
	bool own = strpbrk(word, "/.") != NULL;
	const struct sq_embedded *lab = own ? NULL : find_shipped(word);
	struct sq_err err = { 0 };
	json_t *doc = NULL;

	if (own)
		doc = sq_json_load_file(word, &err);
	else if (lab)
		doc = sq_json_load_text(lab->text, lab->len, lab->name, &err);
	if (err.code)
		sq_complain(&err);
	if (!doc)
		return -1;
	*ret = (struct sq_lab){ sq_strdup(word), doc, !own };
	return 0;
}

void sq_lab_close(struct sq_lab *lab)
{
	free(lab->name);
	json_decref(lab->doc);
	*lab = (struct sq_lab){ 0 };
}
