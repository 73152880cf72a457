/* Jobs over days of chance: polls now and then, ids that change, are read wrong or not at all,
 * silences, restarts and kills at any poll. Whatever happens, each job that was told to have begun
 * is told once to have ended, its times add up, and nothing that was counted is lost or counted
 * twice. */
#include "shifts_world.h"

enum { HISTORIES = 40, DAYS = 2, MOST_AWAY_MS = 3 * 3600 * 1000 };

/* A size above this was read wrong; no two are the same. */
enum { READ_WRONG = 100000 };

static uint32_t seed, misreads;

static uint32_t below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

static void live_a_while(struct world *world)
{
    int64_t job = world->job, width = world->width;

    world->wall_ms += below(50) == 0 ? below(20 * 60 * 1000) : 1 + below(20 * 1000);
    if (below(20) == 0)
        world->code = (int)below(SAYS_CODES + 1);
    if (world->code == SAYS_PRODUCTION)
        world->good += below(50);
    if (below(60) == 0)
        job = world->job = 1 + below(30);
    else if (below(40) == 0)
        world->job = 100 + below(30);
    if (below(60) == 0)
        width = world->width = 1 + below(300);
    else if (below(40) == 0)
        world->width = READ_WRONG + misreads++;
    world->job_is_sure = world->job == job && below(2) == 0;
    world_poll(world, below(4) == 0);
    world->job = job;
    world->width = width;
}

static void leave_and_come_back(struct world *world)
{
    int64_t away_ms = below(3) == 0 ? below(MOST_AWAY_MS) : below(40 * 1000);

    world->good += below(500);
    if (below(3) == 0) {
        world_reboot(world, away_ms, true);
        return;
    }
    if (below(2) == 0)
        world_kill(world);
    else
        world_reload(world);
    world->wall_ms += away_ms;
}

/* Until no job waits for being told, and none is on. */
static void settle(struct world *world)
{
    static const int codes[] = {SAYS_SETUP, SAYS_STOPPED};

    world->job = 0;
    for (int i = 0; i < 20; i++) {
        world->code = codes[i / 10];
        world->wall_ms += SECOND;
        world_poll(world, true);
    }
}

static struct world *live(struct config *config)
{
    struct world *world = world_begin(config, "jobs", (int)below(24), (int)below(60));
    int64_t end_ms = world->wall_ms + DAYS * 24 * HOUR;

    world->job = world->width = 1;
    for (int i = 0; i < 2; i++) {
        world->wall_ms += SECOND;
        world_poll(world, true);
    }
    while (world->wall_ms < end_ms) {
        live_a_while(world);
        if (below(100) == 0)
            leave_and_come_back(world);
    }
    settle(world);
    return world;
}

/* Ids that were told to have begun, in their order, are those that were told to have ended; a job
 * that has ended follows the one before at its end. */
static void expect_each_once(const struct world *world)
{
    size_t begun = 0, ended = 0;

    for (size_t i = 0; i < world->job_count; i++) {
        const struct told_job *one = &world->jobs_told[i];
        int64_t sum_ms = 0;
        if (!one->ended) {
            begun++;
            continue;
        }
        size_t skip = ended++, k = 0;
        for (; world->jobs_told[k].ended || skip > 0; k++)
            skip -= !world->jobs_told[k].ended;
        const struct told_job *first = &world->jobs_told[k];
        assert_true(one->id == 0 || one->id == first->id);
        if (one->at_ms - one->length_ms != first->at_ms)
            fail_msg("it began at %lld, not %lld", (long long)(one->at_ms - one->length_ms),
                     (long long)first->at_ms);
        for (size_t j = 0; j < PERFORMANCE_TIMES; j++)
            sum_ms += one->performance.times_ms[j];
        assert_int_equal(sum_ms, one->length_ms);
    }
    assert_int_equal(begun, ended);
    assert_true(begun > 10);
}

static void expect_counts(const struct world *world)
{
    int64_t sum = 0;

    for (size_t i = 0; i < world->job_count; i++) {
        const struct told_job *one = &world->jobs_told[i];
        int64_t good = one->performance.quantities[COUNTS_GOOD].total;
        if (!one->ended)
            continue;
        assert_true(one->uncertain[COUNTS_GOOD] >= 0 && one->uncertain[COUNTS_GOOD] <= good);
        sum += good;
    }
    if (sum != world->good)
        fail_msg("%lld counted of %lld", (long long)sum, (long long)world->good);
}

static void expect_formats(const struct world *world)
{
    for (size_t i = 0; i < world->format_count; i++) {
        const struct told_format *one = &world->formats[i];
        assert_in_range(one->before, 1, READ_WRONG - 1);
        assert_in_range(one->value, 1, READ_WRONG - 1);
        assert_true(one->before != one->value);
    }
}

static void test_jobs_of_a_history_are_told_once_and_add_up(void **state)
{
    size_t changes = 0;

    for (int history = 0; history < HISTORIES; history++) {
        struct config *config = *state;
        struct world *world = live(config);
        expect_each_once(world);
        expect_counts(world);
        expect_formats(world);
        changes += world->format_count;
        world_end(world);
        plant_release(config->plant);
        config->plant = NULL;
    }
    assert_true(changes > HISTORIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_jobs_of_a_history_are_told_once_and_add_up,
                                        config_set_up, config_tear_down),
    };

    seed = 20261129;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
