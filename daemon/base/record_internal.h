/* What the two halves of record.h share: record.c writes, record_reader.c reads. */
#ifndef BINDERY_RECORD_INTERNAL_H
#define BINDERY_RECORD_INTERNAL_H

#include <endian.h>
#include <math.h>
#include <stdbool.h>

#include "record.h"

enum { FLAG_UNSYNCED = 1, VARINT_MAX_BYTES = 10 };

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "reals are stored as they lie in memory");

/* What the samples of a run have in common. */
struct run {
    uint8_t form; /* enum form | decimals << 4 */
    uint8_t quality, exception;
};

/* The kinds of value, and beside them: */
enum form {
    FORM_DECIMAL16 = 7, /* decimals from 0 to 2^16 - 1, in two bytes */
    FORM_DECIMAL32 = 8, /* up to 2^32 - 1, in four; VALUE_DECIMAL is for all others */
    FORM_FAILED = 15,
};

/* The one form of a decimal. */
static inline uint8_t record_decimal_form(int64_t mantissa)
{
    if (mantissa < 0 || mantissa > UINT32_MAX)
        return VALUE_DECIMAL;
    return mantissa > UINT16_MAX ? FORM_DECIMAL32 : FORM_DECIMAL16;
}

static inline bool record_same_run(struct run a, struct run b)
{
    return a.form == b.form && a.quality == b.quality && a.exception == b.exception;
}

/* What a name or key may be: it goes into messages as it is. */
static inline bool record_is_word(const char *letters, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char letter = letters[i];
        if (!(letter >= 'a' && letter <= 'z') && !(letter >= '0' && letter <= '9') && letter != '_')
            return false;
    }
    return length > 0 && length < EVENT_WORD_BYTES;
}

static inline bool record_is_finite(const struct value *value)
{
    if (value->kind == VALUE_REAL32)
        return isfinite(value->real32);
    return value->kind != VALUE_REAL64 || isfinite(value->real64);
}

#endif
