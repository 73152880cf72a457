/* A machine's shifts: what is told of each. */
#include "shifts_world.h"

static void expect_times(const struct told *told, int64_t run, int64_t setup, int64_t down,
                         int64_t unknown)
{
    const int64_t *times_ms = told->performance.times_ms;

    assert_int_equal(times_ms[PERFORMANCE_RUN], run);
    assert_int_equal(times_ms[PERFORMANCE_SETUP], setup);
    assert_int_equal(times_ms[PERFORMANCE_DOWN], down);
    assert_int_equal(times_ms[PERFORMANCE_UNKNOWN], unknown);
    assert_int_equal(times_of(told), told->length_ms);
}

static void expect_key(const struct world *world, size_t i, const char *key)
{
    assert_true(i < world->record_count);
    assert_string_equal(world->records[i].key, key);
}

static int64_t good_of(const struct told *told)
{
    return told->performance.quantities[COUNTS_GOOD].total;
}

/* From 5:59:00 to 6:00:00: what comes then is the early shift's from its first millisecond on. */
static struct world *begin_before_early(void **state)
{
    struct world *world = world_begin(*state, "m", 5, 59);

    world_poll(world, true);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    world->record_count = 0;
    return world;
}

static void test_a_whole_shift_is_told_once_and_adds_up(void **state)
{
    struct world *world = begin_before_early(state);
    const struct told *told = world->records;

    world->speed = 3000;
    world_run(world, 5 * HOUR, SAYS_PRODUCTION, 9000);
    world_run(world, HOUR, SAYS_SETUP, 0);
    world_run(world, HOUR, SAYS_PRODUCTION, 1000);
    world_run(world, 50 * SECOND, SAYS_STOPPED, 0);
    world_run(world, HOUR - 50 * SECOND, SAYS_PRODUCTION, 500);
    assert_int_equal(world->record_count, 1);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->record_count, 1);
    expect_key(world, 0, "2026-11-27/early");
    expect_times(told, 7 * HOUR - 50 * SECOND, HOUR, 50 * SECOND, 0);
    assert_int_equal(good_of(told), 10500);
    assert_int_equal(told->performance.quantities[COUNTS_GOOD].inferred, 0);
    assert_true(told->performance.quantities[COUNTS_WASTE].known);
    assert_false(told->performance.quantities[COUNTS_GROSS].known);
    assert_int_equal(told->performance.micro_stops.count, 1);
    assert_int_equal(told->performance.micro_stops.total_ms, 50 * SECOND);
    assert_int_equal(told->performance.stops.count, 0);
    assert_true(told->performance.average_speed == 3000);
    assert_true(told->performance.highest_speed == 3000);
    assert_int_equal(told->end.wall_ms % (24 * HOUR), 14 * HOUR);
    assert_int_equal(told->end.boot_ms, told->end.wall_ms - FIRST_BOOT_MS);
    /* an item a second; a break of half an hour */
    assert_true(told->performance.oee > 10500.0 / (7.5 * 3600) - 1e-9 &&
                told->performance.oee < 10500.0 / (7.5 * 3600) + 1e-9);
    world_end(world);
}

static void test_what_was_before_the_gateway_saw_the_machine_is_unknown(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world_poll(world, true);
    world_run(world, HOUR + SECOND, SAYS_PRODUCTION, 3601);
    assert_int_equal(world->record_count, 1);
    expect_key(world, 0, "2026-11-27/early");
    expect_times(&world->records[0], HOUR, 0, 0, 7 * HOUR);
    world_end(world);
}

static void test_a_state_over_the_end_of_a_shift_is_cut_there(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 50);

    world_poll(world, true);
    world_run(world, 5 * MINUTE, SAYS_PRODUCTION, 0);
    world_run(world, 20 * MINUTE, SAYS_STOPPED, 0);
    expect_times(&world->records[0], 5 * MINUTE + SECOND, 0, 5 * MINUTE - SECOND,
                 8 * HOUR - 10 * MINUTE);
    assert_int_equal(world->records[0].performance.stops.count, 0);
    world_run(world, 8 * HOUR, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 2);
    expect_key(world, 1, "2026-11-27/late");
    expect_times(&world->records[1], 8 * HOUR - 15 * MINUTE - SECOND, 0, 15 * MINUTE + SECOND, 0);
    assert_int_equal(world->records[1].performance.stops.count, 1);
    assert_int_equal(world->records[1].performance.stops.total_ms, 15 * MINUTE + SECOND);
    world_end(world);
}

