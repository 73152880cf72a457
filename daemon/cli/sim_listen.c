#include "sim_listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static const char *what_to_do(int error)
{
    switch (error) {
    case EACCES:
        return "; ports below 1024 are for root: run it as root, or use a higher port in a copy of "
               "the configuration";
    case EADDRINUSE:
        return "; another program listens there: end it, or use another port in a copy of the "
               "configuration";
    case EADDRNOTAVAIL:
        return "; this computer has no such address: use 127.0.0.1 in a copy of the configuration";
    case EMFILE:
        return "; raise ulimit -n";
    default:
        return "";
    }
}

static int listen_on(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int sim_listen(const char *host, uint16_t port, struct text *ret_trouble)
{
    char service[8];
    snprintf(service, sizeof(service), "%u", port);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(host, service, &wanted, &found);
    if (result != 0) {
        text_addf(ret_trouble, "%s:%u: %s", host, port, gai_strerror(result));
        return -1;
    }
    int fd = listen_on(found);
    if (fd < 0)
        text_addf(ret_trouble, "%s:%u: %s%s", host, port, strerror(errno), what_to_do(errno));
    freeaddrinfo(found);
    return fd;
}
