/* What a production line does by what its machines tell. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "line_run.h"
#include "zone.h"

#define MIDNIGHT_MS INT64_C(1795392000000) /* 2026-11-23, a Monday */
#define HOUR_MS INT64_C(3600000)
#define BEGIN_MS (MIDNIGHT_MS + 6 * HOUR_MS)

enum { GATHERER, BINDER, TRIMMER, MACHINES };
enum { UNCERTAIN_MS = 1000 };

static const struct state_config states;
static const struct shift shifts[] = {
    {.name = "early", .days = 0x7f, .from = 6 * 60, .to = 14 * 60},
    {.name = "late", .days = 0x7f, .from = 14 * 60, .to = 22 * 60},
};
static const struct calendar calendar = {.name = "hall", .shifts = shifts, .shift_count = 2};
static const struct machine machines[MACHINES] = {
    {.name = "gatherer", .state = &states},
    {.name = "binder", .state = &states},
    {.name = "trimmer", .state = &states, .calendar = &calendar},
};
static const struct machine *const in_order[] = {&machines[0], &machines[1], &machines[2]};
static const struct production_line line = {
    .name = "line", .machines = in_order, .machine_count = MACHINES, .delivery = TRIMMER};

/* A line, and since when each machine does what it does. */
struct world {
    struct line_run run;
    struct line_doing doing[MACHINES];
    int64_t since_ms[MACHINES];
};

static int64_t uncertain_ms = UNCERTAIN_MS;

static void tell_clock(struct world *world, int64_t wall_ms)
{
    const struct instant at = {
        .boot_ms = wall_ms - MIDNIGHT_MS, .wall_ms = wall_ms, .synced = true};

    line_run_clock(&world->run, &at);
}

/* As a poll tells it that sees another state. */
static void tell(struct world *world, size_t member, enum machine_state state, uint32_t reason,
                 int64_t at_ms)
{
    const struct line_doing doing = {state, reason};

    tell_clock(world, at_ms);
    if (world->since_ms[member] != 0) {
        const struct line_interval interval = {.doing = world->doing[member],
                                               .from_ms = world->since_ms[member],
                                               .to_ms = at_ms,
                                               .uncertain_ms = uncertain_ms};
        line_run_interval(&world->run, member, &interval);
    }
    line_run_reading(&world->run, member, &doing, at_ms);
    world->doing[member] = doing;
    world->since_ms[member] = at_ms;
}

static struct world begin(enum machine_state gatherer, enum machine_state binder,
                          enum machine_state trimmer)
{
    struct world world = {.run = line_run_begin(&line)};

    tell(&world, GATHERER, gatherer, 0, BEGIN_MS);
    tell(&world, BINDER, binder, 0, BEGIN_MS);
    tell(&world, TRIMMER, trimmer, 0, BEGIN_MS);
    return world;
}

static struct world produce(void)
{
    return begin(STATE_PRODUCTION, STATE_PRODUCTION, STATE_PRODUCTION);
}

static void expect(const struct world *world, enum machine_state state, int cause, int bottleneck,
                   int64_t since_ms)
{
    const struct line_view *view = line_run_view(&world->run);

    assert_int_equal(view->doing.state, state);
    assert_int_equal(view->cause, cause);
    assert_int_equal(view->bottleneck, bottleneck);
    assert_int_equal(world->run.since_ms, since_ms);
}

/* --- the state --- */

static void test_the_line_produces_while_its_delivery_does(void **state)
{
    struct world world = produce();

    (void)state;
    expect(&world, STATE_PRODUCTION, TRIMMER, LINE_NOBODY, BEGIN_MS);
    tell(&world, BINDER, STATE_FAULT, 12, BEGIN_MS + 10000);
    expect(&world, STATE_PRODUCTION, TRIMMER, LINE_NOBODY, BEGIN_MS);
}

