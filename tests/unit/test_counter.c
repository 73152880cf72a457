/* What each reading of a counter is taken for, rule by rule. test_counter_histories.c asks whether
 * the rules together keep the total right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "counter.h"

enum { SECOND_MS = 1000, HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* In a second ten counts a second may come to 20. */
static const struct counter_rule word = {
    .kind = COUNTER_KIND_ROLLOVER, .modulus = 65536, .max_per_s = 10, .multiplier = 1};
static const struct counter_rule decimal = {
    .kind = COUNTER_KIND_ROLLOVER, .modulus = 10000, .max_per_s = 10, .multiplier = 1};
static const struct counter_rule wide = {.kind = COUNTER_KIND_ROLLOVER,
                                         .modulus = UINT64_C(1) << 32,
                                         .max_per_s = 10,
                                         .multiplier = 1,
                                         .carry = 65536};
static const struct counter_rule unrated = {
    .kind = COUNTER_KIND_ROLLOVER, .modulus = 10000, .multiplier = 1};
static const struct counter_rule resettable = {
    .kind = COUNTER_KIND_RESET, .max_per_s = 10, .multiplier = 1};
static const struct counter_rule free_running = {
    .kind = COUNTER_KIND_FREE, .max_per_s = 10, .multiplier = 1};

/* A counter that stands at raw, with a total of 1000 in epoch 3, read at 0. */
static struct counter standing_at(uint64_t raw)
{
    return (struct counter){.known = true, .raw = raw, .total = 1000, .epoch = 3};
}

static struct counter_step read_at(const struct counter_rule *rule, struct counter *counter,
                                   uint64_t raw, int64_t at_ms)
{
    return counter_take(rule, counter, raw, at_ms, false);
}

static void assert_step(struct counter_step step, enum counter_verdict verdict, uint64_t delta,
                        bool inferred)
{
    assert_string_equal(counter_verdict_name(step.verdict), counter_verdict_name(verdict));
    assert_int_equal(step.delta, delta);
    assert_int_equal(step.inferred, inferred);
}

static void assert_counter(const struct counter *counter, uint64_t raw, int64_t total,
                           uint32_t epoch)
{
    assert_int_equal(counter->raw, raw);
    assert_int_equal(counter->total, total);
    assert_int_equal(counter->epoch, epoch);
}

static void test_counter_begins_at_the_first_reading(void **state)
{
    (void)state;
    struct counter counter = {0};
    assert_step(counter_take(&word, &counter, 4711, 5000, true), COUNTER_BASELINE, 0, false);
    assert_counter(&counter, 4711, 0, 0);
    assert_step(read_at(&word, &counter, 4712, 6000), COUNTER_ADVANCED, 1, false);
    assert_counter(&counter, 4712, 1, 0);
}

static void test_counter_goes_on_after_a_restart(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    assert_step(counter_take(&word, &counter, 110, 2 * SECOND_MS, true), COUNTER_ADVANCED, 10,
                true);
    assert_counter(&counter, 110, 1010, 3);
}

static void test_counter_counts_what_fits_the_time_and_a_second_more(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    assert_step(read_at(&word, &counter, 120, SECOND_MS), COUNTER_ADVANCED, 20, false);
    assert_step(read_at(&word, &counter, 141, 2 * SECOND_MS), COUNTER_HELD, 0, false);
    assert_counter(&counter, 120, 1020, 3);
    struct counter_rule slow = word;
    slow.max_per_s = 0.01;
    counter = standing_at(100);
    assert_step(read_at(&slow, &counter, 101, 0), COUNTER_ADVANCED, 1, false);
}

static void test_counter_may_be_read_twice_in_a_millisecond(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    assert_step(read_at(&word, &counter, 100, 0), COUNTER_SAME, 0, false);
    assert_step(read_at(&word, &counter, 101, 0), COUNTER_ADVANCED, 1, false);
    assert_step(read_at(&word, &counter, 112, 0), COUNTER_HELD, 0, false);
    assert_step(read_at(&word, &counter, 101, 0), COUNTER_SAME, 0, false);
    assert_counter(&counter, 101, 1001, 3);
}

