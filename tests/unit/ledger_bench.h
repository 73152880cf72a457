/* A ledger on a store of its own, and an uplink of the test's making in the place of delivery.c. */
#ifndef BINDERY_LEDGER_BENCH_H
#define BINDERY_LEDGER_BENCH_H

#include <errno.h>

#include "clock.h"
#include "ledger.h"
#include "store_fixture.h"

enum { QUEUE_BYTES = 1024 * 1024, COMMIT_MS = 200, PUBLISH_MS = 1000, NOISE_BYTES = 200 };

/* Owes what it is told to. */
struct delivery {
    struct uplink_settings settings;
    struct ranges owed;
    uint64_t live_seq;
    bool connected, dirty;
};

const struct uplink_settings *delivery_settings(const struct delivery *delivery)
{
    return &delivery->settings;
}

const struct ranges *delivery_owed(const struct delivery *delivery)
{
    return &delivery->owed;
}

bool delivery_connected(const struct delivery *delivery)
{
    return delivery->connected;
}

bool delivery_is_dirty(const struct delivery *delivery)
{
    return delivery->dirty;
}

void delivery_saved(struct delivery *delivery)
{
    delivery->dirty = false;
}

void delivery_forget(struct delivery *delivery, uint64_t first_seq, uint64_t last_seq)
{
    ranges_remove(&delivery->owed, first_seq, last_seq);
    delivery->dirty = true;
}

void delivery_renumber(struct delivery *delivery, uint64_t next_seq)
{
    delivery->live_seq = next_seq;
    ranges_free(&delivery->owed);
    ranges_add(&delivery->owed, 1, SEQ_END);
    delivery->dirty = true;
}

/* --- the bench --- */

struct bench {
    struct fixture *fixture;
    const struct plant *plant;
    struct queue *queue;
    struct ledger *ledger;
    struct delivery cloud;
    struct delivery *deliveries[2]; /* a test may add one */
    size_t delivery_count;
    int64_t now_ns;
    uint32_t random;
    const char *tags; /* of the plant's machine */
};

static inline int set_up(void **state)
{
    struct bench *bench = mem_alloc(sizeof(*bench));
    void *fixture;
    if (fixture_set_up(&fixture) != 0)
        return -1;
    bench->fixture = fixture;
    bench->cloud = (struct delivery){.settings = {.name = "cloud", .publish_every_ms = PUBLISH_MS},
                                     .connected = true};
    ranges_add(&bench->cloud.owed, 1, SEQ_END);
    bench->deliveries[0] = &bench->cloud;
    bench->delivery_count = 1;
    bench->tags = "{name: t, at: 'holding:0'}";
    bench->now_ns = clock_mono_ns() / NS_PER_S * NS_PER_S; /* batches are taken on a grid */
    *state = bench;
    return 0;
}

static inline void close_ledger(struct bench *bench)
{
    ledger_close(bench->ledger);
    queue_free(bench->queue);
    plant_release(bench->plant);
    bench->ledger = NULL;
    bench->queue = NULL;
    bench->plant = NULL;
}

static inline int tear_down(void **state)
{
    struct bench *bench = *state;
    void *fixture = bench->fixture;
    close_ledger(bench);
    ranges_free(&bench->cloud.owed);
    free(bench);
    return fixture_tear_down(&fixture);
}

static inline void open_ledger(struct bench *bench, const char *settings, size_t queue_bytes)
{
    char path[100];
    struct fault_list faults = {0};
    snprintf(path, sizeof(path), "%s/plant.yaml", bench->fixture->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "gateway: g\nstore: {path: %s, commit_every: %dms, %s}\nuplinks: []\n",
            bench->fixture->path, COMMIT_MS, settings);
    fputs("links: [{name: l, driver: modbus-tcp, address: 127.0.0.1}]\n"
          "machines: [{name: m, link: l, tags: [",
          file);
    fprintf(file, "%s]}]\n", bench->tags);
    fclose(file);
    int error = plant_load(path, &bench->plant, &faults);
    if (error < 0)
        print_error("%s\n", faults.items[0].message);
    assert_int_equal(error, 0);
    fault_list_free(&faults);
    bench->queue = queue_new(queue_bytes);
    assert_int_equal(ledger_open(bench->plant, bench->queue, &bench->ledger), 0);
}

static inline void open_always(struct bench *bench)
{
    open_ledger(bench, "durability: always", QUEUE_BYTES);
}

static inline void open_outage(struct bench *bench)
{
    open_ledger(bench, "durability: outage", QUEUE_BYTES);
}

static inline struct audience audience(const struct bench *bench)
{
    return (struct audience){bench->deliveries, bench->delivery_count};
}

