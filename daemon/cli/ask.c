#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "memory.h"

enum { ANSWER_TIMEOUT_MS = 5000, ANSWER_MOST = 256 << 20, CHUNK = 65536 };

int ask_find_socket(const char *config, const char *socket_path, char **ret_path)
{
    if (socket_path) {
        *ret_path = mem_string(socket_path);
        return CLI_OK;
    }
    const struct plant *plant = NULL;
    int status = cli_load(config, &plant);
    if (status != CLI_OK)
        return status;
    *ret_path = mem_string(plant->control);
    plant_release(plant);
    return CLI_OK;
}

static void explain_connect(const char *path, int error, struct text *ret_trouble)
{
    if (error == ENOENT || error == ECONNREFUSED)
        text_addf(ret_trouble,
                  "binderyd is not running (nobody answers on %s); start it with \"systemctl start "
                  "binderyd\" or \"binderyd -c FILE\", or name another configuration with -c",
                  path);
    else if (error == EACCES || error == EPERM)
        text_addf(ret_trouble,
                  "%s: no permission; try with sudo, or as a member of the group "
                  "that owns it",
                  path);
    else
        text_addf(ret_trouble, "%s: %s", path, strerror(error));
}

/* The socket, or -1 with the trouble, and errno. */
static int connect_to(const char *path, struct text *ret_trouble)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        text_addf(ret_trouble, "%s: a socket's path has at most %zu bytes", path,
                  sizeof(address.sun_path) - 1);
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;
        explain_connect(path, error, ret_trouble);
        if (fd >= 0)
            close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int ask_is_answered(const char *path, struct text *ret_trouble)
{
    struct text trouble = {0};
    int fd = connect_to(path, &trouble);
    int error = errno;
    if (fd >= 0)
        close(fd);
    else if (error != ENOENT && error != ECONNREFUSED)
        text_add(ret_trouble, trouble.data);
    text_free(&trouble);
    if (fd >= 0)
        return 1;
    return error == ENOENT || error == ECONNREFUSED ? 0 : -1;
}

/* 0 at the end of the answer, or negative errno. */
static int take_answer(int fd, int64_t within_ms, struct text *ret_answer)
{
    int64_t deadline_ns = clock_mono_ns() + within_ms * NS_PER_MS;
    while (ret_answer->length < ANSWER_MOST) {
        int64_t left_ms = (deadline_ns - clock_mono_ns()) / NS_PER_MS;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) == 0)
            return -ETIMEDOUT;
        ssize_t taken = recv(fd, text_reserve(ret_answer, CHUNK), CHUNK, MSG_DONTWAIT);
        if (taken == 0)
            return 0;
        if (taken < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (taken > 0)
            ret_answer->length += (size_t)taken;
    }
    return -EMSGSIZE;
}

static int ask_bytes(const char *path, const char *question, int64_t within_ms,
                     struct text *ret_answer, struct text *ret_trouble)
{
    int fd = connect_to(path, ret_trouble);
    if (fd < 0)
        return -1;
    struct text line = {0};
    text_addf(&line, "%s\n", question);
    ssize_t sent = send(fd, line.data, line.length, MSG_NOSIGNAL);
    int result = sent == (ssize_t)line.length ? take_answer(fd, within_ms, ret_answer) : -errno;
    text_free(&line);
    close(fd);
    if (result == -ETIMEDOUT)
        text_addf(ret_trouble, "binderyd did not answer within %lld s; its log may say why",
                  (long long)within_ms / 1000);
    else if (result < 0)
        text_addf(ret_trouble, "%s: %s", path, strerror(-result));
    return result < 0 ? -1 : 0;
}

struct node *ask_daemon(const char *path, const char *question, struct text *ret_trouble)
{
    return ask_daemon_within(path, question, ANSWER_TIMEOUT_MS, ret_trouble);
}

struct node *ask_daemon_within(const char *path, const char *question, int64_t within_ms,
                               struct text *ret_trouble)
{
    struct text answer = {0}, wrong = {0};
    struct node *root = NULL;
    if (ask_bytes(path, question, within_ms, &answer, ret_trouble) < 0)
        goto cleanup;
    root = node_parse(answer.data ? answer.data : "", answer.length, &wrong);
    if (!root) {
        text_addf(ret_trouble, "binderyd's answer is no JSON: %s", wrong.data);
        goto cleanup;
    }
    const char *refusal = node_text(node_member(root, "error"), NULL);
    if (refusal) {
        text_add(ret_trouble, refusal);
        node_free(root);
        root = NULL;
    }
cleanup:
    text_free(&answer);
    text_free(&wrong);
    return root;
}
