#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "decode.h"
#include "sim_plant.h"

enum { NOW_MS = 86400000, SEED = 5 };

static struct link link_of_all = {
    .name = "l", .driver = DRIVER_MODBUS_TCP, .max_registers = 125, .gap = 4};

static struct tag tag_at(const char *name, enum area area, uint16_t address, enum tag_type type)
{
    return (struct tag){.name = name,
                        .area = area,
                        .address = address,
                        .bit = -1,
                        .type = type,
                        .scale = {.mantissa = 1},
                        .every_ms = 1000};
}

/* 10-11 good, 14 speed; 15 is nobody's, 12-13 are read in vain; coil 3. */
static struct sim_bus make_bus(struct tag tags[3], struct machine *ret_machine)
{
    tags[0] = tag_at("good", AREA_HOLDING, 10, TYPE_U32);
    tags[1] = tag_at("speed", AREA_HOLDING, 14, TYPE_U16);
    tags[2] = tag_at("door", AREA_COIL, 3, TYPE_BOOL);
    *ret_machine = (struct machine){
        .name = "m", .link = &link_of_all, .unit = 2, .tags = tags, .tag_count = 3};
    struct sim_bus bus = {.link = &link_of_all};
    sim_bus_add(&bus, ret_machine, SEED);
    sim_bus_settle(&bus);
    return bus;
}

static size_t ask_at(const struct sim_bus *bus, uint8_t unit, uint8_t function, uint16_t start,
                     uint16_t count, int64_t time_ms, uint8_t pdu[MODBUS_MAX_PDU])
{
    const uint8_t request[] = {function, (uint8_t)(start >> 8), (uint8_t)start,
                               (uint8_t)(count >> 8), (uint8_t)count};
    const struct modbus_frame frame = {.unit = unit, .pdu = request, .pdu_length = 5};
    return sim_bus_answer(bus, &frame, time_ms, pdu);
}

static size_t ask(const struct sim_bus *bus, uint8_t unit, uint8_t function, uint16_t start,
                  uint16_t count, uint8_t pdu[MODBUS_MAX_PDU])
{
    return ask_at(bus, unit, function, start, count, NOW_MS, pdu);
}

static void test_sim_bus_answers_with_the_tags_values(void **state)
{
    (void)state;
    struct tag tags[3];
    struct machine machine;
    struct sim_bus bus = make_bus(tags, &machine);
    uint8_t pdu[MODBUS_MAX_PDU];
    uint16_t words[5];
    const struct span span = {.function = 3, .start = 10, .count = 5};
    size_t length = ask(&bus, 2, 3, 10, 5, pdu);
    assert_int_equal(modbus_answer(pdu, length, &span, words), 0);
    uint32_t good = (uint32_t)sim_value(SIM_GOOD, &tags[0], SEED, NOW_MS);
    assert_int_equal(words[0], good >> 16);
    assert_int_equal(words[1], good & 0xffff);
    assert_int_equal(words[2], 0);
    assert_int_equal(words[4], (uint16_t)sim_raw(SIM_SPEED, &tags[1],
                                                 sim_value(SIM_SPEED, &tags[1], SEED, NOW_MS)));
    sim_bus_free(&bus);
}

static void test_sim_bus_gives_half_a_value_where_half_is_asked(void **state)
{
    (void)state;
    struct tag tags[3];
    struct machine machine;
    struct sim_bus bus = make_bus(tags, &machine);
    uint8_t pdu[MODBUS_MAX_PDU];
    uint16_t word;
    const struct span span = {.function = 3, .start = 11, .count = 1};
    size_t length = ask(&bus, 2, 3, 11, 1, pdu);
    assert_int_equal(modbus_answer(pdu, length, &span, &word), 0);
    assert_int_equal(word, (uint32_t)sim_value(SIM_GOOD, &tags[0], SEED, NOW_MS) & 0xffff);
    sim_bus_free(&bus);
}

static void test_sim_bus_refuses_addresses_without_tags(void **state)
{
    (void)state;
    struct tag tags[3];
    struct machine machine;
    struct sim_bus bus = make_bus(tags, &machine);
    uint8_t pdu[MODBUS_MAX_PDU];
    static const struct {
        uint8_t function;
        uint16_t start, count;
    } rows[] = {{3, 9, 2}, {3, 14, 2}, {3, 0, 1}, {4, 10, 2}, {1, 3, 2}, {3, 65535, 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ask(&bus, 2, rows[i].function, rows[i].start, rows[i].count, pdu), 2);
        assert_int_equal(pdu[0], rows[i].function | 0x80);
        assert_int_equal(pdu[1], 2);
    }
    sim_bus_free(&bus);
}

