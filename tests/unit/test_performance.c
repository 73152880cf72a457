/* What a machine achieved: every formula with its numbers. test_performance_times.c asks whether
 * times add up whatever comes. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "performance.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 3600 * 1000 };
enum { GOOD = 1 << COUNTS_GOOD, WASTE = 1 << COUNTS_WASTE, GROSS = 1 << COUNTS_GROSS };

static const struct performance_plan no_plan = {0};

/* An early shift of 8 h less 45 min of breaks, at 12,000 an hour: PBT 26,100,000 ms, PRI 300 ms. */
static const struct performance_plan early = {.busy_ms = 26100000, .ideal_ms = 300};

static void add(struct performance *performance, enum machine_state state, int64_t ms)
{
    const struct performance_piece piece = {.state = state, .to_ms = ms};
    assert_int_equal(performance_add_state(performance, &piece), 0);
}

static void count(struct performance *performance, enum counts counts, int64_t delta)
{
    assert_int_equal(performance_add_count(performance, counts, delta, false), 0);
}

/* 330 min of production, 50 of setup, 40 idle, 25 stopped, 20 at fault, 10 of cleanup, 5 unknown:
 * 8 hours. 59,400 produced, 58,212 of them good. */
static struct performance early_shift(void)
{
    struct performance shift = performance_begin(GOOD | WASTE | GROSS);
    add(&shift, STATE_SETUP, 50 * MINUTE_MS);
    add(&shift, STATE_PRODUCTION, 200 * MINUTE_MS);
    add(&shift, STATE_STOPPED, 25 * MINUTE_MS);
    add(&shift, STATE_FAULT, 20 * MINUTE_MS);
    add(&shift, STATE_OFFLINE, 3 * MINUTE_MS);
    add(&shift, STATE_PRODUCTION, 130 * MINUTE_MS);
    add(&shift, STATE_IDLE, 40 * MINUTE_MS);
    add(&shift, STATE_UNKNOWN, 2 * MINUTE_MS);
    add(&shift, STATE_CLEANUP, 10 * MINUTE_MS);
    count(&shift, COUNTS_GOOD, 58212);
    count(&shift, COUNTS_WASTE, 1186); /* two are still between stations */
    count(&shift, COUNTS_GROSS, 59400);
    return shift;
}

static void test_each_state_counts_in_one_time(void **state)
{
    static const struct {
        enum machine_state state;
        const char *time;
    } cases[] = {
        {STATE_UNKNOWN, "unknown"}, {STATE_OFFLINE, "unknown"}, {STATE_STOPPED, "down"},
        {STATE_IDLE, "idle"},       {STATE_SETUP, "setup"},     {STATE_PRODUCTION, "run"},
        {STATE_CLEANUP, "cleanup"}, {STATE_FAULT, "down"},      {STATE_MAINTENANCE, "maintenance"},
    };
    (void)state;
    assert_int_equal(sizeof cases / sizeof *cases, MACHINE_STATES);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(performance_time_name(performance_time_of(cases[i].state)),
                            cases[i].time);
}

static void test_times_and_elements_are_told_without_a_plan(void **state)
{
    struct performance shift = early_shift();
    (void)state;
    add(&shift, STATE_MAINTENANCE, 7 * MINUTE_MS);
    struct performance_record record = performance_tell(&shift, &no_plan);
    assert_int_equal(record.times_ms[PERFORMANCE_RUN], 330 * MINUTE_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_SETUP], 50 * MINUTE_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_IDLE], 40 * MINUTE_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_DOWN], 45 * MINUTE_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_CLEANUP], 10 * MINUTE_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_MAINTENANCE], 7 * MINUTE_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_UNKNOWN], 5 * MINUTE_MS);
    assert_int_equal(record.observed_ms, 487 * MINUTE_MS);
    assert_int_equal(record.apt_ms, 19800000);
    assert_int_equal(record.aust_ms, 3000000);
    assert_int_equal(record.adet_ms, 2700000);
    assert_int_equal(record.adot_ms, 2400000);
    assert_int_equal(record.pq, 59400);
    assert_int_equal(record.gq, 58212);
    assert_true(isnan(record.availability) && isnan(record.effectiveness) &&
                isnan(record.quality) && isnan(record.oee));
}

/* 19,800,000 / 26,100,000; 300 * 59,400 / 19,800,000 = 17,820,000 / 19,800,000;
 * 58,212 / 59,400; 300 * 58,212 / 26,100,000 = 17,463,600 / 26,100,000 */
static void test_ratios_follow_their_formulas(void **state)
{
    const struct performance shift = early_shift();
    struct performance_record record = performance_tell(&shift, &early);
    (void)state;
    assert_true(record.availability == 22.0 / 29);
    assert_true(record.effectiveness == 0.9);
    assert_true(record.quality == 0.98);
    assert_true(record.oee == 17463600.0 / 26100000);
    assert_true(fabs(record.oee - 0.66910344827586206) < 1e-16);
    assert_true(fabs(record.oee - record.availability * record.effectiveness * record.quality) <
                4e-16);
}

