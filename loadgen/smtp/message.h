/* The mail of a load: who writes to whom, and the header that tells each message from all others.
 * Made once before the run and the same for all lanes; what differs between messages follows from
 * their numbers.
 *
 * The messages of a load are numbered, and take the recipients in turn: message n of r recipients
 * each is for addresses n*r, n*r + 1 ... of the list, which begins anew at its end. */
#ifndef SQ_LOADGEN_SMTP_MESSAGE_H
#define SQ_LOADGEN_SMTP_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "loadgen/smtp/body.h"
#include "loadgen/smtp/recipients.h"

struct sq_smtp_mail_spec {
	const char *sender;                  /* a pattern (base/pattern.h) */
	const struct sq_strings *recipients; /* patterns */
	const char *users;                   /* a file of recipients instead; NULL: none */
	int64_t recipients_per_message;
	const char *subject;
	const char *helo; /* our name; also the right side of each Message-ID */
	struct sq_smtp_body_spec body;
};

/* What only a lane knows of its messages' names: text that no other lane's begin with. */
struct sq_smtp_mail_lane {
	uint64_t number;
	char id[64];   /* "5eed5eed5eed5eed.0." */
	char date[40]; /* "Mon, 24 Nov 2025 07:04:00 +0000" */
	size_t id_len, date_len;
};

struct sq_smtp_mail;

/* NULL with err: -EINVAL, or that of a file that cannot be read. */
struct sq_smtp_mail *sq_smtp_mail_new(const struct sq_smtp_mail_spec *spec, struct sq_err *err);
struct sq_smtp_mail *sq_smtp_mail_free(struct sq_smtp_mail *m);

unsigned sq_smtp_mail_recipients(const struct sq_smtp_mail *m);

void sq_smtp_mail_lane_init(struct sq_smtp_mail_lane *l, uint64_t id, unsigned index);
/* wall_s: seconds since 1970. */
void sq_smtp_mail_lane_date(struct sq_smtp_mail_lane *l, int64_t wall_s);

/* Each of these writes to `out`, which has room for sq_smtp_mail_room bytes for all of a message's
 * commands and its header together, and returns the end of what it wrote. */
size_t sq_smtp_mail_room(const struct sq_smtp_mail *m);
/* extensions: what the server offers (SQ_SMTP_EXT_SIZE ...); SIZE is told a little more than it is. */
char *sq_smtp_mail_from(const struct sq_smtp_mail *m, const struct sq_smtp_which *which,
			unsigned extensions, char *out);
char *sq_smtp_mail_rcpt(const struct sq_smtp_mail *m, uint64_t number, unsigned i, char *out);
/* wall_ns: since 1970, when it goes out. */
char *sq_smtp_mail_header(const struct sq_smtp_mail *m, const struct sq_smtp_mail_lane *l,
			  const struct sq_smtp_which *which, const struct sq_smtp_body *body,
			  int64_t wall_ns, char *out);

/* What follows the header. */
void sq_smtp_mail_body(const struct sq_smtp_mail *m, const struct sq_smtp_which *which,
		       struct sq_smtp_body *ret);

/* The domain of a message's first recipient, NUL-terminated; out has room for a whole address. */
const char *sq_smtp_mail_domain(const struct sq_smtp_mail *m, uint64_t number,
				char out[SQ_SMTP_ADDRESS_MAX + 1]);

#endif