static void
test_the_worst_of_those_that_stopped_is_the_state_and_the_first_the_bottleneck(void **state)
{
    struct world world = produce();

    (void)state;
    tell(&world, GATHERER, STATE_IDLE, 3, BEGIN_MS + 10000);
    tell(&world, BINDER, STATE_FAULT, 12, BEGIN_MS + 20000);
    tell(&world, TRIMMER, STATE_IDLE, 0, BEGIN_MS + 30000);
    expect(&world, STATE_FAULT, BINDER, GATHERER, BEGIN_MS + 30000);
    assert_int_equal(line_run_view(&world.run)->doing.reason, 12);
    tell(&world, BINDER, STATE_PRODUCTION, 0, BEGIN_MS + 40000);
    expect(&world, STATE_IDLE, GATHERER, GATHERER, BEGIN_MS + 40000);
    tell(&world, GATHERER, STATE_PRODUCTION, 0, BEGIN_MS + 50000);
    expect(&world, STATE_IDLE, TRIMMER, TRIMMER, BEGIN_MS + 50000);
    tell(&world, TRIMMER, STATE_PRODUCTION, 0, BEGIN_MS + 60000);
    expect(&world, STATE_PRODUCTION, TRIMMER, LINE_NOBODY, BEGIN_MS + 60000);
}

static void test_a_machine_that_the_line_did_without_does_not_hold_it_up(void **state)
{
    struct world world = begin(STATE_MAINTENANCE, STATE_PRODUCTION, STATE_PRODUCTION);

    (void)state;
    tell(&world, TRIMMER, STATE_STOPPED, 5, BEGIN_MS + 10000);
    expect(&world, STATE_STOPPED, TRIMMER, TRIMMER, BEGIN_MS + 10000);
    tell(&world, TRIMMER, STATE_PRODUCTION, 0, BEGIN_MS + 20000);
    tell(&world, GATHERER, STATE_PRODUCTION, 0, BEGIN_MS + 30000);
    tell(&world, GATHERER, STATE_MAINTENANCE, 0, BEGIN_MS + 40000);
    tell(&world, TRIMMER, STATE_STOPPED, 5, BEGIN_MS + 50000);
    expect(&world, STATE_MAINTENANCE, GATHERER, GATHERER, BEGIN_MS + 50000);
}

static void test_who_stopped_first_is_not_guessed(void **state)
{
    struct world world = produce();

    (void)state;
    tell(&world, BINDER, STATE_STOPPED, 0, BEGIN_MS + 10000);
    tell(&world, TRIMMER, STATE_STOPPED, 0, BEGIN_MS + 10000 + UNCERTAIN_MS);
    expect(&world, STATE_STOPPED, BINDER, LINE_NOBODY, BEGIN_MS + 10000 + UNCERTAIN_MS);
    world = produce();
    tell(&world, BINDER, STATE_STOPPED, 0, BEGIN_MS + 10000);
    tell(&world, TRIMMER, STATE_STOPPED, 0, BEGIN_MS + 10001 + UNCERTAIN_MS);
    expect(&world, STATE_STOPPED, BINDER, BINDER, BEGIN_MS + 10001 + UNCERTAIN_MS);
    tell(&world, GATHERER, STATE_OFFLINE, 0, BEGIN_MS + 20000);
    expect(&world, STATE_STOPPED, BINDER, LINE_NOBODY, BEGIN_MS + 10001 + UNCERTAIN_MS);
    tell(&world, GATHERER, STATE_PRODUCTION, 0, BEGIN_MS + 30000);
    expect(&world, STATE_STOPPED, BINDER, BINDER, BEGIN_MS + 10001 + UNCERTAIN_MS);
    tell(&world, GATHERER, STATE_UNKNOWN, 0, BEGIN_MS + 40000);
    tell(&world, GATHERER, STATE_STOPPED, 0, BEGIN_MS + 50000);
    expect(&world, STATE_STOPPED, BINDER, LINE_NOBODY, BEGIN_MS + 10001 + UNCERTAIN_MS);
}

