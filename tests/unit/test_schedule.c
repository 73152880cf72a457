/* When machines are asked: phases kept, missed polls skipped, silent units asked less and less, a
 * line shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "clock.h"
#include "machine.h"

#define TICK_NS (20 * NS_PER_MS)
#define START_NS (INT64_C(1000) * NS_PER_S)

static struct tag tags[] = {{.every_ms = 1000}, {.every_ms = 500}, {.every_ms = 1000}};
static const struct machine machine = {.tags = tags, .tag_count = 3};

static struct schedule begin(unsigned number)
{
    struct schedule schedule;
    schedule_init(&schedule, &machine, number, START_NS, TICK_NS);
    return schedule;
}

static void test_first_poll_is_on_a_tick_within_the_shortest_period(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 1000; number++) {
        struct schedule schedule = begin(number);
        int64_t first_ns = schedule_next(&schedule);
        assert_true(first_ns > START_NS && first_ns <= START_NS + 500 * NS_PER_MS + TICK_NS);
        assert_int_equal(first_ns % TICK_NS, 0);
    }
}

static void test_machines_are_spread_evenly_over_the_ticks(void **state)
{
    (void)state;
    int per_tick[27] = {0};
    for (unsigned number = 0; number < 500; number++) {
        struct schedule schedule = begin(number);
        per_tick[(schedule_next(&schedule) - START_NS) / TICK_NS]++;
    }
    for (int i = 1; i <= 25; i++)
        assert_in_range(per_tick[i], 17, 23);
}

static void test_tags_of_one_period_fall_due_together(void **state)
{
    (void)state;
    struct schedule schedule = begin(1);
    int64_t now_ns = schedule_next(&schedule);
    struct schedule_due due = schedule_take(&schedule, now_ns);
    assert_true(schedule_covers(&schedule, &due, 1000));
    assert_true(schedule_covers(&schedule, &due, 500));
    assert_int_equal(schedule_next(&schedule), now_ns + 500 * NS_PER_MS);
    due = schedule_take(&schedule, now_ns + 500 * NS_PER_MS);
    assert_false(schedule_covers(&schedule, &due, 1000));
    assert_true(schedule_covers(&schedule, &due, 500));
}

static void test_a_late_poll_does_not_shift_those_after_it(void **state)
{
    (void)state;
    struct schedule schedule = begin(1);
    int64_t due_ns = schedule_next(&schedule);
    struct schedule_due due = schedule_take(&schedule, due_ns + 130 * NS_PER_MS);
    assert_int_equal(due.since_ns, due_ns);
    assert_int_equal(schedule_next(&schedule), due_ns + 500 * NS_PER_MS);
}

static void test_missed_polls_are_skipped_after_one_that_catches_up(void **state)
{
    (void)state;
    struct schedule schedule = begin(1);
    int64_t due_ns = schedule_next(&schedule);
    schedule_take(&schedule, due_ns + 3600 * NS_PER_S + 1);
    assert_int_equal(schedule_next(&schedule), due_ns + 3600 * NS_PER_S + 500 * NS_PER_MS);
}

static void test_a_silent_unit_of_a_shared_link_is_asked_less_and_less(void **state)
{
    (void)state;
    struct schedule schedule = begin(7);
    int64_t now_ns = schedule_next(&schedule), waited_ns = 0;
    for (int i = 0; i < 10; i++) {
        schedule_take(&schedule, now_ns);
        schedule_unanswered(&schedule, now_ns, true, 0);
        waited_ns = schedule_next(&schedule) - now_ns;
        assert_true(waited_ns >= 750 * NS_PER_MS && waited_ns <= 75 * NS_PER_S);
        now_ns += waited_ns;
    }
    assert_true(waited_ns >= 45 * NS_PER_S);
    schedule_take(&schedule, now_ns);
    schedule_answered(&schedule);
    assert_true(schedule_next(&schedule) <= now_ns + 500 * NS_PER_MS);
}

static void test_a_silent_machine_alone_on_its_link_keeps_its_period(void **state)
{
    (void)state;
    struct schedule schedule = begin(7);
    int64_t now_ns = schedule_next(&schedule);
    schedule_take(&schedule, now_ns);
    schedule_unanswered(&schedule, now_ns + 300 * NS_PER_MS, false, NS_PER_S);
    assert_int_equal(schedule_next(&schedule), now_ns + 500 * NS_PER_MS);
}

static void test_a_silent_unit_is_left_alone_for_as_long_as_its_line_wants(void **state)
{
    (void)state;
    struct schedule schedule = begin(7);
    int64_t now_ns = schedule_next(&schedule);
    schedule_take(&schedule, now_ns);
    schedule_unanswered(&schedule, now_ns, true, 90 * NS_PER_S);
    assert_int_equal(schedule_next(&schedule), now_ns + 90 * NS_PER_S);
}

/* A line whose polls take `cost_ms` each, with machines of these periods: how often each was asked
 * in a minute, he who has waited longest first. */
