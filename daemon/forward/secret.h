/* A password kept in a file of its own. */
#ifndef BINDERY_SECRET_H
#define BINDERY_SECRET_H

#include <stddef.h>

enum { SECRET_MAX_BYTES = 4096 };

/* What stands in the file now, without one newline at its end; may hold any bytes. 0 or -errno,
 * -EFBIG for SECRET_MAX_BYTES and more. Wipe it after use. */
int secret_read(const char *path, char ret_secret[static SECRET_MAX_BYTES], size_t *ret_length);

#endif
