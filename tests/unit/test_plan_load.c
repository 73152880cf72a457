#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "plan_load.h"

static const struct span ten_words = {.function = 3, .count = 10, .every_ms = 500};

static struct link serial_link(uint32_t baud, char parity)
{
    return (struct link){.driver = DRIVER_MODBUS_RTU,
                         .device = "/dev/ttyUSB0",
                         .baud = baud,
                         .data_bits = 8,
                         .parity = parity,
                         .stop_bits = 1};
}

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-6);
}

static void test_plan_load_counts_characters_silences_and_turnaround(void **state)
{
    (void)state;
    struct link link = serial_link(9600, 'N');
    /* 8 asked, 5 + 20 answered, 7 of silence, ten bits each */
    assert_near(span_busy_ms(&link, &ten_words), (33 + 7) * 10 / 9.6 + NOMINAL_TURNAROUND_MS);
    link.pause_ms = 20;
    assert_near(span_busy_ms(&link, &ten_words), 40 * 10 / 9.6 + NOMINAL_TURNAROUND_MS + 20);
}

static void test_plan_load_parity_adds_a_bit(void **state)
{
    (void)state;
    struct link link = serial_link(9600, 'E');
    assert_near(span_busy_ms(&link, &ten_words), 40 * 11 / 9.6 + NOMINAL_TURNAROUND_MS);
}

static void test_plan_load_silence_is_fixed_above_19200_baud(void **state)
{
    (void)state;
    struct link link = serial_link(115200, 'N');
    assert_near(span_busy_ms(&link, &ten_words),
                33 * 10 / 115.2 + 2 * 1.75 + NOMINAL_TURNAROUND_MS);
}

static void test_plan_load_packs_eight_bits_a_character(void **state)
{
    (void)state;
    struct link link = serial_link(9600, 'N');
    const struct span bits = {.function = 1, .count = 9, .every_ms = 1000};
    assert_near(span_busy_ms(&link, &bits), (8 + 5 + 2 + 7) * 10 / 9.6 + NOMINAL_TURNAROUND_MS);
}

static void test_plan_load_adds_up_over_machines(void **state)
{
    (void)state;
    struct link link = serial_link(9600, 'N');
    struct span spans[] = {ten_words, ten_words};
    const struct modbus_plan plan = {.spans = spans, .span_count = 2};
    struct link_load load = {0};
    link_load_add(&load, &link, &plan);
    link_load_add(&load, &link, &plan);
    double request_ms = span_busy_ms(&link, &ten_words);
    assert_near(load.requests_per_s, 8);
    assert_near(load.busy, 8 * request_ms / 1000);
    assert_near(load.idle_share, 1 - 33 * 10 / 9.6 / request_ms);
}

static void test_plan_load_over_tcp_is_requests_in_flight(void **state)
{
    (void)state;
    const struct link link = {.driver = DRIVER_MODBUS_TCP, .host = "h", .port = 502};
    struct span spans[] = {ten_words};
    const struct modbus_plan plan = {.spans = spans, .span_count = 1};
    struct link_load load = {0};
    link_load_add(&load, &link, &plan);
    assert_near(load.busy, 2 * NOMINAL_TURNAROUND_MS / 1000.0);
}

static void test_plan_load_assumes_a_speed_behind_a_serial_server(void **state)
{
    (void)state;
    const struct link link = {.driver = DRIVER_MODBUS_RTU_TCP, .host = "h", .port = 502};
    struct line_speed speed = line_speed_of(&link);
    assert_true(speed.assumed);
    assert_int_equal(speed.baud, 9600);
}

static void test_plan_load_takes_two_characters_a_byte_in_ascii_and_no_silence(void **state)
{
    (void)state;
    struct link link = serial_link(9600, 'E');
    link.driver = DRIVER_MODBUS_ASCII;
    link.data_bits = 7;
    /* 3 + 2 x (6 + 1) asked, 3 + 2 x (3 + 20 + 1) answered, ten bits each */
    assert_near(span_busy_ms(&link, &ten_words), (17 + 51) * 10 / 9.6 + NOMINAL_TURNAROUND_MS);
}

static void test_plan_load_of_a_link_is_that_of_its_machines(void **state)
{
    (void)state;
    struct link link = serial_link(9600, 'N');
    struct tag tag = {.area = AREA_HOLDING, .bit = -1, .type = TYPE_U16, .every_ms = 100};
    struct machine machine = {.link = &link, .tags = &tag, .tag_count = 1};
    const struct machine *machines[] = {&machine, &machine, &machine};
    const struct span word = {.function = 3, .count = 1, .every_ms = 100};
    static const enum load_strain strains[] = {LOAD_EASY, LOAD_EASY, LOAD_HIGH, LOAD_OVER};
    link.max_registers = 125;
    link.pause_ms = 15;
    link.machines = machines;
    for (size_t count = 0; count <= 3; count++) {
        link.machine_count = count;
        struct link_load load = link_load_of(&link);
        assert_near(load.busy, (double)count * span_busy_ms(&link, &word) / 100);
        assert_int_equal(link_load_strain(&load), strains[count]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_load_counts_characters_silences_and_turnaround),
        cmocka_unit_test(test_plan_load_parity_adds_a_bit),
        cmocka_unit_test(test_plan_load_silence_is_fixed_above_19200_baud),
        cmocka_unit_test(test_plan_load_packs_eight_bits_a_character),
        cmocka_unit_test(test_plan_load_adds_up_over_machines),
        cmocka_unit_test(test_plan_load_over_tcp_is_requests_in_flight),
        cmocka_unit_test(test_plan_load_takes_two_characters_a_byte_in_ascii_and_no_silence),
        cmocka_unit_test(test_plan_load_of_a_link_is_that_of_its_machines),
        cmocka_unit_test(test_plan_load_assumes_a_speed_behind_a_serial_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
