/* Questions from a capture, asked as they were recorded but for their IDs. */
#include "loadgen/dns/ask_private.h"
#include "loadgen/dns/pcap.h"

struct recording {
	struct sq_dns_ask *ask;
	const char *path;
};

static int add_recorded(void *arg, const struct sq_dns_recorded *r, struct sq_err *err)
{
	const struct recording *to = arg;

	return sq_dns_ask_add_raw(to->ask, r->query, r->len, r->question_len, 0, to->path, err);
}

int sq_dns_ask_pcap(struct sq_dns_ask *ask, const char *path, uint16_t port, struct sq_err *err)
{
	struct recording to = { ask, path };
	size_t n_groups = ask->n_groups;
	int rc;

	sq_dns_ask_open(ask);
	rc = sq_dns_pcap_read(path, port, add_recorded, &to, err);
	if (sq_dns_ask_close(ask) == 0)
		ask->n_groups = n_groups;
	return rc;
}
