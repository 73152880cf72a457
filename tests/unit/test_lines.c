/* What is told of a production line, and when. */
#include "ledger_bench.h"
#include "ledger_internal.h"
#include "lines_internal.h"
#include "record.h"
#include "said.h"
#include "zone.h"

static const char tags[] = "{name: c, at: 'holding:0', states: {1: production}}, "
                           "{name: n, at: 'holding:1', counter: {counts: good, kind: reset}}";
static const char with_line[] = "durability: always}\ntimezone: UTC\nlines: [{name: x, machines: "
                                "[m]}]\ncapacity: {publish: off";
static const char without[] = "durability: always}\ntimezone: UTC\ncapacity: {publish: off";

static struct value text_of(const char *text)
{
    return (struct value){.kind = VALUE_TEXT, .length = (uint16_t)strlen(text), .text = text};
}

static void open_line(struct bench *bench, const char *settings)
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
    open_line(bench, settings);
}

/* The machine does that by now, and has counted so many. */
static void say(struct bench *bench, enum machine_state state, int64_t total)
{
    const struct source *source = store_source(ledger_store(bench->ledger), 1);
    uint16_t first = said_state_value(source), counter = said_value(source, "n");
    struct sample samples[] = {
        {.tag = counter, .value = {.kind = VALUE_DECIMAL, .mantissa = total}},
        {.tag = first, .value = text_of(machine_state_name(state))},
        {.tag = (uint16_t)(first + 1), .value = {.kind = VALUE_NONE}}};
    struct reading reading = {.source = 1, .count = 3, .samples = samples};
    clock_now(&reading.at);
    reading.at.synced = true;
    queue_put(bench->queue, &reading);
    step(bench);
}

/* Something of the machine that tells nothing of what it does. */
static void say_something_else(struct bench *bench)
{
    struct event event = {.source = 1, .name = "limit"};
    clock_now(&event.at);
    event.at.synced = true;
    queue_event(bench, &event);
    step(bench);
}

static const struct line_status *status(const struct bench *bench)
{
    return lines_status(ledger_lines(bench->ledger), 0);
}

static void test_a_line_is_told_once_its_delivery_is_heard(void **state)
{
    struct bench *bench = *state;
    open_line(bench, with_line);
    assert_int_equal(lines_changes(ledger_lines(bench->ledger)), 0);
    say(bench, STATE_PRODUCTION, 1);
    assert_int_equal(status(bench)->state, STATE_PRODUCTION);
    int64_t since_ms = status(bench)->since_ms;
    /* what it did before the start it may do no more */
    restart(bench, with_line);
    say_something_else(bench);
    assert_int_equal(lines_changes(ledger_lines(bench->ledger)), 0);
    say(bench, STATE_PRODUCTION, 2);
    assert_int_equal(lines_changes(ledger_lines(bench->ledger)), 1);
    assert_int_equal(status(bench)->state, STATE_PRODUCTION);
    assert_int_equal(status(bench)->since_ms, since_ms);
}

static void test_the_last_of_a_count_is_told_though_nothing_follows(void **state)
{
    struct bench *bench = *state;
    open_line(bench, with_line);
    say(bench, STATE_PRODUCTION, 1);
    say(bench, STATE_IDLE, 5);
    say(bench, STATE_IDLE, 7);
    struct lines *lines = ledger_lines(bench->ledger);
    lines_step(lines);
    assert_int_equal(status(bench)->good, 5);
    lines->items[0].told_ns -= 60 * NS_PER_S;
    lines_step(lines);
    assert_int_equal(status(bench)->good, 7);
    uint64_t changes = lines_changes(lines);
    lines->items[0].told_ns -= 60 * NS_PER_S;
    lines_step(lines);
    assert_int_equal(lines_changes(lines), changes);
}

static void test_a_line_that_comes_again_knows_nothing_of_before(void **state)
{
    struct bench *bench = *state;
    open_line(bench, with_line);
    say(bench, STATE_PRODUCTION, 1);
    say(bench, STATE_IDLE, 1);
    restart(bench, with_line);
    const struct line_run *run = &ledger_lines(bench->ledger)->items[0].run;
    assert_int_equal(run->members[0].doing.state, STATE_IDLE);
    restart(bench, without);
    say(bench, STATE_PRODUCTION, 2);
    restart(bench, with_line);
    run = &ledger_lines(bench->ledger)->items[0].run;
    assert_int_equal(run->members[0].doing.state, STATE_UNKNOWN);
    assert_false(run->started);
    assert_int_equal(run->since_ms, LINE_TIME_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_a_line_is_told_once_its_delivery_is_heard),
        LEDGER_TEST(test_the_last_of_a_count_is_told_though_nothing_follows),
        LEDGER_TEST(test_a_line_that_comes_again_knows_nothing_of_before),
    };
    zone_use("UTC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
