/* Numbers and bytes off the front of a record. What is not there, or not in its only form, is not
 * taken; the walk ends with it, so that the cursor may stand anywhere then. */
#ifndef BINDERY_RECORD_CURSOR_H
#define BINDERY_RECORD_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record_internal.h"

/* What of the bytes is not taken yet. */
struct cursor {
    const uint8_t *at, *end;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* Takes a number of at most `max`. */
static inline bool cursor_varint(struct cursor *cursor, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < VARINT_MAX_BYTES && cursor->at < cursor->end; i++) {
        uint8_t byte = *cursor->at++;

        number |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte & 0x80)
            continue;
        if ((byte == 0 && i > 0) || (byte > 1 && i == VARINT_MAX_BYTES - 1) || number > max)
            return false;
        *ret_number = number;
        return true;
    }
    return false;
}

static inline bool cursor_signed(struct cursor *cursor, int64_t *ret_number)
{
    uint64_t number;

    if (!cursor_varint(cursor, UINT64_MAX, &number))
        return false;
    *ret_number = (int64_t)((number >> 1) ^ (number & 1 ? UINT64_MAX : 0));
    return true;
}

static inline const uint8_t *cursor_bytes(struct cursor *cursor, size_t length)
{
    const uint8_t *bytes = cursor->at;

    if (length > cursor_left(cursor))
        return NULL;
    cursor->at += length;
    return bytes;
}

static inline bool cursor_byte(struct cursor *cursor, uint8_t *ret_byte)
{
    if (cursor->at == cursor->end)
        return false;
    *ret_byte = *cursor->at++;
    return true;
}

#endif
