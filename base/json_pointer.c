/* JSON pointers (RFC 6901): "/load/0/name".  A token is taken apart as it is met; "" is the whole
 * document. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* The token at *pointer (just behind its slash), unescaped, in new storage; NULL for an escape
 * that is none.  Moves *pointer to the next slash or the end. */
static char *take_token(const char **pointer)
{
	const char *s = *pointer;
	char *token = sq_alloc(strcspn(s, "/") + 1);
	size_t len = 0;

	for (; *s && *s != '/'; s++) {
		if (*s != '~') {
			token[len++] = *s;
		} else if (s[1] == '0' || s[1] == '1') {
			token[len++] = *++s == '0' ? '~' : '/';
		} else {
			free(token);
			return NULL;
		}
	}
	*pointer = s;
	return token;
}

/* RFC 6901, section 4: digits without a leading zero. */
static bool parse_index(const char *token, size_t *ret_index)
{
	size_t index = 0;

	if (!*token || (token[0] == '0' && token[1]))
		return false;
	for (; *token; token++) {
		if (!isdigit((unsigned char)*token) || index > ((size_t)-1 - 9) / 10)
			return false;
		index = index * 10 + (size_t)(*token - '0');
	}
	*ret_index = index;
	return true;
}

static json_t *get_child(const json_t *parent, const char *token)
{
	size_t index;

	if (json_is_object(parent))
		return json_object_get(parent, token);
	if (json_is_array(parent) && parse_index(token, &index))
		return json_array_get(parent, index);
	return NULL;
}

json_t *sq_json_pointer_get(const json_t *root, const char *pointer)
{
	/* jansson's getters take const and give plain pointers, for the same reason as strchr. */
	json_t *at = (json_t *)root;

	while (at && *pointer) {
		char *token;

		if (*pointer++ != '/')
			return NULL;
		token = take_token(&pointer);
		at = token ? get_child(at, token) : NULL;
		free(token);
	}
	return at;
}

/* Steals value. */
static int set_child(json_t *parent, const char *token, json_t *value)
{
	size_t index;

	if (json_is_object(parent))
		return json_object_set_new(parent, token, value);
	if (json_is_array(parent)) {
		if (strcmp(token, "-") == 0)
			return json_array_append_new(parent, value);
		if (parse_index(token, &index))
			return index == json_array_size(parent)
				       ? json_array_append_new(parent, value)
				       : json_array_set_new(parent, index, value);
	}
	json_decref(value);
	return -1;
}

/* One step on the way: what stands there, or a new object. */
static json_t *enter_child(json_t *parent, const char *token)
{
	json_t *child = get_child(parent, token);

	if (child)
		return child;
	child = json_object();
	return set_child(parent, token, child) == 0 ? child : NULL;
}

static int set_pointer_error(struct sq_err *err, const char *pointer, const json_t *parent,
			     const char *token)
{
	if (json_is_array(parent))
		return sq_err_set(err, -EINVAL, pointer,
				  "\"%s\" is no index of an array of %zu; give 0 to %zu, or - to "
				  "append",
				  token, json_array_size(parent), json_array_size(parent));
	return sq_err_set(err, -EINVAL, pointer,
			  "what stands before \"%s\" is neither object nor array; shorten the "
			  "pointer",
			  token);
}

int sq_json_pointer_set(json_t *root, const char *pointer, json_t *value, struct sq_err *err)
{
	const char *p = pointer;
	json_t *at = root;
	int rc = 0;

	if (!value)
		return sq_err_set(err, -EINVAL, pointer, "no value to set");
	if (*p != '/') {
		json_decref(value);
		return sq_err_set(err, -EINVAL, pointer,
				  "no JSON pointer; it starts with a slash, as \"/load/0/name\"");
	}
	while (value && rc == 0) {
		char *token;
		json_t *parent = at;

		p++;
		token = take_token(&p);
		if (!token) {
			rc = sq_err_set(err, -EINVAL, pointer,
					"a ~ in a JSON pointer is written ~0, a / in a key ~1");
			break;
		}
		if (*p) {
			at = enter_child(at, token);
		} else {
			at = set_child(at, token, value) == 0 ? root : NULL;
			value = NULL;
		}
		if (!at)
			rc = set_pointer_error(err, pointer, parent, token);
		free(token);
	}
	json_decref(value);
	return rc;
}

void sq_json_pointer_join(char *out, size_t size, const char *parent, const char *key)
{
	size_t len = strlen(parent);

	if (!size)
		return;
	if (out != parent)
		snprintf(out, size, "%s", parent);
	if (len + 1 < size)
		out[len++] = '/';
	for (; *key; key++) {
		bool escaped = *key == '~' || *key == '/';

		/* An escape is kept whole or left out. */
		if (len + (escaped ? 2 : 1) >= size)
			break;
		out[len++] = escaped ? '~' : *key;
		if (escaped)
			out[len++] = *key == '~' ? '0' : '1';
	}
	out[len < size ? len : size - 1] = '\0';
}
