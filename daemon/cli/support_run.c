#include "support_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { CHUNK = 65536 };

static int spawn(char *const *argv, int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    int error = -posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Until its end; false where it takes too long or says too much. */
static bool take_output(int fd, int64_t timeout_ms, struct text *ret_output)
{
    int64_t until_ns = clock_mono_ns() + timeout_ms * NS_PER_MS;
    size_t most = ret_output->length + SUPPORT_RUN_MOST;
    while (ret_output->length < most) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left_ms = (until_ns - clock_mono_ns()) / NS_PER_MS;
        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0)
            return false;
        ssize_t count = read(fd, text_reserve(ret_output, CHUNK), CHUNK);
        if (count == 0)
            return true;
        if (count > 0)
            ret_output->length += (size_t)count;
        else if (errno != EINTR)
            return false;
    }
    return false;
}

int support_run(char *const *argv, int64_t timeout_ms, struct text *ret_output)
{
    int ends[2];
    pid_t child = 0;
    int status = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int error = spawn(argv, ends[1], &child);
    close(ends[1]);
    bool whole = error == 0 && take_output(ends[0], timeout_ms, ret_output);
    close(ends[0]);
    text_add(ret_output, "");
    if (error < 0)
        return error;
    if (!whole)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!whole)
        return -ETIMEDOUT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}