static void test_a_silence_over_the_end_of_a_shift_is_told_when_it_is_settled(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 50);

    world_poll(world, true);
    world_run(world, 10 * MINUTE - 10 * SECOND, SAYS_PRODUCTION, 0);
    world_run(world, 30 * SECOND, 0, 0);
    assert_int_equal(world->record_count, 0);
    world_run(world, SECOND, 0, 0);
    assert_int_equal(world->record_count, 1);
    expect_times(&world->records[0], 10 * MINUTE - 10 * SECOND, 0, 0,
                 8 * HOUR - 10 * MINUTE + 10 * SECOND);
    world_end(world);
}

static void test_nothing_is_counted_outside_shifts_and_nothing_of_it_later(void **state)
{
    struct world *world = world_begin(*state, "pauses", 11, 30);

    world_poll(world, true);
    world_run(world, 30 * MINUTE - SECOND, SAYS_PRODUCTION, 100);
    assert_null(shifts_now(world->shifts));
    world_run(world, HOUR, SAYS_PRODUCTION, 3600);
    world_run(world, HOUR, SAYS_PRODUCTION, 3600);
    assert_int_equal(world->record_count, 1);
    expect_key(world, 0, "2026-11-27/noon");
    expect_times(&world->records[0], HOUR, 0, 0, 0);
    assert_int_equal(good_of(&world->records[0]), 3600);
    world_end(world);
}

static void test_a_machine_without_a_state_counts_and_knows_no_times(void **state)
{
    struct world *world = world_begin(*state, "stateless", 13, 0);

    world_poll(world, true);
    world_run(world, HOUR, SAYS_PRODUCTION, 3600);
    assert_int_equal(world->record_count, 1);
    expect_times(&world->records[0], 0, 0, 0, 8 * HOUR);
    assert_int_equal(world->records[0].performance.quantities[COUNTS_GROSS].total, 3599);
    assert_int_equal(world->records[0].performance.gq, PERFORMANCE_NULL);
    world_end(world);
}

static void test_a_counter_that_is_set_counts_nothing_by_it(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);
    struct sample samples[COUNTERS_SET_SAMPLES];
    struct counter_report report;
    int64_t before;
    static const int64_t totals[] = {0, 50000};

    world_poll(world, true);
    for (size_t i = 0; i < 2; i++) {
        world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 100);
        assert_int_equal(
            counters_set(world->counters, "good", totals[i], samples, &before, &report), 0);
        shifts_recount(world->shifts, world->counters);
        world_poll(world, true);
    }
    world_run(world, 41 * MINUTE, SAYS_PRODUCTION, 41);
    assert_int_equal(good_of(&world->records[0]), 239);
    world_end(world);
}

static void test_a_shift_goes_on_over_a_kill_from_what_was_kept_and_the_totals(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world_poll(world, true);
    world_run(world, 10 * MINUTE + 30 * SECOND, SAYS_PRODUCTION, 630);
    world_kill(world);
    world->wall_ms += 5 * MINUTE;
    world->good += 300;
    world_run(world, 45 * MINUTE, SAYS_PRODUCTION, 2700);
    assert_int_equal(world->record_count, 1);
    /* up to the whole minute that was kept, and from the first poll behind */
    expect_times(&world->records[0], HOUR - 5 * MINUTE - 31 * SECOND, 0, 0,
                 7 * HOUR + 5 * MINUTE + 31 * SECOND);
    assert_int_equal(good_of(&world->records[0]), 630 + 300 + 60 * 44 + 30 - 1);
    assert_int_equal(world->records[0].performance.quantities[COUNTS_GOOD].inferred, 301);
    world_end(world);
}