static void test_a_line_whose_delivery_is_not_known_is_not_known(void **state)
{
    struct world world = produce();

    (void)state;
    tell(&world, BINDER, STATE_FAULT, 1, BEGIN_MS + 10000);
    tell(&world, TRIMMER, STATE_OFFLINE, 0, BEGIN_MS + 20000);
    expect(&world, STATE_OFFLINE, TRIMMER, LINE_NOBODY, BEGIN_MS + 20000);
    tell(&world, TRIMMER, STATE_UNKNOWN, 0, BEGIN_MS + 30000);
    expect(&world, STATE_UNKNOWN, TRIMMER, LINE_NOBODY, BEGIN_MS + 30000);
}

static void test_the_least_reserve_is_the_bottleneck_while_all_produce(void **state)
{
    struct world world = produce();

    (void)state;
    line_run_reserve(&world.run, GATHERER, 0.4);
    line_run_reserve(&world.run, BINDER, 0.1);
    expect(&world, STATE_PRODUCTION, TRIMMER, LINE_NOBODY, BEGIN_MS);
    line_run_reserve(&world.run, TRIMMER, 0.2);
    expect(&world, STATE_PRODUCTION, TRIMMER, BINDER, BEGIN_MS);
    tell(&world, GATHERER, STATE_IDLE, 0, BEGIN_MS + 10000);
    expect(&world, STATE_PRODUCTION, TRIMMER, LINE_NOBODY, BEGIN_MS);
    tell(&world, GATHERER, STATE_PRODUCTION, 0, BEGIN_MS + 20000);
    line_run_reserve(&world.run, BINDER, NAN);
    expect(&world, STATE_PRODUCTION, TRIMMER, LINE_NOBODY, BEGIN_MS);
}

/* --- shifts --- */

/* The delivery has told its shift, of which it produced and knew so much. */
static struct line_shift_record end_shift(struct world *world, const char *key, int64_t end_ms,
                                          int64_t run_ms, int64_t unknown_ms)
{
    const struct line_shift shift = {.key = key,
                                     .end_ms = end_ms,
                                     .length_ms = 8 * HOUR_MS,
                                     .run_ms = run_ms,
                                     .unknown_ms = unknown_ms,
                                     .revision = 1};
    struct line_shift_record record;
    int64_t sum = 0;

    assert_true(line_run_shift(&world->run, &shift, &record));
    for (size_t i = 0; i < PERFORMANCE_TIMES; i++) {
        assert_true(record.times_ms[i] >= 0);
        sum += record.times_ms[i];
    }
    assert_int_equal(sum, record.length_ms);
    assert_int_equal(record.times_ms[PERFORMANCE_RUN], run_ms);
    assert_true(record.times_ms[PERFORMANCE_UNKNOWN] >= unknown_ms);
    return record;
}

static void test_a_shift_tells_what_held_the_line_up(void **state)
{
    struct world world = produce();
    int64_t stopped_ms = BEGIN_MS + 2 * HOUR_MS;

    (void)state;
    tell(&world, BINDER, STATE_FAULT, 1, stopped_ms - 20000);
    tell(&world, TRIMMER, STATE_IDLE, 0, stopped_ms);
    tell(&world, BINDER, STATE_PRODUCTION, 0, stopped_ms + HOUR_MS);
    tell(&world, TRIMMER, STATE_PRODUCTION, 0, stopped_ms + HOUR_MS + 5000);
    struct line_shift_record record =
        end_shift(&world, "2026-11-23/early", BEGIN_MS + 8 * HOUR_MS, 7 * HOUR_MS - 5000, 0);
    assert_int_equal(record.length_ms, 8 * HOUR_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_DOWN], HOUR_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_IDLE], 5000);
    assert_int_equal(world.run.before.times_ms[PERFORMANCE_RUN], 7 * HOUR_MS - 5000);
    assert_int_equal(record.held_ms[BINDER], HOUR_MS);
    assert_int_equal(record.held_ms[TRIMMER], 5000);
    /* it knew a little less than what it told: clocks over a restart */
    tell_clock(&world, BEGIN_MS + 9 * HOUR_MS);
    record = end_shift(&world, "2026-11-23/early", BEGIN_MS + 8 * HOUR_MS, 7 * HOUR_MS - 5000, 3);
    assert_int_equal(record.times_ms[PERFORMANCE_DOWN], HOUR_MS - 3);
    assert_int_equal(record.held_ms[BINDER], HOUR_MS - 3);
}