static void test_ratios_are_not_cut_at_one(void **state)
{
    struct performance shift = performance_begin(GOOD | GROSS);
    const struct performance_plan plan = {.busy_ms = HOUR_MS, .ideal_ms = 300};
    (void)state;
    add(&shift, STATE_PRODUCTION, 2 * HOUR_MS);
    count(&shift, COUNTS_GROSS, 30000);
    count(&shift, COUNTS_GOOD, 30003);
    struct performance_record record = performance_tell(&shift, &plan);
    assert_true(record.availability == 2);
    assert_true(record.effectiveness == 1.25);
    assert_true(record.quality == 1.0001);
    assert_true(record.oee == 2.50025);
}

static void test_ratios_need_both_parts_of_the_plan(void **state)
{
    const struct performance_plan plans[] = {{.busy_ms = 26100000},
                                             {.ideal_ms = 300},
                                             {.busy_ms = -1, .ideal_ms = 300},
                                             {.busy_ms = 26100000, .ideal_ms = NAN}};
    const struct performance shift = early_shift();
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct performance_record record = performance_tell(&shift, &plans[i]);
        assert_true(isnan(record.availability) && isnan(record.effectiveness) &&
                    isnan(record.quality) && isnan(record.oee));
        assert_int_equal(record.apt_ms, 19800000);
    }
}

static void test_without_production_availability_is_0_and_the_rest_is_null(void **state)
{
    struct performance shift = performance_begin(GOOD | GROSS);
    (void)state;
    add(&shift, STATE_IDLE, HOUR_MS);
    struct performance_record record = performance_tell(&shift, &early);
    assert_true(record.availability == 0);
    assert_int_equal(record.pq, 0);
    assert_int_equal(record.gq, 0);
    assert_true(isnan(record.effectiveness)); /* 0 / 0 */
    assert_true(isnan(record.quality));       /* 0 / 0 */
    assert_true(isnan(record.oee));
}

static void test_without_a_product_effectiveness_is_0_and_quality_null(void **state)
{
    struct performance shift = performance_begin(GOOD | GROSS);
    (void)state;
    add(&shift, STATE_PRODUCTION, HOUR_MS);
    struct performance_record record = performance_tell(&shift, &early);
    assert_true(record.effectiveness == 0);
    assert_true(isnan(record.quality));
    assert_true(isnan(record.oee));
}

static void test_quantities_come_from_the_counters_that_there_are(void **state)
{
    static const struct {
        unsigned counted;
        int64_t pq, gq;
    } cases[] = {
        {0, PERFORMANCE_NULL, PERFORMANCE_NULL},
        {GOOD, PERFORMANCE_NULL, 900},
        {WASTE, PERFORMANCE_NULL, PERFORMANCE_NULL},
        {GROSS, 1003, PERFORMANCE_NULL},
        {GOOD | WASTE, 1000, 900},
        {GOOD | GROSS, 1003, 900},
        {WASTE | GROSS, 1003, PERFORMANCE_NULL},
        {GOOD | WASTE | GROSS, 1003, 900},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct performance shift = performance_begin(cases[i].counted);
        unsigned counted = cases[i].counted;
        if (counted & GOOD)
            count(&shift, COUNTS_GOOD, 900);
        if (counted & WASTE)
            count(&shift, COUNTS_WASTE, 100);
        if (counted & GROSS)
            count(&shift, COUNTS_GROSS, 1003);
        add(&shift, STATE_PRODUCTION, HOUR_MS);
        struct performance_record record = performance_tell(&shift, &early);
        assert_int_equal(record.pq, cases[i].pq);
        assert_int_equal(record.gq, cases[i].gq);
        assert_int_equal(isnan(record.effectiveness), cases[i].pq < 0);
        assert_int_equal(isnan(record.quality), cases[i].pq < 0 || cases[i].gq < 0);
        assert_int_equal(isnan(record.oee), cases[i].pq < 0 || cases[i].gq < 0);
        assert_false(isnan(record.availability));
    }
}

static void test_inferred_counts_are_told_apart(void **state)
{
    struct performance shift = performance_begin(0);
    (void)state;
    count(&shift, COUNTS_GOOD, 100);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, 40, true), 0);
    count(&shift, COUNTS_OTHER, 7);
    struct performance_record record = performance_tell(&shift, &no_plan);
    assert_true(record.quantities[COUNTS_GOOD].known);
    assert_int_equal(record.quantities[COUNTS_GOOD].total, 140);
    assert_int_equal(record.quantities[COUNTS_GOOD].inferred, 40);
    assert_false(record.quantities[COUNTS_WASTE].known);
}

