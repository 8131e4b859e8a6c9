/* The output queue of every device that has one: what its root queueing discipline sent, dropped
 * ("qdisc.drops") and holds back, under the device's name.
 *
 * What a reader would get wrong:
 * - Devices without a queue (lo, veth, as they are made) have noqueue, and no rows.  "qdisc.devices"
 *   is how many have one: with 0 of them nothing was dropped, which is not the same as not known.
 * - qdisc.packets and qdisc.bytes are what was sent on, so without what is in the queue still.
 * - overlimits is how often a shaper made its queue wait, and no loss.
 * - A discipline that is replaced begins at 0, which the capture takes for a restart.  One that is
 *   taken away leaves its counts as they are, and an empty queue.
 * - Listing takes the kernel's RTNL lock, which others hold while they configure devices: beside a
 *   loop that makes and removes namespaces 1 of 100 readings took 3 ms, and the worst of all 40. */
#include "analyzers/kernel/qdisc.h"

#include <linux/netlink.h>

#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "base/mem.h"

enum row { DROPS, PACKETS, BYTES, OVERLIMITS, REQUEUES, BACKLOG, QUEUED, ROWS };

static const char *const rows[ROWS] = {
	[DROPS] = "qdisc.drops",       [PACKETS] = "qdisc.packets",
	[BYTES] = "qdisc.bytes",       [OVERLIMITS] = "qdisc.overlimits",
	[REQUEUES] = "qdisc.requeues", [BACKLOG] = "qdisc.backlog",
	[QUEUED] = "qdisc.queued",
};

struct device {
	uint32_t index;
	unsigned row[ROWS];
	bool seen, live; /* in this dump; in the last good one */
};

struct qdiscs {
	struct sq_netlink netlink;
	struct sq_sample *sample;
	struct device *v;
	size_t n, cap;
	unsigned devices_row;
	uint64_t devices; /* of this dump */
	size_t next;      /* where the next message's device should be: dumps keep their order */
};

static struct device *device_add(struct qdiscs *s, uint32_t index)
{
	char name[IF_NAMESIZE];
	struct device *d;

	s->v = sq_grow(s->v, s->n, &s->cap, sizeof(*s->v));
	d = &s->v[s->n++];
	*d = (struct device){ .index = index };
	sq_netlink_device(index, name);
	for (size_t i = 0; i < ROWS; i++)
		d->row[i] = sq_catalogue_metric(s->sample, rows[i], name);
	return d;
}

static struct device *device_at(struct qdiscs *s, uint32_t index)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t at = (s->next + i) % s->n;

		if (s->v[at].index == index) {
			s->next = at + 1;
			return &s->v[at];
		}
	}
	return device_add(s, index);
}

static void on_qdisc(const struct sq_qdisc *q, void *arg)
{
	struct qdiscs *s = arg;
	struct device *d = device_at(s, q->device);
	const uint64_t value[ROWS] = {
		[DROPS] = q->drops,           [PACKETS] = q->packets,   [BYTES] = q->bytes,
		[OVERLIMITS] = q->overlimits, [REQUEUES] = q->requeues, [BACKLOG] = q->backlog,
		[QUEUED] = q->queued,
	};

	d->seen = true;
	s->devices++;
	for (size_t i = 0; i < ROWS; i++)
		sq_sample_put(s->sample, d->row[i], value[i]);
}

static int qdisc_sample(void *state, struct sq_sample *sample)
{
	struct qdiscs *s = state;
	int rc;

	s->next = 0;
	s->devices = 0;
	for (size_t i = 0; i < s->n; i++)
		s->v[i].seen = false;
	rc = sq_qdisc_dump(&s->netlink, on_qdisc, s);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->n; i++) {
		struct device *d = &s->v[i];

		if (d->live && !d->seen) {
			sq_sample_put(sample, d->row[BACKLOG], 0);
			sq_sample_put(sample, d->row[QUEUED], 0);
		}
		d->live = d->seen;
	}
	sq_sample_put(sample, s->devices_row, s->devices);
	return 0;
}

static void qdisc_close(void *state)
{
	struct qdiscs *s = state;

	sq_netlink_close(&s->netlink);
	free(s->v);
	*s = (struct qdiscs){ 0 };
}

static void ignore(const struct sq_qdisc *q, void *arg)
{
	(void)q;
	(void)arg;
}

static int qdisc_open(void *state, const void *conf, struct sq_sample *sample, struct sq_err *err)
{
	struct qdiscs *s = state;
	int rc;

	(void)conf;
	*s = (struct qdiscs){ .sample = sample };
	rc = sq_netlink_open(&s->netlink, NETLINK_ROUTE, err);
	if (rc < 0)
		return rc;
	/* A kernel without packet schedulers refuses here. */
	rc = sq_qdisc_dump(&s->netlink, ignore, NULL);
	if (rc < 0) {
		sq_err_set(err, rc, "rtnetlink", "listing the queueing disciplines: %s",
			   strerror(-rc));
		qdisc_close(s);
		return rc;
	}
	s->devices_row = sq_catalogue_metric(sample, "qdisc.devices", NULL);
	return 0;
}

const struct sq_source sq_source_qdisc = {
	.kind = {
		.name = "qdisc",
		.summary = "what each device's output queue sent, dropped and holds (rtnetlink)",
	},
	.group = "linux",
	.state_size = sizeof(struct qdiscs),
	.open = qdisc_open,
	.sample = qdisc_sample,
	.close = qdisc_close,
};
