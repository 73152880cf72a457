/* What is told of free capacity while a state goes on, of which no event has told yet: nothing that
 * is not known. */
#include "ledger_bench.h"
#include "ledger_internal.h"
#include "record.h"
#include "said.h"
#include "zone.h"

#define HOUR_MS INT64_C(3600000)

static const char tags[] = "{name: c, at: 'holding:0', states: {1: production}}, "
                           "{name: n, at: 'holding:1', counter: {counts: good, kind: reset}}";
static const char on[] = "durability: always}\ntimezone: UTC\ncapacity: {publish: on";
static const char off[] = "durability: always}\ntimezone: UTC\ncapacity: {publish: off";

static struct value text_of(const char *text)
{
    return (struct value){.kind = VALUE_TEXT, .length = (uint16_t)strlen(text), .text = text};
}

/* So many hours ago by the clock as it is now. */
static struct instant ago(double hours)
{
    struct instant at;
    clock_now(&at);
    at.wall_ms -= (int64_t)(hours * (double)HOUR_MS);
    at.synced = true;
    return at;
}

static void open_machine(struct bench *bench, const char *settings)
{
    uint32_t source;
    bench->tags = tags;
    open_ledger(bench, settings, QUEUE_BYTES);
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, &source), 0);
    assert_int_equal(source, 1);
}

static void restart(struct bench *bench, const char *settings)
{
    finish(bench);
    close_ledger(bench);
    open_machine(bench, settings);
}

static void say(struct bench *bench, enum machine_state state, struct instant at)
{
    static int64_t total;
    const struct source *source = store_source(ledger_store(bench->ledger), 1);
    uint16_t first = said_state_value(source);
    struct sample samples[] = {
        {.tag = said_value(source, "n"), .value = {.kind = VALUE_DECIMAL, .mantissa = ++total}},
        {.tag = first, .value = text_of(machine_state_name(state))},
        {.tag = (uint16_t)(first + 1), .value = {.kind = VALUE_NONE}}};
    const struct reading reading = {.source = 1, .count = 3, .at = at, .samples = samples};
    queue_put(bench->queue, &reading);
    step(bench);
}

/* A state has ended, and lasted so long; below 0: nobody knows. */
static void end(struct bench *bench, enum machine_state state, double hours, struct instant at)
{
    const struct value length = {.kind = VALUE_DECIMAL,
                                 .mantissa = (int64_t)(hours * (double)HOUR_MS)};
    const struct event event = {
        .source = 1,
        .count = 2,
        .at = at,
        .name = "state",
        .fields = {{"duration_ms", hours < 0 ? (struct value){.kind = VALUE_NONE} : length},
                   {"state", text_of(machine_state_name(state))}},
    };
    queue_event(bench, &event);
    step(bench);
}

static void set_clock(struct bench *bench, double hours, struct instant at)
{
    const struct event event = {
        .count = 1,
        .at = at,
        .name = "clock_step",
        .fields = {{"step_ms",
                    {.kind = VALUE_DECIMAL, .mantissa = (int64_t)(hours * (double)HOUR_MS)}}},
    };
    queue_event(bench, &event);
    step(bench);
}

/* The record by now has that in it; NULL: there is none. */
static void expect(struct bench *bench, const char *wanted)
{
    struct loads *loads = ledger_loads(bench->ledger);
    loads_step(loads, bench->now_ns += NS_PER_S);
    loads_step(loads, bench->now_ns += 400 * NS_PER_S);
    const struct load_record *record = loads_record(loads, 0);
    assert_true(record->changed > 0);
    if (strstr(record->json.data, wanted) == NULL)
        fail_msg("%s: not in %s", wanted, record->json.data);
}

static void test_what_goes_on_is_known_since_it_began(void **state)
{
    struct bench *bench = *state;
    open_machine(bench, on);
    say(bench, STATE_PRODUCTION, ago(5));
    expect(bench, "\"week\":{");
    expect(bench, "\"share\":1,\"planned_share\":null,\"known_h\":5,");
}

