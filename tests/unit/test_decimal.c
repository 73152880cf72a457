#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "value.h"

static void assert_parses(const char *text, int64_t mantissa, uint8_t decimals)
{
    struct decimal decimal = {-1, 99};

    assert_int_equal(decimal_parse(text, &decimal), 0);
    assert_int_equal(decimal.mantissa, mantissa);
    assert_int_equal(decimal.decimals, decimals);
}

static void assert_refused(const char *text)
{
    struct decimal decimal = {77, 7};

    assert_int_equal(decimal_parse(text, &decimal), -EINVAL);
    assert_int_equal(decimal.mantissa, 77);
    assert_int_equal(decimal.decimals, 7);
}

static void test_decimal_parse_reads_numbers_exactly(void **state)
{
    (void)state;
    assert_parses("0", 0, 0);
    assert_parses("-0", 0, 0);
    assert_parses("1", 1, 0);
    assert_parses("+7", 7, 0);
    assert_parses("-12.5", -125, 1);
    assert_parses("0.1", 1, 1);
    assert_parses("-0.05", -5, 2);
    assert_parses("007", 7, 0);
    assert_parses("999999999999999999", 999999999999999999, 0);
    assert_parses("-123.456789012345678", -123456789012345678, 15);
}

static void test_decimal_parse_drops_trailing_zeros_behind_the_point(void **state)
{
    (void)state;
    assert_parses("-12.50", -125, 1);
    assert_parses("100", 100, 0);
    assert_parses("100.00", 100, 0);
    assert_parses("0.000", 0, 0);
    assert_parses("0.10", 1, 1);
}