static void test_a_shift_goes_on_from_what_an_earlier_version_kept(void **state)
{
    struct world *world = begin_before_early(state);
    int64_t numbers[9];

    world_run(world, HOUR, SAYS_PRODUCTION, 3600);
    struct standing *base = standings_find(&world->stored, "m", STANDING_SHIFTS);
    memcpy(numbers, base->numbers, sizeof numbers);
    base = standings_add(&world->stored, "m", STANDING_SHIFTS, sizeof numbers / sizeof *numbers);
    memcpy(base->numbers, numbers, sizeof numbers);
    world_kill(world);
    world_run(world, 7 * HOUR, SAYS_PRODUCTION, 7 * 3600);
    assert_int_equal(world->record_count, 1);
    expect_times(&world->records[0], 8 * HOUR, 0, 0, 0);
    assert_int_equal(good_of(&world->records[0]), 8 * 3600);
    world_run(world, 8 * HOUR, SAYS_PRODUCTION, 3600);
    assert_int_equal(world->record_count, 2);
    expect_key(world, 1, "2026-11-27/late");
    world_end(world);
}

static void test_a_shift_that_ended_while_the_gateway_was_away_is_told_after_it(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world_poll(world, true);
    world_run(world, 30 * MINUTE, SAYS_PRODUCTION, 1800);
    world_kill(world);
    world->wall_ms += 2 * HOUR;
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    assert_int_equal(world->record_count, 1);
    expect_key(world, 0, "2026-11-27/early");
    expect_times(&world->records[0], 30 * MINUTE, 0, 0, 7 * HOUR + 30 * MINUTE);
    world_kill(world);
    world_run(world, 6 * HOUR + 30 * MINUTE, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 2);
    expect_key(world, 1, "2026-11-27/late");
    assert_int_equal(times_of(&world->records[1]), 8 * HOUR);
    world_end(world);
}

static void test_after_a_power_cut_of_unknown_length_all_since_is_unknown(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world_poll(world, true);
    world_run(world, 30 * MINUTE, SAYS_PRODUCTION, 1800);
    world_reboot(world, 10 * MINUTE, false);
    world_run(world, 21 * MINUTE, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 1);
    expect_times(&world->records[0], 50 * MINUTE - SECOND, 0, 0, 7 * HOUR + 10 * MINUTE + SECOND);
    assert_int_equal(good_of(&world->records[0]), 1800);
    world_end(world);
}

static void test_a_clock_that_was_ahead_holds_up_no_shift_after_it(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world->wrong_ms = 400 * 24 * HOUR;
    world_poll(world, true);
    world_run(world, MINUTE, SAYS_PRODUCTION, 0);
    world_kill(world);
    world->wrong_ms = 0;
    world_run(world, 60 * MINUTE, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 2);
    expect_key(world, 0, "2028-01-01/early");
    expect_key(world, 1, "2026-11-27/early");
    assert_true(world->records[1].performance.times_ms[PERFORMANCE_RUN] >= 58 * MINUTE);
    assert_int_equal(times_of(&world->records[1]), 8 * HOUR);
    world_end(world);
}

static void test_a_plan_that_changes_ends_a_shift_that_is_none_any_more(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);
    struct machine other = *world->machine;

    world_poll(world, true);
    world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 600);
    other.calendar = plant_calendar(world->config->plant, "hour");
    world_drop(world, &world->stored);
    world->machine = &other;
    world_start(world);
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    assert_int_equal(world->record_count, 1);
    expect_key(world, 0, "2026-11-27/early");
    assert_int_equal(world->records[0].length_ms, 7 * HOUR + 10 * MINUTE + SECOND);
    expect_times(&world->records[0], 10 * MINUTE + SECOND, 0, 0, 7 * HOUR);
    assert_null(shifts_now(world->shifts));
    world_end(world);
}

static void test_a_clock_set_forward_leaves_out_what_is_unknown(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world_poll(world, true);
    world_run(world, 30 * MINUTE, SAYS_PRODUCTION, 0);
    world->wrong_ms = 10 * MINUTE;
    world_run(world, 21 * MINUTE, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 1);
    expect_times(&world->records[0], 50 * MINUTE, 0, 0, 7 * HOUR + 10 * MINUTE);
    world_end(world);
}

