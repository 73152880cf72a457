/* The least that does the whole job: the floor's loop, and a thread beside it that in the daemon's
 * rhythm commits and publishes as many bytes as the daemon does. They are random ones: nothing is
 * decoded, filtered or encoded, so that what is left is polling, committing and acknowledging. */
#include <MQTTAsync.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "floor_loop.h"

enum {
    FILE_BYTES = 2 << 20,
    COMMITTED_BYTES = 85,  /* a poll, about what the store writes */
    PUBLISHED_BYTES = 480, /* a poll */
    POLLS_MAX = FILE_BYTES / PUBLISHED_BYTES,
    KEEP_ALIVE_S = 20,
    PAHO_IN_FLIGHT = 65535,
};

static const int64_t ROUND_NS = 200 * NS_PER_MS;
static const char TOPIC[] = "bench/least";

struct settings {
    struct floor_settings floor;
    long broker;
    const char *file;
    bool by_machine;
};

struct work {
    uint64_t commits, bytes, published, acknowledged;
};

struct least {
    struct floor *floor;
    MQTTAsync paho;
    sem_t connected;
    bool by_machine;
    int fd;
    size_t place;   /* in the file, of the next commit */
    uint8_t *pool;  /* FILE_BYTES at random */
    uint64_t taken; /* of the floor's answers */
    atomic_bool stopped;
    _Atomic uint64_t commits, bytes, published, acknowledged;
    struct work mark;
};

static void on_connected(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    sem_post(&((struct least *)context)->connected);
}

static void on_refused(void *context, MQTTAsync_failureData5 *data)
{
    (void)context;
    errx(1, "broker: %s", data->message != NULL ? data->message : "refused");
}

static void on_lost(void *context, char *cause)
{
    (void)context;
    (void)cause;
    errx(1, "broker: connection lost");
}

static int on_arrived(void *context, char *topic, int topic_length, MQTTAsync_message *message)
{
    (void)context;
    (void)topic_length;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_taken(void *context, MQTTAsync_successData5 *data)
{
    struct least *least = context;
    (void)data;
    least->acknowledged++;
}

static void on_not_taken(void *context, MQTTAsync_failureData5 *data)
{
    (void)context;
    errx(1, "publish: refused with %d", data->reasonCode);
}

static void create_client(struct least *least, long port)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    char url[48];
    unsetenv("http_proxy"); /* which Paho would obey */
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    options.MQTTVersion = MQTTVERSION_5;
    options.maxBufferedMessages = PAHO_IN_FLIGHT;
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%ld", port);
    if (MQTTAsync_createWithOptions(&least->paho, url, "bench-least", MQTTCLIENT_PERSISTENCE_NONE,
                                    NULL, &options) != MQTTASYNC_SUCCESS)
        errx(1, "MQTT client");
    MQTTAsync_setCallbacks(least->paho, least, on_lost, on_arrived, NULL);
}

static void connect_broker(struct least *least)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
    options.cleanstart = 1;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.maxInflight = PAHO_IN_FLIGHT;
    options.onSuccess5 = on_connected;
    options.onFailure5 = on_refused;
    options.context = least;
    sem_init(&least->connected, 0, 0);
    if (MQTTAsync_connect(least->paho, &options) != MQTTASYNC_SUCCESS)
        errx(1, "broker: no connection");
    while (sem_wait(&least->connected) < 0 && errno == EINTR)
        continue;
}

/* Written in full beforehand, like a write-ahead log that has come round: commits overwrite, and
 * the file system has no blocks to find for them. */
static void fill_file(struct least *least, const char *path)
{
    least->pool = malloc(FILE_BYTES);
    if (least->pool == NULL)
        err(1, "memory");
    for (size_t at = 0; at < FILE_BYTES; at += 256)
        if (getentropy(least->pool + at, 256) < 0)
            err(1, "random bytes");
    least->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (least->fd < 0 || pwrite(least->fd, least->pool, FILE_BYTES, 0) != FILE_BYTES ||
        fsync(least->fd) < 0)
        err(1, "%s", path);
}

static void commit(struct least *least, size_t length)
{
    if (least->place + length > FILE_BYTES)
        least->place = 0;
    if (pwrite(least->fd, least->pool + least->place, length, (off_t)least->place) !=
            (ssize_t)length ||
        fdatasync(least->fd) < 0)
        err(1, "commit");
    least->place += length;
    least->commits++;
    least->bytes += length;
}

