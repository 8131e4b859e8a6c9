/* Programmed faults of the SMTP sink: "rcpt:452:10%" answers 452 to 10 % of the RCPTs.
 *
 * Shares are exact, not drawn by chance: after n commands of a phase each of its faults happened
 * n * share times, and whenever that is a whole number for every fault of the phase, exactly so. */
#ifndef SQ_LOADGEN_SMTP_SINK_FAULT_H
#define SQ_LOADGEN_SMTP_SINK_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

/* In protocol order. */
enum sq_smtpd_phase {
	SQ_SMTPD_CONNECT, /* accepted, and nothing said yet */
	SQ_SMTPD_BANNER,
	SQ_SMTPD_HELO, /* EHLO, HELO and LHLO */
	SQ_SMTPD_TLS,  /* STARTTLS; or a connection that begins with TLS */
	SQ_SMTPD_AUTH, /* all that it needs is there */
	SQ_SMTPD_MAIL,
	SQ_SMTPD_RCPT,
	SQ_SMTPD_DATA,
	SQ_SMTPD_BODY, /* an answer to the final dot */
	SQ_SMTPD_QUIT,
	SQ_SMTPD_PHASES,
};

enum sq_smtpd_action {
	SQ_SMTPD_REPLY,   /* a code from 400 to 599; 421 closes */
	SQ_SMTPD_DROP,    /* RST */
	SQ_SMTPD_CLOSE,   /* FIN without an answer */
	SQ_SMTPD_STALL,   /* never an answer, and no FIN */
	SQ_SMTPD_GARBAGE, /* a line that is no reply */
	SQ_SMTPD_SLOW,    /* DATA is accepted, and its text read at so many octets a second */
	SQ_SMTPD_DELAY,   /* beside any of the others, before it */
	SQ_SMTPD_ACTIONS,
};

extern const char *const sq_smtpd_phase_names[];  /* NULL-terminated */
extern const char *const sq_smtpd_action_names[]; /* NULL-terminated; of REPLY: "CODE" */

/* A whole, in units of which one is a millionth of a per cent. */
#define SQ_SMTPD_WHOLE INT64_C(100000000)

enum { SQ_SMTPD_PATTERN = 128 };

struct sq_smtpd_fault {
	enum sq_smtpd_phase phase;
	enum sq_smtpd_action action;
	int code;         /* REPLY */
	int64_t delay_ns; /* DELAY */
	int64_t share, credit;
	int64_t bytes;                  /* SLOW */
	char pattern[SQ_SMTPD_PATTERN]; /* RCPT: of the addresses that it is for; "": all */
};

/* What can befall a command, of which at most one thing does; `clear` is the share of none. */
struct sq_smtpd_draw {
	struct sq_smtpd_fault *v;
	size_t n, cap;
	int64_t clear, clear_credit;
};

struct sq_smtpd_draws {
	struct sq_smtpd_draw fate, delay;
	char pattern[SQ_SMTPD_PATTERN]; /* of `some` */
};

struct sq_smtpd_faults {
	struct sq_smtpd_draws of[SQ_SMTPD_PHASES];
	struct sq_smtpd_draws *some; /* of recipients that fit a pattern, in the order given */
	size_t n_some, cap_some;
};

/* PHASE:ACTION[:PERCENT%] or rcpt=PATTERN:ACTION[:PERCENT%], in which ACTION is a code, drop, close,
 * stall, garbage, slow:SIZE or delay:DURATION, and 100 % is the default.  0, or -EINVAL; the text tells the fault, and the nearest known word. */
int sq_smtpd_fault_parse(const char *text, struct sq_smtpd_fault *ret_fault, struct sq_err *err);

/* faults is zeroed storage.  Also -EINVAL when a phase's shares add up to more than all.  On
 * failure nothing is left to free. */
int sq_smtpd_faults_init(struct sq_smtpd_faults *faults, const struct sq_strings *texts,
			 struct sq_err *err);
void sq_smtpd_faults_fini(struct sq_smtpd_faults *faults);

/* Those for this recipient: of the first pattern that it fits, or else of the phase. */
struct sq_smtpd_draws *sq_smtpd_faults_of_rcpt(struct sq_smtpd_faults *faults, const char *address,
					       size_t len);

/* What befalls the next one; NULL: nothing. */
const struct sq_smtpd_fault *sq_smtpd_draw(struct sq_smtpd_draw *draw);

#endif
