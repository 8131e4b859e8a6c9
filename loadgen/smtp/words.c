/* A refusal is called by its number, since that is the word of the protocol, of every log and of
 * every manual: "452", "550". */
#include "loadgen/smtp/words.h"

#include <stddef.h>

/* clang-format off */
#define SOFT(n) { #n, SQ_CLASS_SOFT, "the server's reply: not now, try again later" }
#define HARD(n) { #n, SQ_CLASS_HARD, "the server's reply: refused for good" }
#define TEN(of, d) of(d##0), of(d##1), of(d##2), of(d##3), of(d##4), \
		   of(d##5), of(d##6), of(d##7), of(d##8), of(d##9)
#define HUNDRED(of, d) TEN(of, d##0), TEN(of, d##1), TEN(of, d##2), TEN(of, d##3), TEN(of, d##4), \
		       TEN(of, d##5), TEN(of, d##6), TEN(of, d##7), TEN(of, d##8), TEN(of, d##9)
/* clang-format on */

#define AT(code) [(code)-SQ_CODE_DRIVER]

const struct sq_code sq_smtp_codes[] = {
	AT(SQ_SMTP_BAD_REPLY) = { "bad-reply", SQ_CLASS_GARBLED,
				  "no SMTP reply, or a success where another was due" },
	AT(SQ_SMTP_NO_SESSION) = { "no-session", SQ_CLASS_LOCAL,
				   "the load's own connections were all busy for half of the timeout" },
	AT(SQ_SMTP_NXDOMAIN) = { "NXDOMAIN", SQ_CLASS_HARD,
				 "the domain of the recipient, or its mail exchanger, does not exist" },
	AT(SQ_SMTP_NODATA) = { "NODATA", SQ_CLASS_HARD, "the name has no address" },
	AT(SQ_SMTP_SERVFAIL) = { "SERVFAIL", SQ_CLASS_HARD, "the resolver failed" },
	AT(SQ_SMTP_REFUSED) = { "REFUSED", SQ_CLASS_HARD, "the resolver refused the question" },
	AT(SQ_SMTP_NULL_MX) = { "null-mx", SQ_CLASS_HARD,
				"the domain says that it takes no mail (RFC 7505)" },
	AT(SQ_SMTP_BAD_ANSWER) = { "bad-answer", SQ_CLASS_GARBLED,
				   "the resolver's answer was none" },
	AT(SQ_SMTP_NO_ANSWER) = { "no-answer", SQ_CLASS_HARD, "the look-up failed in another way" },
	AT(SQ_SMTP_REPLY_400) = HUNDRED(SOFT, 4),
	HUNDRED(HARD, 5),
	{ 0 },
};

_Static_assert(sizeof(sq_smtp_codes) / sizeof(*sq_smtp_codes) ==
		       SQ_SMTP_REPLY_400 - SQ_CODE_DRIVER + 201,
	       "each reply stands at its number");

const char *const sq_smtp_phases[] = {
	[SQ_SMTP_RESOLVE] = "resolve", [SQ_SMTP_CONNECT] = "connect", [SQ_SMTP_BANNER] = "banner",
	[SQ_SMTP_HELO] = "helo",       [SQ_SMTP_TLS] = "tls",         [SQ_SMTP_AUTH] = "auth",
	[SQ_SMTP_MAIL] = "mail",       [SQ_SMTP_RCPT] = "rcpt",       [SQ_SMTP_DATA] = "data",
	[SQ_SMTP_BODY] = "body",       [SQ_SMTP_QUIT] = "quit",       [SQ_SMTP_PHASES] = NULL,
};

const char *const sq_smtp_efforts[] = {
	[SQ_SMTP_SYN_RETRANS] = "syn_retrans",
	[SQ_SMTP_LOST_SEGS] = "lost_segs",
	NULL,
};

const char *const sq_smtp_counts[] = {
	[SQ_SMTP_CONNECTIONS] = "connections",               /* established */
	[SQ_SMTP_RECIPIENTS] = "recipients",                 /* RCPTs that were accepted */
	[SQ_SMTP_RECIPIENTS_REFUSED] = "recipients_refused", /* and refused */
	[SQ_SMTP_RECIPIENTS_UNDELIVERED] =
		"recipients_undelivered",                /* refused after the text: LMTP */
	[SQ_SMTP_BYTES] = "bytes",                       /* given to the sockets */
	[SQ_SMTP_QUITS] = "quits",                       /* QUITs sent */
	[SQ_SMTP_CLOSED_BY_SERVER] = "closed_by_server", /* while idle: no message fails */
	[SQ_SMTP_STRAY_REPLIES] = "stray_replies",       /* replies to nothing */
	[SQ_SMTP_LOOKUPS] = "lookups",                   /* of domains */
	[SQ_SMTP_NEXT_MX] = "next_mx", /* an address could not be reached, and the next was tried */
	[SQ_SMTP_AUTHORIZED_ADDRESSES] = "authorized_addresses", /* learnt ones that only an
								    authorized range opened */
	[SQ_SMTP_TLS_FULL] = "tls_full",
	[SQ_SMTP_TLS_RESUMED] = "tls_resumed", /* handshakes */
	NULL,
};
