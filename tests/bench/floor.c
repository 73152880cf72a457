/* The floor: the cheapest thing that asks the machines as the daemon does. One loop, the same
 * ticks, the same spread over the period; the answers are thrown away unread. */
#include "common.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, SLICE = 64, REQUEST_BYTES = 12, ANSWER_MAX = 9 + 2 * 125 };

struct settings {
    long port, count, registers, every_ms, tick_ms;
};

struct machine {
    int64_t due_ns;
    int fd;
};

struct totals {
    uint64_t requests, answer_bytes;
};

struct bench {
    int epoll_fd;
    int64_t every_ns, tick_ns;
    struct machine *machines; /* in the order in which they are due */
    size_t count, next;
    struct totals totals, mark;
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

static void watch(const struct bench *bench, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(bench->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll");
}

/* A slice at a time, so as not to overrun whoever accepts. */
static void connect_all(struct bench *bench, long port)
{
    long count = (long)bench->count;
    for (long slice = 0; slice < count; slice += SLICE) {
        long end = slice + SLICE < count ? slice + SLICE : count;
        for (long i = slice; i < end; i++)
            begin_connect(&bench->machines[i], port + i);
        for (long i = slice; i < end; i++) {
            end_connect(&bench->machines[i], port + i);
            watch(bench, bench->machines[i].fd);
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
static void spread_machines(struct bench *bench)
{
    int64_t start_ns = bench_now_ns();
    int64_t span_ns = bench->every_ns < NS_PER_S ? bench->every_ns : NS_PER_S;
    for (size_t i = 0; i < bench->count; i++) {
        uint32_t part = (uint32_t)i * UINT32_C(2654435769);
        int64_t due_ns = start_ns + (int64_t)((uint64_t)part * (uint64_t)span_ns >> 32);
        bench->machines[i].due_ns = due_ns + bench->tick_ns - due_ns % bench->tick_ns;
    }
    qsort(bench->machines, bench->count, sizeof(*bench->machines), compare);
}

static bool awaits_answers(const struct bench *bench)
{
    return bench->totals.requests * bench->answer_bytes > bench->totals.answer_bytes;
}

/* The next tick with something to do, or one within a second for the orders. */
static int64_t next_tick(const struct bench *bench, int64_t now_ns)
{
    int64_t next_ns = awaits_answers(bench) ? now_ns + 1 : now_ns + NS_PER_S;
    if (bench->machines[bench->next].due_ns < next_ns)
        next_ns = bench->machines[bench->next].due_ns;
    return next_ns + (bench->tick_ns - next_ns % bench->tick_ns) % bench->tick_ns;
}

static void wait_until(int64_t until_ns)
{
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static void report(const struct bench *bench)
{
    printf("{\"requests\":%" PRIu64 ",\"answers\":%" PRIu64 "}\n",
           bench->totals.requests - bench->mark.requests,
           (bench->totals.answer_bytes - bench->mark.answer_bytes) / bench->answer_bytes);
    fflush(stdout);
}

/* False at the end. */
static bool obey(struct bench *bench)
{
    enum order order = bench_order();
    if (order == ORDER_MARK)
        bench->mark = bench->totals;
    else if (order == ORDER_REPORT)
        report(bench);
    return order != ORDER_END;
}

static void take_answer(struct bench *bench, int fd)
{
    uint8_t answer[ANSWER_MAX];
    ssize_t got = recv(fd, answer, sizeof(answer), 0);
    if (got <= 0)
        err(1, "answer");
    bench->totals.answer_bytes += (uint64_t)got;
}

/* False at the end. */
static bool take_events(struct bench *bench)
{
    struct epoll_event events[EVENTS];
    int count;
    do {
        count = epoll_wait(bench->epoll_fd, events, EVENTS, 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != STDIN_FILENO)
                take_answer(bench, events[i].data.fd);
            else if (!obey(bench))
                return false;
        }
    } while (count == EVENTS);
    return true;
}

/* Whoever missed whole periods is asked once, like by the daemon. */
static void ask_due(struct bench *bench, int64_t now_ns)
{
    for (;;) {
        struct machine *machine = &bench->machines[bench->next];
        if (machine->due_ns > now_ns)
            return;
        machine->due_ns += bench->every_ns;
        bench->next = bench->next + 1 == bench->count ? 0 : bench->next + 1;
        if (machine->due_ns <= now_ns)
            continue;
        if (send(machine->fd, bench->request, REQUEST_BYTES, MSG_NOSIGNAL) != REQUEST_BYTES)
            err(1, "request");
        bench->totals.requests++;
    }
}

static void run(struct bench *bench)
{
    int64_t now_ns = bench_now_ns();
    for (;;) {
        wait_until(next_tick(bench, now_ns));
        now_ns = bench_now_ns();
        if (!take_events(bench))
            return;
        ask_due(bench, now_ns);
    }
}

static void read_options(int argc, char **argv, struct settings *set)
{
    static const struct option names[] = {{"port", 1, NULL, 0},      {"count", 1, NULL, 0},
                                          {"registers", 1, NULL, 0}, {"every-ms", 1, NULL, 0},
                                          {"tick-ms", 1, NULL, 0},   {NULL, 0, NULL, 0}};
    struct {
        long *value, lowest, highest;
    } numbers[] = {{&set->port, 1, 65535},
                   {&set->count, 1, 20000},
                   {&set->registers, 1, 125},
                   {&set->every_ms, 1, 60000},
                   {&set->tick_ms, 1, 1000}};
    int index, option;
    while ((option = getopt_long(argc, argv, "", names, &index)) == 0)
        *numbers[index].value =
            bench_number(names[index].name, optarg, numbers[index].lowest, numbers[index].highest);
    if (option != -1 || optind < argc || set->port == 0 || set->count == 0 ||
        set->port + set->count > 65536)
        errx(2, "usage: bench_floor --port P --count N [--registers 40] [--every-ms 1000] "
                "[--tick-ms 20]");
}

int main(int argc, char **argv)
{
    struct settings set = {.registers = 40, .every_ms = 1000, .tick_ms = 20};
    read_options(argc, argv, &set);
    static struct bench bench;
    bench = (struct bench){.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                           .every_ns = set.every_ms * NS_PER_MS,
                           .tick_ns = set.tick_ms * NS_PER_MS,
                           .machines = calloc((size_t)set.count, sizeof(*bench.machines)),
                           .count = (size_t)set.count,
                           .answer_bytes = (unsigned)(9 + 2 * set.registers),
                           .request = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, (uint8_t)set.registers}};
    if (bench.machines == NULL)
        err(1, "memory");
    bench_raise_files();
    connect_all(&bench, set.port);
    watch(&bench, STDIN_FILENO);
    bench_ready();
    spread_machines(&bench);
    run(&bench);
    return 0;
}
