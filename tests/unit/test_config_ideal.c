/* ideal_rate: of a machine or its profile. */
#include <errno.h>

#include "config_fixture.h"

#define TOP "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
#define TAGS "tags: [{name: t, at: 'holding:1'}]"
/* A machine on line 3, whose keys begin in column 31. */
#define MACHINE(keys) TOP "machines: [{name: m, link: l, " keys ", " TAGS "}]\n"

static const struct machine *load_machines_of(struct config *config, const char *text)
{
    config_write(config, "plant.yaml", text);
    config_expect_plant(config);
    return config->plant->machines;
}

static void test_ideal_rate_is_kept_as_the_time_of_an_item(void **state)
{
    const struct {
        const char *plant;
        double ideal_ms;
    } cases[] = {
        {MACHINE("ideal_rate: 12000/h"), 300}, {MACHINE("ideal_rate: 7000/h"), 3600000.0 / 7000},
        {MACHINE("ideal_rate: 200/min"), 300}, {MACHINE("ideal_rate: 2.5/s"), 400},
        {MACHINE("ideal_rate: 0.5/h"), 7.2e6}, {MACHINE("unit: 1"), 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(load_machines_of(*state, cases[i].plant)->ideal_ms == cases[i].ideal_ms);
}

static void test_profile_gives_the_ideal_rate_and_the_machines_own_takes_its_place(void **state)
{
    struct config *config = *state;
    config_write(config, "profiles/p.yaml",
                 "profile: p\nparameters: {best: 6000}\nideal_rate: ${best}/h\n" TAGS "\n");
    config_write(config, "profiles/q.yaml", "profile: q\nextends: p\nparameters: {best: 7200}\n");
    config_write(config, "profiles/r.yaml", "profile: r\nextends: p\nideal_rate: 1/s\n");
    const struct machine *machines = load_machines_of(
        config, TOP "machines:\n- {name: a, link: l, profile: p}\n"
                    "- {name: b, link: l, profile: p, ideal_rate: 12000/h}\n"
                    "- {name: c, link: l, profile: p}\n"
                    "- {name: d, link: l, profile: p, parameters: {best: 9000}}\n"
                    "- {name: e, link: l, profile: q}\n- {name: f, link: l, profile: r}\n"
                    "- {name: g, link: l, profile: p, tags: [{name: u, at: 'coil:1'}]}\n");
    const double expected[] = {600, 300, 600, 400, 500, 1000, 600};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(machines[i].ideal_ms == expected[i]);
    assert_ptr_equal(machines[0].tags, machines[1].tags);
}

static void test_machines_of_different_ideal_rates_are_not_equal(void **state)
{
    const struct machine *machine = load_machines_of(*state, MACHINE("ideal_rate: 12000/h"));
    struct machine other = *machine;
    assert_true(machine_equal(machine, &other));
    other.ideal_ms = 301;
    assert_false(machine_equal(machine, &other));
}

static void test_faults_of_ideal_rates(void **state)
{
    static const char *const wrong[] = {"12000", "0/h", "-5/h", "1e3/h", "12000/d", "/h", "5 /s"};
    struct config *config = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct text plant = {0}, fault = {0};
        text_addf(&plant, MACHINE("ideal_rate: '%s'"), wrong[i]);
        text_addf(&fault,
                  "plant.yaml:3:43: ideal_rate: \"%s\" is no such rate; expected what the machine "
                  "makes when all goes well, such as 20000/h",
                  wrong[i]);
        assert_int_equal(config_load_text(config, plant.data), -EINVAL);
        config_expect_fault(config, 0, fault.data);
        assert_int_equal(config->faults.count, 1);
        text_free(&plant);
        text_free(&fault);
    }
}

static void test_fault_of_a_profiles_ideal_rate_stands_in_the_profile(void **state)
{
    struct config *config = *state;
    const char *plant = TOP "machines: [{name: m, link: l, profile: p}]\n";
    config_write(config, "profiles/p.yaml", "profile: p\nideal_rate: 5\n" TAGS "\n");
    assert_int_equal(config_load_text(config, plant), -EINVAL);
    config_expect_fault(config, 0, "p.yaml:2:13: ideal_rate: \"5\" is no such rate");
    config_write(config, "profiles/p.yaml", "profile: p\nideal_rate: ${x}/h\n" TAGS "\n");
    assert_int_equal(config_load_text(config, plant), -EINVAL);
    config_expect_fault(config, 0, "p.yaml:2:13: ideal_rate: \"${x}/h\" names no parameter");
    assert_int_equal(config->faults.count, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ideal_rate_is_kept_as_the_time_of_an_item),
        TEST(test_profile_gives_the_ideal_rate_and_the_machines_own_takes_its_place),
        TEST(test_machines_of_different_ideal_rates_are_not_equal),
        TEST(test_faults_of_ideal_rates),
        TEST(test_fault_of_a_profiles_ideal_rate_stands_in_the_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
