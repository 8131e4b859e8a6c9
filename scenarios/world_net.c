/* Devices of a world: veth pairs placed straight into the two hosts' namespaces, addresses,
 * token-bucket shapers, packet filters.  Each step is one text for one program.
 *
 * A veth does not carry before the kernel's link watch has run, some time after both ends are up;
 * what is sent before is lost without a trace, so the build ends by waiting for it.  The watch
 * takes up to a second over a device whose index is its peer's (both are the first of their
 * namespace, as a rule), and hardly any time over others.  Hence the indices: two hosts took 220
 * to 1010 ms to build without them, and take 7 to 18. */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "scenarios/world_private.h"

enum { CARRIER_LIMIT_S = 5, FIRST_INDEX = 10 };

static const char *const ip_batch[] = { "ip", "-batch", "-", NULL };
static const char *const tc_batch[] = { "tc", "-batch", "-", NULL };
static const char *const nft_file[] = { "nft", "-f", "-", NULL };

/* Runs what is in the text, if anything, and frees it. */
static int run_batch(const struct sq_world *w, size_t host, const char *const *argv,
		     struct sq_buf *text, struct sq_err *err)
{
	int rc = text->len ? sq_world_tool(w, host, argv, text->data, err) : 0;

	sq_buf_fini(text);
	return rc;
}

int sq_world_links(const struct sq_world *w, struct sq_err *err)
{
	struct sq_buf text = { 0 };

	for (size_t i = 0; i < w->plan->n_links; i++) {
		const struct sq_link_plan *link = &w->plan->links[i];

		sq_buf_printf(&text,
			      "link add name %s index %zu netns /proc/self/fd/%d type veth "
			      "peer name %s index %zu netns /proc/self/fd/%d\n",
			      link->device[0], FIRST_INDEX + 2 * i, w->netns[link->host[0]],
			      link->device[1], FIRST_INDEX + 2 * i + 1, w->netns[link->host[1]]);
	}
	return run_batch(w, SIZE_MAX, ip_batch, &text, err);
}

/* IPv6 addresses are usable at once: nobody else can have them here. */
static void add_address(struct sq_buf *text, const char *address, const char *device)
{
	sq_buf_printf(text, "addr add %s dev %s%s\n", address, device,
		      strchr(address, ':') ? " nodad" : "");
}

/* One text for one program: 2560 of them take 0.12 s. */
static void add_addresses(struct sq_buf *text, const char *range, const char *device)
{
	struct sq_addresses all;
	char address[INET6_ADDRSTRLEN + sizeof("/128")], number[INET6_ADDRSTRLEN];

	if (sq_addresses_parse(range, &all) < 0)
		return; /* it was checked with the scenario */
	for (uint32_t i = 0; i < all.n; i++) {
		struct sq_ip ip = sq_ip_nth(&all.first, i);

		sq_ip_format(&ip, number);
		snprintf(address, sizeof(address), "%s/%u", number, all.bits);
		add_address(text, address, device);
	}
}

/* One end's part of a prefix.  The way to it is a route by its host's address: on-link, each of its
 * addresses would need a place in the neighbour table, of which the kernel has 1024
 * (net.ipv4.neigh.default.gc_thresh3, for all namespaces together).
 *
 * IPv6 asks for a neighbour from an address of the device, or from its link-local one when the
 * packet's own source is none (ndisc_solicit()): without either it asks nobody, and all is lost. */
static void add_prefix(struct sq_buf *text, const struct sq_any_ip_plan *any,
		       const struct sq_link_plan *link, size_t end)
{
	const char *via = link->address[any->end];

	if (any->prefix.ip.family == AF_INET6)
		sq_buf_printf(text, "addr replace fe80::%zu/64 dev %s nodad\n", end + 1,
			      link->device[end]);
	if (end == any->end)
		sq_buf_printf(text, "route add local %s dev lo\n", any->text);
	else
		sq_buf_printf(text, "route add %s via %.*s dev %s\n", any->text,
			      (int)strcspn(via, "/"), via, link->device[end]);
}

static void add_prefixes(const struct sq_plan *plan, size_t host, struct sq_buf *text)
{
	for (size_t i = 0; i < plan->n_any_ip; i++) {
		const struct sq_any_ip_plan *any = &plan->any_ip[i];
		const struct sq_link_plan *link = &plan->links[any->link];

		for (size_t end = 0; end < 2; end++)
			if (link->host[end] == host)
				add_prefix(text, any, link, end);
	}
}

int sq_world_addresses(const struct sq_world *w, size_t host, struct sq_err *err)
{
	const struct sq_host_spec *spec = w->plan->hosts[host].spec;
	const char *first = NULL;
	struct sq_buf text = { 0 };

	for (size_t i = 0; i < w->plan->n_links; i++) {
		const struct sq_link_plan *link = &w->plan->links[i];

		for (int end = 0; end < 2; end++) {
			if (link->host[end] != host)
				continue;
			first = first ? first : link->device[end];
			add_address(&text, link->address[end], link->device[end]);
			sq_buf_printf(&text, "link set %s up\n", link->device[end]);
		}
	}
	for (size_t i = 0; spec && i < spec->addresses.n; i++)
		add_addresses(&text, spec->addresses.v[i], first ? first : "lo");
	add_prefixes(w->plan, host, &text);
	return run_batch(w, host, ip_batch, &text, err);
}