static void test_a_shift_that_nothing_is_known_of_has_no_times(void **state)
{
    struct world world = produce();
    const struct line_shift old = {.key = "2026-11-20/late", .revision = 2};
    struct line_shift_record record;

    (void)state;
    assert_false(line_run_shift(&world.run, &old, &record));
    record = end_shift(&world, "2026-11-20/late", BEGIN_MS - 8 * HOUR_MS, HOUR_MS, 0);
    assert_int_equal(record.times_ms[PERFORMANCE_UNKNOWN], 7 * HOUR_MS);
    const struct line_shift absurd = {.key = "2026-11-23/early", .length_ms = 5, .run_ms = 6};
    assert_false(line_run_shift(&world.run, &absurd, &record));
}

static void test_a_step_of_the_clock_is_unknown_forward_and_counts_once_back(void **state)
{
    struct world world = produce();

    (void)state;
    tell(&world, BINDER, STATE_FAULT, 1, BEGIN_MS + HOUR_MS - 5000);
    tell(&world, TRIMMER, STATE_IDLE, 0, BEGIN_MS + HOUR_MS);
    expect(&world, STATE_FAULT, BINDER, BINDER, BEGIN_MS + HOUR_MS);
    tell_clock(&world, BEGIN_MS + 3 * HOUR_MS); /* put forward by an hour after an hour */
    line_run_step(&world.run, BEGIN_MS + 3 * HOUR_MS, HOUR_MS);
    world.since_ms[TRIMMER] += HOUR_MS;
    tell(&world, TRIMMER, STATE_PRODUCTION, 0, BEGIN_MS + 4 * HOUR_MS);
    tell_clock(&world, BEGIN_MS + 5 * HOUR_MS - HOUR_MS / 2); /* and back after an hour */
    line_run_step(&world.run, BEGIN_MS + 5 * HOUR_MS - HOUR_MS / 2, -HOUR_MS / 2);
    struct line_shift_record record =
        end_shift(&world, "2026-11-23/early", BEGIN_MS + 8 * HOUR_MS, 5 * HOUR_MS, HOUR_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_UNKNOWN], HOUR_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_DOWN], 2 * HOUR_MS);
    assert_int_equal(world.run.before.times_ms[PERFORMANCE_RUN], 5 * HOUR_MS);
    assert_int_equal(record.held_ms[BINDER], HOUR_MS);
}

static void test_a_clock_that_is_not_set_makes_no_times(void **state)
{
    struct world world = produce();
    const struct instant lost = {.boot_ms = 5000, .wall_ms = 5000};

    (void)state;
    line_run_clock(&world.run, &lost);
    line_run_interval(&world.run, TRIMMER,
                      &(struct line_interval){{STATE_PRODUCTION, 0}, 1000, 4000, 0});
    line_run_reading(&world.run, TRIMMER, &(struct line_doing){STATE_IDLE, 0}, 5000);
    tell_clock(&world, BEGIN_MS + 2 * HOUR_MS);
    struct line_shift_record record =
        end_shift(&world, "2026-11-23/early", BEGIN_MS + 8 * HOUR_MS, 0, 0);
    assert_int_equal(record.times_ms[PERFORMANCE_UNKNOWN], 2 * HOUR_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_IDLE], 6 * HOUR_MS);
}