static void test_counter_rolls_over_at_its_modulus_no_faster_than_the_rate(void **state)
{
    (void)state;
    struct counter counter = standing_at(9999);
    assert_step(read_at(&decimal, &counter, 0, SECOND_MS), COUNTER_ROLLED_OVER, 1, false);
    counter = standing_at(9990);
    assert_step(read_at(&decimal, &counter, 10, SECOND_MS), COUNTER_ROLLED_OVER, 20, false);
    assert_counter(&counter, 10, 1020, 3);
    counter = standing_at(65535);
    assert_step(read_at(&word, &counter, 3, SECOND_MS), COUNTER_ROLLED_OVER, 4, false);
    counter = standing_at(UINT32_MAX);
    assert_step(read_at(&wide, &counter, 0, SECOND_MS), COUNTER_ROLLED_OVER, 1, false);
    counter = standing_at(9990);
    assert_step(read_at(&decimal, &counter, 11, SECOND_MS), COUNTER_HELD, 0, false);
    assert_counter(&counter, 9990, 1000, 3);
}

static void test_counter_without_a_rate_rolls_over_from_top_to_bottom_quarter(void **state)
{
    (void)state;
    struct counter counter = standing_at(7500);
    assert_step(read_at(&unrated, &counter, 2499, SECOND_MS), COUNTER_ROLLED_OVER, 4999, false);
    counter = standing_at(7499);
    assert_step(read_at(&unrated, &counter, 0, SECOND_MS), COUNTER_HELD, 0, false);
    counter = standing_at(7500);
    assert_step(read_at(&unrated, &counter, 2500, SECOND_MS), COUNTER_HELD, 0, false);
}

static void test_counter_takes_a_fall_for_a_reset_where_the_kind_allows(void **state)
{
    (void)state;
    struct counter counter = standing_at(9995);
    assert_step(read_at(&resettable, &counter, 4, SECOND_MS), COUNTER_RESET, 4, false);
    assert_counter(&counter, 4, 1004, 4);
    assert_step(read_at(&resettable, &counter, 0, 2 * SECOND_MS), COUNTER_RESET, 0, false);
    assert_counter(&counter, 0, 1004, 5);
}

static void test_counter_takes_no_reset_to_more_than_fits_the_time(void **state)
{
    (void)state;
    struct counter counter = standing_at(9995);
    assert_step(read_at(&resettable, &counter, 21, SECOND_MS), COUNTER_HELD, 0, false);
    assert_counter(&counter, 9995, 1000, 3);
}

static void test_counter_begins_anew_where_two_readings_agree(void **state)
{
    (void)state;
    struct counter counter = standing_at(5000);
    assert_step(read_at(&word, &counter, 0, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&word, &counter, 1, SECOND_MS + 20), COUNTER_ANOMALY, 0, false);
    assert_counter(&counter, 1, 1000, 4);
    assert_step(read_at(&word, &counter, 3, 2 * SECOND_MS), COUNTER_ADVANCED, 2, false);
    assert_counter(&counter, 3, 1002, 4);
}

static void test_counter_forgets_a_stray_reading(void **state)
{
    (void)state;
    struct counter counter = standing_at(5000);
    assert_step(read_at(&word, &counter, 40000, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&word, &counter, 5012, 2 * SECOND_MS), COUNTER_ADVANCED, 12, false);
    assert_step(read_at(&word, &counter, 40001, 3 * SECOND_MS), COUNTER_HELD, 0, false);
    assert_counter(&counter, 5012, 1012, 3);
}

