/* Where the mail of a domain goes (RFC 5321, section 5), asked of the load's name server.
 *
 * One look-up for all the messages that wait for it.  What was found is kept for the run, as far as
 * there is room; a failure is not kept, and the next message asks again. */
#ifndef SQ_LOADGEN_SMTP_MX_H
#define SQ_LOADGEN_SMTP_MX_H

#include <stdint.h>

#include "base/err.h"
#include "loadgen/engine/lane.h"
#include "loadgen/smtp/pool.h"
#include "scenarios/target.h"

enum sq_smtp_domain_state { SQ_SMTP_UNKNOWN, SQ_SMTP_ASKED, SQ_SMTP_KNOWN };

struct sq_smtp_domain {
	char *name;
	enum sq_smtp_domain_state state;
	uint16_t code; /* UNKNOWN: why the last look-up failed */
	unsigned n;    /* addresses, the best first; KNOWN */
	struct sq_target *address;
	unsigned users; /* messages that hold it: it stays */
	struct sq_smtp_queue waiting;
	struct sq_smtp_domain *next; /* of the same hash */
};

/* done(arg, domain): it is not ASKED any more; called from the loop, or within sq_smtp_mx_ask. */
struct sq_smtp_mx *sq_smtp_mx_new(struct sq_lane *lane,
				  void (*done)(void *arg, struct sq_smtp_domain *d), void *arg,
				  struct sq_err *err);
/* Look-ups under way end without a word; what they have in the loop is closed there. */
struct sq_smtp_mx *sq_smtp_mx_free(struct sq_smtp_mx *mx);

/* The domain, KNOWN or ASKED, or UNKNOWN when asking failed at once; held for the caller, who lets
 * go of it by users--.  NULL when there is no room for one more. */
struct sq_smtp_domain *sq_smtp_mx_ask(struct sq_smtp_mx *mx, const char *name);

#endif
