/* How much of its time a machine works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capacity.h"
#include "zone.h"

#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)
/* 2026-10-25 00:00 UTC, 02:00 in Berlin, an hour before its clocks are set back at 03:00. */
#define AUTUMN_MS INT64_C(1792886400000)

static const struct shift shifts[] = {{.name = "day", .days = 0x7f, .from = 60, .to = 5 * 60}};
static const struct calendar calendar = {.name = "hall", .shifts = shifts, .shift_count = 1};

static void add(struct capacity *capacity, enum machine_state state, int64_t from_ms, int64_t to_ms)
{
    const struct capacity_piece piece = {state, from_ms, to_ms};

    capacity_add(capacity, &calendar, &piece);
}

/* A restart: what is kept is all there is. */
static struct capacity restart(const struct capacity *capacity)
{
    struct capacity again = {0};
    int64_t base[CAPACITY_BASE_NUMBERS], group[CAPACITY_GROUP_NUMBERS];

    capacity_keep_base(capacity, base);
    capacity_resume_base(&again, base);
    for (unsigned i = 0; i < CAPACITY_GROUPS; i++) {
        capacity_keep_group(capacity, i, group);
        capacity_resume_group(&again, i, group);
    }
    assert_memory_equal(again.hours, capacity->hours, sizeof again.hours);
    assert_int_equal(again.known_ms, capacity->known_ms);
    return again;
}

static void test_work_is_production_setup_and_cleanup_of_the_time_that_is_known(void **state)
{
    struct capacity capacity = {0};
    int64_t at_ms = AUTUMN_MS + 12 * HOUR_MS;

    (void)state;
    add(&capacity, STATE_PRODUCTION, at_ms, at_ms + 30 * MINUTE_MS);
    add(&capacity, STATE_SETUP, at_ms + 30 * MINUTE_MS, at_ms + 40 * MINUTE_MS);
    add(&capacity, STATE_OFFLINE, at_ms + 40 * MINUTE_MS, at_ms + 70 * MINUTE_MS);
    add(&capacity, STATE_CLEANUP, at_ms + 70 * MINUTE_MS, at_ms + 75 * MINUTE_MS);
    add(&capacity, STATE_FAULT, at_ms + 75 * MINUTE_MS, at_ms + 90 * MINUTE_MS);
    capacity_count(&capacity, 40, at_ms + 30 * MINUTE_MS);
    struct capacity_load load =
        capacity_load(&capacity, CAPACITY_DAY_HOURS, at_ms + 90 * MINUTE_MS);
    assert_int_equal(load.from_ms, at_ms - 23 * HOUR_MS);
    assert_int_equal(load.known_ms, 60 * MINUTE_MS);
    assert_int_equal(load.busy_ms, 45 * MINUTE_MS);
    assert_int_equal(load.run_ms, 30 * MINUTE_MS);
    assert_int_equal(load.counted, 40);
    load = capacity_load(&capacity, 0, at_ms + 90 * MINUTE_MS);
    assert_int_equal(load.busy_ms, 5 * MINUTE_MS);
    load = capacity_load(&capacity, CAPACITY_DAY_HOURS, at_ms + 26 * HOUR_MS);
    assert_int_equal(load.busy_ms, 0);
    load = capacity_load(&capacity, CAPACITY_WEEK_HOURS, at_ms + 26 * HOUR_MS);
    assert_int_equal(load.busy_ms, 45 * MINUTE_MS);
}

static void test_planned_time_follows_the_wall_over_a_change_of_clocks(void **state)
{
    struct capacity capacity = {0};
    struct capacity_day days[CAPACITY_DAYS];

    (void)state;
    /* the shift, 01:00 to 05:00, has an hour more and began before midnight UTC */
    add(&capacity, STATE_PRODUCTION, AUTUMN_MS - HOUR_MS, AUTUMN_MS + 10 * HOUR_MS);
    struct capacity_load load =
        capacity_load(&capacity, CAPACITY_DAY_HOURS, AUTUMN_MS + 10 * HOUR_MS);
    assert_int_equal(load.busy_ms, 11 * HOUR_MS);
    assert_int_equal(load.planned_busy_ms, 5 * HOUR_MS);
    assert_int_equal(load.planned_known_ms, 5 * HOUR_MS);
    assert_true(capacity_days(&calendar, AUTUMN_MS, days));
    assert_int_equal(days[0].planned_ms, 4 * HOUR_MS);
    assert_int_equal(days[1].planned_ms, 4 * HOUR_MS);
    assert_int_equal(days[1].day, days[0].day + 1);
    assert_true(capacity_days(&calendar, AUTUMN_MS - 3 * HOUR_MS, days));
    assert_int_equal(days[1].planned_ms, 5 * HOUR_MS);
    assert_true(capacity_days(NULL, AUTUMN_MS, days));
    assert_int_equal(days[0].planned_ms, 0);
}

