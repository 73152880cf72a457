#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "file.h"

enum { MODE = 0666 }; /* less the umask */

int output_write(const struct output *output, const char *content, size_t length)
{
    int error = 0;

    if (!output->path) {
        if (fwrite(content, 1, length, stdout) == length && fflush(stdout) == 0)
            return CLI_OK;
        cli_error("standard output: %s", strerror(errno));
        return CLI_FAULT;
    }
    error = output->force ? file_replace(output->path, MODE, true, content, length)
                          : file_create(output->path, MODE, true, content, length);
    if (error == -EEXIST)
        cli_error("%s is there already; --force replaces it", output->path);
    else if (error)
        cli_error("%s: %s", output->path, strerror(-error));
    return error ? CLI_FAULT : CLI_OK;
}
