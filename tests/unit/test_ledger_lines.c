/* What is derived of lines and of the work of machines, over what may end a ledger: one that is
 * killed at any moment tells and keeps exactly what one that never is does. */
#include "ledger_bench.h"
#include "ledger_internal.h"
#include "record.h"
#include "zone.h"

enum { DELIVERY, OTHER, MACHINES };
enum { MINUTE_MS = 60000, ROUNDS = 500, RUNS = 2 };

#define BEGIN_MS INT64_C(1795392000000) /* 2026-11-23, a Monday */
#define SHIFT_MS (8 * INT64_C(3600000))

static const char tags[] = "{name: c, at: 'holding:0', states: {1: production}}]}, "
                           "{name: other, link: l, tags: ["
                           "{name: c, at: 'holding:0', states: {1: production}}";

static const char settings[] =
    "durability: always}\ntimezone: UTC\nlines: [{name: x, machines: [other, m], delivery: m}]\n"
    "calendars: [{name: c, shifts: [{name: s, days: mon-sun, from: '0:00', to: '8:00'}, {name: t, "
    "days: mon-sun, from: '8:00', to: '16:00'}, {name: u, days: mon-sun, from: '16:00', to: "
    "'24:00'}]}]\ncapacity: {publish: on";

static uint32_t seed;

static uint32_t below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

/* The machines as they go along. */
struct world {
    uint32_t sources[MACHINES];
    enum machine_state state[MACHINES];
    int64_t since_ms[MACHINES];
    int64_t wall_ms, shift_end_ms;
};

static struct value text_of(const char *text)
{
    return (struct value){.kind = VALUE_TEXT, .length = (uint16_t)strlen(text), .text = text};
}

static struct value number_of(int64_t number)
{
    return (struct value){.kind = VALUE_DECIMAL, .mantissa = number};
}

static void end_shift(struct world *world, struct queue_events *events)
{
    static const char names[] = "stu";
    char key[32];
    int64_t shift = (world->shift_end_ms - BEGIN_MS) / SHIFT_MS - 1;
    snprintf(key, sizeof(key), "2026-11-%02d/%c", (int)(23 + shift / 3), names[shift % 3]);
    const struct event event = {
        .source = world->sources[DELIVERY],
        .count = 6,
        .at = {.wall_ms = world->shift_end_ms, .synced = true},
        .name = "shift",
        .fields = {{"shift", text_of(key)},
                   {"revision", number_of(1)},
                   {"duration_ms", number_of(SHIFT_MS)},
                   {"run_ms", number_of(SHIFT_MS / 2)},
                   {"unknown_ms", number_of(MINUTE_MS)},
                   {"good", number_of(shift)}},
    };
    queue_add_event(events, &event);
    world->shift_end_ms += SHIFT_MS;
}

/* A poll that sees another state. */
static void poll(struct bench *bench, struct world *world, size_t machine)
{
    static const enum machine_state states[] = {STATE_PRODUCTION, STATE_PRODUCTION, STATE_IDLE,
                                                STATE_FAULT,      STATE_OFFLINE,    STATE_SETUP};
    enum machine_state state = states[below(6)];
    struct queue_events events = {0};
    const struct event interval = {
        .source = world->sources[machine],
        .count = 3,
        .at = {.wall_ms = world->wall_ms, .synced = true},
        .name = "state",
        .fields = {{"duration_ms", number_of(world->wall_ms - world->since_ms[machine])},
                   {"to_uncertain_ms", number_of(1000)},
                   {"state", text_of(machine_state_name(world->state[machine]))}},
    };
    if (world->since_ms[machine] != 0 && state != world->state[machine])
        queue_add_event(&events, &interval);
    if (machine == DELIVERY && world->wall_ms >= world->shift_end_ms)
        end_shift(world, &events);
    struct sample samples[] = {{.tag = 1, .value = text_of(machine_state_name(state))},
                               {.tag = 2, .value = {.kind = VALUE_NONE}}};
    const struct reading reading = {.source = world->sources[machine],
                                    .count = 2,
                                    .at = {.wall_ms = world->wall_ms, .synced = true},
                                    .samples = samples};
    if (state != world->state[machine] || world->since_ms[machine] == 0)
        world->since_ms[machine] = world->wall_ms;
    world->state[machine] = state;
    assert_true(queue_put_all(bench->queue, &events, &reading));
}