static void test_a_machine_is_free_by_its_state_and_its_job(void **state)
{
    (void)state;
    assert_int_equal(capacity_is_free(STATE_IDLE, CAPACITY_JOB_UNTOLD), 1);
    assert_int_equal(capacity_is_free(STATE_STOPPED, CAPACITY_JOB_NONE), 1);
    assert_int_equal(capacity_is_free(STATE_IDLE, CAPACITY_JOB_ON), 0);
    assert_int_equal(capacity_is_free(STATE_OFFLINE, CAPACITY_JOB_ON), 0);
    assert_int_equal(capacity_is_free(STATE_IDLE, CAPACITY_JOB_UNKNOWN), -1);
    assert_int_equal(capacity_is_free(STATE_PRODUCTION, CAPACITY_JOB_UNKNOWN), 0);
    assert_int_equal(capacity_is_free(STATE_FAULT, CAPACITY_JOB_NONE), 0);
    assert_int_equal(capacity_is_free(STATE_UNKNOWN, CAPACITY_JOB_NONE), -1);
    assert_int_equal(capacity_is_free(STATE_OFFLINE, CAPACITY_JOB_UNTOLD), -1);
}

static void test_steps_of_the_clock(void **state)
{
    struct capacity capacity = {0};
    int64_t at_ms = AUTUMN_MS + 12 * HOUR_MS;

    (void)state;
    add(&capacity, STATE_PRODUCTION, at_ms, at_ms + HOUR_MS);
    /* set back by half an hour: it comes twice */
    add(&capacity, STATE_SETUP, at_ms + HOUR_MS / 2, at_ms + 2 * HOUR_MS);
    struct capacity_load load =
        capacity_load(&capacity, CAPACITY_DAY_HOURS, at_ms + 2 * HOUR_MS - 1);
    assert_int_equal(load.busy_ms, 2 * HOUR_MS);
    assert_int_equal(load.run_ms, HOUR_MS);
    /* forward: nothing is known of it */
    add(&capacity, STATE_SETUP, at_ms + 5 * HOUR_MS, at_ms + 6 * HOUR_MS);
    load = capacity_load(&capacity, CAPACITY_DAY_HOURS, at_ms + 6 * HOUR_MS);
    assert_int_equal(load.known_ms, 3 * HOUR_MS);
    /* far back: what lies behind is forgotten */
    add(&capacity, STATE_IDLE, at_ms + HOUR_MS, at_ms + HOUR_MS + MINUTE_MS);
    load = capacity_load(&capacity, CAPACITY_DAY_HOURS, at_ms + 6 * HOUR_MS);
    assert_int_equal(load.known_ms, HOUR_MS + MINUTE_MS);
}

static void
test_what_was_counted_by_a_clock_far_ahead_is_forgotten_when_it_is_set_back(void **state)
{
    struct capacity capacity = {0};
    int64_t at_ms = AUTUMN_MS + 12 * HOUR_MS, far_ms = at_ms + 1000 * HOUR_MS;

    (void)state;
    add(&capacity, STATE_PRODUCTION, at_ms, at_ms + HOUR_MS);
    capacity_count(&capacity, 5, far_ms);
    capacity_count(&capacity, 7, at_ms + HOUR_MS);
    add(&capacity, STATE_PRODUCTION, at_ms + HOUR_MS, at_ms + 3 * HOUR_MS);
    struct capacity_load load = capacity_load(&capacity, CAPACITY_DAY_HOURS, at_ms + 3 * HOUR_MS);
    assert_int_equal(load.run_ms, 2 * HOUR_MS);
    assert_int_equal(load.counted, 7);
    /* and where nothing was counted since */
    capacity_count(&capacity, 5, far_ms);
    add(&capacity, STATE_SETUP, at_ms + 3 * HOUR_MS, at_ms + 5 * HOUR_MS);
    load = capacity_load(&capacity, CAPACITY_DAY_HOURS, at_ms + 5 * HOUR_MS);
    assert_int_equal(load.busy_ms, 2 * HOUR_MS);
    assert_int_equal(load.counted, 0);
    load = capacity_load(&capacity, CAPACITY_DAY_HOURS, far_ms);
    assert_int_equal(load.counted, 0);
}

