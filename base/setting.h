/* Settings of a machine by the names that people write, and the files that they are. */
#ifndef SQ_BASE_SETTING_H
#define SQ_BASE_SETTING_H

#include <stdbool.h>

enum { SQ_SETTING_PATH = 320 };

/* A sysctl ("net.core.somaxconn"), "cpu:N" (1 online, 0 offline), "smt" (on, off), or "irq:N" (a list of CPUs that an
 * interrupt may go to, "0-1").  -EINVAL when it is none of them by its form. */
int sq_setting_path(const char *name, char ret_path[SQ_SETTING_PATH]);

/* Is it a sysctl by its form? */
bool sq_setting_is_sysctl(const char *name);

/* Is what was written what the kernel says now?  Both squeezed (sq_text_squeeze); lists of ports or CPUs, which it tells
 * in a form of its own ("0,1" as "0-1"), are the same when their numbers are. */
bool sq_setting_is_same(const char *wrote, const char *found);

/* Is the value none, but the kernel's word that this machine cannot change the setting? */
bool sq_setting_is_fixed(const char *name, const char *value);

#endif
