#include "sim_pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "memory.h"

/* Our links lead to /dev/pts/./N: the dot tells them from other programs' links. */
static const char mark[] = "/dev/pts/./";

static bool is_ours(const char *path)
{
    char target[sizeof(mark)] = "";
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    return length == sizeof(mark) - 1 && strcmp(target, mark) == 0;
}

/* A running simulation holds a lock on its ports. It is of fcntl's kind, since serial clients use
 * flock for themselves. */
static bool is_held(const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}

int sim_pty_clear(const char *path, struct text *ret_trouble)
{
    struct stat about;
    if (lstat(path, &about) < 0)
        return 0;
    bool dangling = S_ISLNK(about.st_mode) && stat(path, &about) < 0 && errno == ENOENT;
    if (!dangling && !is_ours(path)) {
        text_addf(ret_trouble,
                  "%s exists and is not a simulated port: a real device? It is left "
                  "alone; name another path in a copy of the configuration",
                  path);
        return -1;
    }
    if (!dangling && is_held(path)) {
        text_addf(ret_trouble, "%s: another simulation serves it; end that one first", path);
        return -1;
    }
    if (unlink(path) < 0) {
        text_addf(ret_trouble, "%s: an old link is there and can't be removed: %s", path,
                  strerror(errno));
        return -1;
    }
    return 0;
}

static int open_pair(struct sim_pty *pty)
{
    char name[32];
    pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (pty->master < 0 || grantpt(pty->master) < 0 || unlockpt(pty->master) < 0 ||
        ptsname_r(pty->master, name, sizeof(name)) != 0)
        return -1;
    snprintf(pty->target, sizeof(pty->target), "%s%s", mark, strrchr(name, '/') + 1);
    pty->slave = open(pty->target, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;
    if (pty->slave < 0 || tcgetattr(pty->slave, &settings) < 0)
        return -1;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fcntl(pty->slave, F_OFD_SETLK, &lock);
    cfmakeraw(&settings);
    return tcsetattr(pty->slave, TCSANOW, &settings);
}

int sim_pty_open(const char *path, struct sim_pty *ret_pty, struct text *ret_trouble)
{
    struct sim_pty pty = {.master = -1, .slave = -1};
    if (open_pair(&pty) < 0) {
        text_addf(ret_trouble, "no pseudo-terminal to be had: %s", strerror(errno));
        goto failed;
    }
    if (symlink(pty.target, path) < 0) {
        int error = errno;
        text_addf(ret_trouble, "%s: %s", path, strerror(error));
        if (error == ENOENT)
            text_add(ret_trouble, "; make its folder first");
        else if (error == EACCES || error == EPERM)
            text_add(ret_trouble, "; run it as root, or name a path in a folder of your own in a "
                                  "copy of the configuration");
        goto failed;
    }
    pty.path = mem_string(path);
    *ret_pty = pty;
    return 0;
failed:
    if (pty.slave >= 0)
        close(pty.slave);
    if (pty.master >= 0)
        close(pty.master);
    return -1;
}

void sim_pty_forget_speed(const struct sim_pty *pty)
{
    struct termios settings;
    if (tcgetattr(pty->slave, &settings) < 0)
        return;
    cfsetspeed(&settings, B50);
    tcsetattr(pty->slave, TCSANOW, &settings);
}

void sim_pty_close(struct sim_pty *pty)
{
    char target[sizeof(pty->target)] = "";
    if (readlink(pty->path, target, sizeof(target) - 1) > 0 && strcmp(target, pty->target) == 0)
        unlink(pty->path);
    close(pty->slave);
    close(pty->master);
    free(pty->path);
}
