/* Simulated weeks through the daemon's own path, held against the simulation: no count is off by
 * one, no second unaccounted for. What may differ, and by how much:
 * - a change of state is told at the poll that saw it first, and lies between that poll and the one
 *   before, or LATENCY_MS earlier, since an answer is a little old when it arrives;
 * - what no poll saw was never there: a state between two polls, a count before a reset;
 * - a silence up to offline_after is passed over, a longer one begins with the last answer;
 * - while the gateway is away nothing is known, from what it kept last to its first poll.
 *
 * A seed is a week. BINDERY_WEEKS=FIRST-LAST in the environment: those, asked more
 * often, with figures. */
#include "weeks_counts.h"
#include "weeks_periods.h"
#include "weeks_states.h"

/* Of a normal run, which has no time for more. */
enum { FIRST_SEED = 1, LAST_SEED = 2, SLOWNESS = 5 };

static uint64_t seed = FIRST_SEED;
static int slowness;

static void test_each_poll_is_in_one_interval_that_says_what_it_saw(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        check_polls(&weeks->watched[i]);
}

static void test_each_stop_is_told_once_as_long_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        check_stops(&weeks->watched[i]);
}

static void test_each_state_that_was_is_told_once_within_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        check_truth(&weeks->watched[i]);
}

static void test_no_count_is_off_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        for (size_t k = 0; k < weeks->watched[i].machine->meaning->counter_count; k++)
            check_counter(&weeks->watched[i], k);
}

static void test_each_shift_is_told_once_and_comes_to_what_was_told_in_it(void **state)
{
    struct shift_instance shift;
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++) {
        const struct watched *watched = &weeks->watched[i];
        int64_t at_ms = world_wall_ms;
        while (shift_after(watched->machine->calendar, at_ms, &shift) &&
               shift.begin_ms < world_wall_ms + world_ms) {
            checked += check_shift(watched, &shift);
            at_ms = shift.end_ms;
        }
    }
    assert_true(checked > 20);
}

static void test_each_job_is_told_once_and_comes_to_what_was_told_in_it(void **state)
{
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        checked += check_jobs(&weeks->watched[i]);
    assert_true(checked > 500);
}

static int begin_week(void **state)
{
    if (config_set_up(state) != 0)
        return -1;
    weeks = begin(*state, seed, slowness);
    live_on(weeks);
    return 0;
}

static int end_week(void **state)
{
    end(weeks);
    return config_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_poll_is_in_one_interval_that_says_what_it_saw),
        cmocka_unit_test(test_each_stop_is_told_once_as_long_as_it_was),
        cmocka_unit_test(test_each_state_that_was_is_told_once_within_its_bounds),
        cmocka_unit_test(test_no_count_is_off_by_one),
        cmocka_unit_test(test_each_shift_is_told_once_and_comes_to_what_was_told_in_it),
        cmocka_unit_test(test_each_job_is_told_once_and_comes_to_what_was_told_in_it),
    };
    uint64_t last = LAST_SEED;
    const char *range = getenv("BINDERY_WEEKS");
    int failed = 0;

    verbose = range && sscanf(range, "%" SCNu64 "-%" SCNu64, &seed, &last) == 2;
    slowness = verbose ? 1 : SLOWNESS;
    for (; seed <= last; seed++)
        failed += cmocka_run_group_tests_name("a week", tests, begin_week, end_week);
    return failed;
}
