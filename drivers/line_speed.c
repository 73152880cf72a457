#include "line_speed.h"

#include <asm/termbits.h>
#include <errno.h>
#include <sys/ioctl.h>

int line_speed_get(int fd, uint32_t *ret_baud)
{
    struct termios2 settings;

    if (ioctl(fd, TCGETS2, &settings) != 0)
        return -errno;
    *ret_baud = settings.c_ospeed;
    return 0;
}