static void publish(struct least *least, size_t length)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.context = least;
    options.onSuccess5 = on_taken;
    options.onFailure5 = on_not_taken;
    int code = MQTTAsync_send(least->paho, TOPIC, (int)length, least->pool, 1, 0, &options);
    if (code != MQTTASYNC_SUCCESS)
        errx(1, "publish: Paho says %d", code);
    least->published++;
}

/* What was answered since the last time; after a stall the rest of it has to wait. */
static void forward(struct least *least)
{
    uint64_t polls = floor_answers(least->floor) - least->taken;
    if (polls > POLLS_MAX)
        polls = POLLS_MAX;
    if (polls == 0)
        return;
    least->taken += polls;
    commit(least, polls * COMMITTED_BYTES);
    if (!least->by_machine)
        publish(least, polls * PUBLISHED_BYTES);
    for (uint64_t i = 0; least->by_machine && i < polls; i++)
        publish(least, PUBLISHED_BYTES);
}

static void *run_thread(void *context)
{
    struct least *least = context;
    int64_t next_ns = bench_now_ns();
    while (!least->stopped) {
        next_ns += ROUND_NS;
        struct timespec until = {next_ns / NS_PER_S, next_ns % NS_PER_S};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
            continue;
        forward(least);
    }
    return NULL;
}

static struct work work_so_far(const struct least *least)
{
    return (struct work){least->commits, least->bytes, least->published, least->acknowledged};
}

static void report(const struct least *least)
{
    struct work now = work_so_far(least);
    const struct work *mark = &least->mark;
    printf("{");
    floor_print(least->floor);
    printf(",\"commits\":%" PRIu64 ",\"committed_bytes\":%" PRIu64 ",\"published\":%" PRIu64
           ",\"acknowledged\":%" PRIu64 "}\n",
           now.commits - mark->commits, now.bytes - mark->bytes, now.published - mark->published,
           now.acknowledged - mark->acknowledged);
    fflush(stdout);
}

static void obey_orders(struct least *least)
{
    enum order order;
    while ((order = floor_run(least->floor)) != ORDER_END) {
        if (order == ORDER_MARK) {
            floor_mark(least->floor);
            least->mark = work_so_far(least);
        } else if (order == ORDER_REPORT) {
            report(least);
        }
    }
}

static bool is_by_machine(const char *gather)
{
    if (strcmp(gather, "gateway") != 0 && strcmp(gather, "machine") != 0)
        errx(2, "--gather: '%s', expected gateway or machine", gather);
    return strcmp(gather, "machine") == 0;
}

static void read_options(int argc, char **argv, struct settings *set)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},   {"count", required_argument, NULL, 'c'},
        {"broker", required_argument, NULL, 'b'}, {"file", required_argument, NULL, 'f'},
        {"gather", required_argument, NULL, 'g'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'p')
            set->floor.port = bench_number("port", optarg, 1, 65535);
        else if (option == 'c')
            set->floor.count = bench_number("count", optarg, 1, 20000);
        else if (option == 'b')
            set->broker = bench_number("broker", optarg, 1, 65535);
        else if (option == 'f')
            set->file = optarg;
        else if (option == 'g')
            set->by_machine = is_by_machine(optarg);
        else
            exit(2);
    }
    if (set->floor.port == 0 || set->floor.count == 0 || set->broker == 0 || set->file == NULL ||
        set->floor.port + set->floor.count > 65536 || optind < argc)
        errx(2, "usage: bench_least --port P --count N --broker P --file F "
                "[--gather gateway|machine]");
}

int main(int argc, char **argv)
{
    static struct least least;
    struct settings set = {.floor = FLOOR_SETTINGS_USUAL};
    pthread_t thread;
    read_options(argc, argv, &set);
    least.by_machine = set.by_machine;
    fill_file(&least, set.file);
    create_client(&least, set.broker);
    connect_broker(&least);
    least.floor = floor_open(&set.floor);
    bench_ready();
    floor_start(least.floor);
    errno = pthread_create(&thread, NULL, run_thread, &least);
    if (errno != 0)
        err(1, "thread");
    obey_orders(&least);
    least.stopped = true;
    pthread_join(thread, NULL);
    MQTTAsync_destroy(&least.paho);
    floor_close(least.floor);
    close(least.fd);
    free(least.pool);
    return 0;
}