static void test_since_when_follows_the_clock_as_it_is_set(void **state)
{
    struct world world = produce();
    const struct instant lost = {.boot_ms = 5000, .wall_ms = 5000};

    (void)state;
    tell(&world, TRIMMER, STATE_IDLE, 0, BEGIN_MS + HOUR_MS);
    line_run_step(&world.run, BEGIN_MS + 5 * HOUR_MS, 2 * HOUR_MS);
    assert_int_equal(world.run.since_ms, BEGIN_MS + 3 * HOUR_MS);
    /* a year ahead, and back: nothing is since next year */
    line_run_step(&world.run, BEGIN_MS + 8000 * HOUR_MS, 7995 * HOUR_MS);
    line_run_step(&world.run, BEGIN_MS + 6 * HOUR_MS, -7995 * HOUR_MS);
    assert_int_equal(world.run.since_ms, BEGIN_MS + 3 * HOUR_MS);
    /* though the step was not told, as over a restart */
    world.run.since_ms = BEGIN_MS + 8000 * HOUR_MS;
    tell(&world, TRIMMER, STATE_PRODUCTION, 0, BEGIN_MS + 7 * HOUR_MS);
    assert_int_equal(world.run.since_ms, BEGIN_MS + 7 * HOUR_MS);
    /* nor is what is since now told to be since before */
    line_run_clock(&world.run, &lost);
    line_run_reading(&world.run, TRIMMER, &(struct line_doing){STATE_IDLE, 0}, 5000);
    assert_int_equal(world.run.since_ms, 5000);
    line_run_step(&world.run, BEGIN_MS + 9 * HOUR_MS, BEGIN_MS + 9 * HOUR_MS - 10000);
    assert_int_equal(world.run.since_ms, BEGIN_MS + 9 * HOUR_MS - 5000);
}

static void test_a_state_nobody_knows_the_length_of_is_unknown_in_a_shift(void **state)
{
    struct world world = produce();

    (void)state;
    tell_clock(&world, BEGIN_MS + 6 * HOUR_MS);
    line_run_interval(&world.run, TRIMMER,
                      &(struct line_interval){
                          {STATE_PRODUCTION, 0}, LINE_TIME_UNKNOWN, BEGIN_MS + 6 * HOUR_MS, 0});
    line_run_reading(&world.run, TRIMMER, &(struct line_doing){STATE_IDLE, 0},
                     BEGIN_MS + 6 * HOUR_MS);
    assert_int_equal(world.run.now.times_ms[PERFORMANCE_RUN], 0);
    assert_int_equal(world.run.now.times_ms[PERFORMANCE_UNKNOWN], 6 * HOUR_MS);
}

/* --- days of chance --- */

enum { HISTORIES = 100, DAYS = 3, MOST_CHANGES = 4000 };

static uint32_t seed;

static uint32_t below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

struct change {
    int64_t at_ms, told_ms;
    size_t member, order;
    enum machine_state state;
};

static struct change changes[MOST_CHANGES];
static size_t change_count;
static int64_t lag_ms[MACHINES]; /* what happens to a machine is told so much later */

/* What the rule says of all that happened, looked at from one change to the next. */
struct model {
    enum machine_state state[MACHINES];
    int64_t halted_ms[MACHINES];
    bool out[MACHINES], seen[MACHINES];
    int64_t times_ms[PERFORMANCE_TIMES], held_ms[MACHINES];
};

static bool halts(enum machine_state state)
{
    return state > STATE_OFFLINE && state != STATE_PRODUCTION;
}

static void model_take(struct model *model, const struct change *change)
{
    size_t m = change->member;
    enum machine_state before = model->state[m];

    if (before == STATE_PRODUCTION && halts(change->state)) {
        model->halted_ms[m] = change->at_ms;
        model->seen[m] = true;
    } else if (!halts(before) || !halts(change->state)) {
        model->seen[m] = false;
    }
    model->state[m] = change->state;
    if (change->state == STATE_PRODUCTION)
        model->out[m] = false;
    if (m == TRIMMER && change->state == STATE_PRODUCTION && before != STATE_PRODUCTION)
        for (size_t i = 0; i < MACHINES; i++)
            model->out[i] = halts(model->state[i]);
}

