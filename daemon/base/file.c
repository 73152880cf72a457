#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "text.h"

static int write_all(int fd, bool sync, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return sync && fsync(fd) != 0 && errno != EINVAL ? -errno : 0;
}

static int write_file(const char *path, int flags, mode_t mode, bool sync, const void *bytes,
                      size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
    if (fd < 0)
        return -errno;
    int error = write_all(fd, sync, bytes, length);
    if (close(fd) != 0 && error == 0)
        error = -errno;
    if (error != 0)
        unlink(path);
    return error;
}

int file_create(const char *path, mode_t mode, bool sync, const void *bytes, size_t length)
{
    return write_file(path, O_EXCL, mode, sync, bytes, length);
}

int file_replace(const char *path, mode_t mode, bool sync, const void *bytes, size_t length)
{
    struct text beside = {0};
    text_addf(&beside, "%s.new", path);
    int error = write_file(beside.data, O_TRUNC, mode, sync, bytes, length);
    if (error == 0 && rename(beside.data, path) != 0) {
        error = -errno;
        unlink(beside.data);
    }
    text_free(&beside);
    return error;
}
