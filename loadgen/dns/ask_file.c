/* Questions from a file of lines as dnsperf has them, "www.example.test A"; and what reading such
 * lines has in common with files of updates. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/dns/ask_private.h"

#define BLANKS " \t\r\n\f\v"

size_t sq_dns_word_next(const char **at, const char **ret_word)
{
	size_t len;

	*at += strspn(*at, BLANKS);
	len = strcspn(*at, BLANKS);
	*ret_word = *at;
	*at += len;
	return len;
}

int sq_dns_name_need(const char *text, size_t len, const char *where, struct sq_dns_name *ret,
		     struct sq_err *err)
{
	struct sq_err why = { 0 };

	if (sq_dns_name_parse(text, len, ret, &why) == 0)
		return 0;
	return sq_err_set(err, -EINVAL, where, "%s", why.text);
}

static bool is_empty(const char *line)
{
	line += strspn(line, BLANKS);
	return !*line || *line == ';' || *line == '#';
}

int sq_dns_lines_read(const char *path,
		      int (*line)(void *arg, const char *text, const char *where,
				  struct sq_err *err),
		      void *arg, struct sq_err *err)
{
	char where[sizeof(err->where)], *text = NULL;
	FILE *f = fopen(path, "re");
	size_t cap = 0;
	int rc = 0;

	if (!f)
		return sq_err_set(
			err, -errno, path,
			"the file of queries cannot be opened: %s; its path is taken from "
			"the current directory",
			strerror(errno));
	for (unsigned long number = 1; rc == 0 && getline(&text, &cap, f) != -1; number++) {
		snprintf(where, sizeof(where), "%s: line %lu", path, number);
		rc = is_empty(text) ? 0 : line(arg, text, where, err);
	}
	free(text);
	if (rc == 0 && ferror(f))
		rc = sq_err_set(err, -EIO, path, "cannot be read: %s", strerror(errno));
	fclose(f);
	return rc;
}

static int add_line(void *arg, const char *line, const char *where, struct sq_err *err)
{
	struct sq_dns_question question = { .class = SQ_DNS_CLASS_IN };
	const char *name, *type, *more;
	size_t name_len = sq_dns_word_next(&line, &name);
	size_t type_len = sq_dns_word_next(&line, &type);
	int number, rc;

	if (type_len == 0 || sq_dns_word_next(&line, &more) > 0)
		return sq_err_set(err, -EINVAL, where,
				  "expected a name and a type, such as \"www.example.test A\"");
	number = sq_dns_type_need(type, type_len, where, err);
	if (number < 0)
		return number;
	question.type = (uint16_t)number;
	rc = sq_dns_name_need(name, name_len, where, &question.name, err);
	return rc < 0 ? rc : sq_dns_ask_add(arg, &question, 0, where, err);
}

int sq_dns_ask_file(struct sq_dns_ask *ask, const char *path, struct sq_err *err)
{
	int rc;

	sq_dns_ask_open(ask);
	rc = sq_dns_lines_read(path, add_line, ask, err);
	if (sq_dns_ask_close(ask) == 0 && rc == 0)
		rc = sq_err_set(err, -EINVAL, path,
				"holds no query; write one a line, such as \"www.example.test A\"");
	return rc;
}