static void test_a_clock_set_back_over_a_beginning_brings_no_shift_back(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 50);

    world_poll(world, true);
    world_run(world, 15 * MINUTE, SAYS_PRODUCTION, 0);
    world->wrong_ms = -10 * MINUTE;
    world_run(world, 20 * MINUTE, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 1);
    world_run(world, 7 * HOUR + 50 * MINUTE, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 2);
    expect_key(world, 1, "2026-11-27/late");
    expect_times(&world->records[1], 8 * HOUR, 0, 0, 0);
    world_end(world);
}

static void test_a_clock_that_lost_its_time_ends_no_shift(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);
    int64_t wrong_ms = -world->wall_ms + HOUR;

    world_poll(world, true);
    world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 600);
    world_kill(world);
    world->wrong_ms = wrong_ms;
    world->unsynced = true;
    world_run(world, 5 * MINUTE, SAYS_PRODUCTION, 300);
    assert_int_equal(world->record_count, 0);
    world->wrong_ms = 0;
    world->unsynced = false;
    world_run(world, 46 * MINUTE, SAYS_PRODUCTION, 46 * 60);
    assert_int_equal(world->record_count, 1);
    assert_int_equal(times_of(&world->records[0]), 8 * HOUR);
    assert_int_equal(good_of(&world->records[0]), 3599);
    world_end(world);
}

static void test_what_is_counted_while_there_is_no_calendar_is_no_shifts(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);
    struct machine without = *world->machine;
    const struct machine *with = world->machine;
    struct sample samples[MOST_SAMPLES];

    world_poll(world, true);
    world_run(world, 10 * MINUTE, SAYS_PRODUCTION, 600);
    without.calendar = NULL; /* a reload takes the calendar away */
    world_drop(world, &world->stored);
    world->machine = &without;
    world_start(world);
    assert_null(world->shifts);
    for (int i = 0; i < 3600; i++) {
        struct state_report reports[STATE_MAX_REPORTS];
        world->wall_ms += 48 * SECOND; /* two days */
        world->good += 10;
        int64_t boot_ms = world->wall_ms - world->boot_ms;
        size_t count = read_machine(world, samples);
        states_take(world->states, samples, count, true, boot_ms, reports);
        counters_take(world->counters, samples, count, boot_ms, ignore_counter, NULL);
    }
    world_drop(world, &world->stored); /* and another gives it back */
    world->machine = with;
    world_start(world);
    world_run(world, SECOND, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 1);
    expect_key(world, 0, "2026-11-27/early");
    assert_int_equal(good_of(&world->records[0]), 600);
    world_end(world);
}

static void test_a_stop_over_a_power_cut_is_no_longer_than_what_was_not_production(void **state)
{
    struct world *world = world_begin(*state, "m", 6, 0);

    world_poll(world, true);
    world_run(world, 6 * HOUR, SAYS_PRODUCTION, 0);
    world_run(world, MINUTE, SAYS_STOPPED, 0);
    world->unsynced = true; /* the battery kept the time; NTP has not said so yet */
    world_reboot(world, MINUTE, false);
    world_run(world, MINUTE, SAYS_STOPPED, 0);
    world->unsynced = false;
    world_run(world, 2 * HOUR, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 1);
    const struct performance_record *record = &world->records[0].performance;
    print_message("stops %ld micro %ld: %ld ms; run %ld down %ld unknown %ld\n",
                  (long)record->stops.count, (long)record->micro_stops.count,
                  (long)record->stops.total_ms, (long)record->times_ms[PERFORMANCE_RUN],
                  (long)record->times_ms[PERFORMANCE_DOWN],
                  (long)record->times_ms[PERFORMANCE_UNKNOWN]);
    assert_true(record->stops.total_ms + record->micro_stops.total_ms <=
                world->records[0].length_ms - record->times_ms[PERFORMANCE_RUN]);
    world_end(world);
}

