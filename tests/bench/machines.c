/* Machines to be asked: one loop that answers Modbus TCP on a port a machine, and that notes when
 * each request came. As cheap as can be: it shares the processor with whatever is measured.
 *
 * The first --silent machines accept and never answer, the next --refusing ones don't listen, the
 * next --slow ones answer --slow-ms after the request. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "answer.h"
#include "common.h"

enum {
    EVENTS = 512,
    FILES_MAX = 1 << 16,
    DELAYED_MAX = 1 << 16,
    TAKEN_AT_ONCE = 512,
};

struct settings {
    long port, count, registers, changing, period_ms, silent, refusing, slow, slow_ms;
};

struct machine {
    bool silent, slow;
    bool asked;             /* since the mark */
    uint32_t requests;      /* since the start */
    struct spread arrivals; /* since the mark, in their order; none where it is silent */
};

/* What epoll watches, by its descriptor. */
struct peer {
    int machine;         /* its number, -1 for standard input */
    unsigned connection; /* its number, 0 for what listens */
    unsigned kept_length;
    uint8_t kept[FRAME_MAX]; /* the beginning of a request */
};

struct delayed {
    int64_t due_ns;
    int fd;
    unsigned connection; /* by then another one may have its descriptor */
    uint8_t request[READ_BYTES];
};

struct totals {
    int64_t mark_ns, first_all_ns; /* the latter 0 while some machine was not asked */
    uint64_t requests, connections, registers;
    long machines_asked;
};

struct bench {
    struct settings set;
    int epoll_fd;
    unsigned connections, delayed_first, delayed_count;
    struct machine *machines;
    struct peer *peers;
    struct delayed *delayed; /* a ring: they fall due in the order they came */
    struct totals totals;
};

static void note_arrival(struct bench *bench, int number, int64_t now_ns)
{
    struct machine *machine = &bench->machines[number];
    struct totals *totals = &bench->totals;
    machine->requests++;
    totals->requests++;
    if (!machine->asked && ++totals->machines_asked == bench->set.count - bench->set.refusing)
        totals->first_all_ns = now_ns - totals->mark_ns;
    machine->asked = true;
    if (!machine->silent)
        spread_add(&machine->arrivals, now_ns);
}

static size_t answer(struct bench *bench, int number, const uint8_t *request, uint8_t *ret_answer)
{
    struct content content = {(unsigned)number, (unsigned)bench->set.registers,
                              (unsigned)bench->set.changing, bench->machines[number].requests};
    size_t length = put_answer(&content, request, ret_answer);
    bench->totals.registers += (length - 9) / 2;
    return length;
}

static void delay(struct bench *bench, int fd, const uint8_t *request, int64_t now_ns)
{
    if (bench->delayed_count == DELAYED_MAX)
        errx(1, "more than %d answers are delayed", DELAYED_MAX);
    unsigned last = (bench->delayed_first + bench->delayed_count++) % DELAYED_MAX;
    struct delayed *delayed = &bench->delayed[last];
    delayed->due_ns = now_ns + bench->set.slow_ms * NS_PER_MS;
    delayed->fd = fd;
    delayed->connection = bench->peers[fd].connection;
    memcpy(delayed->request, request, is_read(request) ? READ_BYTES : 8);
}

static void drop(struct bench *bench, int fd)
{
    bench->peers[fd].connection = 0;
    close(fd);
}

