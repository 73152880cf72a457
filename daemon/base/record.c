#include "record.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum {
    KIND_FAILURE = 15,
    FLAG_UNSYNCED = 1,
    VARINT_MAX_BYTES = 10,
    FIXED_MAX_BYTES = 6 * VARINT_MAX_BYTES,  /* what a record holds beside its samples */
    SAMPLE_MAX_BYTES = 4 + VARINT_MAX_BYTES, /* without the bytes of a text */
    SAMPLE_MIN_BYTES = 2,
};

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "reals are stored as they lie in memory");

static bool is_finite(const struct value *value)
{
    if (value->kind == VALUE_REAL32)
        return isfinite(value->real32);
    return value->kind != VALUE_REAL64 || isfinite(value->real64);
}

/* Encoding. Room for the longest form is reserved once, then bytes are put without checks. */

static uint8_t *put_varint(uint8_t *at, uint64_t number)
{
    while (number >= 0x80) {
        *at++ = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    *at++ = (uint8_t)number;
    return at;
}

static uint8_t *put_signed(uint8_t *at, int64_t number)
{
    return put_varint(at, ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0));
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(at, bytes, length);
    return at + length;
}

static uint8_t *put_value(uint8_t *at, const struct value *value)
{
    *at++ = (uint8_t)(value->kind | (value->kind == VALUE_DECIMAL ? value->decimals << 4 : 0));
    switch (value->kind) {
    case VALUE_NONE:
        break;
    case VALUE_BOOL:
        *at++ = value->boolean;
        break;
    case VALUE_DECIMAL:
        at = put_signed(at, value->mantissa);
        break;
    case VALUE_UNSIGNED:
        at = put_varint(at, value->whole);
        break;
    case VALUE_REAL32:
        at = put_bytes(at, &value->real32, sizeof(value->real32));
        break;
    case VALUE_REAL64:
        at = put_bytes(at, &value->real64, sizeof(value->real64));
        break;
    case VALUE_TEXT:
        at = put_varint(at, value->length);
        at = put_bytes(at, value->text, value->length);
        break;
    }
    return at;
}

static uint8_t *put_failure(uint8_t *at, uint8_t quality, uint8_t exception)
{
    *at++ = KIND_FAILURE;
    at = put_varint(at, quality);
    return put_varint(at, exception);
}

static uint8_t *put_sample(uint8_t *at, const struct sample *sample)
{
    at = put_varint(at, sample->tag);
    if (sample->quality != QUALITY_GOOD)
        return put_failure(at, sample->quality, sample->exception);
    /* One such number would make the reader give up the whole body. */
    if (!is_finite(&sample->value))
        return put_failure(at, QUALITY_RANGE, 0);
    return put_value(at, &sample->value);
}

/* A record's length stands before it and is known after it: the longest form is left free, and
 * what was put moves up to the one it took. */
static uint8_t *begin_record(struct text *out, size_t max_bytes)
{
    return (uint8_t *)text_reserve(out, 1 + VARINT_MAX_BYTES + max_bytes) + 1 + VARINT_MAX_BYTES;
}

static void end_record(struct text *out, enum record_kind kind, const uint8_t *end)
{
    uint8_t *start = (uint8_t *)out->data + out->length;
    const uint8_t *rest = start + 1 + VARINT_MAX_BYTES;
    size_t length = (size_t)(end - rest);

    *start = (uint8_t)kind;
    uint8_t *at = put_varint(start + 1, length);

    memmove(at, rest, length);
    at[length] = '\0';
    out->length = (size_t)(at + length - (uint8_t *)out->data);
}

void record_add_reading(struct text *out, const struct reading *reading)
{
    size_t max_bytes = FIXED_MAX_BYTES + (size_t)reading->count * SAMPLE_MAX_BYTES;

    assert(reading->count <= RECORD_MAX_SAMPLES);
    for (size_t i = 0; i < reading->count; i++)
        if (reading->samples[i].value.kind == VALUE_TEXT)
            max_bytes += reading->samples[i].value.length;

    uint8_t *at = begin_record(out, max_bytes);

    at = put_varint(at, reading->source);
    at = put_varint(at, reading->at.synced ? 0 : FLAG_UNSYNCED);
    at = put_signed(at, reading->at.wall_ms);
    if (!reading->at.synced)
        at = put_signed(at, reading->at.boot_ms);
    at = put_varint(at, reading->count);
    for (size_t i = 0; i < reading->count; i++)
        at = put_sample(at, &reading->samples[i]);
    end_record(out, RECORD_READING, at);
}