static void test_a_shift_whose_begin_is_moved_is_told_once(void **state)
{
    struct world *world = world_begin(*state, "m", 8, 0);
    struct machine other = *world->machine;
    struct calendar calendar = *other.calendar;
    struct shift shifts[3];

    world_poll(world, true);
    world_run(world, HOUR, SAYS_PRODUCTION, 0);
    memcpy(shifts, calendar.shifts, sizeof shifts);
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(shifts[i].name, "early") == 0)
            shifts[i].from = 6 * 60 + 30;
        if (strcmp(shifts[i].name, "night") == 0)
            shifts[i].to += 30;
    }
    calendar.shifts = shifts;
    other.calendar = &calendar;
    world_drop(world, &world->stored);
    world->machine = &other;
    world_start(world);
    world_run(world, 6 * HOUR, SAYS_PRODUCTION, 0);
    size_t early = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        print_message("%s %ld ms run %ld rev %u\n", world->records[i].key,
                      (long)world->records[i].length_ms,
                      (long)world->records[i].performance.times_ms[PERFORMANCE_RUN],
                      world->records[i].performance.revision);
        early += strcmp(world->records[i].key, "2026-11-27/early") == 0;
    }
    assert_int_equal(early, 1);
    world_end(world);
}

static void test_only_what_is_inferred_is_told_as_inferred_over_a_kill(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world_poll(world, true);
    world_run(world, 5 * MINUTE, SAYS_PRODUCTION, 0);
    world_run(world, 10 * SECOND, 0, 0); /* silence: the counts behind it are inferred */
    world_run(world, SECOND, SAYS_PRODUCTION, 50);
    int64_t inferred = world->shifts != NULL ? 50 : 0;
    world_kill(world);
    world_run(world, HOUR, SAYS_PRODUCTION, 0);
    assert_int_equal(world->records[0].performance.quantities[COUNTS_GOOD].inferred, inferred);
    world_end(world);
}

static void expect_good(const struct world *world, size_t i, int64_t good, int64_t from, int64_t to)
{
    assert_true(i < world->record_count);
    assert_int_equal(good_of(&world->records[i]), good);
    assert_int_equal(world->records[i].from_uncertain[COUNTS_GOOD], from);
    assert_int_equal(world->records[i].to_uncertain[COUNTS_GOOD], to);
}

static uint32_t revision_of(const struct world *world, size_t i)
{
    return world->records[i].performance.revision;
}

static void test_what_is_counted_over_an_end_is_told_beside_both(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 59);

    world_poll(world, true);
    world->wall_ms += 500; /* polls half a second off the end */
    world_run(world, MINUTE, SAYS_PRODUCTION, 300);
    world_run(world, 8 * HOUR, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 2);
    expect_good(world, 0, 295, 0, 5);
    expect_good(world, 1, 5, 5, 0);
    assert_int_equal(world->records[0].to_uncertain[COUNTS_GROSS], PERFORMANCE_NULL);
    assert_int_equal(revision_of(world, 0), 1);
    world_end(world);
}

/* From 13:59:30 to 14:01:30 it says nothing, and makes 100. */
static struct world *be_silent_over_an_end(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 50);

    world_poll(world, true);
    world_run(world, 9 * MINUTE + 30 * SECOND, SAYS_PRODUCTION, 570);
    world_run(world, 2 * MINUTE, 0, 100);
    return world;
}

static void test_a_shift_over_whose_end_the_machine_was_silent_is_told_again(void **state)
{
    struct world *world = be_silent_over_an_end(state);

    assert_int_equal(world->record_count, 1);
    expect_good(world, 0, 570, 0, PERFORMANCE_NULL);
    assert_int_equal(revision_of(world, 0), 1);
    world_run(world, MINUTE, SAYS_PRODUCTION, 60);
    assert_int_equal(world->record_count, 2);
    expect_key(world, 1, "2026-11-27/early");
    expect_good(world, 1, 570, 0, 101);
    assert_int_equal(revision_of(world, 1), 2);
    assert_int_equal(world->records[1].length_ms, world->records[0].length_ms);
    assert_memory_equal(world->records[1].performance.times_ms,
                        world->records[0].performance.times_ms,
                        sizeof world->records[0].performance.times_ms);
    world_run(world, 8 * HOUR, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 3);
    expect_good(world, 2, 160, 101, 0);
    assert_int_equal(revision_of(world, 2), 1);
    world_end(world);
}

