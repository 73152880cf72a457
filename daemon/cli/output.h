/* A file that a command writes whole, or standard output. */
#ifndef BINDERY_OUTPUT_H
#define BINDERY_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct output {
    const char *path; /* NULL: standard output */
    bool force;       /* an existing file is replaced */
};

/* CLI_OK, or CLI_FAULT after saying why not; what stood there before is then as it was. */
int output_write(const struct output *output, const char *content, size_t length);

#endif
