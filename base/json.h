/* jansson at the border: strict reading with places, whole writing. */
#ifndef SQ_BASE_JSON_H
#define SQ_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Reads one JSON document.  A syntax error names line and column; a duplicate key names the JSON
 * pointer of the key.  name is what errors call the text.  Returns a new reference, or NULL with
 * err set (-ENOENT, -EACCES ... from the system; -EINVAL for the text). */
json_t *sq_json_load_file(const char *path, struct sq_err *err);
json_t *sq_json_load_text(const char *text, size_t len, const char *name, struct sq_err *err);

/* RFC 6901.  get borrows, NULL where nothing stands.  set steals value, makes missing objects on
 * the way ("-" or the length appends to an array), and replaces what was there. */
json_t *sq_json_pointer_get(const json_t *root, const char *pointer);
int sq_json_pointer_set(json_t *root, const char *pointer, json_t *value, struct sq_err *err);

/* Writes the document whole or not at all: a temporary file beside it, fsync, rename.  On failure
 * (a full disk ...) nothing is left behind and what stood there before stands. */
int sq_json_save(const json_t *doc, const char *path, struct sq_err *err);

/* A text as a JSON string. 0, or -EINVAL for one that is not UTF-8. */
int sq_json_quote(struct sq_buf *out, const char *text);

/* A real number, or JSON null for NaN and infinities. */
json_t *sq_json_real(double v);

/* "/a" + "b/c" -> "/a/b~1c" into out. */
void sq_json_pointer_join(char *out, size_t size, const char *parent, const char *key);

#endif
