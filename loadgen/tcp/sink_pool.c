/* Connections come in chunks and are never given back, so that a pointer to one stays good (epoll
 * holds it) and none is allocated once there have been as many before.  The one that was freed last
 * is taken first: it is still in the cache. */
#include "loadgen/tcp/sink_pool.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	CHUNK = 256,
	KEPT = 1 << 12, /* echo's storage that a closed connection leaves to the next */
};

struct sq_tcpd_chunk {
	struct sq_tcpd_chunk *next;
	struct sq_tcpd_conn conns[CHUNK];
};

void sq_tcpd_pool_put(struct sq_tcpd_pool *pool, struct sq_tcpd_conn *c)
{
	if (c->echo.cap > KEPT)
		sq_buf_fini(&c->echo);
	else
		sq_buf_reset(&c->echo);
	c->fd = -1;
	c->next = pool->free;
	pool->free = c;
}

struct sq_tcpd_conn *sq_tcpd_pool_take(struct sq_tcpd_pool *pool)
{
	struct sq_tcpd_conn *c;

	if (!pool->free) {
		struct sq_tcpd_chunk *chunk = sq_alloc(sizeof(*chunk));

		chunk->next = pool->chunks;
		pool->chunks = chunk;
		for (int i = CHUNK - 1; i >= 0; i--)
			sq_tcpd_pool_put(pool, &chunk->conns[i]);
	}
	c = pool->free;
	pool->free = c->next;
	*c = (struct sq_tcpd_conn){ .fd = -1, .echo = c->echo };
	return c;
}

void sq_tcpd_pool_each(const struct sq_tcpd_pool *pool,
		       void (*call)(void *arg, struct sq_tcpd_conn *c), void *arg)
{
	for (struct sq_tcpd_chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
		for (int i = 0; i < CHUNK; i++)
			if (chunk->conns[i].fd != -1)
				call(arg, &chunk->conns[i]);
}

static void conn_fini(void *arg, struct sq_tcpd_conn *c)
{
	(void)arg;
	close(c->fd);
}

void sq_tcpd_pool_fini(struct sq_tcpd_pool *pool)
{
	struct sq_tcpd_chunk *chunk;

	sq_tcpd_pool_each(pool, conn_fini, NULL);
	while ((chunk = pool->chunks)) {
		for (int i = 0; i < CHUNK; i++)
			sq_buf_fini(&chunk->conns[i].echo);
		pool->chunks = chunk->next;
		free(chunk);
	}
}
