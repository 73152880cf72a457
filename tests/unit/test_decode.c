#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const struct decimal one = {1, 0};

static struct tag register_tag(enum tag_type type)
{
    return (struct tag){.name = "t", .area = AREA_HOLDING, .bit = -1, .type = type, .scale = one};
}

static char text[DECODE_TEXT_BYTES];

static struct sample decode(const struct tag *tag, const uint16_t *words)
{
    struct sample sample = {.tag = 77};

    memset(text, '?', sizeof text);
    decode_tag(tag, words, text, &sample);
    assert_int_equal(sample.tag, 77);
    assert_int_equal(sample.exception, 0);
    if (sample.quality != QUALITY_GOOD)
        assert_int_equal(sample.value.kind, VALUE_NONE);
    return sample;
}

static void assert_range(const struct tag *tag, const uint16_t *words)
{
    assert_int_equal(decode(tag, words).quality, QUALITY_RANGE);
}

static void assert_decimal(const struct tag *tag, const uint16_t *words, int64_t mantissa,
                           int decimals)
{
    struct sample sample = decode(tag, words);

    assert_int_equal(sample.quality, QUALITY_GOOD);
    assert_int_equal(sample.value.kind, VALUE_DECIMAL);
    assert_int_equal(sample.value.mantissa, mantissa);
    assert_int_equal(sample.value.decimals, decimals);
}

/* One number a type, its words in ABCD, CDAB, BADC and DCBA. */
static const struct vector {
    enum tag_type type;
    struct value value;
    size_t width;
    uint16_t words[4][4];
} vectors[] = {
    {TYPE_U16,
     {.kind = VALUE_DECIMAL, .mantissa = 0xfe01},
     1,
     {{0xfe01}, {0xfe01}, {0x01fe}, {0x01fe}}},
    {TYPE_S16,
     {.kind = VALUE_DECIMAL, .mantissa = -2},
     1,
     {{0xfffe}, {0xfffe}, {0xfeff}, {0xfeff}}},
    {TYPE_U32,
     {.kind = VALUE_DECIMAL, .mantissa = 0x81020304},
     2,
     {{0x8102, 0x0304}, {0x0304, 0x8102}, {0x0281, 0x0403}, {0x0403, 0x0281}}},
    {TYPE_S32,
     {.kind = VALUE_DECIMAL, .mantissa = -66052},
     2,
     {{0xfffe, 0xfdfc}, {0xfdfc, 0xfffe}, {0xfeff, 0xfcfd}, {0xfcfd, 0xfeff}}},
    {TYPE_U64,
     {.kind = VALUE_UNSIGNED, .whole = 0x8102030405060708},
     4,
     {{0x8102, 0x0304, 0x0506, 0x0708},
      {0x0708, 0x0506, 0x0304, 0x8102},
      {0x0281, 0x0403, 0x0605, 0x0807},
      {0x0807, 0x0605, 0x0403, 0x0281}}},
    {TYPE_S64,
     {.kind = VALUE_DECIMAL, .mantissa = 0x0102030405060708},
     4,
     {{0x0102, 0x0304, 0x0506, 0x0708},
      {0x0708, 0x0506, 0x0304, 0x0102},
      {0x0201, 0x0403, 0x0605, 0x0807},
      {0x0807, 0x0605, 0x0403, 0x0201}}},
    {TYPE_F32,
     {.kind = VALUE_REAL32, .real32 = -12.375f},
     2,
     {{0xc146, 0x0000}, {0x0000, 0xc146}, {0x46c1, 0x0000}, {0x0000, 0x46c1}}},
    {TYPE_F64,
     {.kind = VALUE_REAL64, .real64 = 0.1},
     4,
     {{0x3fb9, 0x9999, 0x9999, 0x999a},
      {0x999a, 0x9999, 0x9999, 0x3fb9},
      {0xb93f, 0x9999, 0x9999, 0x9a99},
      {0x9a99, 0x9999, 0x9999, 0xb93f}}},
    {TYPE_BCD16,
     {.kind = VALUE_DECIMAL, .mantissa = 9876},
     1,
     {{0x9876}, {0x9876}, {0x7698}, {0x7698}}},
    {TYPE_BCD32,
     {.kind = VALUE_DECIMAL, .mantissa = 12345678},
     2,
     {{0x1234, 0x5678}, {0x5678, 0x1234}, {0x3412, 0x7856}, {0x7856, 0x3412}}},
};

