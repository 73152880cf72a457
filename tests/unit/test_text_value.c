/* Pieces of lines to values: numbers as they are written, and nothing for what is no number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "text.h"
#include "text_value.h"

/* The value as JSON, or its quality's name. */
static const char *read_as(const struct tag *tag, const char *piece)
{
    static struct text out;
    char text[DECODE_TEXT_BYTES];
    struct sample sample = {0};

    text_clear(&out);
    text_value(tag, piece, strlen(piece), text, &sample);
    if (sample.quality == QUALITY_GOOD)
        value_to_json(&sample.value, &out);
    else
        text_add(&out, quality_name((enum quality)sample.quality));
    return out.data;
}

static const char *read(enum tag_type type, const char *piece)
{
    const struct tag tag = {
        .area = AREA_TEXT, .type = type, .string_bytes = 8, .scale = {.mantissa = 1}};

    return read_as(&tag, piece);
}

static void test_numbers_are_as_they_are_written(void **state)
{
    (void)state;
    assert_string_equal(read(TYPE_DECIMAL, "+0000.123"), "0.123");
    assert_string_equal(read(TYPE_DECIMAL, "-09.9999"), "-9.9999");
    assert_string_equal(read(TYPE_DECIMAL, "  12.5 "), "12.5");
    assert_string_equal(read(TYPE_DECIMAL, "-   0.500"), "-0.5");
    assert_string_equal(read(TYPE_DECIMAL, "+ 1.000"), "1");
    assert_string_equal(read(TYPE_DECIMAL, "12."), "12");
    assert_string_equal(read(TYPE_DECIMAL, "0"), "0");
    assert_string_equal(read(TYPE_DECIMAL, "-0.000"), "0");
    /* no double is this number */
    assert_string_equal(read(TYPE_DECIMAL, "123456789012345.678"), "123456789012345.678");
}

static void test_what_is_no_number_has_no_value(void **state)
{
    static const char *const pieces[] = {
        "",
        " ",
        "+",
        "-  ",
        "1 2",
        "1,5",
        "1.2.3",
        "12kg",
        "--1",
        "+-1",
        "0x10",
        "1e3",
        ".5",
        "nan",
        "0.1234567890123456",
        "1234567890123456789",
        "\t1",
        "1\r",
        "                                            1 1",
    };
    (void)state;

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        assert_string_equal(read(TYPE_DECIMAL, pieces[i]), "range");
}

static void test_whole_types_take_whole_numbers_in_their_range(void **state)
{
    (void)state;
    assert_string_equal(read(TYPE_U16, "065535"), "65535");
    assert_string_equal(read(TYPE_U16, "65536"), "range");
    assert_string_equal(read(TYPE_U16, "-1"), "range");
    assert_string_equal(read(TYPE_U32, "4294967295"), "4294967295");
    assert_string_equal(read(TYPE_U32, "4294967296"), "range");
    assert_string_equal(read(TYPE_S16, "-32768"), "-32768");
    assert_string_equal(read(TYPE_S32, "12.5"), "range");
    assert_string_equal(read(TYPE_S32, "12.0"), "12");
    assert_string_equal(read(TYPE_U64, "999999999999999999"), "999999999999999999");
}

static void test_scale_and_offset_are_exact(void **state)
{
    const struct tag tag = {.area = AREA_TEXT,
                            .type = TYPE_DECIMAL,
                            .scale = {.mantissa = 1, .decimals = 3},
                            .offset = {.mantissa = -1}};
    const struct tag fine = {
        .area = AREA_TEXT, .type = TYPE_DECIMAL, .scale = {.mantissa = 1, .decimals = 15}};
    (void)state;

    assert_string_equal(read_as(&tag, "+1234.5"), "0.2345");
    assert_string_equal(read_as(&fine, "1"), "0.000000000000001");
    assert_string_equal(read_as(&fine, "0.1"), "range");
}

static void test_strings_are_whole_or_none(void **state)
{
    (void)state;
    assert_string_equal(read(TYPE_STRING, "A-1 "), "\"A-1\"");
    assert_string_equal(read(TYPE_STRING, " A"), "\" A\"");
    assert_string_equal(read(TYPE_STRING, ""), "\"\"");
    assert_string_equal(read(TYPE_STRING, "12345678"), "\"12345678\"");
    assert_string_equal(read(TYPE_STRING, "123456789"), "range");
    assert_string_equal(read(TYPE_STRING, "\xe7\xba\xb8"), "\"\xe7\xba\xb8\"");
    assert_string_equal(read(TYPE_STRING, "\xe7\xba"), "range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_as_they_are_written),
        cmocka_unit_test(test_what_is_no_number_has_no_value),
        cmocka_unit_test(test_whole_types_take_whole_numbers_in_their_range),
        cmocka_unit_test(test_scale_and_offset_are_exact),
        cmocka_unit_test(test_strings_are_whole_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
