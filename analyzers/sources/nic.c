/* What each network device's driver counts for itself, as ethtool -S shows it: "nic.rx_queue_0_drops" of
 * "eth0".
 *
 * What a reader would get wrong:
 * - The names are the driver's, and so are their meanings; nothing here knows them.  Most count, some
 *   do not: a row that falls is told as an event and read no further.
 * - Asking may cost the driver a talk with its device, under a lock that all configuration of devices
 *   takes: the interval follows the cost (analyzers/thrift.h), and between two readings rows stand still.
 * - Devices are those of when the capture began.  lo and many virtual ones count nothing of their own. */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Linux's own header after the C library's. */
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/catalogue.h"
#include "analyzers/thrift.h"
#include "base/clock.h"
#include "base/mem.h"

struct stat_row {
	unsigned row;
	uint64_t last;
	bool read, fell;
};

struct device {
	char name[IF_NAMESIZE];
	struct stat_row *rows; /* in the driver's order */
	unsigned n;
	struct ethtool_stats *stats;
};

struct nic {
	struct sq_sample *sample;
	int fd;
	struct device *v;
	size_t n, cap;
	struct sq_thrift cost;
};

static int ask(const struct nic *c, const char *device, void *command)
{
	struct ifreq request = { .ifr_data = command };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	return ioctl(c->fd, SIOCETHTOOL, &request) == -1 ? -errno : 0;
}

/* 0 also when the driver has none. */
static unsigned count_stats(const struct nic *c, const char *device)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return ask(c, device, &info) == 0 ? info.n_stats : 0;
}

/* As far as it is plain: some drivers pad their names, some end them nowhere. */
static void row_name(char out[ETH_GSTRING_LEN + 8], const char *name)
{
	size_t len = strnlen(name, ETH_GSTRING_LEN), n = 4;

	memcpy(out, "nic.", n);
	for (size_t i = 0; i < len; i++)
		if (isgraph((unsigned char)name[i]))
			out[n++] = name[i];
	out[n] = '\0';
}

static void name_rows(struct nic *c, struct device *d, const struct ethtool_gstrings *names)
{
	d->rows = sq_alloc_n(d->n, sizeof(*d->rows));
	for (unsigned i = 0; i < d->n; i++) {
		char name[ETH_GSTRING_LEN + 8];

		row_name(name, (const char *)names->data + (size_t)i * ETH_GSTRING_LEN);
		d->rows[i].row = sq_catalogue_metric(c->sample, name, d->name);
	}
}

static void add_device(struct nic *c, const char *name)
{
	struct device d = { .n = count_stats(c, name) };
	struct ethtool_gstrings *names;

	if (d.n == 0)
		return;
	snprintf(d.name, sizeof(d.name), "%s", name);
	/* Room to spare: the kernel copies as many as the driver has at that moment. */
	names = sq_alloc(sizeof(*names) + 2 * (size_t)d.n * ETH_GSTRING_LEN);
	*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS,
					    .string_set = ETH_SS_STATS,
					    .len = d.n };
	if (ask(c, name, names) == 0 && names->len == d.n) {
		name_rows(c, &d, names);
		d.stats = sq_alloc(sizeof(*d.stats) + 2 * (size_t)d.n * sizeof(uint64_t));
		c->v = sq_grow(c->v, c->n, &c->cap, sizeof(*c->v));
		c->v[c->n++] = d;
	}
	free(names);
}

static void complain_of_fall(struct nic *c, const struct device *d, unsigned at)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: value %u of ethtool -S fell; it is read no further",
		 d->name, at + 1);
	sq_sample_event(c->sample, sq_now_ns(), text);
}

static void put(struct nic *c, struct device *d, unsigned at, uint64_t value)
{
	struct stat_row *r = &d->rows[at];

	if (r->read && !r->fell && value < r->last) {
		r->fell = true;
		complain_of_fall(c, d, at);
	}
	r->read = true;
	r->last = value;
	if (!r->fell)
		sq_sample_put(c->sample, r->row, value);
}

/* A device that has gone, or counts other things than it did, is passed over. */
static void read_device(struct nic *c, struct device *d)
{
	if (count_stats(c, d->name) != d->n)
		return;
	d->stats->cmd = ETHTOOL_GSTATS;
	d->stats->n_stats = d->n;
	if (ask(c, d->name, d->stats) < 0 || d->stats->n_stats != d->n)
		return;
	for (unsigned i = 0; i < d->n; i++)
		put(c, d, i, d->stats->data[i]);
}

static int nic_sample(void *state, struct sq_sample *s)
{
	struct nic *c = state;

	(void)s;
	if (!sq_thrift_begin(&c->cost))
		return 0;
	for (size_t i = 0; i < c->n; i++)
		read_device(c, &c->v[i]);
	sq_thrift_end(&c->cost);
	return 0;
}

static void nic_close(void *state)
{
	struct nic *c = state;

	if (c->fd != -1)
		close(c->fd);
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].rows);
		free(c->v[i].stats);
	}
	free(c->v);
	*c = (struct nic){ .fd = -1 };
}

static int nic_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct nic *c = state;
	struct if_nameindex *devices;

	(void)conf;
	*c = (struct nic){ .sample = s, .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	if (c->fd == -1)
		return sq_err_set(err, -errno, "ethtool", "socket: %s", strerror(errno));
	devices = if_nameindex();
	for (const struct if_nameindex *d = devices; d && d->if_name; d++)
		add_device(c, d->if_name);
	if (devices)
		if_freenameindex(devices);
	if (c->n > 0)
		return 0;
	nic_close(c);
	return sq_err_set(err, -ENOENT, "",
			  "no network device here has statistics of its driver's");
}

const struct sq_source sq_source_nic = {
	.kind = {
		.name = "nic",
		.summary = "what the drivers of network devices count for themselves (ethtool -S)",
	},
	.group = "linux",
	.state_size = sizeof(struct nic),
	.open = nic_open,
	.sample = nic_sample,
	.close = nic_close,
};
