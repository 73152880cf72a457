#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "link_record.h"
#include "live.h"
#include "memory.h"
#include "text.h"
#include "transact.h"

enum { CLIENT_MS = 1000, REQUEST_BYTES = 640 };

struct control {
    int fd;
    int epoll_fd; /* of the socket, and of the transactions */
    struct transact *transact;
    char *path;
    struct text answer;
};

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(path);
    mode_t before = umask(0117);
    int result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    umask(before);
    if (result < 0 || listen(fd, 8) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int control_open(const char *path, struct control **ret_control)
{
    struct control *control = mem_alloc(sizeof(*control));
    control->fd = control->epoll_fd = -1;
    int error = transact_new(&control->transact);
    if (error == 0 && (control->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        error = -errno;
    if (error == 0)
        error = watch(control->epoll_fd, transact_fd(control->transact));
    if (error == 0)
        error = control->fd = listen_at(path);
    if (error >= 0) {
        control->path = mem_string(path);
        error = watch(control->epoll_fd, control->fd);
    }
    if (error < 0) {
        control_shut(control);
        control_close(control);
        return error;
    }
    *ret_control = control;
    return 0;
}

void control_shut(struct control *control)
{
    if (control == NULL || control->fd < 0)
        return;
    unlink(control->path);
    close(control->fd);
    control->fd = -1;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    if (control->epoll_fd >= 0)
        close(control->epoll_fd);
    transact_free(control->transact);
    free(control->path);
    text_free(&control->answer);
    free(control);
}

int control_fd(const struct control *control)
{
    return control->epoll_fd;
}

/* One line without its end; false if none came in time. */
static bool read_line(int fd, char line[REQUEST_BYTES])
{
    size_t length = 0;
    int64_t until_ns = clock_mono_ns() + CLIENT_MS * NS_PER_MS;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (length < REQUEST_BYTES - 1) {
        int64_t left_ms = (until_ns - clock_mono_ns()) / NS_PER_MS;
        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
            return false;
        ssize_t got = read(fd, line + length, REQUEST_BYTES - 1 - length);
        if (got <= 0)
            return false;
        length += (size_t)got;
        char *end = memchr(line, '\n', length);
        if (end != NULL) {
            *end = '\0';
            return true;
        }
    }
    return false;
}

static void answer_status(struct gateway *gateway, struct text *out)
{
    const struct plant *plant = gateway_plant(gateway);
    struct instant now;
    clock_now(&now);
    text_addf(out,
              "{\"gateway\":\"%s\",\"site\":\"%s\",\"version\":\"" BINDERY_VERSION
              "\",\"pid\":%d,\"clock\":{\"synced\":%s},",
              plant->gateway, plant->site, (int)getpid(), now.synced ? "true" : "false");
    live_status_json(gateway_live(gateway), out);
    text_add(out, "}\n");
}

static void answer_values(struct gateway *gateway, const char *machine, struct text *out)
{
    text_add(out, "{\"machines\":[");
    if (live_values_json(gateway_live(gateway), machine, out)) {
        text_add(out, "]}\n");
        return;
    }
    text_clear(out);
    text_add(out, "{\"error\":\"there is no such machine\"}\n");
}

static void answer_metrics(struct gateway *gateway, struct text *out)
{
    struct text metrics = {0};
    struct instant now;
    clock_now(&now);
    live_metrics(gateway_live(gateway), gateway_plant(gateway), &now, &metrics);
    text_add(out, "{\"metrics\":");
    text_add_json(out, metrics.data, metrics.length);
    text_add(out, "}\n");
    text_free(&metrics);
}

/* "MACHINE TAG TOTAL" */
static void answer_set(struct gateway *gateway, const char *arguments, struct text *out)
{
    char machine[LIVE_NAME_BYTES], tag[LIVE_NAME_BYTES], digits[20];
    int end = 0;
    int words = sscanf(arguments, "%64[^ ] %64[^ ] %19[0-9]%n", machine, tag, digits, &end);
    errno = 0;
    long long total = words == 3 ? strtoll(digits, NULL, 10) : 0;
    if (words != 3 || arguments[end] != '\0' || errno != 0) {
        text_add(out, "{\"error\":\"expected a machine, a tag and a whole number\"}\n");
        return;
    }
    switch (gateway_set_counter(gateway, machine, tag, total)) {
    case 0:
        text_add(out, "{\"set\":true}\n");
        break;
    case -EBUSY:
        text_add(out, "{\"error\":\"the machine's link hangs; nothing was set\"}\n");
        break;
    case -ENODEV:
        text_add(out, "{\"error\":\"there is no such machine\"}\n");
        break;
    default:
        text_add(out, "{\"error\":\"the machine has no counter of that name\"}\n");
    }
}

static void answer(struct gateway *gateway, const char *request, struct text *out)
{
    if (strcmp(request, "status") == 0)
        answer_status(gateway, out);
    else if (strcmp(request, "values") == 0)
        answer_values(gateway, NULL, out);
    else if (strncmp(request, "values ", 7) == 0)
        answer_values(gateway, request + 7, out);
    else if (strcmp(request, "metrics") == 0)
        answer_metrics(gateway, out);
    else if (strncmp(request, "set ", 4) == 0)
        answer_set(gateway, request + 4, out);
    else if (strncmp(request, "record ", 7) == 0)
        link_record_answer(gateway_live(gateway), request + 7, out);
    else
        text_add(out, "{\"error\":\"expected status, values, values MACHINE, metrics,"
                      " set MACHINE TAG TOTAL, record LINK or transact LINK UNIT PDU\"}\n");
}

/* A client that does not read in time goes without the rest. */
static void write_all(int fd, const struct text *text)
{
    size_t written = 0;
    int64_t until_ns = clock_mono_ns() + CLIENT_MS * NS_PER_MS;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    while (written < text->length) {
        int64_t left_ms = (until_ns - clock_mono_ns()) / NS_PER_MS;
        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
            return;
        ssize_t now =
            send(fd, text->data + written, text->length - written, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (now <= 0)
            return;
        written += (size_t)now;
    }
}

/* Closes the client's descriptor, or leaves it to the transaction that it asked for. */
static void serve_client(struct control *control, struct gateway *gateway, int fd)
{
    static const char transact[] = "transact ";
    char request[REQUEST_BYTES];
    if (read_line(fd, request)) {
        text_clear(&control->answer);
        if (strncmp(request, transact, strlen(transact)) != 0)
            answer(gateway, request, &control->answer);
        else if (transact_begin(control->transact, gateway, request + strlen(transact), fd,
                                &control->answer))
            return;
        write_all(fd, &control->answer);
    }
    close(fd);
}

void control_serve(struct control *control, struct gateway *gateway)
{
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        serve_client(control, gateway, fd);
    transact_finish(control->transact);
}