/* --- weeks of chance --- */

enum { MINUTES = 21 * 24 * 60 };

static uint32_t seed;

static uint32_t below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

static void test_any_week_is_the_sum_of_its_minutes(void **state)
{
    static uint8_t minutes[MINUTES];

    (void)state;
    for (unsigned history = 1; history <= 8; history++) {
        struct capacity capacity = {0};
        int64_t at = 0;
        seed = history * 7919;
        while (at < MINUTES) {
            int64_t length = 1 + below(below(10) == 0 ? 3000 : 60);
            uint8_t is = (uint8_t)below(MACHINE_STATES);
            length = at + length < MINUTES ? length : MINUTES - at;
            add(&capacity, is, AUTUMN_MS + at * MINUTE_MS, AUTUMN_MS + (at + length) * MINUTE_MS);
            memset(minutes + at, is, (size_t)length);
            at += length;
            if (below(5) == 0)
                capacity = restart(&capacity);
            for (unsigned hours = 24; hours <= 168; hours += 144) {
                struct capacity_load load =
                    capacity_load(&capacity, hours, AUTUMN_MS + at * MINUTE_MS);
                int64_t known = 0, busy = 0, from = (load.from_ms - AUTUMN_MS) / MINUTE_MS;
                for (int64_t m = from > 0 ? from : 0; m < at; m++) {
                    known += minutes[m] > STATE_OFFLINE;
                    busy += minutes[m] == STATE_PRODUCTION || minutes[m] == STATE_SETUP ||
                            minutes[m] == STATE_CLEANUP;
                }
                assert_int_equal(load.known_ms, known * MINUTE_MS);
                assert_int_equal(load.busy_ms, busy * MINUTE_MS);
            }
        }
    }
}

static void test_whatever_was_kept_never_works_more_than_there_is_time(void **state)
{
    (void)state;
    seed = 4711;
    for (unsigned i = 0; i < 2000; i++) {
        struct capacity capacity = {0};
        int64_t numbers[CAPACITY_GROUP_NUMBERS];
        for (size_t k = 0; k < CAPACITY_GROUP_NUMBERS; k++)
            numbers[k] = (int64_t)((uint64_t)below(UINT32_MAX) << below(33)) >> below(64);
        capacity_resume_base(&capacity, numbers);
        for (unsigned group = 0; group < CAPACITY_GROUPS; group++)
            capacity_resume_group(&capacity, group, numbers);
        int64_t at_ms = AUTUMN_MS + below(1U << 31);
        add(&capacity, STATE_PRODUCTION, at_ms - below(1U << 30), at_ms);
        struct capacity_load load = capacity_load(&capacity, CAPACITY_WEEK_HOURS, at_ms);
        assert_true(load.busy_ms <= load.known_ms && load.known_ms <= 170 * HOUR_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_is_production_setup_and_cleanup_of_the_time_that_is_known),
        cmocka_unit_test(test_planned_time_follows_the_wall_over_a_change_of_clocks),
        cmocka_unit_test(test_a_machine_is_free_by_its_state_and_its_job),
        cmocka_unit_test(test_steps_of_the_clock),
        cmocka_unit_test(
            test_what_was_counted_by_a_clock_far_ahead_is_forgotten_when_it_is_set_back),
        cmocka_unit_test(test_any_week_is_the_sum_of_its_minutes),
        cmocka_unit_test(test_whatever_was_kept_never_works_more_than_there_is_time),
    };
    zone_use("Europe/Berlin");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
