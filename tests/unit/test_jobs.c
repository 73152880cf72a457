/* A machine's jobs: what is told of each. */
#include "shifts_world.h"

static const struct told_job *ended(const struct world *world, size_t i)
{
    for (size_t k = 0; k < world->job_count; k++)
        if (world->jobs_told[k].ended && i-- == 0)
            return &world->jobs_told[k];
    fail_msg("so many jobs were not told");
    return NULL;
}

static size_t count_of(const struct world *world, bool has_ended)
{
    size_t count = 0;

    for (size_t k = 0; k < world->job_count; k++)
        count += world->jobs_told[k].ended == has_ended;
    return count;
}

static int64_t good_of(const struct told_job *told)
{
    return told->performance.quantities[COUNTS_GOOD].total;
}

static void expect_times(const struct told_job *told, int64_t run, int64_t setup, int64_t down,
                         int64_t unknown)
{
    const int64_t *times_ms = told->performance.times_ms;

    assert_int_equal(times_ms[PERFORMANCE_RUN], run);
    assert_int_equal(times_ms[PERFORMANCE_SETUP], setup);
    assert_int_equal(times_ms[PERFORMANCE_DOWN], down);
    assert_int_equal(times_ms[PERFORMANCE_UNKNOWN], unknown);
    assert_int_equal(run + setup + down + unknown, told->length_ms);
}

static struct world *begin(void **state, int64_t job)
{
    struct world *world = world_begin(*state, "jobs", 8, 0);

    world->job = job;
    world->width = 210;
    world_poll(world, true);
    return world;
}

/* Polls that find another job. */
static void change(struct world *world, int64_t job, int64_t width)
{
    world->job = job;
    world->width = width;
    world_run(world, 2 * SECOND, world->code, 2);
}

static void test_a_job_is_told_once_when_the_id_has_changed(void **state)
{
    struct world *world = begin(state, 7);

    world->speed = 3000;
    world_run(world, HOUR, SAYS_PRODUCTION, 3600);
    world_run(world, 50 * SECOND, SAYS_STOPPED, 0);
    world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 600);
    assert_int_equal(count_of(world, false), 1);
    assert_int_equal(world->jobs_told[0].id, 7);
    change(world, 8, 148);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(count_of(world, true), 1);
    assert_int_equal(count_of(world, false), 2);
    const struct told_job *told = ended(world, 0);
    assert_int_equal(told->id, 7);
    assert_int_equal(told->next, 8);
    assert_int_equal(told->width, 210);
    expect_times(told, HOUR + 10 * MINUTE + SECOND, 0, 50 * SECOND, 0);
    assert_int_equal(good_of(told), 4201);
    assert_int_equal(told->uncertain[COUNTS_GOOD], 1);
    assert_int_equal(told->performance.micro_stops.count, 1);
    assert_true(told->performance.average_speed == 3000);
    assert_true(told->performance.oee != told->performance.oee);
    assert_int_equal(told->at_ms % (24 * HOUR), 9 * HOUR + 10 * MINUTE + 51 * SECOND);
    world_end(world);
}

static void test_an_id_that_is_read_once_only_changes_nothing(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->job = 70;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    world->job = 7;
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->job = 80;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    change(world, 8, 210);
    assert_int_equal(count_of(world, true), 1);
    assert_int_equal(good_of(ended(world, 0)), 123);
    assert_int_equal(ended(world, 0)->uncertain[COUNTS_GOOD], 2);
    world_end(world);
}

static void test_an_id_that_was_read_twice_in_a_poll_changes_the_job_at_once(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->job = 8;
    world->width = 148;
    world->job_is_sure = true;
    world_run(world, SECOND, SAYS_PRODUCTION, 3);
    assert_int_equal(count_of(world, false), 2);
    assert_int_equal(world->jobs_told[world->job_count - 1].id, 8);
    world->job_is_sure = false;
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    change(world, 9, 210);
    assert_int_equal(count_of(world, true), 2);
    assert_int_equal(ended(world, 0)->length_ms, MINUTE + SECOND);
    assert_int_equal(good_of(ended(world, 0)), 63);
    assert_int_equal(ended(world, 0)->uncertain[COUNTS_GOOD], 3);
    assert_int_equal(ended(world, 0)->width, 210);
    assert_int_equal(good_of(ended(world, 1)), 61);
    assert_int_equal(ended(world, 1)->width, 148);
    world_end(world);
}

