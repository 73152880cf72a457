#include "decode.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NUMBER_WORDS = 4 };

static bool is_bit(const struct tag *tag)
{
    return tag->area == AREA_COIL || tag->area == AREA_DISCRETE;
}

static uint16_t swap_bytes(const struct tag *tag, uint16_t word)
{
    if (!(tag->order & ORDER_SWAP_BYTES))
        return word;
    return (uint16_t)(word << 8 | word >> 8);
}

static uint64_t words_to_raw(const struct tag *tag, const uint16_t *words)
{
    size_t count = tag_width(tag);
    uint64_t raw = 0;

    for (size_t i = 0; i < count; i++) {
        size_t from = tag->order & ORDER_SWAP_WORDS ? count - 1 - i : i;
        raw = raw << 16 | swap_bytes(tag, words[from]);
    }
    return raw;
}

void encode_bits(const struct tag *tag, uint64_t bits, uint16_t *words)
{
    size_t count = tag_width(tag);

    for (size_t i = 0; i < count; i++) {
        size_t to = tag->order & ORDER_SWAP_WORDS ? i : count - 1 - i;
        words[to] = swap_bytes(tag, (uint16_t)(bits >> 16 * i));
    }
}

static bool is_unscaled(const struct tag *tag)
{
    return tag->offset.mantissa == 0 && decimal_number(tag->scale) == 1.0;
}

/* As most tags are: nothing has to be reckoned. */
static bool is_raw(const struct tag *tag)
{
    return tag->scale.mantissa == 1 && tag->scale.decimals == 0 && tag->offset.mantissa == 0 &&
           tag->offset.decimals == 0;
}

static bool decode_whole(const struct tag *tag, int64_t raw, struct value *ret_value)
{
    if (is_raw(tag)) {
        *ret_value = (struct value){.kind = VALUE_DECIMAL, .mantissa = raw};
        return true;
    }
    return decimal_scale(raw, tag->scale, tag->offset, ret_value) == 0;
}

static bool decode_unsigned(const struct tag *tag, uint64_t raw, struct value *ret_value)
{
    if (raw <= INT64_MAX)
        return decode_whole(tag, (int64_t)raw, ret_value);
    if (!is_unscaled(tag))
        return false;
    *ret_value = (struct value){.kind = VALUE_UNSIGNED, .whole = raw};
    return true;
}

