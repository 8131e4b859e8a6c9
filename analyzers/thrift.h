/* For what is dear to read: no more often than its cost allows, 0.2 % of one processor or what is said. */
#ifndef SQ_ANALYZERS_THRIFT_H
#define SQ_ANALYZERS_THRIFT_H

#include <stdbool.h>
#include <stdint.h>

/* All zeros: may be read at once. */
struct sq_thrift {
	int64_t due_ns, begin_cpu_ns;
	unsigned times; /* so many times as long as a reading takes, before the next; 0: 500 */
};

/* False: not yet; its rows stay as they were. */
bool sq_thrift_begin(struct sq_thrift *t);

/* It was read, by the thread that began. */
void sq_thrift_end(struct sq_thrift *t);

#endif