/* Whoever doesn't take its answers is dropped. */
static void send_all(struct bench *bench, int fd, const uint8_t *bytes, size_t length)
{
    if (length > 0 && send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        drop(bench, fd);
}

static void serve(struct bench *bench, int fd)
{
    struct peer *peer = &bench->peers[fd];
    uint8_t input[FRAME_MAX + TAKEN_AT_ONCE];
    uint8_t output[(sizeof(input) / READ_BYTES + 1) * FRAME_MAX];
    ssize_t got = recv(fd, input + peer->kept_length, TAKEN_AT_ONCE, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            drop(bench, fd);
        return;
    }
    memcpy(input, peer->kept, peer->kept_length);
    const struct machine *machine = &bench->machines[peer->machine];
    int64_t now_ns = bench_now_ns();
    size_t have = peer->kept_length + (size_t)got, at = 0, length = 0;
    int taken;
    while ((taken = parse_request(input + at, have - at)) > 0) {
        note_arrival(bench, peer->machine, now_ns);
        if (machine->slow)
            delay(bench, fd, input + at, now_ns);
        else if (!machine->silent)
            length += answer(bench, peer->machine, input + at, output + length);
        at += (size_t)taken;
    }
    if (taken < 0) {
        drop(bench, fd);
        return;
    }
    peer->kept_length = (unsigned)(have - at);
    memcpy(peer->kept, input + at, peer->kept_length);
    send_all(bench, fd, output, length);
}

static void send_delayed(struct bench *bench, int64_t now_ns)
{
    const struct delayed *delayed;
    while (bench->delayed_count > 0 &&
           (delayed = &bench->delayed[bench->delayed_first])->due_ns <= now_ns) {
        const struct peer *peer = &bench->peers[delayed->fd];
        uint8_t output[FRAME_MAX];
        if (peer->connection == delayed->connection)
            send_all(bench, delayed->fd, output,
                     answer(bench, peer->machine, delayed->request, output));
        bench->delayed_first = (bench->delayed_first + 1) % DELAYED_MAX;
        bench->delayed_count--;
    }
}

static void watch(struct bench *bench, int fd, int machine, unsigned connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd >= FILES_MAX || epoll_ctl(bench->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll, descriptor %d", fd);
    bench->peers[fd].machine = machine;
    bench->peers[fd].connection = connection;
    bench->peers[fd].kept_length = 0;
}

static void take_connection(struct bench *bench, const struct peer *listener, int listener_fd)
{
    int fd = accept4(listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED)
        err(1, "accept");
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    watch(bench, fd, listener->machine, ++bench->connections);
    bench->totals.connections++;
}

static void listen_at(struct bench *bench, int number)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)(bench->set.port + number)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, SOMAXCONN) < 0)
        err(1, "machine %d, port %ld", number, bench->set.port + number);
    watch(bench, fd, number, 0);
}

static void mark(struct bench *bench)
{
    bench->totals = (struct totals){.mark_ns = bench_now_ns()};
    for (long i = 0; i < bench->set.count; i++) {
        bench->machines[i].asked = false;
        spread_clear(&bench->machines[i].arrivals);
    }
}

static int compare(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* A machine's grid is the earliest of its phases: to be on time is the rule, and late the
 * exception. The first few may be earlier still, where the one compared with was late. */
static void measure(const struct spread *arrivals, int64_t period_ns, struct spread *phases,
                    struct spread *lateness, int64_t *skipped)
{
    spread_clear(phases);
    for (size_t i = 0; i < arrivals->count; i++) {
        const int64_t *at_ns = &arrivals->values_ns[i];
        spread_add(phases, (*at_ns - arrivals->values_ns[0] + period_ns / 2) % period_ns);
        int64_t gap_ns = i == 0 ? 0 : at_ns[0] - at_ns[-1];
        if (gap_ns > period_ns * 3 / 2)
            *skipped += (gap_ns + period_ns / 2) / period_ns - 1;
    }
    if (phases->count > 0)
        qsort(phases->values_ns, phases->count, sizeof(*phases->values_ns), compare);
    for (size_t i = 0; i < phases->count; i++) {
        int64_t late_ns = phases->values_ns[i] - phases->values_ns[phases->count / 20];
        spread_add(lateness, late_ns > 0 ? late_ns : 0);
    }
}

static void report(const struct bench *bench)
{
    const struct totals *totals = &bench->totals;
    struct spread phases = {0}, lateness = {0};
    int64_t skipped = 0, period_ns = bench->set.period_ms * NS_PER_MS;
    for (long i = 0; i < bench->set.count; i++)
        measure(&bench->machines[i].arrivals, period_ns, &phases, &lateness, &skipped);
    printf("{\"requests\":%" PRIu64 ",\"machines_asked\":%ld,\"connections\":%" PRIu64
           ",\"first_all_ms\":",
           totals->requests, totals->machines_asked, totals->connections);
    if (totals->first_all_ns > 0)
        printf("%.3f", (double)totals->first_all_ns / (double)NS_PER_MS);
    else
        printf("null");
    printf(",\"registers_read\":%" PRIu64 ",\"skipped\":%" PRId64 ",", totals->registers, skipped);
    spread_print(&lateness, "lateness");
    puts("}");
    fflush(stdout);
    free(phases.values_ns);
    free(lateness.values_ns);
}

/* False at the end. */
static bool obey(struct bench *bench)
{
    enum order order = bench_order();
    if (order == ORDER_MARK)
        mark(bench);
    else if (order == ORDER_REPORT)
        report(bench);
    return order != ORDER_END;
}

static int timeout_ms(const struct bench *bench)
{
    if (bench->delayed_count == 0)
        return -1;
    int64_t wait_ns = bench->delayed[bench->delayed_first].due_ns - bench_now_ns();
    return wait_ns <= 0 ? 0 : (int)(wait_ns / NS_PER_MS) + 1;
}

static void run(struct bench *bench)
{
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(bench->epoll_fd, events, EVENTS, timeout_ms(bench));
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            const struct peer *peer = &bench->peers[fd];
            if (peer->machine < 0 && !obey(bench))
                return;
            if (peer->connection != 0)
                serve(bench, fd);
            else if (peer->machine >= 0)
                take_connection(bench, peer, fd);
        }
        if (bench->delayed_count > 0)
            send_delayed(bench, bench_now_ns());
    }
}

