#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scan_port.h"
#include "scan_units.h"

static void test_scan_takes_lists_and_ranges(void **state)
{
    bool units[SCAN_UNITS];
    int count = 0;

    (void)state;
    assert_int_equal(scan_units_parse("1-3,7,247", 1, 247, units), 0);
    for (int unit = 0; unit < SCAN_UNITS; unit++)
        count += units[unit];
    assert_int_equal(count, 5);
    assert_true(units[1] && units[2] && units[3] && units[7] && units[247]);
}

static void test_scan_refuses_other_lists(void **state)
{
    static const char *const refused[] = {"",     "0",   "248", "3-1",   "1-",   "-3",   "1,,2",
                                          "1,2,", "1 2", "a",   "1-2-3", "1000", "0001", "1-248"};
    bool units[SCAN_UNITS];

    (void)state;
    memset(units, true, sizeof units);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(scan_units_parse(refused[i], 1, 247, units), -EINVAL);
    assert_true(units[0] && units[255]);
}

static void test_scan_tries_the_likeliest_port_first_and_each_once(void **state)
{
    const struct modbus_place any = {0};
    size_t count = scan_port_count(&any);
    struct link links[64];

    (void)state;
    assert_in_range(count, 10, 64);
    for (size_t i = 0; i < count; i++) {
        links[i] = (struct link){.name = "l"};
        scan_port_use(&any, i, &links[i]);
        assert_true(links[i].data_bits == 8 || links[i].driver == DRIVER_MODBUS_ASCII);
        for (size_t j = 0; j < i; j++)
            assert_false(link_equal(&links[i], &links[j]));
    }
    assert_int_equal(links[0].baud, 9600);
    assert_int_equal(links[0].parity, 'N');
    assert_int_equal(links[0].driver, DRIVER_MODBUS_RTU);
}

static void test_scan_keeps_to_what_was_given(void **state)
{
    const struct modbus_place rate = {.baud = 19200}, rtu = {.rtu = true},
                              ascii = {.ascii = true, .format = "7E1"},
                              rare = {.baud = 300, .format = "8O2"};
    struct link link = {.baud = 300, .data_bits = 8, .parity = 'O', .stop_bits = 2};

    (void)state;
    for (size_t i = 0; i < scan_port_count(&rate); i++) {
        struct link tried = {0};
        scan_port_use(&rate, i, &tried);
        assert_int_equal(tried.baud, 19200);
    }
    for (size_t i = 0; i < scan_port_count(&rtu); i++) {
        struct link tried = {0};
        scan_port_use(&rtu, i, &tried);
        assert_int_equal(tried.driver, DRIVER_MODBUS_RTU);
    }
    for (size_t i = 0; i < scan_port_count(&ascii); i++) {
        struct link tried = {0};
        scan_port_use(&ascii, i, &tried);
        assert_int_equal(tried.driver, DRIVER_MODBUS_ASCII);
        assert_int_equal(tried.data_bits, 7);
    }
    assert_int_equal(scan_port_count(&rare), 1);
    scan_port_use(&rare, 0, &link);
    assert_int_equal(link.baud, 300);
    assert_int_equal(link.parity, 'O');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_takes_lists_and_ranges),
        cmocka_unit_test(test_scan_refuses_other_lists),
        cmocka_unit_test(test_scan_tries_the_likeliest_port_first_and_each_once),
        cmocka_unit_test(test_scan_keeps_to_what_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
