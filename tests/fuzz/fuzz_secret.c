/* A password's file: daemon/forward/secret.c.
 *
 * Input: the file. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32], *secret = malloc(SECRET_MAX_BYTES);
    size_t length = 77, expected = size;
    int fd = memfd_create("secret", MFD_CLOEXEC);

    CLAIM(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int result = secret_read(path, secret, &length);
    if (size >= SECRET_MAX_BYTES) {
        CLAIM(result == -EFBIG && length == 77);
    } else {
        expected -= size > 0 && data[size - 1] == '\n';
        CLAIM(result == 0 && length == expected);
        CLAIM(length == 0 || memcmp(secret, data, length) == 0);
    }
    CLAIM(secret_read("/proc/self", secret, &length) == -EISDIR);
    close(fd);
    CLAIM(secret_read(path, secret, &length) == -ENOENT);
    free(secret);
    return 0;
}
