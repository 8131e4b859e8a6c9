/* Files that the kernel makes of memory: a setting is one to write, and a control group or an instance of tracefs is a
 * folder of them that outlives who made it.  So such a folder is locked for as long as it is in use, and whoever
 * gets the lock of one may remove it. */
#ifndef SQ_BASE_FOLDER_H
#define SQ_BASE_FOLDER_H

/* In one write, into a file that is there; folder: a descriptor, or AT_FDCWD.  0 or -errno. */
int sq_file_write(int folder, const char *path, const char *text);

/* operation: flock(2)'s.  A descriptor that holds the lock until it is closed, or -errno. */
int sq_folder_lock(const char *path, int operation);

/* Removes what nobody has locked of the folders in one whose names begin so; how many. */
unsigned sq_folders_remove(const char *in, const char *prefix);

#endif
