/* counter: in a tag. */
#include <errno.h>

#include "config_fixture.h"

#define PLANT                                                          \
    "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n" \
    "machines: [{name: m, link: l, tags: [\n"
#define COUNTER(tag_keys, keys) \
    PLANT "{name: t, at: 'holding:1', " tag_keys ", counter: {" keys "}}]}]\n"

static const struct machine *load_machine(struct config *config, const char *text)
{
    config_write(config, "plant.yaml", text);
    config_expect_plant(config);
    return &config->plant->machines[0];
}

static const struct tag_counter *load_counter_of(struct config *config, const char *text)
{
    return load_machine(config, text)->tags[0].detail->counter;
}

static void test_every_key_of_a_counter_reaches_the_plant(void **state)
{
    const struct tag_counter *counter = load_counter_of(
        *state, COUNTER("type: bcd32", "counts: waste, kind: reset, modulus: 1000000,"
                                       " max_rate: 18000/h, multiplier: 2, raw: true"));
    assert_int_equal(counter->counts, COUNTS_WASTE);
    assert_int_equal(counter->rule.kind, COUNTER_KIND_RESET);
    assert_int_equal(counter->rule.modulus, 1000000);
    assert_true(counter->rule.max_per_s == 5);
    assert_int_equal(counter->rule.multiplier, 2);
    assert_int_equal(counter->rule.carry, 10000);
    assert_true(counter->tell_raw);
}

