#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"
#include "value.h"

enum { RANDOM_ROUNDS = 100000 };

static uint64_t random_state = 0x9E3779B97F4A7C15;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void assert_json(struct value value, const char *expected)
{
    struct text out = {0};

    value_to_json(&value, &out);
    assert_string_equal(out.data, expected);
    text_free(&out);
}

static void assert_decimal_json(int64_t mantissa, uint8_t decimals, const char *expected)
{
    assert_json((struct value){.kind = VALUE_DECIMAL, .decimals = decimals, .mantissa = mantissa},
                expected);
}

static void assert_real32_json(float real, const char *expected)
{
    assert_json((struct value){.kind = VALUE_REAL32, .real32 = real}, expected);
}

static void assert_real64_json(double real, const char *expected)
{
    assert_json((struct value){.kind = VALUE_REAL64, .real64 = real}, expected);
}

static void test_value_writes_decimals_exactly(void **state)
{
    (void)state;
    assert_decimal_json(0, 0, "0");
    assert_decimal_json(563, 1, "56.3");
    assert_decimal_json(560, 1, "56.0");
    assert_decimal_json(-5, 1, "-0.5");
    assert_decimal_json(5, 3, "0.005");
    assert_decimal_json(0, 2, "0.00");
    assert_decimal_json(120034, 0, "120034");
    assert_decimal_json(INT64_MAX, 0, "9223372036854775807");
    assert_decimal_json(INT64_MIN, 0, "-9223372036854775808");
    assert_decimal_json(INT64_MIN, 15, "-9223.372036854775808");
    assert_decimal_json(-1, 15, "-0.000000000000001");
}

/* A whole number of about so many digits. */
static uint64_t random_whole(int digits)
{
    uint64_t limit = 1;
    for (int i = 0; i < digits && i < 19; i++)
        limit *= 10;
    return digits > 19 ? next_random() : next_random() % limit;
}

static void assert_as_printf_writes(uint64_t number)
{
    char expected[32];
    snprintf(expected, sizeof(expected), "%" PRIu64, number);
    assert_json((struct value){.kind = VALUE_UNSIGNED, .whole = number}, expected);
    if (number <= INT64_MAX)
        assert_decimal_json((int64_t)number, 0, expected);
}

static void test_value_writes_whole_numbers_as_printf_does(void **state)
{
    (void)state;
    for (uint64_t number = 0; number <= 100100; number++)
        assert_as_printf_writes(number);
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        assert_as_printf_writes(power * 10 - 1);
        assert_as_printf_writes(power * 10);
    }
    for (int i = 0; i < 200000; i++)
        assert_as_printf_writes(random_whole(1 + i % 20));
    assert_as_printf_writes(UINT64_MAX);
}

static void test_value_writes_each_kind_as_json(void **state)
{
    (void)state;
    assert_json((struct value){.kind = VALUE_NONE}, "null");
    assert_json((struct value){.kind = VALUE_BOOL, .boolean = true}, "true");
    assert_json((struct value){.kind = VALUE_BOOL, .boolean = false}, "false");
    assert_json((struct value){.kind = VALUE_UNSIGNED, .whole = UINT64_MAX},
                "18446744073709551615");
    assert_json((struct value){.kind = VALUE_TEXT, .length = 3, .text = "a\"bc"}, "\"a\\\"b\"");
    assert_json((struct value){.kind = VALUE_TEXT}, "\"\"");
}

static void test_value_writes_real32_with_the_fewest_digits(void **state)
{
    (void)state;
    assert_real32_json(0.0F, "0");
    assert_real32_json(-0.0F, "-0");
    assert_real32_json(0.1F, "0.1");
    assert_real32_json(-23.45F, "-23.45");
    assert_real32_json(5600.5F, "5600.5");
    assert_real32_json(100000.0F, "100000");
    assert_real32_json(16777215.0F, "16777215");
    assert_real32_json(16777216.0F, "16777216");
    assert_real32_json(1e20F, "1e+20");
    assert_real32_json(1.5e-8F, "0.000000015");
    assert_real32_json(1e-30F, "1e-30");
    assert_real32_json(3.4028235e38F, "3.4028235e+38");
    assert_real32_json(1e-45F, "1e-45");
}

static void test_value_writes_real64_with_the_fewest_digits(void **state)
{
    (void)state;
    assert_real64_json(0.0, "0");
    assert_real64_json(0.1, "0.1");
    assert_real64_json(-56.3, "-56.3");
    assert_real64_json(0.1 + 0.2, "0.30000000000000004");
    assert_real64_json(9007199254740991.0, "9007199254740991");
    assert_real64_json(1e300, "1e+300");
    assert_real64_json(5e-324, "5e-324");
    assert_real64_json(1.7976931348623157e308, "1.7976931348623157e+308");
}

static void test_value_writes_null_for_what_json_has_no_number_for(void **state)
{
    (void)state;
    assert_real32_json(INFINITY, "null");
    assert_real32_json(NAN, "null");
    assert_real64_json(-(double)INFINITY, "null");
    assert_real64_json((double)NAN, "null");
}

/* Without the zeros at both ends: those say where the point is. */
static int significant_digits(const char *number)
{
    int count = 0, zeros = 0;

    for (; *number && *number != 'e'; number++) {
        if (!isdigit((unsigned char)*number))
            continue;
        if (*number == '0') {
            zeros++;
            continue;
        }
        count += count > 0 ? zeros + 1 : 1;
        zeros = 0;
    }
    return count;
}

