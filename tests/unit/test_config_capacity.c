/* capacity: of a plant, formats: of a machine or its profile. */
#include <errno.h>

#include "config_fixture.h"

#define TOP "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
#define TAGS "tags: [{name: t, at: 'holding:1'}]"
/* A machine on line 3, whose keys begin in column 31. */
#define MACHINE(keys) TOP "machines: [{name: m, link: l, " keys TAGS "}]\n"

static const struct plant *load_plant_of(struct config *config, const char *text)
{
    config_write(config, "plant.yaml", text);
    config_expect_plant(config);
    return config->plant;
}

static void test_capacity_is_published_where_it_is_switched_on(void **state)
{
    assert_false(load_plant_of(*state, MACHINE(""))->capacity.publish);
    assert_false(load_plant_of(*state, MACHINE("") "capacity: {every: 1m}\n")->capacity.publish);
    const struct plant *plant = load_plant_of(*state, MACHINE("") "capacity: {publish: on}\n");
    assert_true(plant->capacity.publish);
    assert_int_equal(plant->capacity.every_ms, 300000);
}

static void test_a_machine_has_formats_of_its_own_or_its_profiles(void **state)
{
    struct config *config = *state;

    config_write(config, "profiles/p.yaml",
                 "profile: p\nformats: [{name: width, range: [100, 320.5], unit: mm}]\n" TAGS "\n");
    config_write(config, "profiles/q.yaml", "profile: q\nextends: p\n");
    const struct machine *machines =
        load_plant_of(config, TOP "machines:\n- {name: a, link: l, profile: q}\n"
                                  "- {name: b, link: l, profile: p, formats: [{name: thickness, "
                                  "range: [2, 60]}]}\n- {name: c, link: l, " TAGS "}\n")
            ->machines;
    assert_int_equal(machines[0].format_count, 1);
    assert_string_equal(machines[0].formats[0].name, "width");
    assert_string_equal(machines[0].formats[0].unit, "mm");
    assert_int_equal(machines[0].formats[0].high.mantissa, 3205);
    assert_int_equal(machines[1].format_count, 1);
    assert_string_equal(machines[1].formats[0].name, "thickness");
    assert_null(machines[1].formats[0].unit);
    assert_int_equal(machines[2].format_count, 0);
    struct machine other = machines[0];
    assert_true(machine_equal(&machines[0], &other));
    other.formats = machines[1].formats;
    assert_false(machine_equal(&machines[0], &other));
}

static void test_faults_of_capacity_and_formats(void **state)
{
    static const struct {
        const char *plant, *fault;
    } cases[] = {
        {MACHINE("") "capacity: {publish: maybe}\n",
         "plant.yaml:4:21: publish: \"maybe\" is unknown; expected on or off"},
        {MACHINE("") "capacity: {every: 1s}\n", "plant.yaml:4:19: every: \"1s\""},
        {MACHINE("formats: [{name: a}], "), "plant.yaml:3:41: range: missing in a format"},
        {MACHINE("formats: [{name: a, range: 5}], "),
         "plant.yaml:3:58: range: \"5\" is no range; expected a list of the lowest and the "
         "highest, such as [100, 320]"},
        {MACHINE("formats: [{name: a, range: [5, 1]}], "),
         "plant.yaml:3:58: range: the first number is not the lower one"},
        {MACHINE("formats: [{name: a, range: [1, 2]}, {name: a, range: [1, 2]}], "),
         "plant.yaml:3:74: name: \"a\" is taken already"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config *config = *state;
        assert_int_equal(config_load_text(config, cases[i].plant), -EINVAL);
        config_expect_fault(config, 0, cases[i].fault);
        assert_int_equal(config->faults.count, 1);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_capacity_is_published_where_it_is_switched_on),
        TEST(test_a_machine_has_formats_of_its_own_or_its_profiles),
        TEST(test_faults_of_capacity_and_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
