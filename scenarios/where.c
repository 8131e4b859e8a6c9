/* The words of "where".
 *
 * What a reader would get wrong: no local shell sees any of it.  A command is cut into words at blanks,
 * quotes hold words together, and nothing else has a meaning.  "ssh:" is one such command whose last
 * word, sh, is what runs at the other machine, whatever the login shell is there; BatchMode, since
 * nobody could answer a question. */
#include "scenarios/where.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static const char ssh[] = "ssh:", exec[] = "exec:";

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyz"
#define NAME_REST  NAME_FIRST "0123456789_-"

struct words {
	char **v;
	size_t n, cap;
};

static void add_word(struct words *w, const char *text, size_t len)
{
	w->v = sq_grow(w->v, w->n + 1, &w->cap, sizeof(*w->v));
	w->v[w->n] = sq_printf_dup("%.*s", (int)len, text);
	w->v[++w->n] = NULL;
}

void sq_where_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* One word from p on into out; behind it, or NULL when a quote is not closed. */
static const char *take_word(const char *p, struct sq_buf *out)
{
	char quote = '\0';

	sq_buf_reset(out);
	sq_buf_puts(out, "");
	for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? '\0' : *p;
		else
			sq_buf_add(out, p, 1);
	}
	return quote ? NULL : p;
}

static int split_command(const char *p, struct words *w, struct sq_err *err)
{
	struct sq_buf word = { 0 };

	for (p += strspn(p, " \t"); p && *p; p += strspn(p, " \t")) {
		p = take_word(p, &word);
		if (!p)
			break;
		add_word(w, word.data, word.len);
	}
	sq_buf_fini(&word);
	if (!p)
		return sq_err_set(err, -EINVAL, "", "a quote in the command is not closed");
	if (!w->n)
		return sq_err_set(err, -EINVAL, "", "exec: needs a command, as in exec:ssh web sh");
	return 0;
}

const char *sq_where_host(const char *where, size_t *ret_len)
{
	const char *at, *host;
	size_t len;

	if (!begins(where, ssh))
		return NULL;
	host = where + strlen(ssh);
	at = strrchr(host, '@');
	if (at)
		host = at + 1;
	len = strlen(host);
	/* One colon is a port's; an address of IPv6 has more. */
	if (strchr(host, ':') && strchr(host, ':') == strrchr(host, ':'))
		len = strcspn(host, ":");
	*ret_len = len;
	return host;
}

static int ssh_command(const char *where, struct words *w, struct sq_err *err)
{
	static const char *const always[] = { "ssh", "-T",
					      "-o",  "BatchMode=yes",
					      "-o",  "ConnectTimeout=10",
					      "-o",  "ControlMaster=no" };
	size_t len = 0;
	const char *host = sq_where_host(where, &len), *user = where + strlen(ssh);

	if (!len || *user == '-' || *host == '-' || user[strcspn(user, " \t\n'\"")])
		return sq_err_set(err, -EINVAL, "",
				  "expected ssh:[USER@]HOST[:PORT], found \"%.80s\"", where);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add_word(w, always[i], strlen(always[i]));
	if (host[len] == ':') {
		add_word(w, "-p", 2);
		add_word(w, host + len + 1, strlen(host + len + 1));
	}
	add_word(w, "--", 2);
	add_word(w, user, (size_t)(host + len - user));
	add_word(w, "sh", 2);
	return 0;
}

int sq_where_argv(const char *where, char ***ret_argv, struct sq_err *err)
{
	struct words w = { 0 };
	int rc;

	if (begins(where, ssh))
		rc = ssh_command(where, &w, err);
	else if (begins(where, exec))
		rc = split_command(where + strlen(exec), &w, err);
	else
		rc = sq_err_set(err, -EINVAL, "",
				"expected ssh:HOST or exec:COMMAND, found \"%.80s\"", where);
	if (rc < 0)
		sq_where_free(w.v);
	else
		*ret_argv = w.v;
	return rc;
}

bool sq_where_is(const char *where, const char *host, size_t len)
{
	size_t own_len = 0;
	const char *own = sq_where_host(where, &own_len);

	return own && own_len == len && strncmp(own, host, len) == 0;
}

bool sq_where_name(const char *where, char ret_name[SQ_WHERE_NAME])
{
	size_t len = 0;
	const char *host = sq_where_host(where, &len);

	if (!host || !len || len >= SQ_WHERE_NAME || !strchr(NAME_FIRST, *host))
		return false;
	snprintf(ret_name, SQ_WHERE_NAME, "%.*s", (int)len, host);
	return !ret_name[strspn(ret_name, NAME_REST)];
}
