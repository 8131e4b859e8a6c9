/* Sysctls of the namespace that the caller is in, by the names that people write. */
#ifndef SQ_BASE_SYSCTL_H
#define SQ_BASE_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

enum { SQ_SYSCTL_NAME = 256, SQ_SYSCTL_VALUE = 4096 };

/* "net.ipv4.conf.eth0/1.rp_filter" is the file "net/ipv4/conf/eth0.1/rp_filter" below /proc/sys, as
 * sysctl(8) has it; that name stands for itself.  -EINVAL when there is none, or it is too long. */
int sq_sysctl_name(const char *key, char ret_name[SQ_SYSCTL_NAME]);

/* Of a sysctl, or another setting by its name (base/setting.h): its words one space apart (the kernel sets tabs between
 * the numbers of a triple), cut to the size.  0 or -errno; -EOVERFLOW when it is longer than any SQ_SYSCTL_VALUE holds. */
int sq_sysctl_read(const char *key, char *ret_value, size_t size);

/* 0 or -errno.  That the kernel took it proves nothing: it clamps some values and drops others. */
int sq_sysctl_write(const char *key, const char *value);

/* Whether it is known as the machine's: no network namespace has it for itself. */
bool sq_sysctl_is_global(const char *key);

#endif