static void test_decode_reads_every_type_in_every_order_from_both_register_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(vectors); i++) {
        for (uint8_t order = 0; order < 4; order++) {
            for (enum area area = AREA_INPUT; area <= AREA_HOLDING; area++) {
                struct tag tag = register_tag(vectors[i].type);
                tag.order = order;
                tag.area = area;
                struct sample sample = decode(&tag, vectors[i].words[order]);
                assert_int_equal(sample.quality, QUALITY_GOOD);
                assert_true(value_equal(&sample.value, &vectors[i].value));
            }
        }
    }
}

static double vector_number(const struct vector *vector)
{
    return vector->type == TYPE_F32 ? (double)vector->value.real32 : value_number(&vector->value);
}

static void test_encode_writes_what_decode_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(vectors); i++) {
        if (vectors[i].type == TYPE_U64 || vectors[i].type == TYPE_S64)
            continue; /* more digits than a double holds */
        for (uint8_t order = 0; order < 4; order++) {
            struct tag tag = register_tag(vectors[i].type);
            uint16_t words[4] = {0};
            tag.order = order;
            encode_tag(&tag, vector_number(&vectors[i]), words);
            assert_memory_equal(words, vectors[i].words[order], 2 * vectors[i].width);
        }
    }
}

static void test_encode_keeps_to_the_tags_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(vectors); i++) {
        struct tag tag = register_tag(vectors[i].type);
        uint16_t words[5] = {0x5a5a, 0x5a5a, 0x5a5a, 0x5a5a, 0x5a5a};
        encode_tag(&tag, -1.0, words);
        for (size_t word = vectors[i].width; word < LENGTH(words); word++)
            assert_int_equal(words[word], 0x5a5a);
    }
}

static void test_decode_scales_whole_numbers_exactly(void **state)
{
    struct tag tag = register_tag(TYPE_U16);

    (void)state;
    tag.scale = (struct decimal){1, 1};
    assert_decimal(&tag, (uint16_t[]){56005}, 56005, 1);
    tag.offset = (struct decimal){-40, 0};
    assert_decimal(&tag, (uint16_t[]){405}, 5, 1);

    tag = register_tag(TYPE_S16);
    tag.scale = (struct decimal){25, 2};
    assert_int_equal(decode(&tag, (uint16_t[]){0xfffd}).value.mantissa, -75);

    tag = register_tag(TYPE_BCD32);
    tag.scale = (struct decimal){1, 3};
    assert_decimal(&tag, (uint16_t[]){0x1234, 0x5678}, 12345678, 3);
}

static void test_decode_gives_u64_above_the_signed_range_only_unscaled(void **state)
{
    struct tag tag = register_tag(TYPE_U64);
    const uint16_t top[] = {0xffff, 0xffff, 0xffff, 0xffff};
    struct sample sample = decode(&tag, top);

    (void)state;
    assert_int_equal(sample.value.kind, VALUE_UNSIGNED);
    assert_true(sample.value.whole == UINT64_MAX);
    assert_decimal(&tag, (uint16_t[]){0x7fff, 0xffff, 0xffff, 0xffff}, INT64_MAX, 0);
    tag.scale = (struct decimal){1, 1};
    assert_range(&tag, top);
    tag.scale = one;
    tag.offset = (struct decimal){1, 0};
    assert_range(&tag, top);
}

