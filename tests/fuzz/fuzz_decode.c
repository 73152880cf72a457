/* Words to values: drivers/decode.c, and what value.c writes of them.
 *
 * Input: a tag's settings as a configuration may have them, then its words. */
#include <math.h>

#include "decode.h"
#include "fuzz.h"
#include "node.h"
#include "text.h"

__extension__ typedef __int128 int128_t;

static struct decimal take_decimal(struct input *input)
{
    static const int64_t limit = INT64_C(1000000000000000000);
    uint8_t shape = input_byte(input);
    struct decimal decimal = {.decimals = shape & 15};

    /* In few bytes small numbers, which are those in use. */
    decimal.mantissa = (int64_t)input_number(input, shape & 16 ? 8 : 1) % limit;
    if (shape & 32)
        decimal.mantissa = -decimal.mantissa;
    /* As decimal_parse leaves it. */
    for (; decimal.decimals > 0 && decimal.mantissa % 10 == 0; decimal.decimals--)
        decimal.mantissa /= 10;
    return decimal;
}

static struct tag take_tag(struct input *input)
{
    struct tag tag = {.name = "t", .scale = {.mantissa = 1}};

    /* One by one: within an initializer the order would be anybody's. */
    tag.area = (enum area)input_between(input, AREA_COIL, AREA_HOLDING);
    tag.type = (enum tag_type)input_between(input, TYPE_BOOL, TYPE_STRING);
    tag.order = (uint8_t)input_between(input, 0, 3);
    tag.bit = (int8_t)input_between(input, -1, 15);
    tag.string_bytes = (uint16_t)input_between(input, 1, 250);
    if (tag.type != TYPE_BOOL)
        tag.bit = -1;
    if (input_byte(input) & 1) {
        tag.scale = take_decimal(input);
        tag.offset = take_decimal(input);
    }
    if (tag.scale.mantissa == 0)
        tag.scale.mantissa = 1;
    if (tag.area == AREA_COIL || tag.area == AREA_DISCRETE) {
        tag.type = TYPE_BOOL;
        tag.bit = -1;
    }
    return tag;
}

static bool is_plain(const struct tag *tag)
{
    return tag->scale.mantissa == 1 && tag->scale.decimals == 0 && tag->offset.mantissa == 0;
}

/* The tag's bytes in the order ABCD…, and so its raw number. */
static uint64_t raw_number(const struct tag *tag, const uint16_t *words)
{
    unsigned width = tag_width(tag);
    uint64_t raw = 0;

    for (unsigned i = 0; i < width; i++) {
        uint16_t word = words[tag->order & ORDER_SWAP_WORDS ? width - 1 - i : i];
        if (tag->order & ORDER_SWAP_BYTES)
            word = (uint16_t)((word & 0xff) << 8 | word >> 8);
        raw = raw << 16 | word;
    }
    return raw;
}

/* Whether the type holds whole numbers, and which one this is. */
static bool raw_whole(const struct tag *tag, uint64_t raw, int64_t *ret_whole)
{
    switch (tag->type) {
    case TYPE_U16:
    case TYPE_U32:
        *ret_whole = (int64_t)raw;
        return true;
    case TYPE_S16:
        *ret_whole = raw < 0x8000 ? (int64_t)raw : (int64_t)raw - 0x10000;
        return true;
    case TYPE_S32:
        *ret_whole = raw < 0x80000000 ? (int64_t)raw : (int64_t)raw - INT64_C(0x100000000);
        return true;
    case TYPE_S64:
        *ret_whole = (int64_t)raw;
        return true;
    case TYPE_U64:
        *ret_whole = (int64_t)raw;
        return raw <= INT64_MAX;
    default:
        return false;
    }
}

