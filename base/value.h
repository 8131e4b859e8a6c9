/* Values as people write them: "800ms", "24000/min", "10KiB", "400kbit". */
#ifndef SQ_BASE_VALUE_H
#define SQ_BASE_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* Each returns 0, or -EINVAL (not of the form) or -ERANGE (does not fit); the result is untouched
 * on failure.  No sign, no space inside; a decimal fraction is allowed wherever the result can
 * hold it. */
int sq_parse_duration(const char *s, int64_t *ret_ns); /* ns us ms s min h; the unit is required */
int sq_parse_rate(
	const char *s,
	double *ret_per_s); /* "2000", "2000/s", "24000/min", "5/h"; k and M before the slash */
int sq_parse_size(const char *s,
		  int64_t *ret_bytes); /* "512", "512B", "10KiB", "10kB", MiB, MB, GiB, GB */
int sq_parse_bitrate(const char *s,
		     int64_t *ret_bit_per_s); /* "400kbit", "10mbit", "1gbit", "9600bit" */

/* The shortest text that the parser above reads back to the same value. */
void sq_format_duration(char *out, size_t size, int64_t ns);
void sq_format_rate(char *out, size_t size, double per_s);
void sq_format_size(char *out, size_t size, int64_t bytes);
void sq_format_bitrate(char *out, size_t size, int64_t bit_per_s);

/* The nearest of the NULL-terminated words to a misspelt one (Damerau-Levenshtein), or NULL when
 * none is near enough to be meant. */
const char *sq_nearest(const char *word, const char *const *words);

/* Runs of white space become one space; none stands at either end.  In place. */
void sq_text_squeeze(char *text);

/* UTF-8 that was cut to a size may end within a character: back to its beginning.  In place. */
void sq_text_cut_back(char *text);

#endif