static void test_counts_are_taken_back_but_not_below_what_there_is(void **state)
{
    struct performance shift = performance_begin(GOOD);
    (void)state;
    count(&shift, COUNTS_GOOD, 100);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, 40, true), 0);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, -141, false), -ERANGE);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, -101, false), -ERANGE);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, -41, true), -ERANGE);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, INT64_MAX, false), -ERANGE);
    assert_int_equal(shift.quantities[COUNTS_GOOD].total, 140);
    assert_int_equal(shift.quantities[COUNTS_GOOD].inferred, 40);
    count(&shift, COUNTS_GOOD, -100);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, -40, true), 0);
    assert_int_equal(shift.quantities[COUNTS_GOOD].total, 0);
}

static void test_stops_and_micro_stops_are_counted_apart_with_their_time(void **state)
{
    struct performance shift = performance_begin(0);
    const struct performance_stop stops[] = {
        {.duration_ms = 20000, .micro = true},
        {.duration_ms = 300000},
        {.duration_ms = 45000, .micro = true},
        {.duration_ms = 90000, .continued = true},
    };
    const struct performance_stop wrong = {.duration_ms = -1};
    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        assert_int_equal(performance_add_stop(&shift, &stops[i]), 0);
    assert_int_equal(performance_add_stop(&shift, &wrong), -EINVAL);
    struct performance_record record = performance_tell(&shift, &no_plan);
    assert_int_equal(record.stops.count, 1);
    assert_int_equal(record.stops.total_ms, 390000);
    assert_int_equal(record.micro_stops.count, 2);
    assert_int_equal(record.micro_stops.total_ms, 65000);
}

/* 6,000 for 10 min and 9,000 for 20 min of production: 8,000; 500 while it is set up. */
static void test_average_speed_is_by_time_in_production_and_the_highest_of_all(void **state)
{
    struct performance shift = performance_begin(0);
    (void)state;
    struct performance_record record = performance_tell(&shift, &no_plan);
    assert_true(isnan(record.average_speed) && isnan(record.highest_speed));
    assert_int_equal(performance_add_speed(&shift, STATE_SETUP, 500, 5 * MINUTE_MS), 0);
    record = performance_tell(&shift, &no_plan);
    assert_true(isnan(record.average_speed) && record.highest_speed == 500);
    assert_int_equal(performance_add_speed(&shift, STATE_PRODUCTION, 6000, 10 * MINUTE_MS), 0);
    assert_int_equal(performance_add_speed(&shift, STATE_PRODUCTION, 9000, 20 * MINUTE_MS), 0);
    assert_int_equal(performance_add_speed(&shift, STATE_PRODUCTION, 99000, 0), 0);
    assert_int_equal(performance_add_speed(&shift, STATE_PRODUCTION, NAN, 1), -EINVAL);
    assert_int_equal(performance_add_speed(&shift, STATE_PRODUCTION, INFINITY, 1), -EINVAL);
    assert_int_equal(performance_add_speed(&shift, STATE_PRODUCTION, 9000, -1), -EINVAL);
    record = performance_tell(&shift, &no_plan);
    assert_true(record.average_speed == 8000);
    assert_true(record.highest_speed == 9000);
}

static void test_what_changes_a_closed_record_makes_a_revision(void **state)
{
    struct performance shift = early_shift();
    const struct performance_piece late = {STATE_OFFLINE, 0, 3 * MINUTE_MS, false};
    const struct performance_piece empty = {STATE_IDLE, 5, 5, false};
    (void)state;
    assert_int_equal(performance_tell(&shift, &early).revision, 1);
    performance_close(&shift);
    assert_int_equal(performance_add_state(&shift, &empty), 0);
    count(&shift, COUNTS_GOOD, 0);
    assert_int_equal(performance_add_count(&shift, COUNTS_GOOD, -99999, false), -ERANGE);
    assert_int_equal(performance_tell(&shift, &early).revision, 1);
    assert_int_equal(performance_change_state(&shift, &late, STATE_PRODUCTION), 0);
    count(&shift, COUNTS_GOOD, 500);
    struct performance_record record = performance_tell(&shift, &early);
    assert_int_equal(record.revision, 2); /* both, once */
    assert_int_equal(record.apt_ms, 333 * MINUTE_MS);
    assert_int_equal(record.times_ms[PERFORMANCE_UNKNOWN], 2 * MINUTE_MS);
    assert_int_equal(record.observed_ms, 480 * MINUTE_MS);
    performance_close(&shift);
    add(&shift, STATE_IDLE, 1);
    assert_int_equal(performance_tell(&shift, &early).revision, 3);
}