static bool has_netem(const struct sq_link_spec *link)
{
	return link->delay_ns > 0 || link->loss_percent > 0; /* UNSET and NAN are not */
}

/* Its own limit of packets is out of the way: it is the shaper's that is meant. */
static void add_netem(struct sq_buf *text, const struct sq_link_spec *link, const char *device)
{
	sq_buf_printf(text, "qdisc replace dev %s root handle 1: netem limit 1000000", device);
	if (link->delay_ns > 0)
		sq_buf_printf(text, " delay %" PRId64 "us", link->delay_ns / SQ_US);
	if (link->loss_percent > 0)
		sq_buf_printf(text, " loss %g%%", link->loss_percent);
	sq_buf_puts(text, "\n");
}

static void add_shaper(struct sq_buf *text, const struct sq_link_spec *link, const char *device)
{
	const struct sq_shape_spec *shape = &link->shape;

	sq_buf_printf(text,
		      "qdisc replace dev %s %s tbf rate %" PRId64 "bit burst %" PRId64
		      " limit %" PRId64 "\n",
		      device, has_netem(link) ? "parent 1:1" : "root", shape->rate_bit_per_s,
		      shape->burst_bytes, shape->limit_bytes);
}

static bool is_shaped(const struct sq_link_spec *link, const char *host)
{
	const struct sq_shape_spec *shape = &link->shape;

	return shape->rate_bit_per_s > 0 && /* SQ_OPT_UNSET is not */
	       (!shape->host || strcmp(shape->host, host) == 0);
}

static int fail_netem(const char *host, struct sq_err *err)
{
	char said[sizeof(err->text)];

	snprintf(said, sizeof(said), "%s", err->text);
	return sq_err_set(err, -EOPNOTSUPP, host,
			  "not here: this kernel delays and loses no packets (netem, sch_netem); "
			  "leave \"delay\" and \"loss_percent\" out, or load the module (%.300s)",
			  said);
}

int sq_world_shapers(const struct sq_world *w, size_t host, struct sq_err *err)
{
	const char *name = w->plan->hosts[host].name;
	struct sq_err own = { 0 };
	struct sq_buf text = { 0 };
	bool netem = false;
	int rc;

	for (size_t i = 0; i < w->plan->n_links; i++) {
		const struct sq_link_plan *link = &w->plan->links[i];

		for (int end = 0; end < 2; end++) {
			if (link->host[end] != host)
				continue;
			if (has_netem(link->spec))
				add_netem(&text, link->spec, link->device[end]);
			if (is_shaped(link->spec, name))
				add_shaper(&text, link->spec, link->device[end]);
			netem = netem || has_netem(link->spec);
		}
	}
	rc = run_batch(w, host, tc_batch, &text, &own);
	if (rc < 0 && err)
		*err = own;
	return rc < 0 && netem && err && strstr(own.text, "unknown") ? fail_netem(name, err) : rc;
}

int sq_world_nft(const struct sq_world *w, size_t host, struct sq_err *err)
{
	const struct sq_host_spec *spec = w->plan->hosts[host].spec;

	for (size_t i = 0; spec && i < spec->nft.n; i++) {
		int rc = sq_world_tool(w, host, nft_file, spec->nft.v[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A socket belongs to the namespace that it was made in, and asks there ever after. */
static int socket_in(const struct sq_world *w, size_t host, struct sq_err *err)
{
	int fd, error;
	int rc = sq_netns_enter(w->netns[host], err);

	if (rc < 0)
		return rc;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	error = errno;
	rc = sq_netns_enter(w->own, err);
	if (fd == -1)
		return sq_err_set(err, -error, "world", "socket: %s", strerror(error));
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

static int wait_carrier(const struct sq_world *w, size_t host, const char *device, int64_t until_ns,
			struct sq_err *err)
{
	struct ifreq req = { 0 };
	int fd = socket_in(w, host, err);
	char where[128];
	int rc = 0;

	if (fd < 0)
		return fd;
	snprintf(where, sizeof(where), "host %s", w->plan->hosts[host].name);
	strncpy(req.ifr_name, device, IFNAMSIZ - 1);
	for (;;) {
		if (ioctl(fd, SIOCGIFFLAGS, &req) == -1) {
			rc = sq_err_set(err, -errno, where, "device %s: %s", device,
					strerror(errno));
			break;
		}
		if (req.ifr_flags & IFF_RUNNING)
			break;
		if (sq_now_ns() >= until_ns) {
			rc = sq_err_set(err, -ETIMEDOUT, where,
					"device %s has no carrier after %d s; does the scenario "
					"take it down?",
					device, CARRIER_LIMIT_S);
			break;
		}
		sq_sleep_until(sq_now_ns() + SQ_MS);
	}
	close(fd);
	return rc;
}

int sq_world_carriers(const struct sq_world *w, struct sq_err *err)
{
	int64_t until_ns = sq_now_ns() + CARRIER_LIMIT_S * SQ_SEC;

	for (size_t i = 0; i < w->plan->n_links; i++) {
		const struct sq_link_plan *link = &w->plan->links[i];

		for (int end = 0; end < 2; end++) {
			int rc = wait_carrier(w, link->host[end], link->device[end], until_ns, err);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
