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
	SQ_SMTPD_HELO, /* EHLO and HELO */
	SQ_SMTPD_MAIL,
	SQ_SMTPD_RCPT,
	SQ_SMTPD_DATA,
	SQ_SMTPD_BODY, /* the answer to the final dot */
	SQ_SMTPD_QUIT,
	SQ_SMTPD_PHASES,
};

enum sq_smtpd_action {
	SQ_SMTPD_REPLY, /* a code from 400 to 599; 421 closes */
	SQ_SMTPD_DROP,  /* RST */
	SQ_SMTPD_CLOSE, /* FIN without an answer */
	SQ_SMTPD_STALL, /* never an answer, and no FIN */
	SQ_SMTPD_DELAY, /* beside any of the others, before it */
	SQ_SMTPD_ACTIONS,
};

extern const char *const sq_smtpd_phase_names[];  /* NULL-terminated */
extern const char *const sq_smtpd_action_names[]; /* NULL-terminated; of REPLY: "CODE" */

/* A whole, in units of which one is a millionth of a per cent. */
#define SQ_SMTPD_WHOLE INT64_C(100000000)

struct sq_smtpd_fault {
	enum sq_smtpd_phase phase;
	enum sq_smtpd_action action;
	int code;         /* REPLY */
	int64_t delay_ns; /* DELAY */
	int64_t share, credit;
};

/* What can befall a command, of which at most one thing does; `clear` is the share of none. */
struct sq_smtpd_draw {
	struct sq_smtpd_fault *v;
	size_t n, cap;
	int64_t clear, clear_credit;
};

struct sq_smtpd_faults {
	struct sq_smtpd_draw fate[SQ_SMTPD_PHASES], delay[SQ_SMTPD_PHASES];
};

/* PHASE:ACTION[:PERCENT%], in which ACTION is a code, drop, close, stall or delay:DURATION, and
 * 100 % is the default.  0, or -EINVAL; the text tells the fault, and the nearest known word. */
int sq_smtpd_fault_parse(const char *text, struct sq_smtpd_fault *ret_fault, struct sq_err *err);

/* faults is zeroed storage.  Also -EINVAL when a phase's shares add up to more than all.  On
 * failure nothing is left to free. */
int sq_smtpd_faults_init(struct sq_smtpd_faults *faults, const struct sq_strings *texts,
			 struct sq_err *err);
void sq_smtpd_faults_fini(struct sq_smtpd_faults *faults);

/* What befalls the next one; NULL: nothing. */
const struct sq_smtpd_fault *sq_smtpd_draw(struct sq_smtpd_draw *draw);

#endif
