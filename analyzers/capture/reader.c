/* Readers with a thread of their own, so that what waits (a command, another machine) delays nothing
 * that is cheap.  SCHED_RESET_ON_FORK leaves them at an ordinary priority. */
#include "analyzers/capture/reader.h"

#include <errno.h>
#include <string.h>

#include "base/ctl.h"
#include "base/mem.h"
#include "scenarios/where.h"

static int read_here(struct sq_capture_reader *r, struct sq_err *err)
{
	int rc = sq_feeds_open(&r->feeds, err);

	if (rc == 0)
		rc = sq_feeds_tick(&r->feeds, SQ_FEEDS_ALL, err);
	if (rc < 0)
		return rc;
	sq_ctl_send(r->ctl[1], "ready");
	rc = sq_feeds_keep(&r->feeds, r->ctl[1], NULL, NULL, err);
	if (rc == 1 && sq_feeds_tick(&r->feeds, SQ_FEEDS_ALL, err) < 0)
		return -EIO;
	if (rc == 1)
		sq_feeds_last(&r->feeds);
	return rc;
}

/* An error is the spool's, and so the capture's at its next record. */
static void *reader_main(void *arg)
{
	struct sq_capture_reader *r = arg;
	struct sq_err err = { 0 };

	if (r->where)
		sq_capture_far(r, &err);
	else
		read_here(r, &err);
	sq_feeds_close(&r->feeds);
	sq_ctl_send(r->ctl[1], "done");
	return NULL;
}

static struct sq_capture_reader *first_there(struct sq_capture_reader *const *v, size_t n,
					     const char *where)
{
	for (size_t i = 0; i < n; i++)
		if (sq_same_text(v[i]->where, where))
			return v[i];
	return NULL;
}

/* Without one each connects for itself, which costs the far machine logins and no reading. */
void sq_capture_readers_share(struct sq_capture_reader *const *v, size_t n)
{
	size_t len;

	for (size_t i = 0; i < n; i++) {
		struct sq_capture_reader *first;

		if (!v[i]->where || !sq_where_host(v[i]->where, &len))
			continue;
		first = first_there(v, i, v[i]->where);
		if (first && !first->share) {
			first->share = sq_ssh_share_new(first->where, NULL);
			first->owns_share = first->share != NULL;
		}
		v[i]->share = first ? first->share : NULL;
	}
}

void sq_capture_readers_part(struct sq_capture_reader *const *v, size_t n, bool free_all)
{
	for (size_t i = 0; i < n; i++) {
		if (!v[i]->owns_share)
			continue;
		sq_ssh_share_end(v[i]->share);
		if (free_all)
			sq_ssh_share_free(v[i]->share);
	}
}

int sq_capture_reader_start(struct sq_capture_reader *r, struct sq_err *err)
{
	int rc = sq_ctl_pair(r->ctl);

	if (rc == 0)
		rc = -pthread_create(&r->thread, NULL, reader_main, r);
	if (rc < 0)
		return sq_err_set(err, rc, "capture", "no thread for it: %s", strerror(-rc));
	r->started = true;
	return 0;
}
