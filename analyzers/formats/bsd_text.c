/* Names out of the words that BSD's tools print.
 *
 * What a reader would get wrong: netstat says "1 syncache entry added" and "2 syncache entries added".  A
 * row must not change its name with its value, so each word is brought to its singular, whether it is
 * a noun or not: what matters is that both forms come to the same. */
#include "analyzers/formats/bsd_text.h"

#include <ctype.h>
#include <string.h>

static bool ends(struct sq_span w, const char *tail)
{
	size_t len = strlen(tail);

	return sq_span_len(w) > len + 1 && memcmp(w.end - len, tail, len) == 0;
}

static size_t add(char *out, size_t at, struct sq_span w)
{
	for (; w.p < w.end && at + 1 < SQ_BSD_NAME; w.p++)
		out[at++] = *w.p;
	out[at] = '\0';
	return at;
}

static size_t add_singular(char *out, size_t at, struct sq_span w)
{
	static const char y[] = "y";

	/* Not a cookie. */
	if (ends(w, "ies") && !ends(w, "kies")) {
		w.end -= 3;
		return add(out, add(out, at, w), (struct sq_span){ y, y + 1 });
	}
	if (ends(w, "sses") || ends(w, "shes") || ends(w, "ches") || ends(w, "xes"))
		w.end -= 2;
	else if (ends(w, "s") && !ends(w, "ss") && !ends(w, "us") && !ends(w, "is") &&
		 !ends(w, "as"))
		w.end--;
	return add(out, at, w);
}

static bool is_of_word(char c)
{
	return isalnum((unsigned char)c) || c == '-';
}

static bool take_word(struct sq_span *text, struct sq_span *ret)
{
	while (text->p < text->end && !is_of_word(*text->p))
		text->p++;
	ret->p = text->p;
	while (text->p < text->end && is_of_word(*text->p))
		text->p++;
	ret->end = text->p;
	return ret->end > ret->p;
}

bool sq_bsd_name(char out[SQ_BSD_NAME], struct sq_span words)
{
	size_t at = strlen(out);
	struct sq_span word;

	if (at + 2 >= SQ_BSD_NAME)
		return false;
	while (take_word(&words, &word)) {
		if (at > 0 && out[at - 1] != '.')
			out[at++] = '_';
		at = add_singular(out, at, word);
		if (at + 2 >= SQ_BSD_NAME)
			return false;
	}
	return at > 0;
}

void sq_bsd_put(struct sq_stats *t, const char *name, const char *instance, uint64_t value)
{
	sq_stats_put(t, "bsd.", sq_span_of(name), sq_span_of(instance), value);
}
