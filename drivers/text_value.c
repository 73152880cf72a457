#include "text_value.h"

#include <string.h>

#include "decode.h"

enum { MOST_NUMBER_BYTES = 31 };

struct piece {
    const char *at;
    size_t length;
};

static struct piece drop_front(struct piece piece)
{
    while (piece.length > 0 && piece.at[0] == ' ') {
        piece.at++;
        piece.length--;
    }
    return piece;
}

static struct piece drop_back(struct piece piece)
{
    while (piece.length > 0 && piece.at[piece.length - 1] == ' ')
        piece.length--;
    return piece;
}

/* "+0012.5", "-  0.5", " 12", "5." */
static bool read_number(struct piece piece, struct decimal *ret_number)
{
    char number[MOST_NUMBER_BYTES + 1];
    size_t length = 0;

    piece = drop_front(drop_back(piece));
    if (piece.length > 0 && (piece.at[0] == '+' || piece.at[0] == '-')) {
        number[length++] = piece.at[0];
        piece = drop_front((struct piece){piece.at + 1, piece.length - 1});
    }
    if (piece.length == 0 || piece.at[0] < '.' || piece.length + length > MOST_NUMBER_BYTES ||
        memchr(piece.at, '\0', piece.length) != NULL)
        return false;
    if (piece.length > 1 && piece.at[piece.length - 1] == '.')
        piece.length--;
    memcpy(number + length, piece.at, piece.length);
    number[length + piece.length] = '\0';
    return decimal_parse(number, ret_number) == 0;
}

static bool fits_type(enum tag_type type, struct decimal number)
{
    static const struct {
        int64_t least, most;
    } ranges[] = {
        [TYPE_U16] = {0, UINT16_MAX}, [TYPE_S16] = {INT16_MIN, INT16_MAX},
        [TYPE_U32] = {0, UINT32_MAX}, [TYPE_S32] = {INT32_MIN, INT32_MAX},
        [TYPE_U64] = {0, INT64_MAX},  [TYPE_S64] = {INT64_MIN, INT64_MAX},
    };

    if (type == TYPE_DECIMAL)
        return true;
    return number.decimals == 0 && number.mantissa >= ranges[type].least &&
           number.mantissa <= ranges[type].most;
}

static bool decode_number(const struct tag *tag, struct piece piece, struct value *ret_value)
{
    struct decimal number, scale = tag->scale;

    if (!read_number(piece, &number) || !fits_type(tag->type, number) ||
        scale.decimals + number.decimals > DECIMAL_MAX_DECIMALS)
        return false;
    scale.decimals = (uint8_t)(scale.decimals + number.decimals);
    return decimal_scale(number.mantissa, scale, tag->offset, ret_value) == 0;
}

static bool decode_text(const struct tag *tag, struct piece piece, char *text,
                        struct value *ret_value)
{
    piece = drop_back(piece);
    if (piece.length > tag->string_bytes || !decode_is_utf8(piece.at, piece.length))
        return false;
    memcpy(text, piece.at, piece.length);
    *ret_value = (struct value){.kind = VALUE_TEXT, .length = (uint16_t)piece.length, .text = text};
    return true;
}

void text_value(const struct tag *tag, const char *bytes, size_t length, char *text,
                struct sample *ret_sample)
{
    const struct piece piece = {bytes, length};
    struct value value = {.kind = VALUE_NONE};
    bool good = tag->type == TYPE_STRING ? decode_text(tag, piece, text, &value)
                                         : decode_number(tag, piece, &value);

    ret_sample->quality = good ? QUALITY_GOOD : QUALITY_RANGE;
    ret_sample->exception = 0;
    ret_sample->value = value;
}