static void test_no_id_is_no_job_and_what_it_makes_belongs_to_none(void **state)
{
    struct world *world = begin(state, 0);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->job_count, 0);
    change(world, 5, 210);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    change(world, 0, 0);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->job_count, 2);
    assert_int_equal(ended(world, 0)->next, 0);
    assert_int_equal(good_of(ended(world, 0)), 62);
    world_end(world);
}

static void test_a_job_waits_until_it_is_settled_what_the_machine_did(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->code = 0;
    world_run(world, 10 * SECOND, 0, 0);
    world->code = SAYS_STOPPED;
    world->job = 8;
    world_run(world, 2 * SECOND, SAYS_STOPPED, 0);
    assert_int_equal(count_of(world, true), 0);
    world_run(world, 10 * SECOND, SAYS_STOPPED, 0);
    assert_int_equal(count_of(world, true), 1);
    assert_int_equal(ended(world, 0)->length_ms, MINUTE + 11 * SECOND);
    world_end(world);
}

static void test_a_job_goes_on_over_a_kill_under_its_name(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, 10 * MINUTE + 30 * SECOND, SAYS_PRODUCTION, 630);
    world_kill(world);
    world->wall_ms += 5 * MINUTE;
    world->good += 300;
    world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 600);
    change(world, 8, 210);
    assert_int_equal(count_of(world, true), 1);
    assert_int_equal(count_of(world, false), 2);
    assert_int_equal(ended(world, 0)->id, 7);
    assert_int_equal(ended(world, 0)->length_ms, 25 * MINUTE + 31 * SECOND);
    assert_int_equal(good_of(ended(world, 0)), 1531);
    assert_int_equal(ended(world, 0)->performance.quantities[COUNTS_GOOD].inferred, 331);
    world_end(world);
}

static void test_a_job_that_ended_while_the_gateway_was_away_has_no_name(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 600);
    world_reboot(world, HOUR, true);
    change(world, 8, 210);
    assert_int_equal(count_of(world, true), 1);
    assert_int_equal(ended(world, 0)->id, 0);
    assert_int_equal(ended(world, 0)->next, 8);
    assert_int_equal(ended(world, 0)->width, 210);
    assert_int_equal(ended(world, 0)->length_ms, HOUR + 10 * MINUTE + SECOND);
    assert_int_equal(good_of(ended(world, 0)), 601);
    assert_int_equal(ended(world, 0)->uncertain[COUNTS_GOOD], 1);
    world_end(world);
}

static void test_a_job_that_waits_for_being_told_is_told_after_a_kill(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->code = 0;
    world_run(world, 10 * SECOND, 0, 0);
    world->job = 8;
    world_run(world, 2 * SECOND, SAYS_STOPPED, 0);
    assert_int_equal(count_of(world, true), 0);
    world_kill(world);
    world_run(world, MINUTE, SAYS_STOPPED, 60);
    change(world, 9, 210);
    assert_int_equal(count_of(world, true), 2);
    assert_int_equal(count_of(world, false), 3);
    assert_int_equal(ended(world, 0)->length_ms, MINUTE + 11 * SECOND);
    assert_int_equal(ended(world, 0)->next, 8);
    assert_int_equal(ended(world, 1)->id, 8);
    assert_int_equal(good_of(ended(world, 0)), 60);
    assert_int_equal(good_of(ended(world, 1)), 61);
    world_end(world);
}

static void test_a_counter_that_is_set_counts_nothing_by_it(void **state)
{
    struct world *world = begin(state, 7);
    struct sample samples[COUNTERS_SET_SAMPLES];
    struct counter_report report;
    int64_t before;

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(counters_set(world->counters, "good", 50000, samples, &before, &report), 0);
    jobs_recount(world->jobs, world->counters);
    shifts_recount(world->shifts, world->counters);
    world_poll(world, true);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    change(world, 8, 210);
    assert_int_equal(good_of(ended(world, 0)), 121);
    world_end(world);
}

