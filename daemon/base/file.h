/* Whole files, written at once. Any thread; may block for as long as the disk does. */
#ifndef BINDERY_FILE_H
#define BINDERY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Writes a file that is not there yet. `sync` waits until it is on the disk. 0, -EEXIST, or another
 * negative errno: then there is none. */
int file_create(const char *path, mode_t mode, bool sync, const void *bytes, size_t length);

/* Likewise one that may be there: it is written beside it, as PATH.new, and moved into its place,
 * so that what was there stays whole until then. */
int file_replace(const char *path, mode_t mode, bool sync, const void *bytes, size_t length);

#endif