static void test_a_shift_that_waits_for_its_counters_does_so_over_a_kill(void **state)
{
    struct world *world = be_silent_over_an_end(state);

    world_kill(world);
    world_run(world, MINUTE, 0, 0);
    assert_int_equal(world->record_count, 1);
    world_kill(world);
    world_run(world, SECOND, SAYS_PRODUCTION, 1);
    world_kill(world);
    world_run(world, MINUTE, SAYS_PRODUCTION, 59);
    world_run(world, 8 * HOUR, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 3);
    expect_good(world, 1, 570, 0, 101);
    assert_int_equal(revision_of(world, 1), 2);
    expect_good(world, 2, 160, 101, 0);
    world_end(world);
}

static void test_a_shift_whose_next_one_ended_in_the_silence_is_not_told_again(void **state)
{
    struct world *world = be_silent_over_an_end(state);

    world_run(world, 8 * HOUR, 0, 0);
    assert_int_equal(world->record_count, 2);
    expect_key(world, 1, "2026-11-27/late");
    expect_good(world, 1, 0, 0, PERFORMANCE_NULL);
    world_run(world, MINUTE, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 3);
    expect_key(world, 2, "2026-11-27/late");
    expect_good(world, 2, 0, 0, 100);
    world_end(world);
}

static void test_a_shift_that_ended_while_the_gateway_was_away_knows_what_is_uncertain(void **state)
{
    struct world *world = world_begin(*state, "m", 13, 0);

    world_poll(world, true);
    world_run(world, 30 * MINUTE + 30 * SECOND, SAYS_PRODUCTION, 1830);
    world_kill(world);
    world->wall_ms += 2 * HOUR;
    world->good += 500;
    world_run(world, 7 * HOUR, SAYS_PRODUCTION, 0);
    assert_int_equal(world->record_count, 2);
    expect_good(world, 0, 1830, 0, 500);
    expect_good(world, 1, 500, 500, 0);
    assert_int_equal(revision_of(world, 0), 1);
    world_end(world);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_shift_is_told_once_and_adds_up),
        TEST(test_what_was_before_the_gateway_saw_the_machine_is_unknown),
        TEST(test_a_state_over_the_end_of_a_shift_is_cut_there),
        TEST(test_a_silence_over_the_end_of_a_shift_is_told_when_it_is_settled),
        TEST(test_nothing_is_counted_outside_shifts_and_nothing_of_it_later),
        TEST(test_a_machine_without_a_state_counts_and_knows_no_times),
        TEST(test_a_counter_that_is_set_counts_nothing_by_it),
        TEST(test_a_shift_goes_on_over_a_kill_from_what_was_kept_and_the_totals),
        TEST(test_a_shift_goes_on_from_what_an_earlier_version_kept),
        TEST(test_a_shift_that_ended_while_the_gateway_was_away_is_told_after_it),
        TEST(test_after_a_power_cut_of_unknown_length_all_since_is_unknown),
        TEST(test_a_clock_that_was_ahead_holds_up_no_shift_after_it),
        TEST(test_a_plan_that_changes_ends_a_shift_that_is_none_any_more),
        TEST(test_a_clock_set_forward_leaves_out_what_is_unknown),
        TEST(test_a_clock_set_back_over_a_beginning_brings_no_shift_back),
        TEST(test_what_is_counted_while_there_is_no_calendar_is_no_shifts),
        TEST(test_a_stop_over_a_power_cut_is_no_longer_than_what_was_not_production),
        TEST(test_a_shift_whose_begin_is_moved_is_told_once),
        TEST(test_only_what_is_inferred_is_told_as_inferred_over_a_kill),
        TEST(test_a_clock_that_lost_its_time_ends_no_shift),
        TEST(test_what_is_counted_over_an_end_is_told_beside_both),
        TEST(test_a_shift_over_whose_end_the_machine_was_silent_is_told_again),
        TEST(test_a_shift_that_waits_for_its_counters_does_so_over_a_kill),
        TEST(test_a_shift_whose_next_one_ended_in_the_silence_is_not_told_again),
        TEST(test_a_shift_that_ended_while_the_gateway_was_away_knows_what_is_uncertain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