static void model_add(struct model *model, int64_t ms)
{
    static const enum machine_state order[] = {STATE_FAULT, STATE_MAINTENANCE, STATE_STOPPED,
                                               STATE_SETUP, STATE_CLEANUP,     STATE_IDLE};
    enum machine_state state = model->state[TRIMMER];
    bool sure = true;
    int first = -1;

    for (size_t i = 0; halts(state) && i < 6; i++) {
        size_t m = 0;
        while (m < MACHINES && (model->out[m] || model->state[m] != order[i]))
            m++;
        if (m < MACHINES) {
            state = order[i];
            break;
        }
    }
    model->times_ms[performance_time_of(state)] += ms;
    for (int m = 0; m < MACHINES; m++) {
        sure = sure && model->state[m] > STATE_OFFLINE;
        if (!halts(model->state[m]) || model->out[m])
            continue;
        sure = sure && model->seen[m];
        if (first < 0 || model->halted_ms[m] < model->halted_ms[first])
            first = m;
    }
    for (int m = 0; m < MACHINES && first >= 0; m++)
        if (m != first && halts(model->state[m]) && !model->out[m])
            sure = sure && model->halted_ms[m] - uncertain_ms > model->halted_ms[first];
    if (halts(state) && sure && first >= 0)
        model->held_ms[first] += ms;
}

static struct model model_shift(int64_t begin_ms, int64_t end_ms)
{
    struct model model = {.state = {STATE_UNKNOWN}};
    int64_t at_ms = begin_ms;

    for (size_t i = 0; i < change_count && changes[i].at_ms < end_ms; i++) {
        if (changes[i].at_ms > at_ms) {
            model_add(&model, changes[i].at_ms - at_ms);
            at_ms = changes[i].at_ms;
        }
        model_take(&model, &changes[i]);
    }
    model_add(&model, end_ms - at_ms);
    return model;
}

/* A change each; those of the delivery are told last of one time. */
static void happen(bool late)
{
    enum machine_state is[MACHINES] = {STATE_UNKNOWN};
    int64_t at_ms = BEGIN_MS;

    for (size_t m = 0; m < MACHINES; m++)
        lag_ms[m] = late ? below(60000) : 0;
    for (change_count = 0; change_count < MOST_CHANGES && at_ms < BEGIN_MS + HOUR_MS * 24 * DAYS;) {
        size_t m = change_count < MACHINES ? change_count : below(MACHINES);
        enum machine_state state = below(3) > 0 ? STATE_PRODUCTION : below(MACHINE_STATES);
        if (change_count >= MACHINES && is[m] != STATE_PRODUCTION && below(2) == 0)
            state = STATE_PRODUCTION;
        if (state == is[m])
            continue;
        is[m] = state;
        changes[change_count] = (struct change){at_ms, at_ms + lag_ms[m], m, change_count, state};
        change_count++;
        at_ms += change_count < MACHINES ? 0 : 1 + below(below(4) == 0 ? 1200000 : 90000);
    }
}