static bool decode_bcd(const struct tag *tag, uint64_t raw, struct value *ret_value)
{
    int64_t number = 0;

    for (int shift = tag->type == TYPE_BCD16 ? 12 : 28; shift >= 0; shift -= 4) {
        unsigned digit = raw >> shift & 0xf;
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    return decode_whole(tag, number, ret_value);
}

static bool decode_real32(const struct tag *tag, uint64_t raw, struct value *ret_value)
{
    uint32_t bits = (uint32_t)raw;
    float real;

    memcpy(&real, &bits, sizeof real);
    if (!isfinite(real))
        return false;
    if (!is_unscaled(tag)) {
        double scaled = (double)real * decimal_number(tag->scale) + decimal_number(tag->offset);
        if (!(fabs(scaled) <= (double)FLT_MAX))
            return false;
        real = (float)scaled;
    }
    *ret_value = (struct value){.kind = VALUE_REAL32, .real32 = real};
    return true;
}

static bool decode_real64(const struct tag *tag, uint64_t raw, struct value *ret_value)
{
    double real;

    memcpy(&real, &raw, sizeof real);
    if (!is_unscaled(tag))
        real = real * decimal_number(tag->scale) + decimal_number(tag->offset);
    if (!isfinite(real))
        return false;
    *ret_value = (struct value){.kind = VALUE_REAL64, .real64 = real};
    return true;
}

/* The length of the UTF-8 sequence at the front, 0 where there is none (RFC 3629, 4). */
static size_t utf8_sequence(const uint8_t *at, size_t left)
{
    uint8_t lowest = 0x80, highest = 0xbf;
    size_t length;

    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        length = 2;
    else if (at[0] >= 0xe0 && at[0] <= 0xef)
        length = 3;
    else if (at[0] >= 0xf0 && at[0] <= 0xf4)
        length = 4;
    else
        return 0;
    if (at[0] == 0xe0)
        lowest = 0xa0;
    else if (at[0] == 0xed)
        highest = 0x9f;
    else if (at[0] == 0xf0)
        lowest = 0x90;
    else if (at[0] == 0xf4)
        highest = 0x8f;

    if (length > left || at[1] < lowest || at[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool decode_is_utf8(const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;

    for (size_t at = 0; at < length;) {
        size_t sequence = utf8_sequence(bytes + at, length - at);
        if (sequence == 0)
            return false;
        at += sequence;
    }
    return true;
}

/* A text is a row of characters, not one number: of the orders only that of bytes concerns it. */
static bool decode_string(const struct tag *tag, const uint16_t *words, char *text,
                          struct value *ret_value)
{
    size_t length = 0;

    while (length < tag->string_bytes) {
        uint16_t word = swap_bytes(tag, words[length / 2]);
        char byte = (char)(length % 2 == 0 ? word >> 8 : word & 0xff);
        if (byte == '\0')
            break;
        text[length++] = byte;
    }
    while (length > 0 && text[length - 1] == ' ')
        length--;
    if (!decode_is_utf8(text, length))
        return false;
    *ret_value = (struct value){.kind = VALUE_TEXT, .length = (uint16_t)length, .text = text};
    return true;
}

static bool decode_bool(const struct tag *tag, const uint16_t *words, struct value *ret_value)
{
    bool on = words[0] != 0;

    if (!is_bit(tag) && tag->bit >= 0)
        on = swap_bytes(tag, words[0]) >> tag->bit & 1;
    *ret_value = (struct value){.kind = VALUE_BOOL, .boolean = on};
    return true;
}

static bool decode_number(const struct tag *tag, uint64_t raw, struct value *ret_value)
{
    switch (tag->type) {
    case TYPE_S16:
        return decode_whole(tag, (int16_t)raw, ret_value);
    case TYPE_S32:
        return decode_whole(tag, (int32_t)raw, ret_value);
    case TYPE_S64:
        return decode_whole(tag, (int64_t)raw, ret_value);
    case TYPE_F32:
        return decode_real32(tag, raw, ret_value);
    case TYPE_F64:
        return decode_real64(tag, raw, ret_value);
    case TYPE_BCD16:
    case TYPE_BCD32:
        return decode_bcd(tag, raw, ret_value);
    default:
        return decode_unsigned(tag, raw, ret_value);
    }
}

/* Apart from the short way, which needs none of its room. */
__attribute__((noinline)) static void decode_any(const struct tag *tag, const uint16_t *words,
                                                 char *text, struct sample *ret_sample)
{
    struct value value = {.kind = VALUE_NONE};
    bool good;

    if (is_bit(tag) || tag->bit >= 0 || tag->type == TYPE_BOOL)
        good = decode_bool(tag, words, &value);
    else if (tag->type == TYPE_STRING)
        good = decode_string(tag, words, text, &value);
    else
        good = decode_number(tag, words_to_raw(tag, words), &value);

    ret_sample->quality = good ? QUALITY_GOOD : QUALITY_RANGE;
    ret_sample->value = value;
}

void decode_tag(const struct tag *tag, const uint16_t *words, char *text, struct sample *ret_sample)
{
    ret_sample->exception = 0;
    /* as most are */
    if (tag->type == TYPE_U16 && tag->bit < 0 && !is_bit(tag) && is_raw(tag)) {
        ret_sample->quality = QUALITY_GOOD;
        ret_sample->value =
            (struct value){.kind = VALUE_DECIMAL, .mantissa = swap_bytes(tag, words[0])};
        return;
    }
    decode_any(tag, words, text, ret_sample);
}

/* The number modulo `modulus` (0 stands for 2^64), never negative. */
static uint64_t wrap_number(double number, uint64_t modulus)
{
    uint64_t rest;

    if (!isfinite(number))
        return 0;
    rest = (uint64_t)fmod(fabs(trunc(number)), modulus == 0 ? 0x1p64 : (double)modulus);
    return number < 0 && rest != 0 ? modulus - rest : rest;
}

static uint64_t number_to_bcd(double number, int digits)
{
    uint64_t rest = wrap_number(number, digits == 4 ? 10000 : 100000000);
    uint64_t bcd = 0;

    for (int i = 0; i < digits; i++) {
        bcd |= rest % 10 << 4 * i;
        rest /= 10;
    }
    return bcd;
}

static uint64_t number_to_raw(const struct tag *tag, double number)
{
    uint64_t raw = 0;

    if (tag->type == TYPE_F32) {
        float real = (float)number;
        uint32_t bits;
        memcpy(&bits, &real, sizeof bits);
        return bits;
    }
    if (tag->type == TYPE_F64) {
        memcpy(&raw, &number, sizeof raw);
        return raw;
    }
    if (tag->type == TYPE_BCD16 || tag->type == TYPE_BCD32)
        return number_to_bcd(number, tag->type == TYPE_BCD16 ? 4 : 8);
    if (tag_width(tag) == MOST_NUMBER_WORDS)
        return wrap_number(number, 0);
    return wrap_number(number, UINT64_C(1) << 16 * tag_width(tag));
}

void encode_text(const struct tag *tag, const char *text, uint16_t *words)
{
    char bytes[DECODE_TEXT_BYTES] = {0};

    memcpy(bytes, text, strnlen(text, tag->string_bytes));
    for (size_t i = 0; i < tag->string_bytes; i += 2) {
        uint16_t word = (uint16_t)((uint8_t)bytes[i] << 8 | (uint8_t)bytes[i + 1]);
        words[i / 2] = swap_bytes(tag, word);
    }
}

static void encode_digits(const struct tag *tag, double number, uint16_t *words)
{
    char digits[DECODE_TEXT_BYTES];

    snprintf(digits, sizeof digits, "%.15g", number);
    encode_text(tag, digits, words);
}

void encode_tag(const struct tag *tag, double raw, uint16_t *words)
{
    if (is_bit(tag) || (tag->type == TYPE_BOOL && tag->bit < 0)) {
        words[0] = raw != 0;
    } else if (tag->bit >= 0) {
        uint16_t mask = swap_bytes(tag, (uint16_t)(1u << tag->bit));
        words[0] = (uint16_t)(raw != 0 ? words[0] | mask : words[0] & ~mask);
    } else if (tag->type == TYPE_STRING) {
        encode_digits(tag, raw, words);
    } else {
        encode_bits(tag, number_to_raw(tag, raw), words);
    }
}
