#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "text.h"
#include "write_value.h"

static struct tag tag_of(enum tag_type type, uint8_t order, const char *scale)
{
    struct tag tag = {.area = AREA_HOLDING,
                      .bit = -1,
                      .type = type,
                      .order = order,
                      .string_bytes = 7,
                      .scale = {.mantissa = 1}};
    assert_int_equal(decimal_parse(scale, &tag.scale), 0);
    return tag;
}

static void test_write_what_is_written_reads_the_same(void **state)
{
    static const struct {
        enum tag_type type;
        const char *scale, *value;
    } cases[] = {
        {TYPE_U16, "1", "65535"},
        {TYPE_U16, "0.1", "6553.5"},
        {TYPE_U16, "10", "120"},
        {TYPE_S16, "1", "-32768"},
        {TYPE_S16, "0.01", "-327.68"},
        {TYPE_U32, "1", "4294967295"},
        {TYPE_S32, "0.001", "-2147483.648"},
        {TYPE_U64, "1", "9007199254740993"}, /* no double holds this */
        {TYPE_U64, "1", "18446744073709551615"},
        {TYPE_S64, "1", "-9007199254740993"},
        {TYPE_F32, "1", "12.5"},
        {TYPE_F32, "0.1", "12.5"},
        {TYPE_F64, "1", "-0.1"},
        {TYPE_BCD16, "1", "9876"},
        {TYPE_BCD32, "0.1", "1234567.8"},
        {TYPE_BOOL, "1", "true"},
        {TYPE_STRING, "1", "\"Kleber\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint8_t order = 0; order < 4; order++) {
            struct tag tag = tag_of(cases[i].type, order, cases[i].scale);
            uint16_t words[8] = {0};
            const char *expected = NULL;
            char given[32] = {0}, text[DECODE_TEXT_BYTES];
            struct sample sample;
            struct text shown = {0};
            bool quoted = cases[i].type == TYPE_STRING;
            memcpy(given, cases[i].value + quoted, strlen(cases[i].value) - 2 * quoted);
            assert_int_equal(write_value(&tag, given, words, &expected), 0);
            decode_tag(&tag, words, text, &sample);
            assert_int_equal(sample.quality, QUALITY_GOOD);
            value_to_json(&sample.value, &shown);
            assert_string_equal(shown.data, cases[i].value);
            text_free(&shown);
        }
}

static void test_write_refuses_what_the_type_can_not_hold(void **state)
{
    static const struct {
        enum tag_type type;
        const char *scale, *value;
    } cases[] = {
        {TYPE_U16, "1", "65536"},
        {TYPE_U16, "1", "-1"},
        {TYPE_U16, "1", "1.5"},
        {TYPE_U16, "0.1", "1.55"},
        {TYPE_U16, "10", "125"},
        {TYPE_U16, "0.1", "6553.6"},
        {TYPE_S16, "1", "32768"},
        {TYPE_S32, "1", "-2147483649"},
        {TYPE_U64, "1", "-1"},
        {TYPE_U64, "1", "18446744073709551616"},
        {TYPE_U64, "1", ""},
        {TYPE_S64, "1", "9223372036854775808"},
        {TYPE_BCD16, "1", "10000"},
        {TYPE_BCD32, "1", "-1"},
        {TYPE_F32, "1", "1e39"},
        {TYPE_F32, "1", "nan"},
        {TYPE_F64, "1", "inf"},
        {TYPE_F64, "1", "1.5x"},
        {TYPE_F64, "1", ""},
        {TYPE_BOOL, "1", "2"},
        {TYPE_STRING, "1", "12345678"},
        {TYPE_U16, "1", "0x10"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tag tag = tag_of(cases[i].type, 0, cases[i].scale);
        uint16_t words[8] = {7, 7, 7, 7, 7, 7, 7, 7};
        const char *expected = NULL;
        assert_int_equal(write_value(&tag, cases[i].value, words, &expected), -EINVAL);
        assert_non_null(expected);
        assert_int_equal(words[0], 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_what_is_written_reads_the_same),
        cmocka_unit_test(test_write_refuses_what_the_type_can_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
