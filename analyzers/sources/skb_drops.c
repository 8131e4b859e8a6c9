/* Where and why the kernel dropped packets, by its own word: "skb.drop" of
 * "NO_SOCKET@__udp4_lib_rcv" (the event skb:kfree_skb, through tracefs).
 *
 * What a reader would get wrong:
 * - It traces the whole machine, whichever namespace it is asked in; a dropped packet costs the kernel
 *   0.4 us more, and the reader 1.4 us.  So it must be asked for.
 * - Not every failure is a drop that is told here: a SYN that meets a full queue and a send that is
 *   refused by its socket's buffer give no event.  And not every drop is a failure (TCP_OLD_SEQUENCE
 *   is an answered probe).
 * - A tick reads so many events and no more, and what the ring then loses is counted ("skb.lost"). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/formats/drops.h"
#include "analyzers/kernel/kallsyms.h"
#include "analyzers/kernel/tracefs.h"
#include "base/mem.h"

enum {
	TEXT_SIZE = 64 * 1024,
	READS = 1024, /* a tick, each of 4 KiB: 65,000 drops */
	PLACES = 512, /* rows; what comes beyond is in the last one */
};

struct place {
	char *reason, *location; /* location: "" when it has an address alone */
	uint64_t address;
	unsigned row;
	uint64_t n;
};

struct skb_drops {
	struct sq_sample *sample;
	struct sq_tracefs trace;
	char *text;
	struct place *v;
	size_t n, cap;
	unsigned lost_row;
	uint64_t lost;
};

static bool is_at(const struct place *p, const struct sq_drop *d)
{
	return p->address == d->address && strcmp(p->reason, d->reason) == 0 &&
	       strcmp(p->location, d->location) == 0;
}

static unsigned add_row(struct skb_drops *s, const struct sq_drop *d)
{
	char instance[2 * SQ_DROP_WORD + 2], name[SQ_KALLSYMS_NAME];
	const char *location = d->location;

	if (!location[0]) {
		if (sq_kallsyms_name(d->address, name) < 0)
			snprintf(name, sizeof(name), "%#llx", (unsigned long long)d->address);
		location = name;
	}
	snprintf(instance, sizeof(instance), "%s@%s", d->reason, location);
	return sq_catalogue_metric(s->sample, "skb.drop", s->n < PLACES ? instance : "others");
}

static struct place *place_at(struct skb_drops *s, const struct sq_drop *d)
{
	struct place *p;

	for (size_t i = 0; i < s->n; i++)
		if (i == PLACES - 1 || is_at(&s->v[i], d))
			return &s->v[i];
	s->v = sq_grow(s->v, s->n, &s->cap, sizeof(*s->v));
	p = &s->v[s->n++];
	*p = (struct place){ .reason = sq_strdup(d->reason),
			     .location = sq_strdup(d->location),
			     .address = d->address,
			     .row = add_row(s, d) };
	return p;
}

static void take_lines(struct skb_drops *s)
{
	struct sq_drop drop;
	char *line = s->text, *next;

	for (; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		switch (sq_drop_parse(line, &drop)) {
		case SQ_DROP_PACKET:
			place_at(s, &drop)->n++;
			break;
		case SQ_DROP_LOST:
			s->lost += drop.lost ? drop.lost : 1;
			break;
		case SQ_DROP_OTHER:
			break;
		}
	}
}

static int skb_drops_sample(void *state, struct sq_sample *sample)
{
	struct skb_drops *s = state;
	ssize_t len = 1;

	for (size_t i = 0; len > 0 && i < READS; i++) {
		len = sq_tracefs_read(&s->trace, s->text, TEXT_SIZE);
		if (len > 0)
			take_lines(s);
	}
	if (len < 0)
		return (int)len;
	for (size_t i = 0; i < s->n; i++)
		sq_sample_put(sample, s->v[i].row, s->v[i].n);
	sq_sample_put(sample, s->lost_row, s->lost);
	return 0;
}

static void skb_drops_close(void *state)
{
	struct skb_drops *s = state;

	sq_tracefs_close(&s->trace);
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].reason);
		free(s->v[i].location);
	}
	free(s->v);
	free(s->text);
}

static int skb_drops_open(void *state, const void *conf, struct sq_sample *sample,
			  struct sq_err *err)
{
	struct skb_drops *s = state;
	int rc;

	(void)conf;
	*s = (struct skb_drops){ .sample = sample };
	rc = sq_tracefs_open(&s->trace, "skb/kfree_skb", err);
	if (rc < 0)
		return rc;
	s->text = sq_alloc(TEXT_SIZE);
	s->lost_row = sq_catalogue_metric(sample, "skb.lost", NULL);
	return 0;
}

const struct sq_source sq_source_skb_drops = {
	.kind = {
		.name = "skb_drops",
		.summary = "which packets the kernel of the whole machine dropped, by reason and place (tracefs; root)",
	},
	.state_size = sizeof(struct skb_drops),
	.blocking = true, /* reading what a flood left takes longer than a tick may be late */
	.open = skb_drops_open,
	.sample = skb_drops_sample,
	.close = skb_drops_close,
};
