#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

enum { MOST_WORDS = 125 };

static char text[DECODE_TEXT_BYTES];

static struct sample decode(const struct tag *tag, const uint16_t *words)
{
    struct sample sample = {0};

    memset(text, '?', sizeof text);
    decode_tag(tag, words, text, &sample);
    return sample;
}

static void assert_text(const struct tag *tag, const uint16_t *words, const char *expected)
{
    struct sample sample = decode(tag, words);

    assert_int_equal(sample.quality, QUALITY_GOOD);
    assert_int_equal(sample.value.kind, VALUE_TEXT);
    assert_int_equal(sample.value.length, strlen(expected));
    assert_ptr_equal(sample.value.text, text);
    assert_memory_equal(text, expected, strlen(expected));
}

static struct tag string_tag(uint16_t bytes)
{
    return (struct tag){
        .name = "t",
        .area = AREA_HOLDING,
        .bit = -1,
        .type = TYPE_STRING,
        .string_bytes = bytes,
        .scale = {1, 0},
    };
}

static void test_decode_reads_strings_in_either_byte_order(void **state)
{
    struct tag tag = string_tag(5);
    const uint16_t straight[] = {0x4a4f, 0x422d, 0x3758}; /* the X lies outside */
    const uint16_t swapped[] = {0x4f4a, 0x2d42, 0x5837};

    (void)state;
    assert_text(&tag, straight, "JOB-7");
    tag.order = ORDER_SWAP_WORDS;
    assert_text(&tag, straight, "JOB-7");
    tag.order = ORDER_SWAP_BYTES;
    assert_text(&tag, swapped, "JOB-7");
    tag.order = ORDER_SWAP_BYTES | ORDER_SWAP_WORDS;
    assert_text(&tag, swapped, "JOB-7");
}

static void test_decode_cuts_strings_at_zero_and_drops_trailing_blanks(void **state)
{
    struct tag tag = string_tag(6);

    (void)state;
    assert_text(&tag, (uint16_t[]){0x4100, 0xffff, 0xffff}, "A");
    assert_text(&tag, (uint16_t[]){0x2041, 0x2020, 0x2020}, " A");
    assert_text(&tag, (uint16_t[]){0x4120, 0x2000, 0x4242}, "A");
    assert_text(&tag, (uint16_t[]){0x0041, 0x4242, 0x4242}, "");
    assert_text(&tag, (uint16_t[]){0x2020, 0x2020, 0x2020}, "");
}

static void test_decode_takes_a_string_of_the_whole_width(void **state)
{
    struct tag tag = string_tag(250);
    uint16_t words[MOST_WORDS];
    char expected[251] = {0};

    (void)state;
    for (size_t i = 0; i < MOST_WORDS; i++)
        words[i] = 0x7878;
    memset(expected, 'x', 250);
    assert_text(&tag, words, expected);
}

static struct sample decode_bytes(const char *bytes)
{
    uint16_t words[4] = {0};
    struct tag tag = string_tag((uint16_t)strlen(bytes));

    for (size_t i = 0; bytes[i] != '\0'; i++)
        words[i / 2] |= (uint16_t)((uint8_t)bytes[i] << (i % 2 == 0 ? 8 : 0));
    return decode(&tag, words);
}

static void test_decode_takes_well_formed_utf8_only(void **state)
{
    const char *good[] = {
        "\xe8\xa3\x85\xe8\xae\xa2", "\xc2\x80",        "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xf0\x90\x80\x80",         "\xf4\x8f\xbf\xbf"};
    const char *bad[] = {"\x80",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x9f\xbf",
                         "\xed\xa0\x80",
                         "\xf0\x8f\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xff",
                         "a\xe8\xa3",
                         "\xe8"
                         "a",
                         "\xe8\xa3"
                         "a",
                         "\xf0\x90\x80"
                         "a",
                         "\xc2"};

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++)
        assert_int_equal(decode_bytes(good[i]).quality, QUALITY_GOOD);
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_int_equal(decode_bytes(bad[i]).quality, QUALITY_RANGE);
}

static void test_encode_writes_strings_in_decimal(void **state)
{
    struct tag tag = string_tag(8);
    uint16_t words[4];

    (void)state;
    for (uint8_t order = 0; order < 4; order++) {
        tag.order = order;
        encode_tag(&tag, 12034, words);
        assert_text(&tag, words, "12034");
    }
    tag.string_bytes = 3;
    words[2] = 0x5a5a;
    encode_tag(&tag, 12034, words);
    assert_text(&tag, words, "120");
    assert_int_equal(words[2], 0x5a5a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_reads_strings_in_either_byte_order),
        cmocka_unit_test(test_decode_cuts_strings_at_zero_and_drops_trailing_blanks),
        cmocka_unit_test(test_decode_takes_a_string_of_the_whole_width),
        cmocka_unit_test(test_decode_takes_well_formed_utf8_only),
        cmocka_unit_test(test_encode_writes_strings_in_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