static void open_lines(struct bench *bench, struct world *world)
{
    bench->tags = tags;
    open_ledger(bench, settings, QUEUE_BYTES);
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, world->sources), 0);
}

/* What is in the queue dies with the process, so that it ends between rounds. */
static void live(struct bench *bench, uint32_t of, bool is_killed)
{
    struct world world = {.wall_ms = BEGIN_MS, .shift_end_ms = BEGIN_MS + SHIFT_MS};
    open_lines(bench, &world);
    seed = of;
    for (int i = 0; i < ROUNDS; i++) {
        world.wall_ms += 1000 + below(15 * MINUTE_MS);
        for (uint32_t polls = 1 + below(3); polls > 0; polls--)
            poll(bench, &world, below(MACHINES));
        bool fails = below(30) == 0, ends = below(20) == 0, is_later = below(4) == 0;
        if (fails)
            refuse(bench, "1");
        step_after(bench, is_later ? 30000 : COMMIT_MS);
        if (fails) {
            refuse_no_more(bench);
            step_after(bench, 2000);
        }
        if (ends && is_killed) {
            close_ledger(bench);
            open_lines(bench, &world);
        }
    }
}

struct outcome {
    struct text records, standings;
    size_t shifts, line_shifts;
};

static void add_standing(void *context, struct standing *standing)
{
    struct text *out = context;
    if (strncmp(standing->name, "line/", 5) != 0 && strncmp(standing->name, "load/", 5) != 0)
        return;
    text_addf(out, "%s %s:", standing->machine, standing->name);
    for (size_t i = 0; i < standing->count; i++)
        text_addf(out, " %lld", (long long)standing->numbers[i]);
    text_add_char(out, '\n');
}

static struct outcome look(struct bench *bench)
{
    struct outcome outcome = {0};
    struct record record;
    struct record_reader reader = {0};
    struct batch batch;
    for (uint64_t seq = 1; store_read(ledger_store(bench->ledger), seq, SEQ_END, &batch) == 0;
         seq = batch.first_seq + batch.count, free(batch.body)) {
        text_add_bytes(&outcome.records, batch.body, batch.length);
        record_reader_start(&reader, batch.body, batch.length);
        while (record_next(&reader, &record) == 1) {
            if (record.kind != RECORD_EVENT || strcmp(record.event.name, "shift") != 0)
                continue;
            const char *machine =
                store_source(ledger_store(bench->ledger), record.event.source)->machine;
            outcome.shifts += strcmp(machine, "m") == 0;
            outcome.line_shifts += strcmp(machine, "x") == 0;
        }
    }
    record_reader_free(&reader);
    standings_each(&bench->ledger->standing.all, add_standing, &outcome.standings);
    return outcome;
}

static void outcome_free(struct outcome *outcome)
{
    text_free(&outcome->records);
    text_free(&outcome->standings);
}

static struct outcome run(uint32_t of, bool is_killed)
{
    void *state = NULL;
    assert_int_equal(set_up(&state), 0);
    struct bench *bench = state;
    live(bench, of, is_killed);
    struct outcome outcome = look(bench);
    tear_down(&state);
    return outcome;
}

static void test_kills_change_nothing_of_what_is_told_and_kept(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= RUNS; i++) {
        struct outcome quiet = run(i * 7919, false), killed = run(i * 7919, true);
        assert_true(quiet.shifts > 5);
        assert_int_equal(quiet.line_shifts, quiet.shifts);
        assert_int_equal(killed.line_shifts, killed.shifts);
        assert_int_equal(quiet.records.length, killed.records.length);
        assert_memory_equal(quiet.records.data, killed.records.data, quiet.records.length);
        assert_string_equal(quiet.standings.data, killed.standings.data);
        outcome_free(&quiet);
        outcome_free(&killed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kills_change_nothing_of_what_is_told_and_kept),
    };
    zone_use("UTC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
