/* A link's connection: made, made anew, given up. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "tcp_link_internal.h"

enum { CONNECT_TIMEOUT_MS = 3000 };

static bool waits_for_other_side(enum tcp_link_state state)
{
    return state == TCP_ASKING || state == TCP_CONNECTING || state == TCP_TRANSACTING;
}

void tcp_set_state(struct tcp_link *link, enum tcp_link_state state, int64_t deadline_ns)
{
    bool asked = waits_for_other_side(link->state), asks = waits_for_other_side(state);
    if (asks && !asked)
        link->loop->asking++;
    else if (asked && !asks)
        link->loop->asking--;
    link->state = state;
    link->deadline_ns = deadline_ns;
}

/* The descriptor leaves the epoll set by being closed. */
void tcp_close(struct tcp_link *link)
{
    atomic_fetch_add(&link->live->discarded, link->tcp.discarded);
    if (link->tcp.fd >= 0)
        tap_mark(link->tcp.tap, "closed");
    modbus_tcp_close(&link->tcp);
    link->tcp.discarded = 0;
    atomic_store(&link->live->up, false);
}

static int64_t give_up_until(struct tcp_link *link, int64_t now_ns, const char *why)
{
    if (link->failed_since_ns == 0)
        link->failed_since_ns = now_ns;
    int64_t wait_ns = backoff_absence(&link->backoff, now_ns - link->failed_since_ns);
    if (link->told_up || !link->told_down)
        log_warn("link %s: %s, next try in %lld ms", link->config->name, why,
                 (long long)(wait_ns / NS_PER_MS));
    link->failed = link->told_down = true;
    link->told_up = false;
    atomic_store(&link->live->trouble, why);
    return now_ns + wait_ns;
}

void tcp_fail(struct tcp_link *link, int64_t now_ns, const char *why)
{
    tcp_close(link);
    tcp_set_state(link, TCP_WAITING, give_up_until(link, now_ns, why));
    if (link->current != NULL)
        tcp_fail_rest(link, QUALITY_LINK);
    tcp_end_transaction(link, -ENOTCONN);
}

void tcp_connect_next(struct tcp_link *link, int64_t now_ns, int error)
{
    tcp_close(link);
    while (link->address_next < link->address_count) {
        const struct sockaddr_storage *address = &link->addresses[link->address_next++];
        error = modbus_tcp_connect(&link->tcp, (const struct sockaddr *)address,
                                   resolver_address_length(address));
        if (error < 0)
            continue;
        struct epoll_event event = {.events = EPOLLOUT, .data.ptr = link};
        epoll_ctl(link->loop->epoll_fd, EPOLL_CTL_ADD, link->tcp.fd, &event);
        tcp_set_state(link, TCP_CONNECTING, now_ns + CONNECT_TIMEOUT_MS * NS_PER_MS);
        return;
    }
    tcp_fail(link, now_ns, strerrordesc_np(-error));
}

void tcp_use_addresses(struct tcp_link *link, const struct sockaddr_storage *addresses, int count,
                       int64_t now_ns)
{
    size_t size = (size_t)count * sizeof(*addresses);
    link->addresses = mem_resize(link->addresses, size);
    memcpy(link->addresses, addresses, size);
    link->address_count = count;
    link->address_next = 0;
    tcp_connect_next(link, now_ns, -EADDRNOTAVAIL);
}

void tcp_start_connecting(struct tcp_link *link, int64_t now_ns)
{
    struct sockaddr_storage address;
    if (resolver_literal(link->config->host, link->config->port, &address) == 0) {
        tcp_use_addresses(link, &address, 1, now_ns);
        return;
    }
    tcp_set_state(link, TCP_RESOLVING, now_ns + CONNECT_TIMEOUT_MS * NS_PER_MS);
    int error = resolver_ask(link->loop->resolver, link->config->host, link->config->port, link);
    if (error < 0)
        tcp_fail(link, now_ns, "too many names to look up at once");
}

void tcp_wait_for_name(struct tcp_link *link, int64_t now_ns)
{
    if (link->failed_since_ns == 0)
        link->failed_since_ns = now_ns;
    if (link->told_up || !link->told_down)
        log_warn("link %s: no name server answers so far", link->config->name);
    link->failed = link->told_down = true;
    link->told_up = false;
    atomic_store(&link->live->trouble, "no name server answers");
    tcp_set_state(link, TCP_RESOLVING, TCP_NEVER);
    if (link->current != NULL)
        tcp_fail_rest(link, QUALITY_LINK);
    tcp_end_transaction(link, -ENOTCONN);
}

void tcp_connected(struct tcp_link *link, int64_t now_ns)
{
    int error = modbus_tcp_connected(&link->tcp);
    if (error < 0) {
        tcp_connect_next(link, now_ns, error);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = link};
    epoll_ctl(link->loop->epoll_fd, EPOLL_CTL_MOD, link->tcp.fd, &event);
    tap_mark(link->tcp.tap, "opened");
    if (link->ever_up)
        atomic_fetch_add(&link->live->reconnects, 1);
    link->ever_up = true;
    link->failed = false;
    link->answers = link->unanswered = 0;
    atomic_store(&link->live->up, true);
    atomic_store(&link->live->trouble, NULL);
    tcp_set_state(link, TCP_READY, TCP_NEVER);
    if (link->current != NULL)
        tcp_ask(link, now_ns);
}