static void test_counter_holds_readings_that_do_not_agree(void **state)
{
    (void)state;
    struct counter counter = standing_at(5000);
    for (int i = 1; i < 10; i++)
        assert_step(read_at(&word, &counter, 60000 - i * UINT64_C(1000), i * SECOND_MS),
                    COUNTER_HELD, 0, false);
    assert_step(read_at(&word, &counter, 5003, 10 * SECOND_MS), COUNTER_ADVANCED, 3, true);
    assert_counter(&counter, 5003, 1003, 3);
}

static void test_counter_marks_what_fits_two_stories(void **state)
{
    (void)state;
    struct counter counter = standing_at(10);
    assert_step(read_at(&word, &counter, 0, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&word, &counter, 12, 2 * SECOND_MS), COUNTER_ADVANCED, 2, true);
    assert_counter(&counter, 12, 1002, 3);
}

static void test_counter_does_not_believe_a_torn_reading(void **state)
{
    (void)state;
    const uint64_t torn[] = {0x0001FFFF, 0};
    for (int i = 0; i < 2; i++) {
        struct counter counter = standing_at(0xFFFF);
        assert_step(read_at(&wide, &counter, torn[i], SECOND_MS), COUNTER_HELD, 0, false);
        assert_step(read_at(&wide, &counter, 0x10001, SECOND_MS + 20), COUNTER_ADVANCED, 2, false);
        assert_counter(&counter, 0x10001, 1002, 3);
    }
}

static void test_counter_does_not_take_a_torn_reading_for_a_reset(void **state)
{
    (void)state;
    struct counter_rule rule = resettable;
    rule.carry = 65536;
    struct counter counter = standing_at(0xFFFF);
    assert_step(read_at(&rule, &counter, 0, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&rule, &counter, 0x10001, SECOND_MS + 20), COUNTER_ADVANCED, 2, false);
    counter = standing_at(0xFFFF);
    assert_step(read_at(&rule, &counter, 0, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&rule, &counter, 1, SECOND_MS + 20), COUNTER_RESET, 1, false);
}

static void test_counter_reads_again_what_could_be_torn_and_fits(void **state)
{
    (void)state;
    struct counter counter = standing_at(0xFFFF);
    assert_step(read_at(&wide, &counter, 0x1FFFF, 5 * HOUR_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&wide, &counter, 0x10001, 5 * HOUR_MS + 20), COUNTER_ADVANCED, 2, true);
    struct counter_rule rule = wide;
    rule.max_per_s = 0;
    counter = standing_at(0xFFFF);
    assert_step(read_at(&rule, &counter, 0x1FFFF, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&rule, &counter, 0x10001, SECOND_MS + 20), COUNTER_ADVANCED, 2, false);
}

static void test_counter_takes_any_rise_and_no_fall_of_a_free_one(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    assert_step(read_at(&free_running, &counter, 60000, 0), COUNTER_ADVANCED, 59900, false);
    assert_step(read_at(&free_running, &counter, 0, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&free_running, &counter, 7, SECOND_MS), COUNTER_ANOMALY, 0, false);
    assert_counter(&counter, 7, 60900, 4);
}

static void test_counter_multiplies_the_total_only(void **state)
{
    (void)state;
    struct counter_rule rule = decimal;
    rule.multiplier = 2;
    struct counter counter = standing_at(9999);
    assert_step(read_at(&rule, &counter, 4, SECOND_MS), COUNTER_ROLLED_OVER, 5, false);
    assert_counter(&counter, 4, 1010, 3);
}

static void test_counter_marks_the_first_step_after_a_gap_even_if_held_between(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    assert_step(counter_take(&word, &counter, 60000, SECOND_MS, true), COUNTER_HELD, 0, false);
    assert_step(read_at(&word, &counter, 103, SECOND_MS), COUNTER_ADVANCED, 3, true);
    assert_step(read_at(&word, &counter, 104, SECOND_MS), COUNTER_ADVANCED, 1, false);
    assert_step(counter_take(&word, &counter, 104, SECOND_MS, true), COUNTER_SAME, 0, true);
}

