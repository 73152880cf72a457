/* The story of a simulated machine: what happens, and what is made, in what order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim_plan.h"
#include "sim_story.h"

enum { SEEDS = 40, STRETCHES = 3 };

static const int64_t end_ms = (int64_t)STRETCHES * SIM_STRETCH_MS;

static struct sim_story begin(uint64_t seed)
{
    struct sim_plot plot = {
        .seed = seed, .per_h = 900 + (double)(seed % 7) * 2700, .stops = 5, .faults = 3};
    struct sim_story story;
    sim_story_begin(&story, &plot);
    return story;
}

static void test_story_counts_never_fall_and_good_and_waste_are_gross(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_story story = begin(seed);
        struct sim_counts last = {0};
        uint64_t good = 0;
        for (int64_t ms = 0; ms < end_ms; ms += 1700) {
            struct sim_moment moment = sim_story_at(&story, ms);
            assert_true(moment.made.gross >= last.gross && moment.made.waste >= last.waste);
            assert_true(moment.made.waste <= moment.made.gross);
            assert_true(moment.made.gross - moment.made.waste >= good);
            good = moment.made.gross - moment.made.waste;
            last = moment.made;
        }
        assert_true(good > 0 && last.waste > 0);
    }
}

static void test_story_segments_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_story story = begin(seed);
        int64_t at_ms = 0;
        while (at_ms < end_ms) {
            struct sim_moment first = sim_story_at(&story, at_ms);
            struct sim_moment last = sim_story_at(&story, first.until_ms - 1);
            assert_int_equal(first.since_ms, at_ms);
            assert_true(first.until_ms > at_ms);
            assert_int_equal(first.until_ms, last.until_ms);
            assert_int_equal(first.state, last.state);
            at_ms = first.until_ms;
        }
        assert_int_equal(at_ms, end_ms);
    }
}

static void test_story_makes_something_only_while_it_turns(void **state)
{
    (void)state;
    struct sim_story story = begin(3);
    for (int64_t ms = 0; ms < end_ms; ms += 500) {
        struct sim_moment now = sim_story_at(&story, ms), later = sim_story_at(&story, ms + 1);
        bool makes = now.state == STATE_PRODUCTION || now.state == STATE_SETUP;
        if (!makes && later.state == now.state)
            assert_int_equal(now.made.gross, later.made.gross);
        assert_true(makes || now.per_h == 0);
        assert_true(now.per_h <= story.plot.per_h);
        assert_true(now.state != STATE_PRODUCTION || now.per_h > 0);
    }
}

static void test_story_tells_why_it_stands_and_only_then(void **state)
{
    (void)state;
    size_t stopped = 0, faults = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_story story = begin(seed);
        int64_t silent_until_ms = -1;
        for (int64_t ms = 0; ms < end_ms;) {
            struct sim_moment moment = sim_story_at(&story, ms);
            if (moment.state == STATE_STOPPED && silent_until_ms != ms)
                assert_true(moment.stop < 5 && ++stopped);
            else if (moment.state == STATE_FAULT)
                assert_true(moment.stop < 3 && ++faults);
            else
                assert_int_equal(moment.stop, SIM_NO_STOP);
            ms = moment.until_ms;
            silent_until_ms = moment.state == STATE_OFFLINE ? ms : -1;
        }
    }
    assert_true(stopped > SEEDS && faults > SEEDS);
}

static void test_story_sets_counters_to_0_at_a_restart_and_at_some_jobs(void **state)
{
    (void)state;
    size_t restarts = 0, at_jobs = 0, jobs = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_story story = begin(seed);
        for (int64_t ms = 0; ms < end_ms; ms = sim_story_at(&story, ms).until_ms) {
            struct sim_moment moment = sim_story_at(&story, ms);
            bool is_reset =
                moment.reset.gross == moment.made.gross && moment.reset.waste == moment.made.waste;
            assert_true(moment.reset.gross <= moment.made.gross);
            if (moment.state == STATE_OFFLINE)
                assert_true(is_reset && ++restarts);
            jobs += moment.state == STATE_SETUP;
            at_jobs += moment.state == STATE_SETUP && is_reset;
        }
    }
    assert_true(restarts > SEEDS / 2);
    assert_true(at_jobs > jobs / 4 && at_jobs < jobs);
}

static void test_story_ends_each_job_with_idle_time_and_each_stretch_with_its_quota(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_story story = begin(seed);
        struct sim_quota quota = sim_plan_quota(&story.plot);
        for (int64_t stretch = 1; stretch <= STRETCHES; stretch++) {
            struct sim_moment end = sim_story_at(&story, stretch * SIM_STRETCH_MS - 1);
            assert_int_equal(end.state, STATE_IDLE);
            assert_int_equal(end.made.gross, (uint64_t)stretch * (quota.run + quota.ready));
            assert_int_equal(end.made.waste, (uint64_t)stretch * (quota.waste + quota.ready));
        }
    }
}

static void test_story_is_the_same_wherever_it_is_taken_up(void **state)
{
    (void)state;
    struct sim_story steady = begin(11), other = begin(12);
    size_t different = 0;
    for (int64_t ms = 0; ms < end_ms; ms += 61000) {
        struct sim_story fresh = begin(11);
        struct sim_moment there = sim_story_at(&fresh, ms), here = sim_story_at(&steady, ms);
        assert_int_equal(there.state, here.state);
        assert_int_equal(there.made.gross, here.made.gross);
        assert_int_equal(there.reset.waste, here.reset.waste);
        assert_true(there.per_h == here.per_h);
        different += sim_story_at(&other, ms).made.gross != here.made.gross;
    }
    assert_true(different > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_story_counts_never_fall_and_good_and_waste_are_gross),
        cmocka_unit_test(test_story_segments_follow_each_other_without_a_gap),
        cmocka_unit_test(test_story_makes_something_only_while_it_turns),
        cmocka_unit_test(test_story_tells_why_it_stands_and_only_then),
        cmocka_unit_test(test_story_sets_counters_to_0_at_a_restart_and_at_some_jobs),
        cmocka_unit_test(test_story_ends_each_job_with_idle_time_and_each_stretch_with_its_quota),
        cmocka_unit_test(test_story_is_the_same_wherever_it_is_taken_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