void record_add_gap(struct text *out, const struct gap *gap)
{
    uint8_t *at = begin_record(out, FIXED_MAX_BYTES);

    at = put_varint(at, gap->why);
    at = put_varint(at, gap->first_seq);
    at = put_varint(at, gap->last_seq);
    at = put_varint(at, gap->missing);
    at = put_signed(at, gap->from_ms);
    at = put_signed(at, gap->to_ms);
    end_record(out, RECORD_GAP, at);
}

/* Decoding. Each number has one form only, so that what was read would be written the same. */

struct cursor {
    const uint8_t *at, *end;
};

static size_t bytes_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* Takes a number of at most `max`. */
static bool take_varint(struct cursor *cursor, uint64_t max, uint64_t *ret_number)
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

static bool take_signed(struct cursor *cursor, int64_t *ret_number)
{
    uint64_t number;

    if (!take_varint(cursor, UINT64_MAX, &number))
        return false;
    *ret_number = (int64_t)((number >> 1) ^ (number & 1 ? UINT64_MAX : 0));
    return true;
}

static const uint8_t *take_bytes(struct cursor *cursor, size_t length)
{
    const uint8_t *bytes = cursor->at;

    if (length > bytes_left(cursor))
        return NULL;
    cursor->at += length;
    return bytes;
}

static bool take_real(struct cursor *cursor, struct value *value)
{
    size_t size = value->kind == VALUE_REAL32 ? sizeof(value->real32) : sizeof(value->real64);
    const uint8_t *bytes = take_bytes(cursor, size);

    if (!bytes)
        return false;
    if (value->kind == VALUE_REAL32)
        memcpy(&value->real32, bytes, size);
    else
        memcpy(&value->real64, bytes, size);
    return is_finite(value);
}

static bool take_text(struct cursor *cursor, struct value *value)
{
    uint64_t length;

    if (!take_varint(cursor, UINT16_MAX, &length))
        return false;
    value->length = (uint16_t)length;
    value->text = (const char *)take_bytes(cursor, length);
    return value->text != NULL;
}

static bool take_value(struct cursor *cursor, struct value *value)
{
    uint64_t boolean;

    switch (value->kind) {
    case VALUE_NONE:
        return true;
    case VALUE_BOOL:
        if (!take_varint(cursor, 1, &boolean))
            return false;
        value->boolean = boolean;
        return true;
    case VALUE_DECIMAL:
        return take_signed(cursor, &value->mantissa);
    case VALUE_UNSIGNED:
        return take_varint(cursor, UINT64_MAX, &value->whole);
    case VALUE_REAL32:
    case VALUE_REAL64:
        return take_real(cursor, value);
    case VALUE_TEXT:
        return take_text(cursor, value);
    }
    return false;
}

static bool take_failure(struct cursor *cursor, struct sample *sample)
{
    uint64_t quality, exception;

    if (!take_varint(cursor, QUALITY_LINK, &quality) || quality == QUALITY_GOOD ||
        !take_varint(cursor, UINT8_MAX, &exception))
        return false;
    sample->quality = (uint8_t)quality;
    sample->exception = (uint8_t)exception;
    return true;
}

static bool take_sample(struct cursor *cursor, struct sample *sample)
{
    uint64_t tag;

    *sample = (struct sample){0};
    if (!take_varint(cursor, UINT16_MAX, &tag) || cursor->at == cursor->end)
        return false;
    sample->tag = (uint16_t)tag;

    unsigned kind = *cursor->at & 0x0F, decimals = *cursor->at >> 4;

    cursor->at++;
    if (decimals > 0 && kind != VALUE_DECIMAL)
        return false;
    if (kind == KIND_FAILURE)
        return take_failure(cursor, sample);
    if (kind > VALUE_TEXT)
        return false;
    sample->value.kind = (enum value_kind)kind;
    sample->value.decimals = (uint8_t)decimals;
    return take_value(cursor, &sample->value);
}