static void test_one_that_is_read_wrong_after_a_restart_goes_on(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world_reload(world);
    world->job = 70;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    world->job = 7;
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    change(world, 8, 210);
    assert_int_equal(count_of(world, true), 1);
    assert_int_equal(ended(world, 0)->id, 7);
    assert_int_equal(good_of(ended(world, 0)), 122);
    world_end(world);
}

static void test_a_clock_that_lost_its_time_makes_no_job_longer(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 600);
    world_kill(world);
    world->wrong_ms = -world->wall_ms + HOUR;
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world_kill(world);
    world->wrong_ms = 0;
    change(world, 8, 210);
    assert_int_equal(count_of(world, true), 1);
    assert_true(ended(world, 0)->length_ms <= 11 * MINUTE + SECOND);
    assert_true(ended(world, 0)->length_ms >= 10 * MINUTE);
    world_end(world);
}

static void expect_format(const struct world *world, size_t i, int64_t before, int64_t value)
{
    assert_true(i < world->format_count);
    assert_int_equal(world->formats[i].before, before);
    assert_int_equal(world->formats[i].value, value);
}

static void test_a_format_that_changes_while_the_job_goes_on_is_told_once(void **state)
{
    struct world *world = begin(state, 7);

    world->paper = "matt";
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->format_count, 0);
    world->width = 148;
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->paper = "gloss";
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->format_count, 2);
    expect_format(world, 0, 210, 148);
    assert_int_equal(world->formats[0].job, 7);
    assert_int_equal(world->formats[0].at_ms % (24 * HOUR), 8 * HOUR + MINUTE + SECOND);
    assert_string_equal(world->formats[1].text_before, "matt");
    assert_string_equal(world->formats[1].text, "gloss");
    change(world, 8, 210);
    assert_int_equal(ended(world, 0)->width, 148);
    assert_int_equal(world->format_count, 2);
    world_end(world);
}

static void test_a_format_that_is_read_once_only_is_none(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->width = 21000;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    world->width = 14800;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    world->width = 210;
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    change(world, 8, 148);
    assert_int_equal(world->format_count, 0);
    assert_int_equal(ended(world, 0)->width, 210);
    world_end(world);
}

/* Sizes are often written when the job's id is, one after the other. */
static void test_a_format_that_comes_with_another_job_is_no_change(void **state)
{
    struct world *world = begin(state, 7);

    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->width = 148;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    world->job = 8;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    world->paper = "gloss";
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(count_of(world, true), 1);
    assert_int_equal(ended(world, 0)->width, 210);
    change(world, 9, 148);
    assert_int_equal(ended(world, 1)->width, 148);
    assert_int_equal(world->format_count, 0);
    world_end(world);
}

static void test_over_a_restart_only_a_format_that_changed_is_told(void **state)
{
    struct world *world = begin(state, 7);

    world->paper = "matt";
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world_kill(world);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world_reload(world);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world_reboot(world, HOUR, true);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->format_count, 0);
    world_kill(world);
    world->width = 148;
    world->paper = "gloss";
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world_kill(world);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->format_count, 2);
    expect_format(world, 0, 210, 148);
    assert_string_equal(world->formats[1].text_before, "");
    assert_string_equal(world->formats[1].text, "gloss");
    world_end(world);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_job_is_told_once_when_the_id_has_changed),
        TEST(test_an_id_that_is_read_once_only_changes_nothing),
        TEST(test_an_id_that_was_read_twice_in_a_poll_changes_the_job_at_once),
        TEST(test_no_id_is_no_job_and_what_it_makes_belongs_to_none),
        TEST(test_a_job_waits_until_it_is_settled_what_the_machine_did),
        TEST(test_a_job_goes_on_over_a_kill_under_its_name),
        TEST(test_a_job_that_ended_while_the_gateway_was_away_has_no_name),
        TEST(test_a_job_that_waits_for_being_told_is_told_after_a_kill),
        TEST(test_a_counter_that_is_set_counts_nothing_by_it),
        TEST(test_one_that_is_read_wrong_after_a_restart_goes_on),
        TEST(test_a_clock_that_lost_its_time_makes_no_job_longer),
        TEST(test_a_format_that_changes_while_the_job_goes_on_is_told_once),
        TEST(test_a_format_that_is_read_once_only_is_none),
        TEST(test_a_format_that_comes_with_another_job_is_no_change),
        TEST(test_over_a_restart_only_a_format_that_changed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