static void test_decode_rejects_a_scaled_number_that_does_not_fit(void **state)
{
    struct tag tag = register_tag(TYPE_S64);

    (void)state;
    tag.scale = (struct decimal){1000, 0};
    assert_range(&tag, (uint16_t[]){0x7fff, 0xffff, 0xffff, 0xffff});
    assert_range(&tag, (uint16_t[]){0x8000, 0, 0, 0});
    tag = register_tag(TYPE_F32);
    tag.scale = (struct decimal){10, 0};
    assert_range(&tag, (uint16_t[]){0x7f7f, 0xffff});
    tag = register_tag(TYPE_F64);
    tag.scale = (struct decimal){10, 0};
    assert_range(&tag, (uint16_t[]){0x7fef, 0xffff, 0xffff, 0xffff});
}

static void test_decode_rejects_bcd_digit_above_nine(void **state)
{
    struct tag tag = register_tag(TYPE_BCD16);

    (void)state;
    for (int shift = 0; shift < 16; shift += 4)
        assert_range(&tag, (uint16_t[]){(uint16_t)(0xa << shift)});
    tag = register_tag(TYPE_BCD32);
    for (int shift = 0; shift < 32; shift += 4) {
        uint32_t raw = UINT32_C(0xf) << shift;
        assert_range(&tag, (uint16_t[]){(uint16_t)(raw >> 16), (uint16_t)raw});
    }
    assert_decimal(&tag, (uint16_t[]){0x9999, 0x9999}, 99999999, 0);
}

static void test_decode_rejects_nan_and_infinity(void **state)
{
    struct tag tag = register_tag(TYPE_F32);

    (void)state;
    assert_range(&tag, (uint16_t[]){0x7fc0, 0});
    assert_range(&tag, (uint16_t[]){0x7f80, 0});
    assert_range(&tag, (uint16_t[]){0xff80, 0});
    tag.scale = (struct decimal){1, 1};
    assert_range(&tag, (uint16_t[]){0x7fc0, 0});
    tag = register_tag(TYPE_F64);
    assert_range(&tag, (uint16_t[]){0x7ff8, 0, 0, 0});
    assert_range(&tag, (uint16_t[]){0xfff0, 0, 0, 0});
}

static void test_decode_keeps_an_unscaled_f32_bit_for_bit(void **state)
{
    struct tag tag = register_tag(TYPE_F32);
    uint32_t bits = 1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        float real;
        bits = bits * 1664525u + 1013904223u;
        memcpy(&real, &bits, sizeof real);
        if (!isfinite(real))
            continue;
        struct sample sample = decode(&tag, (uint16_t[]){(uint16_t)(bits >> 16), (uint16_t)bits});
        assert_int_equal(sample.value.kind, VALUE_REAL32);
        assert_memory_equal(&sample.value.real32, &bits, sizeof bits);
    }
}

static void test_decode_scales_reals_in_double_and_keeps_their_width(void **state)
{
    struct tag tag = register_tag(TYPE_F32);
    struct sample sample;

    (void)state;
    tag.scale = (struct decimal){1, 1};
    tag.offset = (struct decimal){5, 1};
    sample = decode(&tag, (uint16_t[]){0x41a0, 0}); /* 20 */
    assert_int_equal(sample.value.kind, VALUE_REAL32);
    assert_true(sample.value.real32 == 2.5f);
    tag.type = TYPE_F64;
    sample = decode(&tag, (uint16_t[]){0x4034, 0, 0, 0});
    assert_int_equal(sample.value.kind, VALUE_REAL64);
    assert_true(sample.value.real64 == 2.5);
}

static void assert_bool(const struct tag *tag, uint16_t word, bool expected)
{
    struct sample sample = decode(tag, &word);

    assert_int_equal(sample.quality, QUALITY_GOOD);
    assert_int_equal(sample.value.kind, VALUE_BOOL);
    assert_int_equal(sample.value.boolean, expected);
}

static void test_decode_takes_bools_from_every_table(void **state)
{
    (void)state;
    for (enum area area = AREA_COIL; area <= AREA_HOLDING; area++) {
        struct tag tag = register_tag(TYPE_BOOL);
        tag.area = area;
        assert_bool(&tag, 0, false);
        assert_bool(&tag, 1, true);
        if (area >= AREA_INPUT)
            assert_bool(&tag, 0x8000, true);
    }
}