static void test_sim_bus_is_silent_for_unknown_units(void **state)
{
    (void)state;
    struct tag tags[3];
    struct machine machine;
    struct sim_bus bus = make_bus(tags, &machine);
    uint8_t pdu[MODBUS_MAX_PDU];
    assert_int_equal(ask(&bus, 3, 3, 10, 5, pdu), 0);
    sim_bus_free(&bus);
}

static void test_sim_bus_refuses_other_functions(void **state)
{
    (void)state;
    struct tag tags[3];
    struct machine machine;
    struct sim_bus bus = make_bus(tags, &machine);
    uint8_t pdu[MODBUS_MAX_PDU];
    assert_int_equal(ask(&bus, 2, 6, 10, 5, pdu), 2);
    assert_int_equal(pdu[0], 0x86);
    assert_int_equal(pdu[1], 1);
    sim_bus_free(&bus);
}

static void test_sim_bus_joins_machines_of_one_unit(void **state)
{
    (void)state;
    struct tag tags[3], more[1];
    struct machine machine;
    struct sim_bus bus = make_bus(tags, &machine);
    more[0] = tag_at("waste", AREA_HOLDING, 15, TYPE_U16);
    const struct machine other = {
        .name = "n", .link = &link_of_all, .unit = 2, .tags = more, .tag_count = 1};
    sim_bus_add(&bus, &other, SEED);
    sim_bus_settle(&bus);
    uint8_t pdu[MODBUS_MAX_PDU];
    assert_int_equal(bus.unit_count, 1);
    assert_int_equal(ask(&bus, 2, 3, 10, 6, pdu), 2 + 12);
    sim_bus_free(&bus);
}

static void test_sim_bus_keeps_other_bits_of_a_word(void **state)
{
    (void)state;
    struct tag tags[2] = {tag_at("running", AREA_HOLDING, 1, TYPE_BOOL),
                          tag_at("state", AREA_HOLDING, 1, TYPE_U16)};
    tags[0].bit = 15;
    const struct machine machine = {
        .name = "m", .link = &link_of_all, .unit = 1, .tags = tags, .tag_count = 2};
    struct sim_bus bus = {.link = &link_of_all};
    sim_bus_add(&bus, &machine, SEED);
    sim_bus_settle(&bus);
    uint8_t pdu[MODBUS_MAX_PDU];
    const struct span span = {.function = 3, .start = 1, .count = 1};
    uint16_t word;
    size_t length = ask(&bus, 1, 3, 1, 1, pdu);
    assert_int_equal(modbus_answer(pdu, length, &span, &word), 0);
    int running = (int)sim_value(SIM_RUNNING, &tags[0], SEED, NOW_MS);
    int code = (int)sim_value(SIM_STATE, &tags[1], SEED, NOW_MS);
    assert_int_equal(word, code | running << 15);
    sim_bus_free(&bus);
}

static void test_sim_unit_is_silent_while_its_controller_starts_anew(void **state)
{
    (void)state;
    const struct tag_counter counter = {{.modulus = 65536, .multiplier = 1}, COUNTS_GOOD, false};
    const struct tag_detail detail = {.counter = &counter};
    struct tag counted = tag_at("good", AREA_HOLDING, 10, TYPE_U16);
    struct tag other = tag_at("speed", AREA_HOLDING, 10, TYPE_U16);
    struct machine machines[2] = {
        {.name = "m", .link = &link_of_all, .unit = 2, .tags = &counted, .tag_count = 1},
        {.name = "n", .link = &link_of_all, .unit = 3, .tags = &other, .tag_count = 1}};
    struct sim_bus bus = {.link = &link_of_all};
    uint8_t pdu[MODBUS_MAX_PDU];
    size_t silent = 0;

    counted.detail = &detail;
    sim_bus_add(&bus, &machines[0], SEED);
    sim_bus_add(&bus, &machines[1], SEED);
    sim_bus_settle(&bus);
    assert_int_equal(bus.tale_count, 1);
    for (int64_t ms = 0; ms < NOW_MS; ms += 5000) {
        bool restarts = sim_tale_told(bus.tales[0], ms).restarts;
        assert_int_equal(ask_at(&bus, 2, 3, 10, 1, ms, pdu) == 0, restarts);
        assert_true(ask_at(&bus, 3, 3, 10, 1, ms, pdu) > 0);
        silent += restarts;
    }
    assert_true(silent > 0);
    sim_bus_free(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_bus_answers_with_the_tags_values),
        cmocka_unit_test(test_sim_bus_gives_half_a_value_where_half_is_asked),
        cmocka_unit_test(test_sim_bus_refuses_addresses_without_tags),
        cmocka_unit_test(test_sim_bus_is_silent_for_unknown_units),
        cmocka_unit_test(test_sim_bus_refuses_other_functions),
        cmocka_unit_test(test_sim_bus_joins_machines_of_one_unit),
        cmocka_unit_test(test_sim_bus_keeps_other_bits_of_a_word),
        cmocka_unit_test(test_sim_unit_is_silent_while_its_controller_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
