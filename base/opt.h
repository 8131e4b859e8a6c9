/* Option tables: what keys an object has, of what type, in what range, and what they mean.
 * One table gives the parsing of a scenario, its echo, the command line's options, the help, the
 * reference in docs/ and the JSON Schema.  Nothing else in the tree knows a key's spelling.
 *
 * A struct is filled from a JSON object by a table whose entries hold offsets into it.  Tables
 * nest (table, list, map), and a plug entry chooses a plug-in by name: the keys of that plug-in's
 * own table then stand in the same object, beside the common ones. */
#ifndef SQ_BASE_OPT_H
#define SQ_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum sq_opt_type {
	SQ_OPT_BOOL,       /* bool */
	SQ_OPT_INT,        /* int64_t */
	SQ_OPT_REAL,       /* double */
	SQ_OPT_DURATION,   /* int64_t ns */
	SQ_OPT_RATE,       /* double per second */
	SQ_OPT_SIZE,       /* int64_t bytes */
	SQ_OPT_BITRATE,    /* int64_t bit/s */
	SQ_OPT_INT_RANGE,  /* struct sq_range: "1-10", or one number, which is both ends */
	SQ_OPT_SIZE_RANGE, /* the same of bytes: "1-10KiB" */
	SQ_OPT_STRING,     /* char *, owned */
	SQ_OPT_ENUM,       /* int, an index into choices */
	SQ_OPT_STRINGS,    /* struct sq_strings: an array of strings */
	SQ_OPT_PAIRS,      /* struct sq_pairs: an object of scalars, kept as text in file order */
	SQ_OPT_TABLE,      /* the struct itself, laid in place; sub */
	SQ_OPT_LIST,       /* struct sq_list of elem_size structs: an array of objects; sub */
	SQ_OPT_MAP,        /* struct sq_list: an object of objects; sub.  The key goes to the
			  * element's first member, a char *, which sub does not list */
	SQ_OPT_PLUG,       /* struct sq_plug: the value names a plug-in of the family `plug` */
};

struct sq_range {
	int64_t least, most;
};

struct sq_strings {
	char **v;
	size_t n;
};

struct sq_pair {
	char *key, *value;
};

struct sq_pairs {
	struct sq_pair *v;
	size_t n;
};

struct sq_list {
	void *v; /* n elements of the entry's elem_size, in file order */
	size_t n;
};

/* SQ_OPT_UNSET marks a value that was not given and has no default: INT64_MIN, NAN, NULL or -1. */
#define SQ_OPT_UNSET INT64_MIN

struct sq_opt {
	const char *name; /* NULL ends a table */
	enum sq_opt_type type;
	size_t offset;
	const char
		*def; /* the default as a person writes it; NULL: none (the member is left unset) */
	bool required;
	double min,
		max; /* in the member's own unit; both 0: any value that the type can hold >= 0 */
	const char *const *choices; /* ENUM */
	const struct sq_opt *sub;   /* TABLE, LIST, MAP */
	size_t elem_size;           /* LIST, MAP */
	bool lone;                  /* STRINGS: a string alone stands for an array of it */
	const char *plug;           /* PLUG: the family, "driver", "sink", "source" */
	const char
		*help; /* one line, lower case, no full stop; for MAP and LIST what an element is */
};

/* What every plug-in has in common.  conf_size bytes are laid out by opts. */
struct sq_kind {
	const char *name, *summary;
	const struct sq_opt *opts;
	size_t conf_size;
	bool programs; /* it runs commands that its options give, which takes --allow-exec */
};

struct sq_plug {
	const struct sq_kind *kind; /* NULL: not given */
	void *conf;
};

/* The plug-ins that a parse may choose from; a NULL family ends the list. */
struct sq_family {
	const char *name;
	const struct sq_kind *const *kinds; /* NULL-terminated */
};

struct sq_opt_ctx {
	const char *file; /* what errors call the document */
	const struct sq_family *families;
};

/* Fills *base (storage of the caller, any content) from an object: defaults first, then the
 * object's keys.  Errors are -EINVAL, with where = "FILE: POINTER" and text = what was expected,
 * what was found, the nearest known key.  On failure *base is left empty (fini'd). */
int sq_opt_parse(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const json_t *object,
		 const char *pointer, void *base, struct sq_err *err);

/* One value given as text, as on a command line: "--accept-delay 1ms" (name with - or _);
 * text NULL is true for a BOOL.  Keys of a plug-in are known once it was chosen.  -ENOENT for an
 * unknown option, -EINVAL for a bad value; where is "--NAME". */
int sq_opt_set_text(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const char *name,
		    const char *text, void *base, struct sq_err *err);
int sq_opt_defaults(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, void *base,
		    struct sq_err *err);

/* The effective values as an object that parses back to the same struct.  Unset members are left
 * out.  New reference. */
json_t *sq_opt_echo(const struct sq_opt *opts, const void *base);

void sq_opt_fini(const struct sq_opt *opts, void *base);

/* "  --accept-delay DURATION   how long ...  (default 0s)" for command-line help. */
void sq_opt_help(const struct sq_opt *opts, struct sq_buf *out);

/* The reference of a table as Markdown rows, nested tables below their parent. */
void sq_opt_markdown(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const char *title,
		     struct sq_buf *out);

/* Adds a copy; sq_strings_fini frees all. */
void sq_strings_add(struct sq_strings *s, const char *text);
void sq_strings_fini(struct sq_strings *s);

#endif
