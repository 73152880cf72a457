/* Shifts over days of chance: polls now and then, states, counts, silences, restarts and kills at
 * any poll. Whatever happens, each shift is told once, but for revisions; its times are those of
 * the intervals that were told, cut at its ends; nothing that was counted is lost or counted twice;
 * and what was made in it is what was counted, but for what is told to be uncertain of that. */
#include "shifts_world.h"

enum { HISTORIES = 30, DAYS = 4, MOST_AWAY_MS = 3 * 3600 * 1000 };

static uint32_t seed;
static size_t revisions;

static uint32_t below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

/* What was made up to some times, ascending, whoever saw it. */
static struct made {
    int64_t at_ms, good;
} makes[60000];
static size_t make_count;

/* Some time since then. */
static void make(struct world *world, int64_t since_ms, uint32_t good)
{
    int64_t at_ms = world->wall_ms - below((uint32_t)(world->wall_ms - since_ms));

    world->good += good;
    assert_true(make_count < sizeof makes / sizeof *makes);
    makes[make_count++] = (struct made){at_ms, world->good};
}

static int64_t made_until(int64_t ms)
{
    size_t low = 0, high = make_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (makes[middle].at_ms <= ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? makes[low - 1].good : 0;
}

/* How long until the next poll: mostly some seconds, sometimes minutes. */
static int64_t step_ms(void)
{
    if (below(50) == 0)
        return below(20 * 60 * 1000);
    return 1 + below(20 * 1000);
}

static void live_a_while(struct world *world)
{
    int64_t since_ms = world->wall_ms;

    world->wall_ms += step_ms();
    if (below(20) == 0)
        world->code = (int)below(SAYS_CODES + 1);
    if (world->code == SAYS_PRODUCTION)
        make(world, since_ms, below(50));
    world->waste += below(100) == 0 ? below(3) : 0;
    world_poll(world, below(4) == 0);
}

static enum performance_time time_of(const struct interval *interval)
{
    return performance_time_of(interval->state);
}

/* What the intervals say of a shift. */
static void expect_intervals(const struct world *world, const struct told *told)
{
    int64_t times_ms[PERFORMANCE_TIMES] = {0};
    int64_t to_ms = told->end.wall_ms, from_ms = to_ms - told->length_ms, sum_ms = 0;

    for (size_t i = 0; i < world->interval_count; i++) {
        const struct interval *one = &world->intervals[i];
        int64_t first_ms = one->from_ms > from_ms ? one->from_ms : from_ms;
        int64_t last_ms = one->to_ms < to_ms ? one->to_ms : to_ms;
        if (last_ms <= first_ms)
            continue;
        times_ms[time_of(one)] += last_ms - first_ms;
        sum_ms += last_ms - first_ms;
    }
    times_ms[PERFORMANCE_UNKNOWN] += told->length_ms - sum_ms;
    assert_int_equal(times_of(told), told->length_ms);
    for (size_t i = 0; i < PERFORMANCE_TIMES; i++)
        assert_int_equal(told->performance.times_ms[i], times_ms[i]);
}

/* What is told again differs in what is known of the counts only; the rest is left. */
static void expect_revisions(struct world *world)
{
    size_t kept = 0;

    for (size_t i = 0; i < world->record_count; i++) {
        struct told *told = &world->records[i];
        bool is_first = kept == 0 || strcmp(told->key, world->records[kept - 1].key) != 0;
        assert_int_equal(told->performance.revision, is_first ? 1 : 2);
        if (!is_first) {
            assert_int_equal(world->records[kept - 1].length_ms, told->length_ms);
            assert_int_equal(world->records[kept - 1].to_uncertain[COUNTS_GOOD], PERFORMANCE_NULL);
            assert_true(told->to_uncertain[COUNTS_GOOD] >= 0);
            revisions++;
            kept--;
        }
        world->records[kept++] = *told;
    }
    world->record_count = kept;
}

/* What was made in the shift is what was counted, but for what is told to be uncertain. */
static void expect_uncertain(const struct told *told)
{
    int64_t end_ms = told->end.wall_ms;
    int64_t truth = made_until(end_ms) - made_until(end_ms - told->length_ms);
    int64_t good = told->performance.quantities[COUNTS_GOOD].total;

    assert_true(told->from_uncertain[COUNTS_GOOD] >= 0);
    if (truth < good - told->from_uncertain[COUNTS_GOOD])
        fail_msg("%s: made %ld, told %ld and %ld", told->key, (long)truth, (long)good,
                 (long)told->from_uncertain[COUNTS_GOOD]);
    if (told->to_uncertain[COUNTS_GOOD] >= 0 && truth > good + told->to_uncertain[COUNTS_GOOD])
        fail_msg("%s: made %ld, told %ld and %ld", told->key, (long)truth, (long)good,
                 (long)told->to_uncertain[COUNTS_GOOD]);
}

/* Each ends where the next begins. */
static void expect_each_once(const struct world *world)
{
    assert_true(world->record_count >= 3 * (DAYS - 1));
    for (size_t i = 1; i < world->record_count; i++) {
        assert_int_equal(world->records[i].end.wall_ms - world->records[i].length_ms,
                         world->records[i - 1].end.wall_ms);
        assert_string_not_equal(world->records[i].key, world->records[i - 1].key);
    }
}

static void expect_counts(const struct world *world, enum counts counts, int64_t made)
{
    int64_t sum = shifts_now(world->shifts)->performance.quantities[counts].total;

    for (size_t i = 0; i < world->record_count; i++)
        sum += world->records[i].performance.quantities[counts].total;
    if (sum != made)
        fail_msg("%lld counted of %lld", (long long)sum, (long long)made);
}

/* Until no shift waits for being told. */
static void settle(struct world *world)
{
    world->code = SAYS_SETUP;
    for (int i = 0; i < 10; i++) {
        world->wall_ms += SECOND;
        world_poll(world, true);
    }
    world->code = SAYS_STOPPED;
    for (int i = 0; i < 10; i++) {
        world->wall_ms += SECOND;
        world_poll(world, true);
    }
}

static void leave_and_come_back(struct world *world)
{
    int64_t away_ms = below(3) == 0 ? below(MOST_AWAY_MS) : below(40 * 1000);

    int64_t since_ms = world->wall_ms;

    if (below(3) == 0) {
        world_reboot(world, away_ms, true);
    } else {
        if (below(2) == 0)
            world_kill(world);
        else
            world_reload(world);
        world->wall_ms += away_ms;
    }
    make(world, since_ms - 1, below(500));
}

static struct world *live(struct config *config, const char *machine)
{
    struct world *world = world_begin(config, machine, (int)below(24), (int)below(60));
    int64_t end_ms = world->wall_ms + DAYS * 24 * HOUR;

    make_count = 0;
    world_poll(world, true);
    while (world->wall_ms < end_ms) {
        live_a_while(world);
        if (below(300) == 0)
            leave_and_come_back(world);
    }
    settle(world);
    return world;
}

static void end(struct world *world)
{
    struct config *config = world->config;

    expect_counts(world, COUNTS_GOOD, world->good);
    expect_counts(world, COUNTS_WASTE, world->waste);
    world_end(world);
    plant_release(config->plant);
    config->plant = NULL;
}

static void test_shifts_of_a_history_are_told_once_and_add_up(void **state)
{
    for (int history = 0; history < HISTORIES; history++) {
        struct world *world = live(*state, "m");
        expect_revisions(world);
        expect_each_once(world);
        for (size_t i = 0; i < world->record_count; i++) {
            expect_intervals(world, &world->records[i]);
            expect_uncertain(&world->records[i]);
        }
        end(world);
    }
    assert_true(revisions > 0);
}

/* Some of these come and go while the gateway is away, and are not told. */
static void test_of_short_shifts_none_is_told_twice(void **state)
{
    for (int history = 0; history < HISTORIES; history++) {
        struct world *world = live(*state, "brief");
        expect_revisions(world);
        for (size_t i = 0; i < world->record_count; i++) {
            assert_int_equal(times_of(&world->records[i]), SHORT_MINUTES * MINUTE);
            expect_intervals(world, &world->records[i]);
            expect_uncertain(&world->records[i]);
            if (i > 0)
                assert_true(world->records[i].end.wall_ms > world->records[i - 1].end.wall_ms);
        }
        end(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shifts_of_a_history_are_told_once_and_add_up,
                                        config_set_up, config_tear_down),
        cmocka_unit_test_setup_teardown(test_of_short_shifts_none_is_told_twice, config_set_up,
                                        config_tear_down),
    };

    seed = 20261129;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
