#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int secret_read(const char *path, char ret_secret[static SECRET_MAX_BYTES], size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = 0;

    if (fd < 0)
        return -errno;
    ssize_t length = read(fd, ret_secret, SECRET_MAX_BYTES);
    if (length < 0)
        error = -errno;
    else if (length == SECRET_MAX_BYTES)
        error = -EFBIG;
    close(fd);
    if (error != 0)
        return error;
    if (length > 0 && ret_secret[length - 1] == '\n')
        length--;
    *ret_length = (size_t)length;
    return 0;
}