static int compare(const void *left, const void *right)
{
    const struct change *a = left, *b = right;

    if (a->told_ms != b->told_ms)
        return a->told_ms < b->told_ms ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* A restart and a kill alike: what is kept is all there is. */
static void restart(struct world *world)
{
    struct line_kept kept, again;

    line_run_keep(&world->run, &kept);
    world->run = line_run_resume(&line, &kept);
    line_run_keep(&world->run, &again);
    assert_memory_equal(&kept, &again, sizeof kept);
}

static void expect_shift(struct world *world, const char *key, int64_t end_ms, bool late)
{
    struct model model = model_shift(end_ms - 8 * HOUR_MS, end_ms);
    struct line_shift_record record = end_shift(world, key, end_ms, model.times_ms[PERFORMANCE_RUN],
                                                model.times_ms[PERFORMANCE_UNKNOWN]);
    const int64_t *known_ms = world->run.before.times_ms;

    if (!late) {
        assert_memory_equal(record.times_ms, model.times_ms, sizeof model.times_ms);
        assert_memory_equal(record.held_ms, model.held_ms, sizeof model.held_ms);
    }
    assert_int_equal(known_ms[PERFORMANCE_RUN], model.times_ms[PERFORMANCE_RUN]);
    assert_int_equal(known_ms[PERFORMANCE_UNKNOWN], model.times_ms[PERFORMANCE_UNKNOWN]);
}

static void live(bool late)
{
    struct world world = {.run = line_run_begin(&line)};
    static struct change told[MOST_CHANGES];
    int64_t end_ms = BEGIN_MS + 8 * HOUR_MS;
    unsigned shift = 0;
    char key[32];

    happen(late);
    memcpy(told, changes, sizeof told);
    qsort(told, change_count, sizeof *told, compare);
    for (size_t i = 0; i < change_count; i++) {
        if (told[i].member == TRIMMER && told[i].at_ms >= end_ms) {
            /* with the poll that tells what came after it, as the delivery does */
            tell(&world, TRIMMER, told[i].state, 0, told[i].at_ms);
            while (told[i].at_ms >= end_ms) {
                snprintf(key, sizeof key, "2026-11-%u/%s", 23 + shift / 2,
                         shift % 2 ? "late" : "early");
                if (told[i].at_ms < end_ms + 8 * HOUR_MS)
                    expect_shift(&world, key, end_ms, late);
                end_ms += shift % 2 ? 16 * HOUR_MS : 8 * HOUR_MS;
                shift++;
            }
            continue;
        }
        tell(&world, told[i].member, told[i].state, 0, told[i].at_ms);
        if (below(40) == 0)
            restart(&world);
    }
    assert_true(shift >= 2 * DAYS - 2);
}

static void test_times_of_shifts_are_those_of_the_rule(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= HISTORIES; i++) {
        seed = i * 7919;
        uncertain_ms = i % 3 == 0 ? 0 : 5000;
        live(false);
    }
    uncertain_ms = UNCERTAIN_MS;
}

static void test_what_comes_late_leaves_production_and_unknown_times_exact(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= HISTORIES; i++) {
        seed = i * 104729;
        live(true);
    }
}

static void test_whatever_was_kept_comes_to_a_line(void **state)
{
    struct line_kept kept;

    (void)state;
    seed = 4711;
    for (unsigned i = 0; i < 20000; i++) {
        struct world world = {.run = line_run_begin(&line)};
        int64_t *numbers = (int64_t *)&kept;
        line_run_keep(&world.run, &kept);
        for (unsigned k = below(40); k > 0; k--)
            numbers[below(sizeof kept / sizeof *numbers)] =
                (int64_t)((uint64_t)below(UINT32_MAX) << below(33));
        world.run = line_run_resume(&line, &kept);
        for (size_t m = 0; m < MACHINES; m++)
            tell(&world, m, (enum machine_state)below(MACHINE_STATES), 0, BEGIN_MS + below(9999));
        end_shift(&world, "2026-11-23/early", BEGIN_MS + 8 * HOUR_MS, below(9999999),
                  below(9999999));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_line_produces_while_its_delivery_does),
        cmocka_unit_test(
            test_the_worst_of_those_that_stopped_is_the_state_and_the_first_the_bottleneck),
        cmocka_unit_test(test_a_machine_that_the_line_did_without_does_not_hold_it_up),
        cmocka_unit_test(test_who_stopped_first_is_not_guessed),
        cmocka_unit_test(test_a_line_whose_delivery_is_not_known_is_not_known),
        cmocka_unit_test(test_the_least_reserve_is_the_bottleneck_while_all_produce),
        cmocka_unit_test(test_a_shift_tells_what_held_the_line_up),
        cmocka_unit_test(test_a_shift_that_nothing_is_known_of_has_no_times),
        cmocka_unit_test(test_a_step_of_the_clock_is_unknown_forward_and_counts_once_back),
        cmocka_unit_test(test_a_clock_that_is_not_set_makes_no_times),
        cmocka_unit_test(test_since_when_follows_the_clock_as_it_is_set),
        cmocka_unit_test(test_a_state_nobody_knows_the_length_of_is_unknown_in_a_shift),
        cmocka_unit_test(test_times_of_shifts_are_those_of_the_rule),
        cmocka_unit_test(test_what_comes_late_leaves_production_and_unknown_times_exact),
        cmocka_unit_test(test_whatever_was_kept_comes_to_a_line),
    };
    zone_use("UTC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