static void test_a_state_that_goes_on_over_a_restart_is_known_all_the_while(void **state)
{
    struct bench *bench = *state;
    open_machine(bench, on);
    say(bench, STATE_IDLE, ago(6));
    end(bench, STATE_IDLE, 1, ago(5));
    say(bench, STATE_PRODUCTION, ago(5));
    restart(bench, on);
    say(bench, STATE_PRODUCTION, ago(1));
    expect(bench, "\"known_h\":6,");
}

static void test_time_that_a_step_of_the_clock_left_out_is_no_work(void **state)
{
    struct bench *bench = *state;
    open_machine(bench, on);
    say(bench, STATE_IDLE, ago(21));
    end(bench, STATE_IDLE, 1, ago(20));
    say(bench, STATE_PRODUCTION, ago(20));
    set_clock(bench, 18, ago(1));
    expect(bench, "\"known_h\":3,");
    end(bench, STATE_PRODUCTION, 1.5, ago(0.5));
    say(bench, STATE_IDLE, ago(0.5));
    expect(bench, "\"known_h\":3,");
}

static void test_what_nobody_knows_the_length_of_is_no_work(void **state)
{
    struct bench *bench = *state;
    open_machine(bench, on);
    say(bench, STATE_IDLE, ago(21));
    end(bench, STATE_IDLE, 1, ago(20));
    say(bench, STATE_PRODUCTION, ago(20));
    restart(bench, on);
    end(bench, STATE_PRODUCTION, -1, ago(1));
    end(bench, STATE_UNKNOWN, -1, ago(1));
    say(bench, STATE_PRODUCTION, ago(1));
    expect(bench, "\"known_h\":2,");
}

static void test_time_in_which_it_was_switched_off_is_no_work(void **state)
{
    struct bench *bench = *state;
    open_machine(bench, on);
    say(bench, STATE_IDLE, ago(21));
    end(bench, STATE_IDLE, 1, ago(20));
    say(bench, STATE_PRODUCTION, ago(20));
    restart(bench, off);
    say(bench, STATE_PRODUCTION, ago(19));
    end(bench, STATE_PRODUCTION, 2, ago(18));
    say(bench, STATE_IDLE, ago(18));
    end(bench, STATE_IDLE, 15, ago(3));
    say(bench, STATE_PRODUCTION, ago(3));
    restart(bench, on);
    say(bench, STATE_PRODUCTION, ago(2));
    expect(bench, "\"known_h\":3,");
    /* its event tells the rest */
    end(bench, STATE_PRODUCTION, 2, ago(1));
    say(bench, STATE_IDLE, ago(1));
    expect(bench, "\"known_h\":4,");
}

static void test_a_clock_that_is_not_set_takes_nothing_of_the_week_away(void **state)
{
    const struct instant unset = {.boot_ms = 9000, .wall_ms = 9000};
    struct bench *bench = *state;
    open_machine(bench, on);
    say(bench, STATE_PRODUCTION, ago(6));
    end(bench, STATE_PRODUCTION, 4, ago(2));
    say(bench, STATE_IDLE, ago(2));
    restart(bench, on);
    end(bench, STATE_IDLE, -1, unset);
    end(bench, STATE_UNKNOWN, 0.001, unset);
    say(bench, STATE_IDLE, unset);
    end(bench, STATE_IDLE, 1, ago(0));
    say(bench, STATE_PRODUCTION, ago(0));
    expect(bench, "\"known_h\":5,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_what_goes_on_is_known_since_it_began),
        LEDGER_TEST(test_a_state_that_goes_on_over_a_restart_is_known_all_the_while),
        LEDGER_TEST(test_time_that_a_step_of_the_clock_left_out_is_no_work),
        LEDGER_TEST(test_what_nobody_knows_the_length_of_is_no_work),
        LEDGER_TEST(test_time_in_which_it_was_switched_off_is_no_work),
        LEDGER_TEST(test_a_clock_that_is_not_set_takes_nothing_of_the_week_away),
    };
    zone_use("UTC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
