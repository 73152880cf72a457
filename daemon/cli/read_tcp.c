#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "modbus_tcp.h"
#include "read_words.h"

/* 0, or -ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t deadline_ns)
{
    int64_t left_ms = (deadline_ns - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
    struct pollfd ready = {.fd = fd, .events = events};
    return left_ms > 0 && poll(&ready, 1, (int)left_ms) > 0 ? 0 : -ETIMEDOUT;
}

static int connect_to(struct modbus_tcp *tcp, const struct link *link, struct text *ret_trouble)
{
    char service[8];
    snprintf(service, sizeof(service), "%u", link->port);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int lookup = getaddrinfo(link->host, service, &wanted, &found);
    if (lookup != 0) {
        text_addf(ret_trouble, "%s: %s", link->host, gai_strerror(lookup));
        return -1;
    }
    int64_t deadline_ns = clock_mono_ns() + link->timeout_ms * NS_PER_MS;
    int result = modbus_tcp_connect(tcp, found->ai_addr, found->ai_addrlen);
    if (result == 0)
        result = wait_for(tcp->fd, POLLOUT, deadline_ns);
    if (result == 0)
        result = modbus_tcp_connected(tcp);
    freeaddrinfo(found);
    if (result < 0)
        text_addf(ret_trouble, "%s:%u: %s", link->host, link->port, strerror(-result));
    return result < 0 ? -1 : 0;
}

static int exchange(struct modbus_tcp *tcp, const struct link *link, uint8_t unit,
                    const struct span *span, uint16_t *ret_words)
{
    int64_t deadline_ns = clock_mono_ns() + link->timeout_ms * NS_PER_MS;
    int result = modbus_tcp_ask(tcp, unit, span);
    if (result == 0)
        result = -EAGAIN;
    while (result == -EAGAIN) {
        if (wait_for(tcp->fd, POLLIN, deadline_ns) < 0)
            return -ETIMEDOUT;
        result = modbus_tcp_answer(tcp, span, ret_words);
    }
    return result;
}

static void explain(int result, const struct link *link, uint8_t unit, struct text *ret_trouble)
{
    if (result > 0)
        read_add_exception(ret_trouble, result);
    else if (result == -ETIMEDOUT)
        read_add_silence(ret_trouble, link, unit);
    else if (result == -EBADMSG || result == -EPROTO)
        text_add(ret_trouble, "what came back is no Modbus TCP answer to this request");
    else
        text_addf(ret_trouble, "%s:%u: %s", link->host, link->port, strerror(-result));
}

int read_words_tcp(const struct link *link, uint8_t unit, const struct span *span,
                   uint16_t *ret_words, struct text *ret_trouble)
{
    struct modbus_tcp tcp;
    modbus_tcp_init(&tcp, 0);
    int result = -1;
    if (connect_to(&tcp, link, ret_trouble) == 0) {
        result = exchange(&tcp, link, unit, span, ret_words);
        if (result != 0)
            explain(result, link, unit, ret_trouble);
    }
    if (tcp.fd >= 0)
        close(tcp.fd);
    return result == 0 ? 0 : -1;
}
