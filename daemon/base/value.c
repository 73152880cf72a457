#include "value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Writes the digits so that the last stands before `end`, at least `least` of them; returns where
 * they begin. */
static char *put_digits(char *end, uint64_t number, unsigned least)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *first = end;

    while (number >= 100) {
        first -= 2;
        memcpy(first, pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        first -= 2;
        memcpy(first, pairs + number * 2, 2);
    } else if (number > 0) {
        *--first = (char)('0' + number);
    }
    while (end - first < least)
        *--first = '0';
    return first;
}

enum { DECIMAL_BYTES = 24 }; /* "-.9223372036854775808" and some */

static unsigned count_digits(uint64_t number)
{
    unsigned count = 1;

    for (; number >= 1000; number /= 1000)
        count += 3;
    return count + (number >= 10) + (number >= 100);
}

static void add_decimal(struct text *out, int64_t mantissa, unsigned decimals)
{
    char *at = text_reserve(out, DECIMAL_BYTES), *start = at;
    uint64_t left = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
    unsigned digits = count_digits(left);

    if (digits <= decimals)
        digits = decimals + 1;
    if (mantissa < 0)
        *at++ = '-';
    put_digits(at + digits, left, digits);
    at += digits;
    if (decimals > 0) {
        memmove(at - decimals + 1, at - decimals, decimals);
        at[-(int)decimals] = '.';
        at++;
    }
    *at = '\0';
    out->length += (size_t)(at - start);
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
