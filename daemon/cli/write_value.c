#include "write_value.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "value.h"

/* What a raw number of each type may be; a u64 may be more. */
static const struct {
    int64_t least, most;
} ranges[] = {
    [TYPE_U16] = {0, UINT16_MAX}, [TYPE_S16] = {INT16_MIN, INT16_MAX},
    [TYPE_U32] = {0, UINT32_MAX}, [TYPE_S32] = {INT32_MIN, INT32_MAX},
    [TYPE_U64] = {0, INT64_MAX},  [TYPE_S64] = {INT64_MIN, INT64_MAX},
    [TYPE_BCD16] = {0, 9999},     [TYPE_BCD32] = {0, 99999999},
};

static int refuse(const char *expected, const char **ret_expected)
{
    *ret_expected = expected;
    return -EINVAL;
}

static int write_bool(const char *text, uint16_t *ret_words, const char **ret_expected)
{
    static const char *const words[][2] = {{"0", "1"}, {"off", "on"}, {"false", "true"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (uint16_t on = 0; on < 2; on++)
            if (strcmp(text, words[i][on]) == 0) {
                ret_words[0] = on;
                return 0;
            }
    return refuse("0 or 1, off or on, false or true", ret_expected);
}

static int write_text(const struct tag *tag, const char *text, uint16_t *ret_words,
                      const char **ret_expected)
{
    if (strlen(text) > tag->string_bytes)
        return refuse("a text that fits the type's bytes", ret_expected);
    encode_text(tag, text, ret_words);
    return 0;
}

static int write_real(const struct tag *tag, const char *text, uint16_t *ret_words,
                      const char **ret_expected)
{
    char *end = NULL;
    double number = strtod(text, &end) / decimal_number(tag->scale);
    bool too_large = tag->type == TYPE_F32 && fabs(number) > (double)FLT_MAX;
    if (end == text || *end != '\0' || !isfinite(number) || too_large)
        return refuse("a number that the type can hold", ret_expected);
    encode_tag(tag, number, ret_words);
    return 0;
}

/* Of a u64 above what a decimal holds. */
static bool parse_huge(const struct tag *tag, const char *text, uint64_t *ret_raw)
{
    bool unscaled = tag->scale.mantissa == 1 && tag->scale.decimals == 0;
    char *end = NULL;
    if (tag->type != TYPE_U64 || !unscaled || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *ret_raw = strtoull(text, &end, 10);
    return errno == 0 && end != text;
}

static uint64_t bcd_bits(int64_t number)
{
    uint64_t bits = 0;
    for (int shift = 0; number > 0; shift += 4, number /= 10)
        bits |= (uint64_t)(number % 10) << shift;
    return bits;
}

static int write_whole(const struct tag *tag, const char *text, uint16_t *ret_words,
                       const char **ret_expected)
{
    bool bcd = tag->type == TYPE_BCD16 || tag->type == TYPE_BCD32;
    struct decimal value;
    int64_t raw;
    uint64_t huge;
    if (decimal_parse(text, &value) == 0) {
        if (decimal_unscale(value, tag->scale, &raw) != 0)
            return refuse("a multiple of the scale", ret_expected);
        if (raw < ranges[tag->type].least || raw > ranges[tag->type].most)
            return refuse("a number that the type can hold", ret_expected);
        encode_bits(tag, bcd ? bcd_bits(raw) : (uint64_t)raw, ret_words);
        return 0;
    }
    if (!parse_huge(tag, text, &huge))
        return refuse("a number that the type can hold", ret_expected);
    encode_bits(tag, huge, ret_words);
    return 0;
}

int write_value(const struct tag *tag, const char *text, uint16_t *ret_words,
                const char **ret_expected)
{
    switch (tag->type) {
    case TYPE_BOOL:
        return write_bool(text, ret_words, ret_expected);
    case TYPE_STRING:
        return write_text(tag, text, ret_words, ret_expected);
    case TYPE_F32:
    case TYPE_F64:
        return write_real(tag, text, ret_words, ret_expected);
    default:
        return write_whole(tag, text, ret_words, ret_expected);
    }
}
