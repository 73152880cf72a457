#include "line_io.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

enum { DEAD_PEER_MS = 10000 };

static int gone(int error)
{
    return error == ETIMEDOUT || error == EBADMSG ? -ECONNRESET : -error;
}

/* 1 when ready, 0 at the deadline, or the line is gone. */
static int wait_ready(int fd, short events, int64_t until_ns)
{
    struct pollfd ready = {.fd = fd, .events = events};
    int count;

    do {
        int64_t left_ns = until_ns - clock_mono_ns();
        if (left_ns < 0)
            left_ns = 0;
        struct timespec left = {.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
        count = ppoll(&ready, 1, &left, NULL);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? gone(errno) : count;
}

/* 0 once connected, or negative errno. */
static int connect_in_time(int fd, const struct addrinfo *address, int64_t until_ns)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    int ready = wait_ready(fd, POLLOUT, until_ns);
    if (ready <= 0)
        return ready < 0 ? ready : -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return -errno;
    return -error;
}

static int dial_address(const struct addrinfo *address, int64_t until_ns, int *ret_fd)
{
    const int on = 1;
    const unsigned dead_ms = DEAD_PEER_MS;
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    address->ai_protocol);

    if (fd < 0)
        return -errno;
    int error = connect_in_time(fd, address, until_ns);
    if (error != 0) {
        close(fd);
        return error;
    }
    /* Without these a request waits for the answer's ACK, and a serial server that lost its power
     * passes for one whose machines are all silent. Where they fail it works, only later. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof dead_ms);
    *ret_fd = fd;
    return 0;
}

int line_io_dial(const char *host, uint16_t port, int64_t until_ns, int *ret_fd)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    char service[sizeof "65535"];
    int64_t left = 0;

    snprintf(service, sizeof service, "%u", (unsigned)port);
    int error = getaddrinfo(host, service, &hints, &addresses);
    if (error != 0)
        return error == EAI_SYSTEM && errno != 0 ? -errno : -EHOSTUNREACH;

    for (const struct addrinfo *address = addresses; address != NULL; address = address->ai_next)
        left++;
    error = -EHOSTUNREACH;
    /* Each gets its share of the time: the first may well be one that nobody answers at. */
    for (const struct addrinfo *address = addresses; address != NULL; address = address->ai_next) {
        int64_t now_ns = clock_mono_ns();
        error = dial_address(address, now_ns + (until_ns - now_ns) / left--, ret_fd);
        if (error == 0)
            break;
    }
    freeaddrinfo(addresses);
    return error;
}

/* A read of nothing where poll(2) promised something is how an unplugged adapter, a closed
 * pseudo-terminal and a closed socket show. */
int line_io_read(int fd, int64_t until_ns, uint8_t *ret_bytes, size_t room)
{
    do {
        int ready = wait_ready(fd, POLLIN, until_ns);
        if (ready <= 0)
            return ready;
        ssize_t count = read(fd, ret_bytes, room);
        if (count > 0)
            return (int)count;
        if (count == 0)
            return -ENXIO;
        if (errno != EINTR && errno != EAGAIN)
            return gone(errno);
    } while (clock_mono_ns() < until_ns);
    return 0;
}

/* write(2) to a closed socket would raise SIGPIPE. */
static ssize_t write_some(int fd, const uint8_t *bytes, size_t length)
{
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);

    return count < 0 && errno == ENOTSOCK ? write(fd, bytes, length) : count;
}

int line_io_write(int fd, int64_t until_ns, const uint8_t *bytes, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t count = write_some(fd, bytes + done, length - done);
        if (count > 0) {
            done += (size_t)count;
            continue;
        }
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return gone(errno);
        int ready = wait_ready(fd, POLLOUT, until_ns);
        if (ready <= 0)
            return ready < 0 ? ready : -ETIMEDOUT;
        if (clock_mono_ns() >= until_ns)
            return -ETIMEDOUT;
    }
    return 0;
}
