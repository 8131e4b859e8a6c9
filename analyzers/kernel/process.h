/* One process of this machine, by its folder in /proc. */
#ifndef SQ_ANALYZERS_KERNEL_PROCESS_H
#define SQ_ANALYZERS_KERNEL_PROCESS_H

#include <sys/types.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

enum { SQ_PROCESS_NAME = 64 };

/* Kept open: what bears the number later is another process, and is not read for this one. */
struct sq_process {
	pid_t pid;
	int dir, stat;
	int fds; /* the folder of its descriptors; -1: not opened yet, or not ours to */
};

struct sq_process_stat {
	char name[SQ_PROCESS_NAME]; /* as the kernel has it, of 15 bytes at most, plain ASCII */
	char state; /* R running, S sleeping, D waiting for a disk, T stopped, Z dead */
	pid_t parent, session;
	uint64_t cpu_ms, threads, rss_bytes;
	uint64_t began_ms; /* after the machine's start, in steps of 10 */
};

/* The process of that number in a /proc, which is an open folder: each PID namespace has its own, with
 * numbers of its own.  0 or -errno. */
int sq_process_open(struct sq_process *p, int proc, pid_t pid);
void sq_process_close(struct sq_process *p);

/* The text of /proc/PID/stat; false when it is none. */
bool sq_process_parse(const char *text, struct sq_process_stat *ret);
/* -ESRCH: it has ended. */
int sq_process_read(const struct sq_process *p, struct sq_process_stat *ret);

/* How long it has been there, 10 ms too long at most. */
int64_t sq_process_age_ns(const struct sq_process_stat *s);

/* A folder of it, such as "fd" or "task", for closedir(3); NULL, and errno. */
DIR *sq_process_folder(const struct sq_process *p, const char *name);

/* How many descriptors it has open.  Kernels from 6.2 say it (in 3 us), of older ones they are
 * counted if it is ours to list them.  0 or -errno. */
int sq_process_descriptors(struct sq_process *p, uint64_t *ret);
/* How many it may have (RLIMIT_NOFILE, the soft limit). */
int sq_process_descriptor_limit(const struct sq_process *p, uint64_t *ret);

/* The number in a file, and when it was written by CLOCK_REALTIME; 0: there is none. */
pid_t sq_process_pidfile(const char *path, int64_t *ret_wall_ns);
/* Whether the process that has a number in a /proc began before that time: what was written before can't
 * have meant it. */
bool sq_process_began_by(int proc, pid_t pid, int64_t wall_ns);

/* Context switches of the threads that it has now: it gave the processor up, or lost it. */
int sq_process_switches(const struct sq_process *p, uint64_t *ret_voluntary, uint64_t *ret_forced);

/* Whether it stands in the calling thread's network namespace; is numbered in its PID namespace; runs
 * the caller's program.  False also when we may not know. */
bool sq_process_same_network(const struct sq_process *p);
bool sq_process_same_numbers(const struct sq_process *p);
bool sq_process_same_program(const struct sq_process *p);

#endif