static void assert_shortest(double number, bool single)
{
    struct text out = {0};
    struct value value = {.kind = single ? VALUE_REAL32 : VALUE_REAL64};
    char fewest[320];
    int digits = 1;

    if (single)
        value.real32 = (float)number;
    else
        value.real64 = number;
    value_to_json(&value, &out);
    assert_true(single ? strtof(out.data, NULL) == (float)number
                       : strtod(out.data, NULL) == number);
    do
        snprintf(fewest, sizeof(fewest), "%.*g", digits++, number);
    while (single ? strtof(fewest, NULL) != (float)number : strtod(fewest, NULL) != number);
    if (significant_digits(out.data) > significant_digits(fewest))
        fail_msg("%s is longer than %s", out.data, fewest);
    text_free(&out);
}

static void test_value_reads_back_any_real32_from_the_fewest_digits(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        uint32_t bits = (uint32_t)next_random();
        float any;

        memcpy(&any, &bits, sizeof(any));
        if (isfinite(any))
            assert_shortest((double)any, true);
        assert_shortest((double)((float)(int32_t)bits / 65536.0F), true);
        assert_shortest((double)((float)(bits % 2000000) / 100.0F), true);
    }
}

static void test_value_reads_back_any_real64_from_the_fewest_digits(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_ROUNDS / 10; i++) {
        uint64_t bits = next_random();
        double any;

        memcpy(&any, &bits, sizeof(any));
        if (isfinite(any))
            assert_shortest(any, false);
        assert_shortest((double)(int64_t)bits / 1e14, false);
        assert_shortest((double)(bits % 100000000) / 1000.0, false);
    }
}

static void test_value_equal_compares_kind_and_content(void **state)
{
    struct value whole = {.kind = VALUE_DECIMAL, .mantissa = 56};
    struct value same = {.kind = VALUE_DECIMAL, .mantissa = 56};
    struct value tenths = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = 56};
    struct value real = {.kind = VALUE_REAL64, .real64 = 56};
    struct value text = {.kind = VALUE_TEXT, .length = 2, .text = "ab"};
    struct value longer = {.kind = VALUE_TEXT, .length = 3, .text = "abc"};
    struct value other = {.kind = VALUE_TEXT, .length = 2, .text = "ac"};
    char copy[] = "abx";
    struct value copied = {.kind = VALUE_TEXT, .length = 2, .text = copy};

    (void)state;
    assert_true(value_equal(&whole, &same));
    assert_false(value_equal(&whole, &tenths));
    assert_false(value_equal(&whole, &real));
    assert_true(value_equal(&text, &copied));
    assert_false(value_equal(&text, &longer));
    assert_false(value_equal(&text, &other));
    assert_true(value_equal(&(struct value){0}, &(struct value){0}));
}

static void test_value_number_is_for_comparing(void **state)
{
    struct value decimal = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = -563};
    struct value whole = {.kind = VALUE_UNSIGNED, .whole = UINT64_C(1) << 63};
    struct value real = {.kind = VALUE_REAL32, .real32 = 0.5F};
    struct value text = {.kind = VALUE_TEXT, .length = 1, .text = "7"};
    struct value yes = {.kind = VALUE_BOOL, .boolean = true};

    (void)state;
    assert_true(value_number(&decimal) == -56.3);
    assert_true(value_number(&whole) == 9223372036854775808.0);
    assert_true(value_number(&real) == 0.5);
    assert_true(value_number(&text) == 0);
    assert_true(value_number(&yes) == 1);
}

static void test_sample_tells_why_it_is_bad(void **state)
{
    struct sample timeout = {.quality = QUALITY_TIMEOUT};
    struct sample refused = {.quality = QUALITY_EXCEPTION, .exception = 2};
    struct text out = {0};

    (void)state;
    sample_bad_to_text(&timeout, &out);
    assert_string_equal(out.data, "timeout");
    text_clear(&out);
    sample_bad_to_text(&refused, &out);
    assert_string_equal(out.data, "exception:2");
    text_free(&out);
}

static void test_names_are_those_on_the_wire(void **state)
{
    (void)state;
    assert_string_equal(quality_name(QUALITY_GOOD), "good");
    assert_string_equal(quality_name(QUALITY_FRAME), "frame");
    assert_string_equal(quality_name(QUALITY_RANGE), "range");
    assert_string_equal(quality_name(QUALITY_LINK), "link");
    assert_string_equal(gap_why_name(GAP_STORE_FULL), "store full");
    assert_string_equal(gap_why_name(GAP_MEMORY_FULL), "memory full");
    assert_string_equal(gap_why_name(GAP_UNCLEAN_STOP), "unclean stop");
    assert_string_equal(gap_why_name(GAP_REFUSED), "refused by the broker");
    assert_string_equal(gap_why_name(GAP_DAMAGED), "damaged in the store");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_writes_decimals_exactly),
        cmocka_unit_test(test_value_writes_whole_numbers_as_printf_does),
        cmocka_unit_test(test_value_writes_each_kind_as_json),
        cmocka_unit_test(test_value_writes_real32_with_the_fewest_digits),
        cmocka_unit_test(test_value_writes_real64_with_the_fewest_digits),
        cmocka_unit_test(test_value_writes_null_for_what_json_has_no_number_for),
        cmocka_unit_test(test_value_reads_back_any_real32_from_the_fewest_digits),
        cmocka_unit_test(test_value_reads_back_any_real64_from_the_fewest_digits),
        cmocka_unit_test(test_value_equal_compares_kind_and_content),
        cmocka_unit_test(test_value_number_is_for_comparing),
        cmocka_unit_test(test_sample_tells_why_it_is_bad),
        cmocka_unit_test(test_names_are_those_on_the_wire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
