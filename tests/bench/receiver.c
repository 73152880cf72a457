/* bench_receiver: stands where the platform would. Counts what a broker passes on and how old it
 * is, at a small part of the cost of what is measured.
 *
 * It says MQTT 3.1.1, in which a subscriber sets no limit to messages in flight: the broker's own
 * (max_inflight_messages 0) is the only one. */
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

enum {
    RECONNECT_MS = 20,
    MISC_MS = 1000,
    KEEPALIVE_S = 600,   /* a broker that stands still for a minute is waited for */
    SEQ_LIMIT = 1 << 27, /* repeats are told below it: an hour at 1,500,000 values/s of 40 */
    MOST_DIGITS = 18     /* what surely fits 64 bits */
};

struct tally {
    int64_t mark_ms;
    uint64_t messages, bytes, malformed, readings, live_readings, values, bad_values;
    uint64_t seqs, repeats, first_seq, last_seq;
    uint64_t backlog_readings, backlog_values;
    int64_t backlog_first_ms, backlog_last_ms; /* since the mark */
};

struct reading {
    bool has_seq, has_ts, has_r0;
    int64_t seq, ts_ms, r0;
    uint64_t values, bad_values;
};

/* Where the scanner stands in a payload. */
struct scan {
    const char *at, *end;
    const char *string; /* the last one taken, as it is written between its quotes */
    size_t string_length;
    struct reading reading;
    struct receiver *receiver;
};

struct receiver {
    const char *topic;
    int port, qos;
    bool (*scan)(struct scan *scan); /* a payload; false if it is malformed */
    bool ready;
    int64_t now_ms; /* when the message at hand came */
    struct tally tally;
    struct spread latency;
    uint8_t *seen; /* a bit for each seq */
};

static void count_seq(struct receiver *receiver, uint64_t seq)
{
    struct tally *tally = &receiver->tally;
    if (tally->seqs++ == 0 || seq < tally->first_seq)
        tally->first_seq = seq;
    if (seq > tally->last_seq)
        tally->last_seq = seq;
    if (seq < SEQ_LIMIT) {
        uint8_t bit = (uint8_t)(1u << seq % 8);
        tally->repeats += (receiver->seen[seq / 8] & bit) != 0;
        receiver->seen[seq / 8] |= bit;
    }
}

static void count_reading(struct receiver *receiver, const struct reading *reading)
{
    struct tally *tally = &receiver->tally;
    int64_t age_ms = (receiver->now_ms - reading->r0) & 0xFFFF;
    tally->readings++;
    tally->values += reading->values;
    tally->bad_values += reading->bad_values;
    if (reading->has_seq)
        count_seq(receiver, (uint64_t)reading->seq);
    if (reading->has_ts && reading->ts_ms < tally->mark_ms) {
        tally->backlog_last_ms = receiver->now_ms - tally->mark_ms;
        if (tally->backlog_readings++ == 0)
            tally->backlog_first_ms = tally->backlog_last_ms;
        tally->backlog_values += reading->values;
        return;
    }
    tally->live_readings++;
    if (reading->has_r0)
        spread_add(&receiver->latency, age_ms * NS_PER_MS);
}

static bool take(struct scan *scan, char wanted)
{
    while (scan->at < scan->end && (unsigned char)*scan->at <= ' ')
        scan->at++;
    if (scan->at == scan->end || *scan->at != wanted)
        return false;
    scan->at++;
    return true;
}

static bool take_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return false;
    scan->string = scan->at;
    while (scan->at < scan->end && *scan->at != '"')
        scan->at += *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
    scan->string_length = (size_t)(scan->at - scan->string);
    return take(scan, '"');
}

static bool take_name(struct scan *scan)
{
    return take_string(scan) && take(scan, ':');
}

static bool is_name(const struct scan *scan, const char *name)
{
    return scan->string_length == strlen(name) &&
           memcmp(scan->string, name, scan->string_length) == 0;
}

/* What stands up to the next separator: a number, true, false, null. */
static bool take_word(struct scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && (unsigned char)*scan->at > ' ' && *scan->at != ',' &&
           *scan->at != ']' && *scan->at != '}')
        scan->at++;
    return scan->at > start;
}

static bool take_value(struct scan *scan)
{
    return take_string(scan) || take_word(scan);
}

