/* lines: of a plant. */
#include <errno.h>

#include "config_fixture.h"

#define TAGS "tags: [{name: code, at: 'holding:1', states: {1: production, 2: stopped}}]"
#define PLANT                                                               \
    "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"      \
    "machines:\n- {name: a, link: l, " TAGS "}\n- {name: b, link: l, " TAGS \
    "}\n- {name: c, link: l, tags: [{name: t, at: 'holding:1'}]}\n"

static const struct production_line *load_line_of(struct config *config, const char *text)
{
    config_write(config, "plant.yaml", text);
    config_expect_plant(config);
    assert_int_equal(config->plant->line_count, 1);
    return config->plant->lines;
}

static void test_a_line_delivers_at_its_last_machine(void **state)
{
    struct config *config = *state;
    const struct production_line *line =
        load_line_of(config, PLANT "lines: [{name: x, machines: [c, a, b]}]\n");

    assert_string_equal(line->name, "x");
    assert_int_equal(line->machine_count, 3);
    assert_ptr_equal(line->machines[0], plant_machine(config->plant, "c"));
    assert_ptr_equal(line->machines[2], plant_machine(config->plant, "b"));
    assert_int_equal(line->delivery, 2);
    assert_ptr_equal(plant_line(config->plant, "x"), line);
    assert_null(plant_line(config->plant, "a"));
}

static void test_a_line_delivers_where_it_says(void **state)
{
    const struct production_line *line =
        load_line_of(*state, PLANT "lines: [{name: x, machines: [b, a, c], delivery: a}]\n");

    assert_int_equal(line->delivery, 1);
}

static void test_lines_may_stand_in_included_files(void **state)
{
    struct config *config = *state;

    config_write(config, "more.yaml", "lines: [{name: x, machines: [a]}]\n");
    assert_int_equal(load_line_of(config, PLANT "include: more.yaml\n")->machine_count, 1);
}

static void test_faults_of_lines(void **state)
{
    static const struct {
        const char *lines, *fault;
    } cases[] = {
        {"lines: [{machines: [a]}]", "plant.yaml:7:9: name: missing in a line"},
        {"lines: [{name: x}]", "plant.yaml:7:9: machines: missing in a line"},
        {"lines: [{name: x, machines: []}]", "plant.yaml:7:29: machines: none stand here"},
        {"lines: [{name: x, machines: [a, z]}]",
         "plant.yaml:7:33: machines: \"z\" is no machine; expected the name of one under "
         "\"machines\""},
        {"lines: [{name: a, machines: [b]}]", "plant.yaml:7:16: name: \"a\" is taken already"},
        {"lines: [{name: x, machines: [b, b]}]",
         "plant.yaml:7:33: machines: \"b\" is taken already"},
        {"lines: [{name: x, machines: [a]}, {name: y, machines: [a]}]",
         "plant.yaml:7:56: machines: \"a\" is taken already"},
        {"lines: [{name: x, machines: [a], delivery: b}]",
         "plant.yaml:7:44: delivery: \"b\" is not in the line; expected one of its machines"},
        {"lines: [{name: x, machines: [a, c]}]",
         "plant.yaml:7:9: delivery: nothing tells the state of c; expected a machine with a "
         "state"},
        {"lines: [{name: x, machines: [a, c], delivery: c}]",
         "plant.yaml:7:47: delivery: nothing tells the state of c"},
        {"lines: [{name: x, machines: [a, a, a, a, a, a, a, a, a, a, a, a, a]}]",
         "plant.yaml:7:29: machines: 13 of them; expected at most 12"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config *config = *state;
        char *text = mem_alloc(4096);

        snprintf(text, 4096, "%s%s\n", PLANT, cases[i].lines);
        assert_int_equal(config_load_text(config, text), -EINVAL);
        config_expect_fault(config, 0, cases[i].fault);
        assert_int_equal(config->faults.count, 1);
        free(text);
    }
}

static void test_a_fault_elsewhere_hides_none_of_a_line(void **state)
{
    struct config *config = *state;

    assert_int_equal(config_load_text(config,
                                      "log: loud\n" PLANT "lines: [{name: x, machines: [a], "
                                      "delivery: b}]\n"),
                     -EINVAL);
    assert_int_equal(config->faults.count, 2);
    config_expect_fault(config, 1, "plant.yaml:8:44: delivery: \"b\" is not in the line");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_delivers_at_its_last_machine),    TEST(test_a_line_delivers_where_it_says),
        TEST(test_lines_may_stand_in_included_files),      TEST(test_faults_of_lines),
        TEST(test_a_fault_elsewhere_hides_none_of_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
