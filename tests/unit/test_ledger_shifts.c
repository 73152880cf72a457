/* Where shifts and jobs stand, over what may end a ledger. */
#include "ledger_bench.h"
#include "ledger_internal.h"

static const struct group {
    const char *name;
    size_t count;
} groups[] = {
    {STANDING_SHIFTS, SHIFT_BASE_VALUES},         {STANDING_SHIFT_NOW, SHIFT_PERIOD_VALUES},
    {STANDING_SHIFT_BEFORE, SHIFT_PERIOD_VALUES}, {STANDING_JOB, JOB_BASE_VALUES},
    {STANDING_JOB_FORMAT, JOB_FORMAT_VALUES},
};
enum { GROUPS = sizeof(groups) / sizeof(*groups) };

/* As an earlier version told them. */
static const struct group former[] = {
    {STANDING_SHIFTS, FORMER_BASE_VALUES},
    {STANDING_SHIFT_NOW, SHIFT_PERIOD_VALUES},
    {STANDING_SHIFT_BEFORE, SHIFT_PERIOD_VALUES},
    {STANDING_JOB, JOB_BASE_VALUES},
};
enum { FORMER = sizeof(former) / sizeof(*former) };

/* Machines of all kinds that may have shifts. */
static const char *const tags[] = {
    "{name: t, at: 'holding:0', counter: {counts: good, kind: reset}}",
    "{name: t, at: 'holding:0', counter: {counts: good, kind: reset, raw: true}},"
    "{name: w, at: 'holding:1', counter: {counts: waste, kind: free}}",
    "{name: c, at: 'holding:0', states: {1: production}}",
    "{name: c, at: 'holding:0', states: {1: production}},"
    "{name: t, at: 'holding:1', counter: {counts: good, kind: reset}}",
};

static uint32_t source_of(struct bench *bench)
{
    uint32_t source;
    assert_int_equal(ledger_sources(bench->ledger, bench->plant, &source), 0);
    return source;
}

/* Any number, different ones for each seed; 0 for a seed of 0. */
static int64_t number_of(int64_t seed, size_t i)
{
    return seed * (int64_t)((i + 1) * 0x9e3779b97f4a7c15);
}

static void tell_values(struct bench *bench, size_t first, size_t count, int64_t seed,
                        const struct instant *at)
{
    struct sample samples[SHIFT_KEPT_VALUES + JOB_KEPT_VALUES];
    struct reading reading = {.source = source_of(bench), .at = *at, .samples = samples};
    for (size_t i = 0; i < count; i++)
        samples[reading.count++] =
            (struct sample){.tag = (uint16_t)(first + i),
                            .value = {.kind = VALUE_DECIMAL, .mantissa = number_of(seed, i)}};
    queue_put(bench->queue, &reading);
}

/* The first so many groups. */
static void tell_at(struct bench *bench, size_t count, int64_t seed, int64_t wall_ms, bool synced)
{
    const struct instant at = {.wall_ms = wall_ms, .boot_ms = 1000, .synced = synced};
    size_t values = 0;
    for (size_t group = 0; group < count; group++)
        values += groups[group].count;
    tell_values(bench, machine_shift_kept(&bench->plant->machines[0]), values, seed, &at);
}

static void tell_as_before(struct bench *bench, int64_t seed)
{
    const struct instant at = {.wall_ms = 1000000, .boot_ms = 1000, .synced = true};
    size_t first = machine_state_kept(&bench->plant->machines[0]) + STATE_KEPT_VALUES;
    tell_values(bench, first, FORMER_KEPT_VALUES, seed, &at);
}

static void tell(struct bench *bench, size_t count, int64_t seed)
{
    tell_at(bench, count, seed, 1000000, true);
}

/* Of these groups, from the first-th on. */
static void expect_of(struct bench *bench, const struct group *told, size_t first, size_t count,
                      int64_t seed)
{
    struct standings standings = {0};
    size_t value = 0;
    ledger_copy_standings(bench->ledger, &standings);
    for (size_t group = 0; group < first + count; group++)
        for (size_t i = 0; i < told[group].count; i++, value++) {
            const struct standing *standing = standings_find(&standings, "m", told[group].name);
            assert_non_null(standing);
            assert_int_equal(standing->count, told[group].count);
            if (group >= first)
                assert_int_equal(standing->numbers[i], number_of(seed, value));
        }
    standings_free(&standings);
}