static int128_t power(unsigned exponent)
{
    int128_t power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* raw × scale + offset, where 128 bits hold every step of it. */
static void check_scaled(const struct tag *tag, int64_t raw, const struct sample *sample)
{
    unsigned decimals =
        tag->scale.decimals > tag->offset.decimals ? tag->scale.decimals : tag->offset.decimals;

    if (raw > INT32_MAX || raw < INT32_MIN || llabs(tag->scale.mantissa) > INT32_MAX)
        return;
    int128_t exact = (int128_t)raw * tag->scale.mantissa * power(decimals - tag->scale.decimals) +
                     tag->offset.mantissa * power(decimals - tag->offset.decimals);
    bool fits = exact <= INT64_MAX && exact >= INT64_MIN;
    CLAIM((sample->quality == QUALITY_GOOD) == fits);
    CLAIM(!fits || (sample->value.kind == VALUE_DECIMAL && sample->value.decimals == decimals &&
                    sample->value.mantissa == (int64_t)exact));
}

static void check_number(const struct tag *tag, uint64_t raw, const struct sample *sample)
{
    int64_t whole;

    if (raw_whole(tag, raw, &whole))
        check_scaled(tag, whole, sample);
    if (tag->type == TYPE_U64 && raw > INT64_MAX) {
        bool unscaled = decimal_number(tag->scale) == 1.0 && tag->offset.mantissa == 0;
        CLAIM((sample->quality == QUALITY_GOOD) == unscaled);
        CLAIM(!unscaled || (sample->value.kind == VALUE_UNSIGNED && sample->value.whole == raw));
    }
    if (sample->quality == QUALITY_GOOD && tag->type == TYPE_F32)
        CLAIM(sample->value.kind == VALUE_REAL32 && isfinite(sample->value.real32));
    if (sample->quality == QUALITY_GOOD && tag->type == TYPE_F64)
        CLAIM(sample->value.kind == VALUE_REAL64 && isfinite(sample->value.real64));
}

static void check_text(const struct tag *tag, const struct value *value, const char *text)
{
    CLAIM(value->kind == VALUE_TEXT && value->text == text);
    CLAIM(value->length <= tag->string_bytes && value->length <= DECODE_TEXT_BYTES);
    CLAIM(memchr(text, '\0', value->length) == NULL);
    CLAIM(value->length == 0 || text[value->length - 1] != ' ');
}

/* What is written is JSON, and reads back as the same number or text. */
static void check_json(const struct value *value)
{
    struct text list = {0}, wrong = {0};

    text_add_char(&list, '[');
    value_to_json(value, &list);
    if (value->kind == VALUE_REAL32)
        CLAIM(strtof(list.data + 1, NULL) == value->real32);
    if (value->kind == VALUE_REAL64)
        CLAIM(strtod(list.data + 1, NULL) == value->real64);
    text_add_char(&list, ']');
    struct node *root = node_parse(list.data, list.length, &wrong);
    CLAIM(root != NULL && node_count(root) == 1);
    const struct node *item = node_item(root, 0);
    if (value->kind == VALUE_DECIMAL && value->decimals == 0)
        CLAIM(node_int(item, value->mantissa + 1ULL) == value->mantissa);
    if (value->kind == VALUE_BOOL)
        CLAIM(node_bool(item, !value->boolean) == value->boolean);
    if (value->kind == VALUE_TEXT) {
        const char *text = node_text(item, NULL);
        CLAIM(text != NULL && strlen(text) == value->length);
        CLAIM(value->length == 0 || memcmp(text, value->text, value->length) == 0);
    }
    node_free(root);
    text_free(&list);
    text_free(&wrong);
}

/* Encoded again, the words are the same; of what a double holds exactly. */
static void check_encoded(const struct tag *tag, const uint16_t *words, size_t width,
                          const struct value *value)
{
    double number = value_number(value);
    uint16_t *again = malloc(width * sizeof *again);

    memcpy(again, words, width * sizeof *again);
    if (tag->type == TYPE_BOOL) {
        encode_tag(tag, number, again);
        if (tag->bit >= 0)
            CLAIM(again[0] == words[0]);
        else
            CLAIM((again[0] != 0) == (words[0] != 0));
    } else if (tag->type != TYPE_STRING && is_plain(tag) && fabs(number) < 0x1p53) {
        memset(again, 0xa5, width * sizeof *again);
        encode_tag(tag, number, again);
        CLAIM(memcmp(again, words, width * sizeof *again) == 0);
    }
    free(again);
}

/* Any number at all may be asked of what pretends to be a machine. */
static void check_encode(const struct tag *tag, double number, size_t width)
{
    uint16_t *words = calloc(width, sizeof *words), *again = calloc(width, sizeof *again);

    encode_tag(tag, number, words);
    encode_tag(tag, number, again);
    CLAIM(memcmp(words, again, width * sizeof *words) == 0);
    free(words);
    free(again);
}

static void check_decoded(const struct tag *tag, const uint16_t *words, size_t width)
{
    char *text = malloc(DECODE_TEXT_BYTES), *other_text = malloc(DECODE_TEXT_BYTES);
    struct sample sample = {.tag = 7}, again = {.tag = 7, .exception = 3};

    decode_tag(tag, words, text, &sample);
    decode_tag(tag, words, other_text, &again);
    CLAIM(sample.tag == 7 && sample.exception == 0 && again.exception == 0);
    CLAIM(sample.quality == again.quality && value_equal(&sample.value, &again.value));
    CLAIM(sample.quality == QUALITY_GOOD || sample.quality == QUALITY_RANGE);
    CLAIM((sample.value.kind == VALUE_NONE) == (sample.quality == QUALITY_RANGE));
    if (tag->type == TYPE_STRING && sample.quality == QUALITY_GOOD)
        check_text(tag, &sample.value, text);
    else if (tag->type != TYPE_STRING && tag->type != TYPE_BOOL)
        check_number(tag, raw_number(tag, words), &sample);
    check_json(&sample.value);
    if (sample.quality == QUALITY_GOOD)
        check_encoded(tag, words, width, &sample.value);
    free(text);
    free(other_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct tag tag = take_tag(&input);
    size_t width = tag_width(&tag);
    uint16_t *words = malloc(width * sizeof *words);
    double number;

    for (size_t i = 0; i < width; i++)
        words[i] = (uint16_t)input_number(&input, 2);
    check_decoded(&tag, words, width);
    uint64_t bits = input_number(&input, 8);
    memcpy(&number, &bits, sizeof number);
    check_encode(&tag, number, width);
    free(words);
    return 0;
}
