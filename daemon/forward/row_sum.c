#include "row_sum.h"

static const uint64_t prime = UINT64_C(0x100000001b3);

/* What kind of value comes, lest one passes for another. */
enum { KIND_NULL = 'n', KIND_INT = 'i', KIND_TEXT = 't' };

static uint64_t add_byte(uint64_t sum, uint8_t byte)
{
    return (sum ^ byte) * prime;
}

static uint64_t add_number(uint64_t sum, uint64_t number)
{
    for (int shift = 0; shift < 64; shift += 8)
        sum = add_byte(sum, (uint8_t)(number >> shift));
    return sum;
}

uint64_t row_sum_null(uint64_t sum)
{
    return add_byte(sum, KIND_NULL);
}

uint64_t row_sum_int(uint64_t sum, int64_t number)
{
    return add_number(add_byte(sum, KIND_INT), (uint64_t)number);
}

uint64_t row_sum_text(uint64_t sum, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    sum = add_number(add_byte(sum, KIND_TEXT), length);
    for (size_t i = 0; i < length; i++)
        sum = add_byte(sum, at[i]);
    return sum;
}

int64_t row_sum_end(uint64_t sum)
{
    return (int64_t)((sum ^ sum >> 32) & UINT32_MAX);
}
