/* What the files of the join share: delivery.c reads what there is, merge.c judges each message once,
 * fate.c says where one is that did not arrive, rest.c what it all comes to. */
#ifndef SQ_ANALYZERS_DELIVERY_PRIVATE_H
#define SQ_ANALYZERS_DELIVERY_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "results/receipt.h"
#include "results/run.h"

struct sq_join_lane {
	const struct sq_accepted *accepted;
	struct sq_delivery_load *load;
};

/* One recipient's. */
struct sq_arrival {
	uint64_t number;
	int64_t arrived_ns, sent_ns;
	uint32_t lane, recipient;
	enum sq_receipt_text text;
};

/* What one relay said of one message. */
struct sq_fate {
	uint64_t number;
	uint32_t lane;
	const json_t *said; /* of run->mail */
};

struct sq_join {
	struct sq_run *run;
	struct sq_delivery *d;
	struct sq_join_lane *lanes; /* by id and number */
	size_t n_lanes;
	struct sq_arrival *arrivals; /* by lane, number, recipient; and which one is next */
	size_t n, cap, at;
	struct sq_fate *fates; /* by lane, number */
	size_t n_fates, fate_at;
	struct sq_delivery_file *file; /* being read */
};

/* The index of the lane that made it; n_lanes: none of this run. */
size_t sq_join_lane_of(const struct sq_join *j, const struct sq_message_name *name);

/* Appends the message's name, while there are few. */
void sq_join_example(json_t *list, const struct sq_join_lane *lane, uint64_t number);

void sq_join_merge(struct sq_join *j);

/* fate.c: what relays said; -EINVAL for what is none. */
int sq_join_fates(struct sq_join *j);
/* Books where the recipients are that a message did not reach, `missing` of them: it has these arrivals,
 * and these things were said of it. */
void sq_join_place(struct sq_join *j, const struct sq_join_lane *lane, uint64_t number,
		   uint64_t missing, const struct sq_arrival *arrivals, size_t n_arrivals,
		   const struct sq_fate *fates, size_t n_fates);

/* rest.c: d's sums over loads, and why nothing is known of the undelivered, if so. */
void sq_join_settle(const struct sq_run *run, struct sq_delivery *d);

#endif
