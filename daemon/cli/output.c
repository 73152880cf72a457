#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "text.h"

/* 0 or a negative errno. */
static int write_all(int fd, const char *content, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, content, length);
        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            content += written;
            length -= (size_t)written;
        }
    }
    return fsync(fd) != 0 && errno != EINVAL ? -errno : 0;
}

/* A file that is not there yet. */
static int write_new(const char *path, int flags, const char *content, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);

    if (fd < 0)
        return -errno;
    int error = write_all(fd, content, length);
    if (close(fd) != 0 && !error)
        error = -errno;
    if (error)
        unlink(path);
    return error;
}

/* Written beside and moved into the place. */
static int replace(const char *path, const char *content, size_t length)
{
    struct text beside = {0};

    text_addf(&beside, "%s.new", path);
    int error = write_new(beside.data, O_TRUNC, content, length);
    if (!error && rename(beside.data, path) != 0) {
        error = -errno;
        unlink(beside.data);
    }
    text_free(&beside);
    return error;
}

int output_write(const struct output *output, const char *content, size_t length)
{
    int error = 0;

    if (!output->path) {
        if (fwrite(content, 1, length, stdout) == length && fflush(stdout) == 0)
            return CLI_OK;
        cli_error("standard output: %s", strerror(errno));
        return CLI_FAULT;
    }
    error = output->force ? replace(output->path, content, length)
                          : write_new(output->path, O_EXCL, content, length);
    if (error == -EEXIST)
        cli_error("%s is there already; --force replaces it", output->path);
    else if (error)
        cli_error("%s: %s", output->path, strerror(-error));
    return error ? CLI_FAULT : CLI_OK;
}
