/* Polls that don't ask for everything, and the state that is told of them. */
#include "config_fixture.h"
#include "states.h"

static const char plant_text[] =
    "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
    "machines:\n- name: m\n  link: l\n  tags:\n"
    "  - {name: code, at: 'holding:1', every: 5s, states: {1: production, 2: stopped}}\n"
    "  - {name: speed, at: 'holding:2'}\n";

enum { CODE, SPEED };

struct bench {
    struct states *states;
    struct state_report reports[STATE_MAX_REPORTS];
};

static struct bench bench_of(struct config *config)
{
    struct standings standings = {0};

    config_write(config, "plant.yaml", plant_text);
    config_expect_plant(config);
    return (struct bench){.states = states_new(&config->plant->machines[0], &standings)};
}

static size_t read_tag(struct bench *bench, int64_t at_ms, uint16_t tag, int64_t number)
{
    const struct sample sample = {.tag = tag, .value = {.kind = VALUE_DECIMAL, .mantissa = number}};

    return states_take(bench->states, &sample, 1, true, at_ms, bench->reports);
}

static size_t miss_tag(struct bench *bench, int64_t at_ms, uint16_t tag)
{
    const struct sample sample = {.tag = tag, .quality = QUALITY_TIMEOUT};

    return states_take(bench->states, &sample, 1, false, at_ms, bench->reports);
}

static void end(struct bench *bench)
{
    struct standings standings = {0};

    states_free(bench->states, &standings);
    standings_free(&standings);
}

static void test_polls_of_other_tags_make_a_change_no_more_certain(void **state)
{
    struct bench bench = bench_of(*state);

    read_tag(&bench, 0, CODE, 1);
    assert_int_equal(read_tag(&bench, 4000, SPEED, 7), 0);
    assert_int_equal(read_tag(&bench, 5000, CODE, 2), 1);
    assert_int_equal(bench.reports[0].to_ms, 5000);
    assert_int_equal(bench.reports[0].to_uncertain_ms, 5000);
    end(&bench);
}

static void test_polls_of_other_tags_show_that_the_machine_is_there(void **state)
{
    struct bench bench = bench_of(*state);

    read_tag(&bench, 0, CODE, 1);
    read_tag(&bench, 4000, SPEED, 7);
    assert_int_equal(miss_tag(&bench, 9000, SPEED), 0);
    assert_int_equal(miss_tag(&bench, 9001, SPEED), 1);
    assert_int_equal(bench.reports[0].to_ms, 4000);
    assert_int_equal(states_now(bench.states)->state, STATE_OFFLINE);
    end(&bench);
}

static void test_what_was_read_before_a_silence_tells_nothing_behind_it(void **state)
{
    struct bench bench = bench_of(*state);

    read_tag(&bench, 0, CODE, 1);
    miss_tag(&bench, 9000, SPEED);
    read_tag(&bench, 10000, SPEED, 7);
    assert_int_equal(states_now(bench.states)->state, STATE_UNKNOWN);
    read_tag(&bench, 11000, CODE, 1);
    assert_int_equal(states_now(bench.states)->state, STATE_PRODUCTION);
    end(&bench);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_polls_of_other_tags_make_a_change_no_more_certain),
        TEST(test_polls_of_other_tags_show_that_the_machine_is_there),
        TEST(test_what_was_read_before_a_silence_tells_nothing_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
