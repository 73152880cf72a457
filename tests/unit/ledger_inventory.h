/* What a ledger's store holds in readings and events, value by value; and how a store comes to be
 * deleted. */
#ifndef BINDERY_LEDGER_INVENTORY_H
#define BINDERY_LEDGER_INVENTORY_H

#include "ledger_bench.h"

enum { MAX_VALUES = 16384, SALVAGE_STEP_MS = 20, EVENT_EACH = 7 };

/* What the store at hand holds: how often each value, and what its gaps declare. */
struct inventory {
    unsigned times[MAX_VALUES];
    uint64_t readings, events, gaps, missing; /* events are among the readings */
};

static inline void take_record(const struct record *record, struct inventory *inventory)
{
    if (record->kind == RECORD_GAP) {
        inventory->gaps++;
        inventory->missing += record->gap.missing;
        assert_int_equal(record->gap.first_seq, 0);
        assert_true(record->gap.from_ms <= record->gap.to_ms);
        return;
    }
    bool is_event = record->kind == RECORD_EVENT;
    int64_t value = is_event ? record->event.fields[0].value.mantissa
                             : record->reading.samples[0].value.mantissa;
    assert_in_range(value, 0, MAX_VALUES - 1);
    inventory->times[value]++;
    inventory->readings++;
    inventory->events += is_event;
}

/* Of the numbers that the uplink is owed. */
static inline struct inventory take_inventory(struct bench *bench)
{
    struct inventory inventory = {0};
    struct record_reader reader = {0};
    struct record record;
    struct batch batch;
    uint64_t seq = 1, end = ledger_next_seq(bench->ledger);
    while (seq < end && store_read(ledger_store(bench->ledger), seq, end - 1, &batch) == 0) {
        assert_int_equal(batch.first_seq, seq); /* without holes */
        record_reader_start(&reader, batch.body, batch.length);
        for (; record_next(&reader, &record) == 1; seq++)
            if (ranges_contains(&bench->cloud.owed, seq))
                take_record(&record, &inventory);
        assert_int_equal(seq, batch.first_seq + batch.count);
        free(batch.body);
    }
    record_reader_free(&reader);
    assert_int_equal(seq, end);
    return inventory;
}

/* Every value from `first` to `last` exactly once, and events as such. */
static inline void assert_all(const struct inventory *inventory, int64_t first, int64_t last)
{
    for (int64_t value = first; value <= last; value++)
        assert_int_equal(inventory->times[value], 1);
    assert_int_equal(inventory->readings, last - first + 1);
    assert_int_equal(inventory->events,
                     last / EVENT_EACH - (first + EVENT_EACH - 1) / EVENT_EACH + 1);
}

static inline void step_long(struct bench *bench)
{
    for (int i = 0; i < 100; i++)
        step_after(bench, SALVAGE_STEP_MS);
}

/* A batch of `count` values from *value on a step, some as events. */
static inline void fill(struct bench *bench, int batches, int count, int64_t *value)
{
    for (int i = 0; i < batches; i++) {
        for (int j = 0; j < count; j++) {
            if (*value % EVENT_EACH == 0)
                put_event(bench, *value);
            else
                put(bench, *value);
            (*value)++;
        }
        step(bench);
    }
}

static inline void number_machine(struct bench *bench)
{
    uint32_t source;
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, &source), 0);
    assert_int_equal(source, 1);
}

/* It looks once a second, by a clock that the bench does not set. */
static inline void let_look(struct bench *bench, int expected)
{
    assert_int_equal(store_check(ledger_store(bench->ledger), true), expected);
}

static inline void unlink_part(struct bench *bench, const char *suffix)
{
    char path[100];
    snprintf(path, sizeof(path), "%s%s", bench->fixture->path, suffix);
    assert_int_equal(unlink(path), 0);
}

static inline void delete_store(struct bench *bench)
{
    unlink_part(bench, "");
    unlink_part(bench, "-wal");
    unlink_part(bench, "-shm");
    let_look(bench, -ESTALE);
}

#endif
