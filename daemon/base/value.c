#include "value.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "text.h"

/* Below this every half of a whole number is a double: 2^52. */
static const double exact_limit = 4503599627370496.0;

/* Up to here each whole number is a float: 2^24. */
static const double float_whole_limit = 16777216.0;

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_NONE:
        return true;
    case VALUE_BOOL:
        return a->boolean == b->boolean;
    case VALUE_DECIMAL:
        return a->mantissa == b->mantissa && a->decimals == b->decimals;
    case VALUE_UNSIGNED:
        return a->whole == b->whole;
    case VALUE_REAL32:
        return a->real32 == b->real32;
    case VALUE_REAL64:
        return a->real64 == b->real64;
    case VALUE_TEXT:
        return a->length == b->length &&
               (a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
    }
    return false;
}

double value_number(const struct value *value)
{
    switch (value->kind) {
    case VALUE_BOOL:
        return value->boolean ? 1 : 0;
    case VALUE_DECIMAL:
        return decimal_number((struct decimal){value->mantissa, value->decimals});
    case VALUE_UNSIGNED:
        return (double)value->whole;
    case VALUE_REAL32:
        return (double)value->real32;
    case VALUE_REAL64:
        return value->real64;
    case VALUE_NONE:
    case VALUE_TEXT:
        break;
    }
    return 0;
}

/* Digits with a point before the last `decimals` of them, at least one standing before it. */
static char *put_point(char *at, uint64_t number, unsigned decimals)
{
    char digits[DIGITS_ROOM];
    size_t length = (size_t)(digits_put(digits, number) - digits);

    if (length > decimals) {
        memcpy(at, digits, length - decimals);
        at += length - decimals;
        *at++ = '.';
        memcpy(at, digits + length - decimals, decimals);
        return at + decimals;
    }
    memcpy(at, "0.00000000000000", 2 + decimals - length);
    at += 2 + decimals - length;
    memcpy(at, digits, length);
    return at + length;
}

/* Apart, so that the short way of most does not pay for its room. */
__attribute__((noinline)) static char *put_decimal(char *at, int64_t mantissa, unsigned decimals)
{
    uint64_t number = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;

    assert(decimals <= DECIMAL_MAX_DECIMALS);
    if (mantissa < 0)
        *at++ = '-';
    return decimals > 0 ? put_point(at, number, decimals) : digits_put(at, number);
}

char *value_put_decimal(char *at, int64_t mantissa, unsigned decimals)
{
    /* as most are */
    if (decimals == 0 && mantissa >= 0 && mantissa < DIGITS_GROUP)
        return digits_put_short(at, (uint32_t)mantissa);
    return put_decimal(at, mantissa, decimals);
}

static void add_decimal(struct text *out, int64_t mantissa, unsigned decimals)
{
    char *at = text_reserve(out, VALUE_DECIMAL_ROOM);
    char *end = value_put_decimal(at, mantissa, decimals);

    *end = '\0';
    out->length += (size_t)(end - at);
}

/* Whether a double lies half-way between two floats. Rounding a decimal to double and then to
 * float may differ from rounding it at once only there. */
static bool is_between_floats(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    return (bits & 0x1FFFFFFF) == 0x10000000;
}

/* Finds the fewest decimals with which a number of everyday size reads back the same. A whole
 * number below 2^52 over a power of ten up to 10^15 is one correctly rounded division, just what
 * reading the decimal gives; printf and strtod take twenty times as long. */
static bool find_decimal(double number, bool single, struct decimal *ret_decimal)
{
    double power = 1;

    for (uint8_t decimals = 0; decimals <= DECIMAL_MAX_DECIMALS; decimals++, power *= 10) {
        double scaled = number * power;

        if (fabs(scaled) >= exact_limit)
            return false;

        int64_t mantissa = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
        double back = (double)mantissa / power;
        bool same =
            single ? (float)back == (float)number && !is_between_floats(back) : back == number;

        if (same) {
            *ret_decimal = (struct decimal){mantissa, decimals};
            return true;
        }
    }
    return false;
}

static void add_real(struct text *out, double number, bool single)
{
    struct decimal decimal;

    if (!isfinite(number)) {
        text_add(out, "null");
        return;
    }
    /* Beyond these the last digits mean nothing, and an exponent is shorter. */
    bool everyday = fabs(number) < (single ? float_whole_limit : exact_limit);
    bool minus_zero = number == 0 && signbit(number);

    if (everyday && !minus_zero && find_decimal(number, single, &decimal)) {
        add_decimal(out, decimal.mantissa, decimal.decimals);
        return;
    }

    char written[32];
    int digits = single ? FLT_DIG : DBL_DIG;

    /* So many digits hold any shorter decimal too, but for the smallest numbers of all. */
    if (fabs(number) < (single ? (double)FLT_MIN : DBL_MIN))
        digits = 1;
    do
        snprintf(written, sizeof(written), "%.*g", digits++, number);
    while (single ? strtof(written, NULL) != (float)number : strtod(written, NULL) != number);
    text_add(out, written);
}

void value_to_json(const struct value *value, struct text *out)
{
    switch (value->kind) {
    case VALUE_NONE:
        text_add(out, "null");
        break;
    case VALUE_BOOL:
        text_add(out, value->boolean ? "true" : "false");
        break;
    case VALUE_DECIMAL:
        add_decimal(out, value->mantissa, value->decimals);
        break;
    case VALUE_UNSIGNED:
        text_add_uint(out, value->whole);
        break;
    case VALUE_REAL32:
        add_real(out, (double)value->real32, true);
        break;
    case VALUE_REAL64:
        add_real(out, value->real64, false);
        break;
    case VALUE_TEXT:
        text_add_json(out, value->text, value->length);
        break;
    }
}

const char *quality_name(enum quality quality)
{
    switch (quality) {
    case QUALITY_GOOD:
        return "good";
    case QUALITY_TIMEOUT:
        return "timeout";
    case QUALITY_EXCEPTION:
        return "exception";
    case QUALITY_FRAME:
        return "frame";
    case QUALITY_RANGE:
        return "range";
    case QUALITY_LINK:
        return "link";
    }
    return "unknown";
}

void sample_bad_to_text(const struct sample *sample, struct text *out)
{
    text_add(out, quality_name(sample->quality));
    if (sample->quality == QUALITY_EXCEPTION) {
        text_add_char(out, ':');
        text_add_uint(out, sample->exception);
    }
}

const char *gap_why_name(enum gap_why why)
{
    switch (why) {
    case GAP_STORE_FULL:
        return "store full";
    case GAP_MEMORY_FULL:
        return "memory full";
    case GAP_UNCLEAN_STOP:
        return "unclean stop";
    case GAP_REFUSED:
        return "refused by the broker";
    case GAP_DAMAGED:
        return "damaged in the store";
    }
    return "unknown";
}
