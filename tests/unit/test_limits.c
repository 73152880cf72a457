/* limits: in a tag, and in service. */
#include <errno.h>

#include "config_fixture.h"
#include "limits.h"

#define PLANT                                                          \
    "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n" \
    "machines: [{name: m, link: l, tags: [\n"
#define LIMITS(type, limits) \
    PLANT "{name: t, at: 'holding:1', type: " type ", limits: " limits "}]}]\n"

static void test_limits_reach_the_plant_and_make_tags_differ(void **state)
{
    struct config *config = *state;
    config_write(config, "plant.yaml",
                 PLANT "{name: a, at: 'holding:1', limits: {low: 160, high: 180, hysteresis: 2}},\n"
                       "{name: b, at: 'holding:1', limits: {high: 180.5}}]}]\n");
    config_expect_plant(config);
    struct tag *tags = config->plant->machines[0].tags;
    const struct tag_limits *a = &tags[0].detail->limits, *b = &tags[1].detail->limits;
    assert_true(a->has_low && a->has_high && a->low == 160 && a->high == 180 && a->hysteresis == 2);
    assert_true(!b->has_low && b->has_high && b->high == 180.5 && b->hysteresis == 0);
    tags[1].name = tags[0].name;
    assert_false(tag_equal(&tags[0], &tags[1]));
}

static void test_faults_of_limits(void **state)
{
    struct config *config = *state;
    const struct {
        const char *plant, *fault;
    } cases[] = {
        {LIMITS("u16", "{}"),
         "plant.yaml:4:47: limits: none stands here; expected low, high or both"},
        {LIMITS("u16", "{low: x}"), "plant.yaml:4:53: low: \"x\" is no decimal number"},
        {LIMITS("u16", "{low: 1, hysteresis: -1}"),
         "plant.yaml:4:68: hysteresis: is negative; expected 0 or more"},
        {LIMITS("u16", "{low: 10, high: 13, hysteresis: 2}"),
         "plant.yaml:4:47: limits: leave no window; expected low + hysteresis not above"},
        {LIMITS("u16", "{lo: 1}"), "plant.yaml:4:48: \"lo\" is no key of limits"},
        {LIMITS("bool", "{low: 1}"), "plant.yaml:4:48: limits: does not go with a bool"},
        {PLANT "{name: t, at: 'holding:1', limits: {low: 1},"
               " counter: {counts: good, kind: reset}}]}]\n",
         "plant.yaml:4:28: limits: does not go with a counter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config_write(config, "plant.yaml", cases[i].plant);
        assert_int_equal(config_load(config), -EINVAL);
        config_expect_fault(config, 0, cases[i].fault);
        assert_int_equal(config->faults.count, 1);
    }
}

struct reports {
    int count;
    struct limit_report last;
};

static void note(void *context, const struct limit_report *report)
{
    struct reports *reports = context;
    reports->count++;
    reports->last = *report;
}

static void test_a_limit_is_reported_when_it_is_passed_and_left_behind(void **state)
{
    static const struct {
        int64_t value;
        enum limit_side side; /* reported; unknown: nothing is */
        double limit;
    } steps[] = {
        {170, LIMIT_UNKNOWN, 0}, {180, LIMIT_UNKNOWN, 0},  {181, LIMIT_BEYOND, 180},
        {185, LIMIT_UNKNOWN, 0}, {179, LIMIT_UNKNOWN, 0},  {178, LIMIT_WITHIN, 180},
        {159, LIMIT_BELOW, 160}, {161, LIMIT_UNKNOWN, 0},  {190, LIMIT_BEYOND, 180},
        {150, LIMIT_BELOW, 160}, {162, LIMIT_WITHIN, 160}, {160, LIMIT_UNKNOWN, 0},
    };
    struct config *config = *state;
    config_write(config, "plant.yaml",
                 PLANT "{name: a, at: 'holding:1'},\n"
                       "{name: b, at: 'holding:1', limits: {low: 160, high: 180, hysteresis: 2}}"
                       "]}]\n");
    config_expect_plant(config);
    struct limits *limits = limits_new(&config->plant->machines[0]);
    struct reports reports = {0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const struct sample samples[] = {
            {.tag = 0, .value = {.kind = VALUE_DECIMAL, .mantissa = 9999}},
            {.tag = 1, .value = {.kind = VALUE_DECIMAL, .mantissa = steps[i].value}},
            {.tag = 1, .quality = QUALITY_TIMEOUT},
        };
        int before = reports.count;
        limits_take(limits, samples, 3, note, &reports);
        assert_int_equal(reports.count - before, steps[i].side != LIMIT_UNKNOWN);
        if (steps[i].side != LIMIT_UNKNOWN) {
            assert_int_equal(reports.last.side, steps[i].side);
            assert_true(reports.last.limit == steps[i].limit);
            assert_int_equal(reports.last.value.mantissa, steps[i].value);
        }
    }
    limits_free(limits);
}

static void test_a_first_value_outside_is_reported(void **state)
{
    struct config *config = *state;
    struct reports reports = {0};
    const struct sample sample = {.value = {.kind = VALUE_DECIMAL, .mantissa = 5}};
    config_write(config, "plant.yaml", LIMITS("u16", "{low: 10}"));
    config_expect_plant(config);
    struct limits *limits = limits_new(&config->plant->machines[0]);
    limits_take(limits, &sample, 1, note, &reports);
    assert_int_equal(reports.count, 1);
    assert_int_equal(reports.last.side, LIMIT_BELOW);
    limits_free(limits);
}

static void test_a_machine_without_limits_has_none_to_keep(void **state)
{
    struct config *config = *state;
    config_write(config, "plant.yaml", PLANT "{name: a, at: 'holding:1'}]}]\n");
    config_expect_plant(config);
    assert_null(limits_new(&config->plant->machines[0]));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_limits_reach_the_plant_and_make_tags_differ),
        TEST(test_faults_of_limits),
        TEST(test_a_limit_is_reported_when_it_is_passed_and_left_behind),
        TEST(test_a_first_value_outside_is_reported),
        TEST(test_a_machine_without_limits_has_none_to_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