static void test_uncertain_time_is_told_and_becomes_certain_when_it_is_changed(void **state)
{
    struct performance shift = performance_begin(0);
    const struct performance_piece piece = {STATE_UNKNOWN, 100, 700, true};
    (void)state;
    add(&shift, STATE_IDLE, 50);
    assert_int_equal(performance_add_state(&shift, &piece), 0);
    assert_int_equal(performance_tell(&shift, &no_plan).uncertain_ms, 600);
    assert_int_equal(performance_change_state(&shift, &piece, STATE_IDLE), 0);
    assert_int_equal(performance_tell(&shift, &no_plan).uncertain_ms, 0);
    assert_int_equal(shift.times_ms[PERFORMANCE_IDLE], 650);
    assert_int_equal(performance_change_state(&shift, &piece, STATE_IDLE), -ERANGE);
}

static void test_pieces_that_make_no_sense_change_nothing(void **state)
{
    const struct {
        struct performance_piece piece;
        int error;
    } cases[] = {{{STATE_IDLE, 10, 9, false}, -EINVAL},
                 {{STATE_IDLE, INT64_MIN, INT64_MAX, false}, -ERANGE},
                 {{STATE_IDLE, 0, INT64_MAX, false}, -ERANGE}};
    struct performance shift = early_shift(), before = shift;
    (void)state;
    performance_close(&shift);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(performance_add_state(&shift, &cases[i].piece), cases[i].error);
        assert_int_not_equal(performance_change_state(&shift, &cases[i].piece, STATE_FAULT), 0);
    }
    assert_memory_equal(shift.times_ms, before.times_ms, sizeof before.times_ms);
    assert_int_equal(shift.observed_ms, before.observed_ms);
    assert_int_equal(shift.revision, 1);
}

static void test_piece_is_cut_so_that_nothing_is_lost(void **state)
{
    static const struct {
        int64_t at, cut_to;
    } cases[] = {{150, 150}, {100, 100}, {50, 100}, {200, 200}, {250, 200}, {INT64_MIN, 100}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct performance_piece piece = {STATE_SETUP, 100, 200, true};
        struct performance_piece before = performance_cut(&piece, cases[i].at);
        assert_true(before.from_ms == 100 && before.to_ms == cases[i].cut_to);
        assert_true(piece.from_ms == cases[i].cut_to && piece.to_ms == 200);
        assert_true(before.state == STATE_SETUP && piece.state == STATE_SETUP);
        assert_true(before.uncertain && piece.uncertain);
    }
}

static void test_machine_says_which_quantities_it_counts(void **state)
{
    const struct tag_counter counters[] = {
        {.counts = COUNTS_OTHER}, {.counts = COUNTS_WASTE}, {.counts = COUNTS_GROSS}};
    const struct counter_place places[] = {
        {.config = &counters[0]}, {.config = &counters[1]}, {.config = &counters[2]}};
    const struct meaning meaning = {.counters = places, .counter_count = 3};
    const struct machine machine = {.meaning = &meaning}, plain = {.name = "m"};
    (void)state;
    assert_int_equal(performance_counted(&machine), WASTE | GROSS);
    assert_int_equal(performance_counted(&plain), 0);
    const struct performance performance = performance_begin(performance_counted(&machine));
    struct performance_record record = performance_tell(&performance, &no_plan);
    assert_true(!record.quantities[COUNTS_GOOD].known && record.quantities[COUNTS_WASTE].known);
    assert_int_equal(record.pq, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_counts_in_one_time),
        cmocka_unit_test(test_times_and_elements_are_told_without_a_plan),
        cmocka_unit_test(test_ratios_follow_their_formulas),
        cmocka_unit_test(test_ratios_are_not_cut_at_one),
        cmocka_unit_test(test_ratios_need_both_parts_of_the_plan),
        cmocka_unit_test(test_without_production_availability_is_0_and_the_rest_is_null),
        cmocka_unit_test(test_without_a_product_effectiveness_is_0_and_quality_null),
        cmocka_unit_test(test_quantities_come_from_the_counters_that_there_are),
        cmocka_unit_test(test_inferred_counts_are_told_apart),
        cmocka_unit_test(test_counts_are_taken_back_but_not_below_what_there_is),
        cmocka_unit_test(test_stops_and_micro_stops_are_counted_apart_with_their_time),
        cmocka_unit_test(test_average_speed_is_by_time_in_production_and_the_highest_of_all),
        cmocka_unit_test(test_what_changes_a_closed_record_makes_a_revision),
        cmocka_unit_test(test_uncertain_time_is_told_and_becomes_certain_when_it_is_changed),
        cmocka_unit_test(test_pieces_that_make_no_sense_change_nothing),
        cmocka_unit_test(test_piece_is_cut_so_that_nothing_is_lost),
        cmocka_unit_test(test_machine_says_which_quantities_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