static void test_decimal_parse_refuses_what_is_no_plain_number(void **state)
{
    static const char *const refused[] = {
        "",   "-",   "+",   ".",   ".5",  "5.",  "-.5", "1e5",   " 1",
        "1 ", "1,5", "--1", "+-1", "0x1", "nan", "inf", "1.2.3", "１",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_refused(refused[i]);
}

static void test_decimal_parse_refuses_more_digits_than_it_keeps(void **state)
{
    (void)state;
    assert_refused("1000000000000000000");
    assert_refused("0000000000000000001");
    assert_refused("1234.567890123456789");
    assert_refused("0.1234567890123456");
    assert_refused("0.1000000000000000");
    assert_refused("99999999999999999999999999999999999999999999.99999999999999999999999");
}

static void test_decimal_number_is_the_nearest_double(void **state)
{
    (void)state;
    assert_true(decimal_number((struct decimal){563, 1}) == 56.3);
    assert_true(decimal_number((struct decimal){-5, 1}) == -0.5);
    assert_true(decimal_number((struct decimal){1, 15}) == 1e-15);
    assert_true(decimal_number((struct decimal){0, 4}) == 0);
}

static void assert_scales(int64_t raw, struct decimal scale, struct decimal offset,
                          int64_t mantissa, uint8_t decimals)
{
    struct value value;

    assert_int_equal(decimal_scale(raw, scale, offset, &value), 0);
    assert_int_equal(value.kind, VALUE_DECIMAL);
    assert_int_equal(value.mantissa, mantissa);
    assert_int_equal(value.decimals, decimals);
}

static void assert_out_of_range(int64_t raw, struct decimal scale, struct decimal offset)
{
    struct value value = {.kind = VALUE_BOOL, .decimals = 3, .boolean = true};

    assert_int_equal(decimal_scale(raw, scale, offset, &value), -ERANGE);
    assert_int_equal(value.kind, VALUE_BOOL);
    assert_int_equal(value.decimals, 3);
    assert_true(value.boolean);
}

static const struct decimal one = {1, 0}, zero = {0, 0};

static void test_decimal_scale_keeps_the_decimals_of_the_scale(void **state)
{
    (void)state;
    assert_scales(563, (struct decimal){1, 1}, zero, 563, 1);
    assert_scales(560, (struct decimal){1, 1}, zero, 560, 1);
    assert_scales(-5, (struct decimal){1, 1}, zero, -5, 1);
    assert_scales(4, (struct decimal){25, 2}, zero, 100, 2);
    assert_scales(7, one, zero, 7, 0);
}

static void test_decimal_scale_adds_the_offset_at_the_larger_decimals(void **state)
{
    (void)state;
    assert_scales(100, (struct decimal){1, 1}, (struct decimal){-40, 0}, -300, 1);
    assert_scales(100, one, (struct decimal){5, 1}, 1005, 1);
    assert_scales(100, (struct decimal){125, 3}, (struct decimal){25, 2}, 12750, 3);
    assert_scales(-3, (struct decimal){2, 0}, (struct decimal){1, 15}, -5999999999999999, 15);
}

static void test_decimal_scale_takes_the_whole_range_of_raw_values(void **state)
{
    (void)state;
    assert_scales(INT64_MAX, one, zero, INT64_MAX, 0);
    assert_scales(INT64_MIN, one, zero, INT64_MIN, 0);
    assert_scales(INT64_MIN, (struct decimal){-1, 0}, (struct decimal){-1, 0}, INT64_MAX, 0);
    assert_scales(INT64_MAX, (struct decimal){1, 15}, zero, INT64_MAX, 15);
}

static void test_decimal_scale_refuses_what_does_not_fit(void **state)
{
    (void)state;
    assert_out_of_range(INT64_MAX, one, one);
    assert_out_of_range(INT64_MIN, one, (struct decimal){-1, 0});
    assert_out_of_range(INT64_MIN, (struct decimal){-1, 0}, zero);
    assert_out_of_range(INT64_MAX, one, (struct decimal){1, 1});
    assert_out_of_range(INT64_MAX, (struct decimal){999999999999999999, 0},
                        (struct decimal){1, 15});
    assert_out_of_range(INT64_MIN, (struct decimal){INT64_MIN, 0}, (struct decimal){1, 15});
    assert_out_of_range(0, (struct decimal){1, 15}, (struct decimal){INT64_MAX, 0});
    assert_out_of_range(INT64_MIN, (struct decimal){INT64_MAX, 15}, (struct decimal){INT64_MIN, 0});
}

static void test_decimal_unscale_finds_the_raw_value_or_none(void **state)
{
    const struct decimal tenth = {1, 1};
    int64_t raw = 99;

    (void)state;
    assert_int_equal(decimal_unscale((struct decimal){125, 1}, tenth, &raw), 0);
    assert_int_equal(raw, 125);
    assert_int_equal(decimal_unscale((struct decimal){12, 0}, tenth, &raw), 0);
    assert_int_equal(raw, 120);
    assert_int_equal(decimal_unscale((struct decimal){-300, 0}, (struct decimal){100, 0}, &raw), 0);
    assert_int_equal(raw, -3);
    assert_int_equal(decimal_unscale((struct decimal){INT64_MIN, 0}, one, &raw), 0);
    assert_true(raw == INT64_MIN);
    raw = 99;
    assert_int_equal(decimal_unscale((struct decimal){1255, 2}, tenth, &raw), -ERANGE);
    assert_int_equal(decimal_unscale((struct decimal){5, 0}, zero, &raw), -ERANGE);
    assert_int_equal(decimal_unscale((struct decimal){INT64_MAX, 0}, tenth, &raw), -ERANGE);
    assert_int_equal(decimal_unscale((struct decimal){INT64_MIN, 0}, (struct decimal){-1, 0}, &raw),
                     -ERANGE);
    assert_int_equal(raw, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_parse_reads_numbers_exactly),
        cmocka_unit_test(test_decimal_parse_drops_trailing_zeros_behind_the_point),
        cmocka_unit_test(test_decimal_parse_refuses_what_is_no_plain_number),
        cmocka_unit_test(test_decimal_parse_refuses_more_digits_than_it_keeps),
        cmocka_unit_test(test_decimal_number_is_the_nearest_double),
        cmocka_unit_test(test_decimal_scale_keeps_the_decimals_of_the_scale),
        cmocka_unit_test(test_decimal_scale_adds_the_offset_at_the_larger_decimals),
        cmocka_unit_test(test_decimal_scale_takes_the_whole_range_of_raw_values),
        cmocka_unit_test(test_decimal_scale_refuses_what_does_not_fit),
        cmocka_unit_test(test_decimal_unscale_finds_the_raw_value_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
