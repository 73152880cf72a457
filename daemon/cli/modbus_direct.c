#include "modbus_direct.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>

#include "clock.h"

/* 0, or -ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t deadline_ns)
{
    int64_t left_ms = (deadline_ns - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
    struct pollfd ready = {.fd = fd, .events = events};
    return left_ms > 0 && poll(&ready, 1, (int)left_ms) > 0 ? 0 : -ETIMEDOUT;
}

void modbus_direct_init(struct modbus_direct *direct)
{
    *direct = (struct modbus_direct){0};
    modbus_tcp_init(&direct->tcp, 0);
}

static int connect_tcp(struct modbus_tcp *tcp, const struct link *link)
{
    char service[8];
    snprintf(service, sizeof(service), "%u", link->port);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(link->host, service, &wanted, &found) != 0)
        return -EADDRNOTAVAIL;
    int64_t deadline_ns = clock_mono_ns() + link->timeout_ms * NS_PER_MS;
    int result = modbus_tcp_connect(tcp, found->ai_addr, found->ai_addrlen);
    /* Not -ETIMEDOUT: that is a machine's silence. */
    if (result == 0 && wait_for(tcp->fd, POLLOUT, deadline_ns) < 0)
        result = -EHOSTUNREACH;
    if (result == 0)
        result = modbus_tcp_connected(tcp);
    freeaddrinfo(found);
    if (result < 0)
        modbus_tcp_close(tcp);
    return result;
}

static int transact_tcp(struct modbus_tcp *tcp, const struct link *link, uint8_t unit,
                        const uint8_t *request, size_t length, uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    /* Some machines leave when they have answered. */
    if (tcp->fd >= 0 && modbus_tcp_discard(tcp) != -EAGAIN)
        modbus_tcp_close(tcp);
    int result = tcp->fd < 0 ? connect_tcp(tcp, link) : 0;
    if (result < 0)
        return result;
    int64_t deadline_ns = clock_mono_ns() + link->timeout_ms * NS_PER_MS;
    result = modbus_tcp_ask_pdu(tcp, unit, request, length);
    if (result == 0)
        result = -EAGAIN;
    while (result == -EAGAIN) {
        if (wait_for(tcp->fd, POLLIN, deadline_ns) < 0)
            return -ETIMEDOUT;
        result = modbus_tcp_answer_pdu(tcp, request, length, ret_pdu);
    }
    if (result < 0 && result != -EBADMSG)
        modbus_tcp_close(tcp);
    return result;
}

static int transact_line(struct line **line, const struct link *link, uint8_t unit,
                         const uint8_t *request, size_t length, uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    const struct line_driver *driver = line_driver_find(link->driver);
    struct line_answer answer = {0};
    if (driver == NULL || driver->transact == NULL || unit == 0)
        return -EOPNOTSUPP;
    int result = *line == NULL ? driver->open(link, line) : 0;
    if (result < 0)
        return result == -ETIMEDOUT ? -EHOSTUNREACH : result;
    result = driver->transact(*line, unit, request, length, ret_pdu, &answer);
    if (result < 0 && result != -EBADMSG && result != -ETIMEDOUT) {
        driver->close(*line);
        *line = NULL;
    }
    return result;
}

int modbus_direct_transact(struct modbus_direct *direct, const struct link *link, uint8_t unit,
                           const uint8_t *request, size_t length, uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    if (link->driver == DRIVER_MODBUS_TCP)
        return transact_tcp(&direct->tcp, link, unit, request, length, ret_pdu);
    return transact_line(&direct->line, link, unit, request, length, ret_pdu);
}

void modbus_direct_close(struct modbus_direct *direct, const struct link *link)
{
    modbus_tcp_close(&direct->tcp);
    if (direct->line != NULL)
        line_driver_find(link->driver)->close(direct->line);
    direct->line = NULL;
}