static void test_counter_raises_the_epoch_where_more_turns_would_fit(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    assert_step(counter_take(&decimal, &counter, 300, HOUR_MS, true), COUNTER_ADVANCED, 200, true);
    assert_counter(&counter, 300, 1200, 4);
    assert_step(read_at(&decimal, &counter, 100, 2 * HOUR_MS), COUNTER_ROLLED_OVER, 9800, true);
    assert_counter(&counter, 100, 11000, 5);
    assert_step(read_at(&decimal, &counter, 100, 3 * HOUR_MS), COUNTER_SAME, 0, true);
    assert_counter(&counter, 100, 11000, 5);
    assert_step(counter_take(&decimal, &counter, 90, 3 * HOUR_MS + 10 * 60 * SECOND_MS, true),
                COUNTER_HELD, 0, false);
}

static void test_counter_without_a_rate_judges_gaps_by_the_fastest_there_is(void **state)
{
    (void)state;
    struct counter_rule rule = word;
    rule.max_per_s = 0;
    struct counter counter = standing_at(100);
    assert_step(counter_take(&rule, &counter, 200, 5 * SECOND_MS, true), COUNTER_ADVANCED, 100,
                true);
    assert_counter(&counter, 200, 1100, 3);
    assert_step(counter_take(&rule, &counter, 300, 60 * SECOND_MS, true), COUNTER_ADVANCED, 100,
                true);
    assert_counter(&counter, 300, 1200, 4);
}

static void test_counter_takes_an_unknown_time_for_a_month(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    counter.at_ms = COUNTER_TIME_UNKNOWN;
    assert_step(read_at(&word, &counter, 90, SECOND_MS), COUNTER_ROLLED_OVER, 65526, true);
    assert_counter(&counter, 90, 66526, 4);
    /* later than now: of another boot */
    counter = standing_at(100);
    counter.at_ms = DAY_MS;
    assert_step(read_at(&word, &counter, 101, SECOND_MS), COUNTER_ADVANCED, 1, true);
    /* 2^32 counts would take years */
    counter = standing_at(100);
    counter.at_ms = COUNTER_TIME_UNKNOWN;
    assert_step(read_at(&wide, &counter, 101, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&wide, &counter, 101, SECOND_MS), COUNTER_ADVANCED, 1, true);
    assert_counter(&counter, 101, 1001, 3);
}

static void test_counter_knows_a_time_before_this_boot(void **state)
{
    (void)state;
    struct counter counter = standing_at(100);
    counter.at_ms = -30 * SECOND_MS;
    assert_step(counter_take(&word, &counter, 300, SECOND_MS, true), COUNTER_ADVANCED, 200, true);
    assert_counter(&counter, 300, 1200, 3);
}

static void test_counter_never_counts_from_beyond_the_modulus(void **state)
{
    (void)state;
    struct counter counter = {0};
    assert_step(read_at(&decimal, &counter, 10000, 0), COUNTER_HELD, 0, false);
    assert_step(read_at(&decimal, &counter, 65535, 0), COUNTER_REFUSED, 0, false);
    assert_false(counter.known);
    counter = standing_at(9999);
    assert_step(read_at(&decimal, &counter, 10000, 0), COUNTER_HELD, 0, false);
    for (int i = 0; i < 3; i++)
        assert_step(read_at(&decimal, &counter, 10001, 0), COUNTER_REFUSED, 0, false);
    assert_step(read_at(&decimal, &counter, 2, SECOND_MS), COUNTER_ROLLED_OVER, 3, true);
    assert_counter(&counter, 2, 1003, 3);
}

static void test_counter_begins_anew_where_the_kept_value_is_beyond_a_new_modulus(void **state)
{
    (void)state;
    struct counter counter = standing_at(40000);
    assert_step(read_at(&decimal, &counter, 3, SECOND_MS), COUNTER_HELD, 0, false);
    assert_step(read_at(&decimal, &counter, 3, SECOND_MS), COUNTER_ANOMALY, 0, false);
    assert_counter(&counter, 3, 1000, 4);
}