static void expect(struct bench *bench, size_t first, size_t count, int64_t seed)
{
    expect_of(bench, groups, first, count, seed);
}

static void reopen(struct bench *bench)
{
    close_ledger(bench);
    open_always(bench);
}

static void test_shifts_and_jobs_of_all_machines_stand_as_they_were_told_last(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
        bench->tags = tags[i];
        open_always(bench);
        tell(bench, GROUPS, 1 + (int64_t)i);
        step(bench);
        tell(bench, 2, 100 + (int64_t)i);
        step(bench);
        reopen(bench);
        expect(bench, 0, 2, 100 + (int64_t)i);
        expect(bench, 2, GROUPS - 2, 1 + (int64_t)i);
        close_ledger(bench);
    }
}

static void test_shifts_stand_in_the_store_when_their_readings_are_trimmed(void **state)
{
    struct bench *bench = *state;
    bench->tags = tags[3];
    open_ledger(bench, "durability: always, replay_window: 0s", QUEUE_BYTES);
    tell(bench, GROUPS, 7);
    step(bench);
    for (int i = 0; i < 100; i++) {
        acknowledge(bench, 1, ledger_next_seq(bench->ledger) - 1);
        put(bench, i); /* of another tag */
        step_after(bench, 3000);
    }
    assert_false(has(bench, 1));
    reopen(bench);
    expect(bench, 0, GROUPS, 7);
    tell(bench, GROUPS, 0);
    step(bench);
    reopen(bench);
    expect(bench, 0, GROUPS, 0);
}

static void test_what_cannot_be_read_any_more_changes_no_shift(void **state)
{
    struct bench *bench = *state;
    bench->tags = tags[1];
    open_always(bench);
    tell(bench, GROUPS, 7);
    step(bench);
    put(bench, 1);
    step(bench);
    close_ledger(bench);
    fixture_sql(bench->fixture, "UPDATE batch SET body = x'00' WHERE first_seq = 2");
    open_always(bench);
    expect(bench, 0, GROUPS, 7);
}

static void test_a_machine_that_tells_no_shifts_has_none_standing(void **state)
{
    struct bench *bench = *state;
    struct standings standings = {0};
    bench->tags = tags[3];
    open_always(bench);
    put(bench, 1);
    step(bench);
    reopen(bench);
    ledger_copy_standings(bench->ledger, &standings);
    for (size_t i = 0; i < GROUPS; i++)
        assert_null(standings_find(&standings, "m", groups[i].name));
    standings_free(&standings);
}

static void test_what_an_earlier_version_told_stands_until_this_one_tells(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
        bench->tags = tags[i];
        open_always(bench);
        tell_as_before(bench, 9);
        step(bench);
        reopen(bench);
        expect_of(bench, former, 0, FORMER, 9);
        tell(bench, GROUPS, 7);
        step(bench);
        expect(bench, 0, GROUPS, 7);
        reopen(bench);
        expect(bench, 0, GROUPS, 7);
        tell_as_before(bench, 9);
        step(bench);
        reopen(bench);
        expect_of(bench, former, 0, FORMER, 9);
        close_ledger(bench);
    }
}

static void clock_goes_back(struct bench *bench, bool synced)
{
    bench->tags = tags[3];
    open_always(bench);
    tell(bench, GROUPS, 7);
    step(bench);
    step_after(bench, 61000);
    put(bench, 1);
    step(bench); /* written down */
    tell_at(bench, GROUPS, 8, 900000, synced);
    step(bench);
    reopen(bench);
    expect(bench, 0, GROUPS, 8);
}

static void test_what_was_told_behind_a_clock_set_back_stands_after_a_kill(void **state)
{
    clock_goes_back(*state, true);
}

static void test_what_was_told_with_a_clock_that_lost_its_time_stands_after_a_kill(void **state)
{
    clock_goes_back(*state, false);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shifts_and_jobs_of_all_machines_stand_as_they_were_told_last),
        TEST(test_shifts_stand_in_the_store_when_their_readings_are_trimmed),
        TEST(test_what_cannot_be_read_any_more_changes_no_shift),
        TEST(test_a_machine_that_tells_no_shifts_has_none_standing),
        TEST(test_what_an_earlier_version_told_stands_until_this_one_tells),
        TEST(test_what_was_told_behind_a_clock_set_back_stands_after_a_kill),
        TEST(test_what_was_told_with_a_clock_that_lost_its_time_stands_after_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