/* The loop's next round, so much later. */
static inline void step_after(struct bench *bench, int64_t wait_ms)
{
    bench->now_ns += wait_ms * NS_PER_MS;
    assert_true(ledger_step(bench->ledger, audience(bench), bench->now_ns) > bench->now_ns);
}

static inline void step(struct bench *bench)
{
    step_after(bench, COMMIT_MS);
}

static inline void finish(struct bench *bench)
{
    ledger_finish(bench->ledger, audience(bench));
}

static inline void put(struct bench *bench, int64_t value)
{
    struct sample sample = {.value = {.kind = VALUE_DECIMAL, .mantissa = value}};
    struct reading reading = {
        .source = 1, .count = 1, .at = {.wall_ms = 5, .synced = true}, .samples = &sample};
    queue_put(bench->queue, &reading);
}

static inline void queue_event(struct bench *bench, const struct event *event)
{
    struct queue_events events = {0};
    const struct reading none = {.at = event->at};
    queue_add_event(&events, event);
    queue_put_all(bench->queue, &events, &none);
}

/* An event in the place of such a reading. */
static inline void put_event(struct bench *bench, int64_t value)
{
    const struct event event = {
        .source = 1,
        .count = 1,
        .at = {.wall_ms = 5, .synced = true},
        .name = "stop",
        .fields = {{"value", {.kind = VALUE_DECIMAL, .mantissa = value}}},
    };
    queue_event(bench, &event);
}

static inline void put_noise(struct bench *bench)
{
    char noise[NOISE_BYTES];
    for (size_t i = 0; i < sizeof(noise); i++) {
        bench->random = bench->random * 1664525U + 1013904223U;
        noise[i] = (char)('0' + (bench->random >> 24) % 75);
    }
    struct sample sample = {.value = {.kind = VALUE_TEXT, .length = sizeof(noise), .text = noise}};
    struct reading reading = {
        .source = 1, .count = 1, .at = {.wall_ms = 5, .synced = true}, .samples = &sample};
    queue_put(bench->queue, &reading);
}

static inline void acknowledge(struct bench *bench, uint64_t first_seq, uint64_t last_seq)
{
    delivery_forget(&bench->cloud, first_seq, last_seq);
}

/* Whether the store has this number, and the record under it. */
static inline bool read_record(struct bench *bench, uint64_t seq, struct record *ret_record)
{
    struct record_reader reader = {0};
    struct batch batch = {0};
    int error = store_read(ledger_store(bench->ledger), seq, seq, &batch);
    if (error == -ENOENT)
        return false;
    assert_int_equal(error, 0);
    record_reader_start(&reader, batch.body, batch.length);
    for (uint64_t at = batch.first_seq; at <= seq; at++)
        assert_int_equal(record_next(&reader, ret_record), 1);
    /* of a reading its one number is all that is asked for below */
    static struct sample sample;
    if (ret_record->kind == RECORD_READING) {
        sample = ret_record->reading.samples[0];
        ret_record->reading.samples = &sample;
    }
    record_reader_free(&reader);
    free(batch.body);
    return true;
}

static inline bool has(struct bench *bench, uint64_t seq)
{
    struct record record;
    return read_record(bench, seq, &record);
}

static inline void assert_value(struct bench *bench, uint64_t seq, int64_t value)
{
    struct record record;
    assert_true(read_record(bench, seq, &record));
    assert_int_equal(record.kind, RECORD_READING);
    assert_int_equal(record.reading.samples[0].value.mantissa, value);
}

static inline void assert_event(struct bench *bench, uint64_t seq, int64_t value)
{
    struct record record;
    assert_true(read_record(bench, seq, &record));
    assert_int_equal(record.kind, RECORD_EVENT);
    assert_string_equal(record.event.name, "stop");
    assert_int_equal(record.event.at.wall_ms, 5);
    assert_int_equal(record.event.count, 1);
    assert_string_equal(record.event.fields[0].key, "value");
    assert_int_equal(record.event.fields[0].value.mantissa, value);
}

static inline struct gap read_gap(struct bench *bench, uint64_t seq)
{
    struct record record;
    assert_true(read_record(bench, seq, &record));
    assert_int_equal(record.kind, RECORD_GAP);
    return record.gap;
}

static inline void refuse(struct bench *bench, const char *when)
{
    char statement[200];
    snprintf(statement, sizeof(statement),
             "CREATE TRIGGER refuse BEFORE INSERT ON batch WHEN %s"
             " BEGIN SELECT RAISE(ABORT, 'refused'); END",
             when);
    fixture_sql(bench->fixture, statement);
}

static inline void refuse_no_more(struct bench *bench)
{
    fixture_sql(bench->fixture, "DROP TRIGGER refuse");
}

static inline const char *trouble(struct bench *bench)
{
    static struct live_store report;
    ledger_report(bench->ledger, &report);
    return report.trouble;
}

#define LEDGER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
