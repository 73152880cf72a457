#include "floor_loop.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, SLICE = 64, REQUEST_BYTES = 12, ANSWER_MAX = 9 + 2 * 125 };

struct machine {
    int64_t due_ns;
    int fd;
};

struct floor {
    int epoll_fd;
    int64_t every_ns, tick_ns, now_ns;
    struct machine *machines; /* in the order in which they are due */
    size_t count, next;
    uint64_t requests, marked_requests;
    _Atomic uint64_t received_bytes; /* written by the loop alone, read by whoever wants */
    uint64_t marked_bytes;
    unsigned answer_bytes; /* of one */
    uint8_t request[REQUEST_BYTES];
};

static void begin_connect(struct machine *machine, long port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    machine->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (machine->fd < 0)
        err(1, "socket");
    setsockopt(machine->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(machine->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 &&
        errno != EINPROGRESS)
        err(1, "port %ld", port);
}

static void end_connect(const struct machine *machine, long port)
{
    struct pollfd wait = {.fd = machine->fd, .events = POLLOUT};
    if (poll(&wait, 1, 10000) == 0)
        errx(1, "port %ld: no connection", port);
    int error = 0;
    socklen_t length = sizeof(error);
    getsockopt(machine->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    if (error != 0)
        err(1, "port %ld", port);
}

static void watch(const struct floor *floor, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll");
}

/* A slice at a time, so as not to overrun whoever accepts. */
static void connect_all(struct floor *floor, long port)
{
    long count = (long)floor->count;
    for (long slice = 0; slice < count; slice += SLICE) {
        long end = slice + SLICE < count ? slice + SLICE : count;
        for (long i = slice; i < end; i++)
            begin_connect(&floor->machines[i], port + i);
        for (long i = slice; i < end; i++) {
            end_connect(&floor->machines[i], port + i);
            watch(floor, floor->machines[i].fd);
        }
    }
}

static int compare(const void *left, const void *right)
{
    const struct machine *a = left, *b = right;
    return (a->due_ns > b->due_ns) - (a->due_ns < b->due_ns);
}

/* As the daemon's schedule has it: multiples of the golden ratio, rounded up to ticks. No two lie
 * further apart than the period, so that in sorted order they stay due in turn for ever. */
static void spread_machines(struct floor *floor)
{
    int64_t start_ns = bench_now_ns();
    int64_t span_ns = floor->every_ns < NS_PER_S ? floor->every_ns : NS_PER_S;
    for (size_t i = 0; i < floor->count; i++) {
        uint32_t part = (uint32_t)i * UINT32_C(2654435769);
        int64_t due_ns = start_ns + (int64_t)((uint64_t)part * (uint64_t)span_ns >> 32);
        floor->machines[i].due_ns = due_ns + floor->tick_ns - due_ns % floor->tick_ns;
    }
    qsort(floor->machines, floor->count, sizeof(*floor->machines), compare);
}

static uint64_t received_bytes(const struct floor *floor)
{
    return atomic_load_explicit(&floor->received_bytes, memory_order_relaxed);
}

static bool awaits_answers(const struct floor *floor)
{
    return floor->requests * floor->answer_bytes > received_bytes(floor);
}

/* The next tick with something to do, or one within a second for the orders. */
static int64_t next_tick(const struct floor *floor)
{
    int64_t next_ns = floor->now_ns + (awaits_answers(floor) ? 1 : NS_PER_S);
    if (floor->machines[floor->next].due_ns < next_ns)
        next_ns = floor->machines[floor->next].due_ns;
    return next_ns + (floor->tick_ns - next_ns % floor->tick_ns) % floor->tick_ns;
}

static void wait_until(int64_t until_ns)
{
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static void take_answer(struct floor *floor, int fd)
{
    uint8_t answer[ANSWER_MAX];
    ssize_t got = recv(fd, answer, sizeof(answer), 0);
    if (got <= 0)
        err(1, "answer");
    /* Not an atomic addition: that would cost, and nobody else writes. */
    atomic_store_explicit(&floor->received_bytes, received_bytes(floor) + (uint64_t)got,
                          memory_order_relaxed);
}

/* Whether there is an order as well. */
static bool take_events(struct floor *floor)
{
    struct epoll_event events[EVENTS];
    bool ordered = false;
    int count;
    do {
        count = epoll_wait(floor->epoll_fd, events, EVENTS, 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == STDIN_FILENO)
                ordered = true;
            else
                take_answer(floor, events[i].data.fd);
        }
    } while (count == EVENTS);
    return ordered;
}

/* Whoever missed whole periods is asked once, like by the daemon. */
static void ask_due(struct floor *floor)
{
    for (;;) {
        struct machine *machine = &floor->machines[floor->next];
        if (machine->due_ns > floor->now_ns)
            return;
        machine->due_ns += floor->every_ns;
        floor->next = floor->next + 1 == floor->count ? 0 : floor->next + 1;
        if (machine->due_ns <= floor->now_ns)
            continue;
        if (send(machine->fd, floor->request, REQUEST_BYTES, MSG_NOSIGNAL) != REQUEST_BYTES)
            err(1, "request");
        floor->requests++;
    }
}

enum order floor_run(struct floor *floor)
{
    bool ordered;
    do {
        wait_until(next_tick(floor));
        floor->now_ns = bench_now_ns();
        ordered = take_events(floor);
        ask_due(floor);
    } while (!ordered);
    return bench_order();
}

struct floor *floor_open(const struct floor_settings *set)
{
    struct floor *floor = malloc(sizeof(*floor));
    struct machine *machines = calloc((size_t)set->count, sizeof(*machines));
    if (floor == NULL || machines == NULL)
        err(1, "memory");
    *floor = (struct floor){.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                            .every_ns = set->every_ms * NS_PER_MS,
                            .tick_ns = set->tick_ms * NS_PER_MS,
                            .machines = machines,
                            .count = (size_t)set->count,
                            .answer_bytes = (unsigned)(9 + 2 * set->registers),
                            .request = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, (uint8_t)set->registers}};
    bench_raise_files();
    connect_all(floor, set->port);
    watch(floor, STDIN_FILENO);
    return floor;
}

void floor_close(struct floor *floor)
{
    for (size_t i = 0; i < floor->count; i++)
        close(floor->machines[i].fd);
    close(floor->epoll_fd);
    free(floor->machines);
    free(floor);
}

void floor_start(struct floor *floor)
{
    spread_machines(floor);
    floor->now_ns = bench_now_ns();
}

uint64_t floor_answers(const struct floor *floor)
{
    return received_bytes(floor) / floor->answer_bytes;
}

void floor_mark(struct floor *floor)
{
    floor->marked_requests = floor->requests;
    floor->marked_bytes = received_bytes(floor);
}

void floor_print(const struct floor *floor)
{
    printf("\"requests\":%" PRIu64 ",\"answers\":%" PRIu64,
           floor->requests - floor->marked_requests,
           (received_bytes(floor) - floor->marked_bytes) / floor->answer_bytes);
}
