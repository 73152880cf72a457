#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "decode.h"
#include "sim_values.h"

enum { SEEDS = 50 };

static const int64_t step_ms = 700;

static struct tag make_tag(const char *name, enum tag_type type)
{
    return (struct tag){
        .name = name, .area = AREA_HOLDING, .bit = -1, .type = type, .scale = {.mantissa = 1}};
}

static void test_sim_counters_never_fall(void **state)
{
    (void)state;
    static const enum sim_kind kinds[] = {SIM_GROSS, SIM_GOOD,   SIM_WASTE,
                                          SIM_STOPS, SIM_ENERGY, SIM_HOURS};
    struct tag tag = make_tag("x", TYPE_U32);
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
            double last = -1;
            for (int64_t ms = 0; ms < 3600000; ms += step_ms * 13) {
                double value = sim_value(kinds[kind], &tag, seed, ms);
                assert_true(value >= last);
                last = value;
            }
        }
}

static void test_sim_gross_is_good_plus_waste(void **state)
{
    (void)state;
    struct tag tag = make_tag("x", TYPE_U32);
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int64_t ms = 0; ms < 600000; ms += step_ms)
            assert_true(sim_value(SIM_GROSS, &tag, seed, ms) ==
                        sim_value(SIM_GOOD, &tag, seed, ms) + sim_value(SIM_WASTE, &tag, seed, ms));
}

static void test_sim_machine_counts_only_in_production(void **state)
{
    (void)state;
    struct tag tag = make_tag("x", TYPE_U32);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        int ran = 0, stood = 0;
        for (int64_t ms = 0; ms < 1200000; ms += step_ms) {
            bool runs = sim_value(SIM_STATE, &tag, seed, ms) == 1;
            bool still = sim_value(SIM_STATE, &tag, seed, ms + 1) != 1;
            double made =
                sim_value(SIM_GROSS, &tag, seed, ms + 1) - sim_value(SIM_GROSS, &tag, seed, ms);
            if (!runs && still)
                assert_true(made == 0);
            assert_true((sim_value(SIM_SPEED, &tag, seed, ms) > 0) == runs);
            ran += runs;
            stood += !runs;
        }
        assert_true(ran > stood && stood > 0);
    }
}

static void test_sim_rate_is_a_binders(void **state)
{
    (void)state;
    struct tag tag = make_tag("x", TYPE_U32);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double an_hour =
            sim_value(SIM_GROSS, &tag, seed, 7200000) - sim_value(SIM_GROSS, &tag, seed, 3600000);
        assert_true(an_hour > 1500 && an_hour < 18000);
    }
}

static void test_sim_same_time_and_seed_give_the_same(void **state)
{
    (void)state;
    struct tag tag = make_tag("pressure", TYPE_F32);
    int different = 0;
    for (int kind = SIM_GROSS; kind <= SIM_WAVE; kind++) {
        double value = sim_value(kind, &tag, 7, 123456789);
        assert_true(value == sim_value(kind, &tag, 7, 123456789));
        different += value != sim_value(kind, &tag, 8, 123456789);
    }
    assert_true(different > 8);
}

static void test_sim_kind_goes_by_name_and_type(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum tag_type type;
        enum sim_kind kind;
    } rows[] = {
        {"good_count", TYPE_U32, SIM_GOOD},     {"waste_count", TYPE_U32, SIM_WASTE},
        {"total_count", TYPE_BCD32, SIM_GROSS}, {"Speed", TYPE_U16, SIM_SPEED},
        {"machine_state", TYPE_U16, SIM_STATE}, {"glue_temperature", TYPE_S16, SIM_GLUE},
        {"energy_total", TYPE_F32, SIM_ENERGY}, {"running", TYPE_BOOL, SIM_RUNNING},
        {"door_open", TYPE_BOOL, SIM_TOGGLE},   {"good", TYPE_STRING, SIM_JOB},
        {"register_7", TYPE_U16, SIM_WAVE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tag tag = make_tag(rows[i].name, rows[i].type);
        assert_int_equal(sim_kind_of(&tag), rows[i].kind);
    }
}

static void test_sim_raw_undoes_scale_and_offset(void **state)
{
    (void)state;
    struct tag tag = make_tag("glue_temp", TYPE_S16);
    tag.scale = (struct decimal){1, 1};
    tag.offset = (struct decimal){-40, 0};
    assert_true(sim_raw(SIM_GLUE, &tag, 168.3) == 2083);
}

static void test_sim_raw_of_what_does_not_fit_is_shown_in_tens(void **state)
{
    (void)state;
    struct tag tag = make_tag("speed", TYPE_U16);
    tag.scale = (struct decimal){1, 1};
    assert_true(sim_raw(SIM_SPEED, &tag, 12000) == 12000);
    assert_true(sim_raw(SIM_SPEED, &tag, 6000) == 60000);
}

static void test_sim_counter_wraps_as_its_type_does(void **state)
{
    (void)state;
    struct tag tag = make_tag("count", TYPE_U16);
    uint16_t word = 0;
    encode_tag(&tag, sim_raw(SIM_GROSS, &tag, 65536 + 5), &word);
    assert_int_equal(word, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_counters_never_fall),
        cmocka_unit_test(test_sim_gross_is_good_plus_waste),
        cmocka_unit_test(test_sim_machine_counts_only_in_production),
        cmocka_unit_test(test_sim_rate_is_a_binders),
        cmocka_unit_test(test_sim_same_time_and_seed_give_the_same),
        cmocka_unit_test(test_sim_kind_goes_by_name_and_type),
        cmocka_unit_test(test_sim_raw_undoes_scale_and_offset),
        cmocka_unit_test(test_sim_raw_of_what_does_not_fit_is_shown_in_tens),
        cmocka_unit_test(test_sim_counter_wraps_as_its_type_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
