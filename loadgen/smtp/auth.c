#include "loadgen/smtp/auth.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* "WORD BASE64\r\n" */
static char *make_line(const char *word, const char *bytes, size_t len)
{
	char *text = sq_alloc(len / 3 * 4 + 8), *line;

	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes, (int)len);
	line = sq_printf_dup("%s%s\r\n", word, text);
	free(text);
	return line;
}

/* RFC 4616: who one acts for (nobody else), who one is, the password; NUL between them. */
static void make_plain(struct sq_smtp_auth *a, const char *user, const char *password)
{
	char *bytes = sq_alloc(strlen(user) + strlen(password) + 3), *end;

	end = stpcpy(bytes + 1, user);
	end = stpcpy(end + 1, password);
	a->line[a->n++] = make_line("AUTH PLAIN ", bytes, (size_t)(end - bytes));
	free(bytes);
}

struct sq_smtp_auth *sq_smtp_auth_new(int mechanism, const char *user, const char *password)
{
	struct sq_smtp_auth *a = sq_alloc(sizeof(*a));

	if (mechanism == SQ_SMTP_AUTH_PLAIN) {
		make_plain(a, user, password);
		return a;
	}
	a->line[a->n++] = sq_strdup("AUTH LOGIN\r\n");
	a->line[a->n++] = make_line("", user, strlen(user));
	a->line[a->n++] = make_line("", password, strlen(password));
	return a;
}

struct sq_smtp_auth *sq_smtp_auth_free(struct sq_smtp_auth *a)
{
	if (!a)
		return NULL;
	for (unsigned i = 0; i < a->n; i++)
		free(a->line[i]);
	free(a);
	return NULL;
}
