#include <ctype.h>
#include <errno.h>

#include "value.h"

enum { MAX_DIGITS = 18 };

__extension__ typedef __int128 int128_t;

static const int64_t power_of_ten[DECIMAL_MAX_DECIMALS + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
};

/* Takes digits into the mantissa and moves *text behind them. Returns how many there were; beyond
 * MAX_DIGITS in all the mantissa no longer counts, and the caller refuses it. */
static int take_digits(const char **text, int taken, int64_t *mantissa)
{
    int count = 0;

    for (; isdigit((unsigned char)**text); ++*text) {
        if (taken + ++count <= MAX_DIGITS)
            *mantissa = *mantissa * 10 + (**text - '0');
        else
            count = MAX_DIGITS + 1 - taken;
    }
    return count;
}

int decimal_parse(const char *text, struct decimal *ret_decimal)
{
    bool negative = *text == '-';
    int64_t mantissa = 0;
    int decimals = 0;

    if (*text == '-' || *text == '+')
        text++;

    int digits = take_digits(&text, 0, &mantissa);

    if (digits == 0)
        return -EINVAL;
    if (*text == '.') {
        text++;
        decimals = take_digits(&text, digits, &mantissa);
        if (decimals == 0)
            return -EINVAL;
    }
    if (*text != '\0' || digits + decimals > MAX_DIGITS || decimals > DECIMAL_MAX_DECIMALS)
        return -EINVAL;

    while (decimals > 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        decimals--;
    }
    ret_decimal->mantissa = negative ? -mantissa : mantissa;
    ret_decimal->decimals = (uint8_t)decimals;
    return 0;
}

double decimal_number(struct decimal decimal)
{
    return (double)decimal.mantissa / (double)power_of_ten[decimal.decimals];
}

int decimal_scale(int64_t raw, struct decimal scale, struct decimal offset, struct value *ret_value)
{
    int128_t product = (int128_t)raw * scale.mantissa;
    int128_t addend = offset.mantissa;
    uint8_t decimals = scale.decimals;

    if (offset.decimals > scale.decimals) {
        /* So large, no offset of 64 bits brings the sum back; and smaller, it can't overflow. */
        if (product / 2 > INT64_MAX || product / 2 < INT64_MIN)
            return -ERANGE;
        product *= power_of_ten[offset.decimals - scale.decimals];
        decimals = offset.decimals;
    } else {
        addend *= power_of_ten[scale.decimals - offset.decimals];
    }

    int128_t sum = product + addend;

    if (sum > INT64_MAX || sum < INT64_MIN)
        return -ERANGE;
    *ret_value = (struct value){
        .kind = VALUE_DECIMAL,
        .decimals = decimals,
        .mantissa = (int64_t)sum,
    };
    return 0;
}

int decimal_unscale(struct decimal value, struct decimal scale, int64_t *ret_raw)
{
    int128_t product = (int128_t)value.mantissa * power_of_ten[scale.decimals];
    int128_t divisor = (int128_t)scale.mantissa * power_of_ten[value.decimals];

    if (divisor == 0 || product % divisor != 0)
        return -ERANGE;

    int128_t raw = product / divisor;

    if (raw > INT64_MAX || raw < INT64_MIN)
        return -ERANGE;
    *ret_raw = (int64_t)raw;
    return 0;
}
