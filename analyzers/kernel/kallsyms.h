/* Names of places in the kernel. */
#ifndef SQ_ANALYZERS_KERNEL_KALLSYMS_H
#define SQ_ANALYZERS_KERNEL_KALLSYMS_H

#include <stdint.h>

enum { SQ_KALLSYMS_NAME = 64 };

/* The function that an address lies in, cut to the size.  Reads all of /proc/kallsyms (some 10 ms).
 * 0; -EPERM: the kernel shows this user no addresses; -ENOENT or another -errno. */
int sq_kallsyms_name(uint64_t address, char ret_name[SQ_KALLSYMS_NAME]);

#endif
