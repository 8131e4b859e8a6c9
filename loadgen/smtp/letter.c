/* A letter keeps its header and its body as they are, but for what the way asks: lines end in CRLF and
 * have 998 bytes at most (RFC 5322, 2.1.1), a dot at the start of one is doubled, and NUL is left out.
 *
 * Header fields that would be there twice, or that a relay takes for a loop, are left out too: our
 * Message-ID and our X-Squall fields come in their place.
 *
 * What a reader would get wrong: the digest is of the body alone, and of what it was before its dots
 * were doubled. */
#include "loadgen/smtp/letter.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loadgen/smtp/digest.h"

enum { LINE_MAX_BYTES = 998 };

struct letter {
	char *text; /* as it goes out, header first */
	size_t len, body_bytes;
	uint64_t digest;
	bool eight_bit;
};

struct sq_smtp_letters {
	struct letter *v;
	size_t n, cap;
};

/* One that is being read. */
struct draft {
	struct sq_buf text;
	size_t body_bytes;
	uint64_t digest;
	bool begun, in_body, leaving; /* leaving: this field, and the lines that it goes on in */
	bool blank, eight_bit;        /* blank: the last line was */
};

/* ---- lines ---- */

static bool is_left_out(const char *line)
{
	static const char *const fields[] = { "Message-ID:", "Return-Path:", "Delivered-To:",
					      "X-Squall-" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (strncasecmp(line, fields[i], strlen(fields[i])) == 0)
			return true;
	return false;
}

/* begin: what stands before it, in a header alone. */
static void put_line(struct draft *d, const char *begin, const char *line, size_t len)
{
	sq_buf_puts(&d->text, begin);
	if (!*begin && len > 0 && line[0] == '.')
		sq_buf_puts(&d->text, ".");
	sq_buf_add(&d->text, line, len);
	sq_buf_puts(&d->text, "\r\n");
	if (!d->in_body)
		return;
	d->digest = sq_smtp_digest_add(d->digest, line, len);
	d->digest = sq_smtp_digest_add(d->digest, "\r\n", 2);
	d->body_bytes += len + 2;
}

/* In as many lines as it takes.  Those of a header's field go on behind a blank: one that did not would
 * be a field of its own, or the header's end to a relay that finds no name in it. */
static void put_text(struct draft *d, const char *line, size_t len)
{
	const char *begin = "";

	for (size_t most = LINE_MAX_BYTES; len > most; most = LINE_MAX_BYTES - strlen(begin)) {
		put_line(d, begin, line, most);
		line += most;
		len -= most;
		begin = d->in_body ? "" : " ";
	}
	put_line(d, begin, line, len);
}

static void take_line(struct draft *d, const char *line, size_t len)
{
	bool goes_on = len > 0 && (line[0] == ' ' || line[0] == '\t');

	d->begun = true;
	if (!d->in_body && len > 0) {
		d->leaving = goes_on ? d->leaving : is_left_out(line);
		if (d->leaving)
			return;
	}
	for (size_t i = 0; i < len; i++)
		d->eight_bit = d->eight_bit || (unsigned char)line[i] > 127;
	put_text(d, line, len);
	d->in_body = d->in_body || len == 0;
}

/* Without its end, and without NULs.  Its new length. */
static size_t clean(char *line, size_t len)
{
	size_t n = 0;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++)
		if (line[i])
			line[n++] = line[i];
	line[n] = '\0';
	return n;
}

/* ---- letters ---- */

static void end_letter(struct sq_smtp_letters *l, struct draft *d)
{
	if (d->begun && !d->in_body)
		sq_buf_puts(&d->text, "\r\n");
	if (d->begun) {
		l->v = sq_grow(l->v, l->n, &l->cap, sizeof(*l->v));
		l->v[l->n++] = (struct letter){ .text = d->text.data,
						.len = d->text.len,
						.body_bytes = d->body_bytes,
						.digest = d->digest,
						.eight_bit = d->eight_bit };
	}
	*d = (struct draft){ .digest = SQ_SMTP_DIGEST_EMPTY, .blank = true };
}

/* An mbox begins with "From ", and so does each of its messages, behind a blank line. */
static int read_stream(struct sq_smtp_letters *l, FILE *f, const char *path, struct sq_err *err)
{
	struct draft d = { .digest = SQ_SMTP_DIGEST_EMPTY, .blank = true };
	bool mbox = false, first = true;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	for (; (n = getline(&line, &size, f)) != -1; first = false) {
		size_t len = clean(line, (size_t)n);
		bool from = strncmp(line, "From ", 5) == 0;

		mbox = mbox || (first && from);
		if (mbox && from && d.blank) {
			end_letter(l, &d);
			continue;
		}
		take_line(&d, line, len);
		d.blank = len == 0;
	}
	end_letter(l, &d);
	free(line);
	return ferror(f) ? sq_err_set(err, -EIO, path, "cannot read it to its end") : 0;
}

static int fail_file(const char *path, struct sq_err *err)
{
	return sq_err_set(err, -errno, path,
			  "cannot read messages: %s; name an mbox, a message or a folder of them",
			  strerror(errno));
}

static int read_file(struct sq_smtp_letters *l, const char *path, struct sq_err *err)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (!f)
		return fail_file(path, err);
	rc = read_stream(l, f, path, err);
	fclose(f);
	return rc;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Folders in it are passed over: a Maildir's are named one by one. */
static int read_folder(struct sq_smtp_letters *l, const char *path, struct sq_err *err)
{
	struct dirent **names;
	int n = scandir(path, &names, is_visible, alphasort), rc = 0;

	if (n == -1)
		return fail_file(path, err);
	for (int i = 0; i < n; i++) {
		char *file = sq_printf_dup("%s/%s", path, names[i]->d_name);
		struct stat st;

		if (rc == 0 && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			rc = read_file(l, file, err);
		free(file);
		free(names[i]);
	}
	free(names);
	return rc;
}

struct sq_smtp_letters *sq_smtp_letters_load(const char *path, struct sq_err *err)
{
	struct sq_smtp_letters *l = sq_alloc(sizeof(*l));
	struct stat st;
	int rc;

	if (stat(path, &st) == -1)
		rc = fail_file(path, err);
	else
		rc = S_ISDIR(st.st_mode) ? read_folder(l, path, err) : read_file(l, path, err);
	if (rc == 0 && l->n == 0)
		rc = sq_err_set(err, -EINVAL, path, "there is no message in it");
	return rc < 0 ? sq_smtp_letters_free(l) : l;
}

struct sq_smtp_letters *sq_smtp_letters_free(struct sq_smtp_letters *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	free(l);
	return NULL;
}

void sq_smtp_letter_take(const struct sq_smtp_letters *l, uint64_t number, struct sq_smtp_body *ret)
{
	const struct letter *letter = &l->v[number % l->n];

	*ret = (struct sq_smtp_body){ .text = letter->text,
				      .text_len = letter->len,
				      .headed = true,
				      .bytes = letter->body_bytes,
				      .digest = letter->digest };
}

size_t sq_smtp_letter_size(const struct sq_smtp_letters *l, uint64_t number, bool *ret_eight_bit)
{
	const struct letter *letter = &l->v[number % l->n];

	*ret_eight_bit = letter->eight_bit;
	return letter->len;
}
