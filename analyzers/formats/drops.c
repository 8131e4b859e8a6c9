/* Lines of the event skb:kfree_skb.  Kernels differ in what they say of the place: newer ones name the
 * function ("location=tcp_v4_rcv+0x1a/0xb20"), older ones give an address. */
#include "analyzers/formats/drops.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to a blank, or an end that is given. */
static void copy_word(char out[SQ_DROP_WORD], const char *from, const char *end)
{
	size_t n = 0;

	for (; from[n] && n < SQ_DROP_WORD - 1 && isgraph((unsigned char)from[n]) &&
	       !strchr(end, from[n]);
	     n++)
		out[n] = from[n];
	out[n] = '\0';
}

static enum sq_drop_line parse_lost(const char *line, struct sq_drop *ret)
{
	const char *at = strstr(line, " [LOST ");

	if (strncmp(line, "CPU:", 4) != 0 || !at)
		return SQ_DROP_OTHER;
	ret->lost = strtoull(at + 7, NULL, 10);
	return SQ_DROP_LOST;
}

enum sq_drop_line sq_drop_parse(const char *line, struct sq_drop *ret)
{
	const char *event = strstr(line, "kfree_skb: ");
	const char *location = event ? strstr(event, "location=") : NULL;
	const char *reason = event ? strstr(event, "reason: ") : NULL;
	char *end;

	memset(ret, 0, sizeof(*ret));
	if (!location)
		return parse_lost(line, ret);
	location += strlen("location=");
	copy_word(ret->reason, reason ? reason + strlen("reason: ") : "NOT_SPECIFIED", "");
	ret->address = strtoull(location, &end, 16);
	/* "a" begins function names as well as addresses. */
	if (end == location || (*end && !isspace((unsigned char)*end))) {
		ret->address = 0;
		copy_word(ret->location, location, "+");
	}
	return SQ_DROP_PACKET;
}