static void test_decode_takes_each_bit_of_a_word(void **state)
{
    struct tag tag = register_tag(TYPE_BOOL);

    (void)state;
    for (uint8_t order = 0; order < 4; order++) {
        for (int8_t bit = 0; bit < 16; bit++) {
            uint16_t word = (uint16_t)(1u << (order & ORDER_SWAP_BYTES ? bit ^ 8 : bit));
            tag.order = order;
            tag.bit = bit;
            assert_bool(&tag, word, true);
            assert_bool(&tag, (uint16_t)~word, false);
        }
    }
}

static void test_encode_changes_only_the_bit(void **state)
{
    struct tag tag = register_tag(TYPE_BOOL);
    uint16_t word = 0xa5a5;

    (void)state;
    tag.bit = 3;
    encode_tag(&tag, 1, &word);
    assert_int_equal(word, 0xa5ad);
    tag.bit = 0;
    encode_tag(&tag, 0, &word);
    assert_int_equal(word, 0xa5ac);
    tag.order = ORDER_SWAP_BYTES;
    encode_tag(&tag, 1, &word);
    assert_int_equal(word, 0xa5ac);
    encode_tag(&tag, 0, &word);
    assert_int_equal(word, 0xa4ac);
}

static void test_encode_writes_a_coil_as_zero_or_one(void **state)
{
    struct tag tag = register_tag(TYPE_BOOL);
    uint16_t word = 7;

    (void)state;
    tag.area = AREA_COIL;
    encode_tag(&tag, 42, &word);
    assert_int_equal(word, 1);
    encode_tag(&tag, 0, &word);
    assert_int_equal(word, 0);
}

static void test_encode_wraps_as_a_counter_would(void **state)
{
    const struct {
        enum tag_type type;
        double raw;
        uint16_t words[4];
    } cases[] = {
        {TYPE_U16, 65537, {1}},
        {TYPE_U16, -1, {0xffff}},
        {TYPE_S16, 32768, {0x8000}},
        {TYPE_U16, -0.5, {0}},
        {TYPE_U32, 0x1p32 + 5, {0, 5}},
        {TYPE_U32, -0x1p32, {0, 0}},
        {TYPE_S64, -1, {0xffff, 0xffff, 0xffff, 0xffff}},
        {TYPE_U64, 0x1p64, {0, 0, 0, 0}},
        {TYPE_U64, 0x1p63, {0x8000, 0, 0, 0}},
        {TYPE_BCD16, 10042, {0x0042}},
        {TYPE_BCD16, -1, {0x9999}},
        {TYPE_BCD32, 1e8 + 7, {0, 7}},
        {TYPE_U16, NAN, {0}},
        {TYPE_U64, INFINITY, {0, 0, 0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct tag tag = register_tag(cases[i].type);
        uint16_t words[4] = {0};
        encode_tag(&tag, cases[i].raw, words);
        assert_memory_equal(words, cases[i].words, sizeof words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_reads_every_type_in_every_order_from_both_register_tables),
        cmocka_unit_test(test_encode_writes_what_decode_reads),
        cmocka_unit_test(test_encode_keeps_to_the_tags_words),
        cmocka_unit_test(test_decode_scales_whole_numbers_exactly),
        cmocka_unit_test(test_decode_gives_u64_above_the_signed_range_only_unscaled),
        cmocka_unit_test(test_decode_rejects_a_scaled_number_that_does_not_fit),
        cmocka_unit_test(test_decode_rejects_bcd_digit_above_nine),
        cmocka_unit_test(test_decode_rejects_nan_and_infinity),
        cmocka_unit_test(test_decode_keeps_an_unscaled_f32_bit_for_bit),
        cmocka_unit_test(test_decode_scales_reals_in_double_and_keeps_their_width),
        cmocka_unit_test(test_decode_takes_bools_from_every_table),
        cmocka_unit_test(test_decode_takes_each_bit_of_a_word),
        cmocka_unit_test(test_encode_changes_only_the_bit),
        cmocka_unit_test(test_encode_writes_a_coil_as_zero_or_one),
        cmocka_unit_test(test_encode_wraps_as_a_counter_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