static void start(struct bench *bench)
{
    const struct settings *set = &bench->set;
    bench->machines = calloc((size_t)set->count, sizeof(*bench->machines));
    bench->peers = calloc(FILES_MAX, sizeof(*bench->peers));
    bench->delayed = calloc(DELAYED_MAX, sizeof(*bench->delayed));
    bench->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (bench->machines == NULL || bench->peers == NULL || bench->delayed == NULL)
        err(1, "memory");
    watch(bench, STDIN_FILENO, -1, 0);
    long listens_from = set->silent + set->refusing;
    for (int i = 0; i < set->count; i++) {
        bench->machines[i].silent = i < set->silent;
        bench->machines[i].slow = i >= listens_from && i < listens_from + set->slow;
        if (i < set->silent || i >= listens_from)
            listen_at(bench, i);
    }
    mark(bench);
}

static void read_options(int argc, char **argv, struct settings *set)
{
    static const struct option names[] = {{"port", 1, NULL, 0},      {"count", 1, NULL, 0},
                                          {"registers", 1, NULL, 0}, {"changing", 1, NULL, 0},
                                          {"period-ms", 1, NULL, 0}, {"silent", 1, NULL, 0},
                                          {"refusing", 1, NULL, 0},  {"slow", 1, NULL, 0},
                                          {"slow-ms", 1, NULL, 0},   {NULL, 0, NULL, 0}};
    struct {
        long *value, lowest, highest;
    } numbers[] = {
        {&set->port, 1, 65535},     {&set->count, 1, 20000},     {&set->registers, 1, 65536},
        {&set->changing, 0, 65536}, {&set->period_ms, 1, 60000}, {&set->silent, 0, 20000},
        {&set->refusing, 0, 20000}, {&set->slow, 0, 20000},      {&set->slow_ms, 1, 60000}};
    int index, option;
    while ((option = getopt_long(argc, argv, "", names, &index)) == 0)
        *numbers[index].value =
            bench_number(names[index].name, optarg, numbers[index].lowest, numbers[index].highest);
    if (option != -1 || optind < argc || set->port == 0 || set->count == 0)
        errx(2, "usage: bench_machines --port P --count N, and more options");
    if (set->port + set->count > 65536 || set->silent + set->refusing + set->slow > set->count)
        errx(2, "more machines than ports, or more special ones than machines");
}

int main(int argc, char **argv)
{
    static struct bench bench = {
        .set = {.registers = 40, .changing = 40, .period_ms = 1000, .slow_ms = 300}};
    read_options(argc, argv, &bench.set);
    bench_raise_files();
    start(&bench);
    bench_ready();
    run(&bench);
    return 0;
}