/* A number, of which the whole part is wanted. */
static bool take_number(struct scan *scan, int64_t *ret_whole)
{
    bool negative = take(scan, '-');
    int64_t whole = 0;
    int digits = 0;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' && digits++ < MOST_DIGITS)
        whole = whole * 10 + (*scan->at++ - '0');
    take_word(scan);
    *ret_whole = negative ? -whole : whole;
    return digits > 0;
}

static bool scan_list(struct scan *scan, char open, char close, bool (*item)(struct scan *scan))
{
    if (!take(scan, open))
        return false;
    if (take(scan, close))
        return true;
    do {
        if (!item(scan))
            return false;
    } while (take(scan, ','));
    return take(scan, close);
}

static bool scan_value(struct scan *scan)
{
    struct reading *reading = &scan->reading;
    reading->values++;
    if (!take_name(scan))
        return false;
    if (is_name(scan, "r0"))
        return reading->has_r0 = take_number(scan, &reading->r0);
    return take_value(scan);
}

static bool scan_bad_value(struct scan *scan)
{
    scan->reading.bad_values++;
    return take_name(scan) && take_value(scan);
}

static bool scan_reading_member(struct scan *scan)
{
    struct reading *reading = &scan->reading;
    if (!take_name(scan))
        return false;
    if (is_name(scan, "seq"))
        return reading->has_seq = take_number(scan, &reading->seq) && reading->seq >= 0;
    if (is_name(scan, "ts"))
        return reading->has_ts = take_number(scan, &reading->ts_ms);
    if (is_name(scan, "values"))
        return scan_list(scan, '{', '}', scan_value);
    if (is_name(scan, "bad"))
        return scan_list(scan, '{', '}', scan_bad_value);
    return take_value(scan);
}

static bool scan_reading(struct scan *scan)
{
    scan->reading = (struct reading){0};
    if (!scan_list(scan, '{', '}', scan_reading_member))
        return false;
    count_reading(scan->receiver, &scan->reading);
    return true;
}

static bool scan_machine(struct scan *scan)
{
    return take_name(scan) && scan_list(scan, '[', ']', scan_reading);
}

/* Moves behind what is sought. */
static bool find(struct scan *scan, const char *sought)
{
    char *found = memmem(scan->at, (size_t)(scan->end - scan->at), sought, strlen(sought));
    if (found != NULL)
        scan->at = found + strlen(sought);
    return found != NULL;
}

static bool scan_json(struct scan *scan)
{
    if (find(scan, "\"readings\":"))
        return scan_list(scan, '[', ']', scan_reading);
    return !find(scan, "\"machines\":") || scan_list(scan, '{', '}', scan_machine);
}

static bool scan_number(struct scan *scan)
{
    struct reading *reading = &scan->reading;
    reading->has_r0 = true;
    return take_number(scan, reading->values++ == 0 ? &reading->r0 : &(int64_t){0});
}

static bool scan_array(struct scan *scan)
{
    bool sound = scan_list(scan, '[', ']', scan_number);
    if (sound)
        count_reading(scan->receiver, &scan->reading);
    return sound;
}

static bool scan_plain(struct scan *scan)
{
    bool sound = find(scan, ":");
    scan->receiver->tally.values += sound;
    return sound;
}

static void on_message(struct mosquitto *client, void *context,
                       const struct mosquitto_message *message)
{
    struct receiver *receiver = context;
    size_t length = (size_t)message->payloadlen;
    const char *payload = length > 0 ? message->payload : "";
    struct scan scan = {.at = payload, .end = payload + length, .receiver = receiver};
    (void)client;
    receiver->now_ms = bench_wall_ms();
    receiver->tally.messages++;
    receiver->tally.bytes += length;
    receiver->tally.malformed += !receiver->scan(&scan);
}

static void on_connect(struct mosquitto *client, void *context, int code)
{
    const struct receiver *receiver = context;
    if (code != 0)
        errx(1, "broker: %s", mosquitto_connack_string(code));
    mosquitto_subscribe(client, NULL, receiver->topic, receiver->qos);
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count,
                         const int *granted)
{
    struct receiver *receiver = context;
    (void)client, (void)id;
    if (count != 1 || granted[0] > 2)
        errx(1, "%s: the broker refuses the subscription", receiver->topic);
    if (!receiver->ready)
        bench_ready();
    receiver->ready = true;
}

static void mark(struct receiver *receiver)
{
    memset(receiver->seen, 0, SEQ_LIMIT / 8);
    receiver->tally = (struct tally){.mark_ms = bench_wall_ms()};
    spread_clear(&receiver->latency);
}