static void test_modulus_and_carry_follow_the_type_where_none_is_given(void **state)
{
    const struct {
        const char *plant;
        uint64_t modulus;
        uint32_t carry;
    } cases[] = {
        {COUNTER("type: u16", "counts: good, kind: rollover"), 65536, 0},
        {COUNTER("type: u32", "counts: good, kind: rollover"), UINT64_C(1) << 32, 65536},
        {COUNTER("type: u64", "counts: good, kind: rollover"), 0, 65536},
        {COUNTER("type: bcd16", "counts: good, kind: free"), 10000, 0},
        {COUNTER("type: bcd32", "counts: good, kind: reset"), 100000000, 10000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tag_counter *counter = load_counter_of(*state, cases[i].plant);
        assert_true(counter->rule.modulus == cases[i].modulus);
        assert_int_equal(counter->rule.carry, cases[i].carry);
        assert_int_equal(counter->rule.multiplier, 1);
        assert_true(counter->rule.max_per_s == 0);
        assert_false(counter->tell_raw);
    }
}

static void test_rates_are_taken_by_second_minute_and_hour(void **state)
{
    const struct {
        const char *plant;
        double per_s;
    } cases[] = {
        {COUNTER("type: u32", "counts: good, kind: free, max_rate: 5/s"), 5},
        {COUNTER("type: u32", "counts: good, kind: free, max_rate: 90/min"), 1.5},
        {COUNTER("type: u32", "counts: good, kind: free, max_rate: 900.0/h"), 0.25},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(load_counter_of(*state, cases[i].plant)->rule.max_per_s == cases[i].per_s);
}

static void test_what_goes_with_totals_is_numbered_behind_the_tags(void **state)
{
    const struct machine *machine = load_machine(
        *state, PLANT "{name: a, at: 'holding:1', counter: {counts: good, kind: reset}},\n"
                      "{name: b, at: 'holding:2'},\n"
                      "{name: c, at: 'holding:3',"
                      " counter: {counts: waste, kind: reset, raw: true}}]}]\n");
    const char *const names[] = {"a",          "b",       "c",          "a.epoch",
                                 "a.inferred", "c.epoch", "c.inferred", "c.raw"};
    assert_int_equal(machine_told_values(machine), 8);
    assert_int_equal(machine_values(machine), 8 + STATE_VALUES + 3);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(machine_value_name(machine, i), names[i]);
    const struct counter_place *places = machine->meaning->counters;
    assert_int_equal(machine->meaning->counter_count, 2);
    assert_true(places[0].tag == 0 && places[0].epoch == 3 && places[0].inferred == 4 &&
                places[0].raw == 8 + STATE_VALUES && places[0].known == places[0].raw + 1);
    assert_true(places[1].tag == 2 && places[1].epoch == 5 && places[1].inferred == 6 &&
                places[1].raw == 7 && places[1].known == places[0].known + 1);
}

static void test_machines_of_one_kind_share_what_their_values_mean(void **state)
{
    struct config *config = *state;
    const char *tags = "tags: [{name: t, at: 'holding:1', counter: {counts: good, kind: reset}}]";
    struct text plant = {0};
    text_addf(&plant,
              "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\nmachines:\n"
              "- {name: a, link: l, %s}\n- {name: b, link: l, unit: 2, %s}\n",
              tags, tags);
    load_machine(config, plant.data);
    text_free(&plant);
    assert_non_null(config->plant->machines[0].meaning);
    assert_ptr_equal(config->plant->machines[0].meaning, config->plant->machines[1].meaning);
}

static void test_counters_that_differ_make_tags_differ(void **state)
{
    struct config *config = *state;
    const struct machine *machine = load_machine(
        config, PLANT "{name: a, at: 'holding:1', counter: {counts: good, kind: reset}},\n"
                      "{name: a2, at: 'holding:1', counter: {counts: good, kind: free}},\n"
                      "{name: a3, at: 'holding:1'}]}]\n");
    for (int i = 0; i < 3; i++)
        machine->tags[i].name = "a";
    assert_false(tag_equal(&machine->tags[0], &machine->tags[1]));
    assert_false(tag_equal(&machine->tags[0], &machine->tags[2]));
    assert_true(tag_equal(&machine->tags[0], &machine->tags[0]));
}

static void test_faults_of_counters(void **state)
{
    struct config *config = *state;
    const struct {
        const char *plant, *fault;
    } cases[] = {
        {COUNTER("type: u16", "kind: reset"),
         "plant.yaml:4:48: counts: missing in a counter; expected what it counts: good, waste"},
        {COUNTER("type: u16", "counts: good"),
         "plant.yaml:4:48: kind: missing in a counter; expected how it goes on: rollover, reset"},
        {COUNTER("type: u16", "counts: bad, kind: reset"),
         "plant.yaml:4:57: counts: \"bad\" is unknown; expected good, waste, gross or other"},
        {COUNTER("type: u16", "counts: good, kind: up"),
         "plant.yaml:4:69: kind: \"up\" is unknown; expected rollover, reset or free"},
        {COUNTER("type: u16", "counts: good, kind: reset, modulus: 65537"),
         "plant.yaml:4:85: modulus: \"65537\" is beyond what the type can hold; expected at most "
         "65536 for u16"},
        {COUNTER("type: u16", "counts: good, kind: reset, modulus: 1"),
         "plant.yaml:4:85: modulus: \"1\" is out of range"},
        {COUNTER("type: u16", "counts: good, kind: reset, max_rate: 10"),
         "plant.yaml:4:86: max_rate: \"10\" is no such rate; expected the highest plausible rate"},
        {COUNTER("type: u16", "counts: good, kind: reset, max_rate: 0/h"),
         "plant.yaml:4:86: max_rate: \"0/h\" is no such rate"},
        {COUNTER("type: u16", "counts: good, kind: reset, max_rate: -1/h"),
         "plant.yaml:4:86: max_rate: \"-1/h\" is no such rate"},
        {COUNTER("type: u16", "counts: good, kind: reset, max_rate: 1000000001/h"),
         "plant.yaml:4:86: max_rate: \"1000000001/h\" is no such rate"},
        {COUNTER("type: u16", "counts: good, kind: rollover, modulus: 100, max_rate: 50/s"),
         "plant.yaml:4:103: max_rate: \"50/s\" lets it go all the way round between two polls; "
         "expected less than its modulus of 100 within 1s and a second"},
        {COUNTER("type: u16", "counts: good, kind: reset, multiplier: 0"),
         "plant.yaml:4:88: multiplier: \"0\" is out of range"},
        {COUNTER("type: s16", "counts: good, kind: reset"),
         "plant.yaml:4:48: counter: does not go with s16; expected the type u16, u32, u64"},
        {COUNTER("type: f32", "counts: good, kind: reset"),
         "plant.yaml:4:48: counter: does not go with f32"},
        {COUNTER("scale: 0.1", "counts: good, kind: reset"),
         "plant.yaml:4:28: scale: does not go with a counter; expected it to be left out, or a "
         "multiplier in its counter"},
        {COUNTER("offset: 1", "counts: good, kind: reset"),
         "plant.yaml:4:28: offset: does not go with a counter"},
        {COUNTER("deadband: 5", "counts: good, kind: reset"),
         "plant.yaml:4:28: deadband: does not go with a counter; expected it to be left out"},
        {COUNTER("type: u16", "counts: good, kind: reset, wrap: 5"),
         "plant.yaml:4:76: \"wrap\" is no key of a counter"},
        {PLANT "{name: t, at: 'holding:1', counter: {counts: good, kind: reset}},\n"
               "{name: t.epoch, at: 'holding:2'}]}]\n",
         "plant.yaml:5:8: name: \"t.epoch\" ends like what goes with a counter; expected a name "
         "that does not end with .epoch"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config_write(config, "plant.yaml", cases[i].plant);
        assert_int_equal(config_load(config), -EINVAL);
        config_expect_fault(config, 0, cases[i].fault);
        assert_int_equal(config->faults.count, strstr(cases[i].plant, "t.epoch") ? 2 : 1);
    }
}

static void test_more_values_than_a_machine_may_have_are_a_fault(void **state)
{
    struct config *config = *state;
    struct text plant = {0};
    text_add(&plant, PLANT);
    for (int i = 0; i < 1100; i++)
        text_addf(&plant, "{name: t%d, at: 'holding:%d', counter: {counts: other, kind: free}},\n",
                  i, i);
    text_add(&plant, "]}]\n");
    config_write(config, "plant.yaml", plant.data);
    text_free(&plant);
    assert_int_equal(config_load(config), -EINVAL);
    config_expect_fault(config, 0,
                        "plant.yaml:3:37: tags: 1100 of them, and 4400 values that go "
                        "with counters; expected at most 4096 a machine");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, config_set_up, config_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_key_of_a_counter_reaches_the_plant),
        TEST(test_modulus_and_carry_follow_the_type_where_none_is_given),
        TEST(test_rates_are_taken_by_second_minute_and_hour),
        TEST(test_what_goes_with_totals_is_numbered_behind_the_tags),
        TEST(test_machines_of_one_kind_share_what_their_values_mean),
        TEST(test_counters_that_differ_make_tags_differ),
        TEST(test_faults_of_counters),
        TEST(test_more_values_than_a_machine_may_have_are_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