static void share_line(const int64_t *every_ms, size_t count, int64_t cost_ms,
                       bool first_has_priority, int *ret_polls)
{
    struct tag periods[8];
    struct machine machines[8];
    struct machine_run runs[8], *all[8];
    int64_t now_ns = START_NS;
    for (size_t i = 0; i < count; i++) {
        periods[i] = (struct tag){.every_ms = every_ms[i]};
        machines[i] = (struct machine){
            .tags = &periods[i], .tag_count = 1, .priority = first_has_priority && i == 0};
        runs[i].config = &machines[i];
        all[i] = &runs[i];
        ret_polls[i] = 0;
        schedule_init(&runs[i].schedule, &machines[i], (unsigned)i, START_NS, TICK_NS);
    }
    while (now_ns < START_NS + 60 * NS_PER_S) {
        struct machine_run *next = machine_run_next(all, count, now_ns);
        if (schedule_next(&next->schedule) > now_ns)
            now_ns = schedule_next(&next->schedule);
        schedule_take(&next->schedule, now_ns);
        ret_polls[next - runs]++;
        now_ns += cost_ms * NS_PER_MS;
    }
}

static void test_a_short_period_on_a_full_line_takes_nothing_from_the_others(void **state)
{
    (void)state;
    static const int64_t every_ms[] = {50, 1000, 1000, 1000, 2000};
    int polls[5];
    share_line(every_ms, 5, 200, false, polls);
    for (size_t i = 1; i <= 3; i++)
        assert_in_range(polls[i], 59, 61);
    assert_in_range(polls[4], 29, 31);
    /* what is left: 60 s of 200 ms, less 210 */
    assert_in_range(polls[0], 85, 95);
}

static void test_a_line_that_can_not_do_it_all_is_shared_in_turn(void **state)
{
    (void)state;
    static const int64_t every_ms[] = {100, 500, 1000, 1000, 1000};
    int polls[5];
    share_line(every_ms, 5, 400, false, polls);
    for (size_t i = 0; i < 5; i++)
        assert_in_range(polls[i], 25, 40);
}

static void test_what_has_priority_is_asked_at_its_period_and_nobody_is_forgotten(void **state)
{
    (void)state;
    static const int64_t every_ms[] = {1000, 1000, 1000, 1000, 5000};
    static const int64_t greedy_ms[] = {100, 1000, 1000, 1000, 1000};
    int polls[5];
    share_line(every_ms, 5, 400, true, polls);
    assert_in_range(polls[0], 58, 61);
    for (size_t i = 1; i < 4; i++)
        assert_in_range(polls[i], 22, 32);
    share_line(greedy_ms, 5, 400, true, polls);
    assert_in_range(polls[0], 100, 150);
    for (size_t i = 1; i < 5; i++)
        assert_in_range(polls[i], 4, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_poll_is_on_a_tick_within_the_shortest_period),
        cmocka_unit_test(test_machines_are_spread_evenly_over_the_ticks),
        cmocka_unit_test(test_tags_of_one_period_fall_due_together),
        cmocka_unit_test(test_a_late_poll_does_not_shift_those_after_it),
        cmocka_unit_test(test_missed_polls_are_skipped_after_one_that_catches_up),
        cmocka_unit_test(test_a_silent_unit_of_a_shared_link_is_asked_less_and_less),
        cmocka_unit_test(test_a_silent_machine_alone_on_its_link_keeps_its_period),
        cmocka_unit_test(test_a_silent_unit_is_left_alone_for_as_long_as_its_line_wants),
        cmocka_unit_test(test_a_short_period_on_a_full_line_takes_nothing_from_the_others),
        cmocka_unit_test(test_a_line_that_can_not_do_it_all_is_shared_in_turn),
        cmocka_unit_test(test_what_has_priority_is_asked_at_its_period_and_nobody_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