/* Since each sample takes its bytes, no count can make the reader allocate more than the body
 * accounts for. */
static bool take_samples(struct record_reader *reader, struct cursor *cursor, uint64_t count)
{
    if (count > bytes_left(cursor) / SAMPLE_MIN_BYTES)
        return false;
    if (count > reader->sample_capacity) {
        reader->samples = mem_resize(reader->samples, count * sizeof(*reader->samples));
        reader->sample_capacity = count;
    }
    for (size_t i = 0; i < count; i++)
        if (!take_sample(cursor, &reader->samples[i]))
            return false;
    return true;
}

static bool take_reading(struct record_reader *reader, struct cursor *cursor,
                         struct reading *reading)
{
    uint64_t source, flags, count;

    *reading = (struct reading){0};
    if (!take_varint(cursor, UINT32_MAX, &source) || !take_varint(cursor, FLAG_UNSYNCED, &flags) ||
        !take_signed(cursor, &reading->at.wall_ms))
        return false;
    if (flags & FLAG_UNSYNCED && !take_signed(cursor, &reading->at.boot_ms))
        return false;
    if (!take_varint(cursor, RECORD_MAX_SAMPLES, &count) || !take_samples(reader, cursor, count))
        return false;

    reading->source = (uint32_t)source;
    reading->at.synced = !(flags & FLAG_UNSYNCED);
    reading->count = (uint16_t)count;
    reading->samples = reader->samples;
    return true;
}

static bool take_gap(struct cursor *cursor, struct gap *gap)
{
    uint64_t why;

    if (!take_varint(cursor, GAP_DAMAGED, &why) ||
        !take_varint(cursor, UINT64_MAX, &gap->first_seq) ||
        !take_varint(cursor, UINT64_MAX, &gap->last_seq) ||
        !take_varint(cursor, UINT64_MAX, &gap->missing) || !take_signed(cursor, &gap->from_ms) ||
        !take_signed(cursor, &gap->to_ms))
        return false;
    gap->why = (enum gap_why)why;
    return true;
}

/* Finds the next record of a kind we know, and leaves the cursor on all of it but its head. */
static int take_head(struct record_reader *reader, struct cursor *ret_rest, uint64_t *ret_kind)
{
    struct cursor cursor = {reader->at, reader->end};
    uint64_t kind, length;

    do {
        if (cursor.at == cursor.end)
            return 0;
        /* There is no kind 0, so that a run of zeros is not a run of unknown records. */
        if (!take_varint(&cursor, UINT64_MAX, &kind) || kind == 0 ||
            !take_varint(&cursor, bytes_left(&cursor), &length) || !take_bytes(&cursor, length))
            return -EBADMSG;
        reader->passed++;
    } while (kind != RECORD_READING && kind != RECORD_GAP);

    reader->at = cursor.at;
    *ret_rest = (struct cursor){cursor.at - length, cursor.at};
    *ret_kind = kind;
    return 1;
}

void record_reader_start(struct record_reader *reader, const void *body, size_t length)
{
    reader->at = body;
    reader->passed = 0;
    reader->end = length > 0 ? reader->at + length : reader->at;
}

void record_reader_free(struct record_reader *reader)
{
    free(reader->samples);
    *reader = (struct record_reader){0};
}

int record_next(struct record_reader *reader, struct record *ret_record)
{
    struct cursor rest;
    struct record record;
    uint64_t kind;
    int status = take_head(reader, &rest, &kind);

    if (status > 0) {
        record.kind = (enum record_kind)kind;
        bool taken = kind == RECORD_READING ? take_reading(reader, &rest, &record.reading)
                                            : take_gap(&rest, &record.gap);

        if (!taken || rest.at != rest.end)
            status = -EBADMSG;
    }
    if (status <= 0) {
        reader->at = reader->end;
        return status;
    }
    *ret_record = record;
    return 1;
}