static void report(struct receiver *receiver)
{
    const struct tally *tally = &receiver->tally;
    printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"malformed\":%" PRIu64
           ",\"readings\":%" PRIu64 ",\"live_readings\":%" PRIu64 ",\"backlog_readings\":%" PRIu64
           ",\"values\":%" PRIu64 ",\"bad_values\":%" PRIu64 ",\"backlog_values\":%" PRIu64
           ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"seqs\":%" PRIu64
           ",\"repeats\":%" PRIu64 ",",
           tally->messages, tally->bytes, tally->malformed, tally->readings, tally->live_readings,
           tally->backlog_readings, tally->values, tally->bad_values, tally->backlog_values,
           tally->first_seq, tally->last_seq, tally->seqs, tally->repeats);
    if (tally->backlog_readings > 0)
        printf("\"backlog_first_ms\":%" PRId64 ",\"backlog_last_ms\":%" PRId64 ",",
               tally->backlog_first_ms, tally->backlog_last_ms);
    else
        printf("\"backlog_first_ms\":null,\"backlog_last_ms\":null,");
    spread_print(&receiver->latency, "latency");
    puts("}");
    fflush(stdout);
}

static void serve(struct receiver *receiver, struct mosquitto *client)
{
    for (;;) {
        int socket = mosquitto_socket(client); /* -1 between connections, which poll passes over */
        short wanted = mosquitto_want_write(client) ? POLLIN | POLLOUT : POLLIN;
        struct pollfd polled[] = {{.fd = socket, .events = wanted},
                                  {.fd = STDIN_FILENO, .events = POLLIN}};
        poll(polled, 2, socket < 0 ? RECONNECT_MS : MISC_MS);
        enum order order = polled[1].revents != 0 ? bench_order() : ORDER_NONE;
        if (order == ORDER_END)
            return;
        if (order == ORDER_MARK)
            mark(receiver);
        else if (order == ORDER_REPORT)
            report(receiver);
        if (socket < 0)
            mosquitto_reconnect(client);
        if (polled[0].revents & POLLOUT)
            mosquitto_loop_write(client, 1);
        if (polled[0].revents & ~POLLOUT)
            mosquitto_loop_read(client, 1);
        mosquitto_loop_misc(client);
    }
}

static bool (*format_of(const char *name))(struct scan *scan)
{
    if (strcmp(name, "json") == 0)
        return scan_json;
    if (strcmp(name, "plain") == 0)
        return scan_plain;
    if (strcmp(name, "array") == 0)
        return scan_array;
    errx(2, "--format: '%s', expected json, plain or array", name);
}

static void configure(struct receiver *receiver, int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"topic", required_argument, NULL, 't'},
                                            {"qos", required_argument, NULL, 'q'},
                                            {"format", required_argument, NULL, 'f'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'p')
            receiver->port = (int)bench_number("port", optarg, 1, 65535);
        else if (option == 't')
            receiver->topic = optarg;
        else if (option == 'q')
            receiver->qos = (int)bench_number("qos", optarg, 0, 2);
        else if (option == 'f')
            receiver->scan = format_of(optarg);
        else
            exit(2);
    }
    if (receiver->port == 0 || optind < argc)
        errx(2, "usage: bench_receiver --port P [--topic T] [--qos Q] [--format F]");
}

int main(int argc, char **argv)
{
    struct receiver receiver = {.topic = "bindery/#", .qos = 1, .scan = scan_json};
    char id[32];
    configure(&receiver, argc, argv);
    receiver.seen = calloc(SEQ_LIMIT / 8, 1);
    mosquitto_lib_init();
    snprintf(id, sizeof(id), "bench-receiver-%d", (int)getpid());
    /* A session that outlives its connection: what comes meanwhile is kept for us. */
    struct mosquitto *client = mosquitto_new(id, false, &receiver);
    if (receiver.seen == NULL || client == NULL)
        err(1, "receiver");
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    mark(&receiver);
    if (mosquitto_connect(client, "127.0.0.1", receiver.port, KEEPALIVE_S) != MOSQ_ERR_SUCCESS)
        errx(1, "127.0.0.1:%d: no broker answers", receiver.port);
    serve(&receiver, client);
    mosquitto_destroy(client);
    free(receiver.seen);
    free(receiver.latency.values_ns);
    return 0;
}