static void test_counter_stops_at_the_end_of_the_total(void **state)
{
    (void)state;
    struct counter_rule rule = free_running;
    struct counter counter = standing_at(0);
    counter.total = INT64_MAX - 10;
    assert_false(read_at(&rule, &counter, 9, 0).saturated);
    assert_true(read_at(&rule, &counter, 11, 0).saturated);
    assert_true(counter.total == INT64_MAX);
    assert_true(read_at(&rule, &counter, 11, 0).saturated);
    rule.multiplier = UINT32_MAX;
    counter = standing_at(0);
    assert_true(read_at(&rule, &counter, UINT64_MAX, 0).saturated);
    assert_true(counter.total == INT64_MAX);
}

static void test_counter_survives_rates_and_times_at_their_ends(void **state)
{
    (void)state;
    struct counter_rule rule = resettable;
    rule.max_per_s = 1e300;
    struct counter counter = standing_at(7);
    counter.at_ms = INT64_MIN + 1;
    assert_step(read_at(&rule, &counter, UINT64_MAX, INT64_MAX), COUNTER_ADVANCED, UINT64_MAX - 7,
                true);
    assert_step(read_at(&rule, &counter, 5, INT64_MAX), COUNTER_RESET, 5, false);
    rule.kind = COUNTER_KIND_ROLLOVER; /* of 64 bits */
    counter = standing_at(UINT64_MAX);
    assert_step(read_at(&rule, &counter, 1, 0), COUNTER_ROLLED_OVER, 2, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_begins_at_the_first_reading),
        cmocka_unit_test(test_counter_goes_on_after_a_restart),
        cmocka_unit_test(test_counter_counts_what_fits_the_time_and_a_second_more),
        cmocka_unit_test(test_counter_may_be_read_twice_in_a_millisecond),
        cmocka_unit_test(test_counter_rolls_over_at_its_modulus_no_faster_than_the_rate),
        cmocka_unit_test(test_counter_without_a_rate_rolls_over_from_top_to_bottom_quarter),
        cmocka_unit_test(test_counter_takes_a_fall_for_a_reset_where_the_kind_allows),
        cmocka_unit_test(test_counter_takes_no_reset_to_more_than_fits_the_time),
        cmocka_unit_test(test_counter_begins_anew_where_two_readings_agree),
        cmocka_unit_test(test_counter_forgets_a_stray_reading),
        cmocka_unit_test(test_counter_holds_readings_that_do_not_agree),
        cmocka_unit_test(test_counter_marks_what_fits_two_stories),
        cmocka_unit_test(test_counter_does_not_believe_a_torn_reading),
        cmocka_unit_test(test_counter_does_not_take_a_torn_reading_for_a_reset),
        cmocka_unit_test(test_counter_reads_again_what_could_be_torn_and_fits),
        cmocka_unit_test(test_counter_takes_any_rise_and_no_fall_of_a_free_one),
        cmocka_unit_test(test_counter_multiplies_the_total_only),
        cmocka_unit_test(test_counter_marks_the_first_step_after_a_gap_even_if_held_between),
        cmocka_unit_test(test_counter_raises_the_epoch_where_more_turns_would_fit),
        cmocka_unit_test(test_counter_without_a_rate_judges_gaps_by_the_fastest_there_is),
        cmocka_unit_test(test_counter_takes_an_unknown_time_for_a_month),
        cmocka_unit_test(test_counter_knows_a_time_before_this_boot),
        cmocka_unit_test(test_counter_never_counts_from_beyond_the_modulus),
        cmocka_unit_test(test_counter_begins_anew_where_the_kept_value_is_beyond_a_new_modulus),
        cmocka_unit_test(test_counter_stops_at_the_end_of_the_total),
        cmocka_unit_test(test_counter_survives_rates_and_times_at_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
