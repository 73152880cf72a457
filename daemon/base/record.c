/* Readings, gaps and events put into bytes. */
#include <assert.h>
#include <string.h>

#include "record_internal.h"

enum {
    FIXED_MAX_BYTES = 6 * VARINT_MAX_BYTES, /* what a record holds beside its samples */
    SAMPLE_MAX_BYTES =
        3 + 2 + 2 + 1 + VARINT_MAX_BYTES, /* a run of its own, a text's bytes aside */
    FIELD_MAX_BYTES = EVENT_WORD_BYTES + SAMPLE_MAX_BYTES, /* likewise */
};

/* Room for the longest form is reserved once, then bytes are put without checks. */

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

static struct run run_of(const struct sample *sample)
{
    const struct value *value = &sample->value;
    if (sample->quality != QUALITY_GOOD)
        return (struct run){FORM_FAILED, sample->quality, sample->exception};
    if (value->kind == VALUE_DECIMAL) {
        uint8_t form = record_decimal_form(value->mantissa);
        return (struct run){.form = (uint8_t)(form | value->decimals << 4)};
    }
    /* One such number would make the reader give up the whole body. */
    if (!record_is_finite(value))
        return (struct run){FORM_FAILED, QUALITY_RANGE, 0};
    return (struct run){.form = (uint8_t)value->kind};
}

/* Decimals in so many bytes each: a constant where it is called, so that nothing is called here. */
static inline __attribute__((always_inline)) uint8_t *
put_fixed(uint8_t *at, size_t size, const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++, at += size) {
        int64_t mantissa = samples[i].value.mantissa;
        memcpy(at, &mantissa, size);
    }
    return at;
}

static uint8_t *put_values(uint8_t *at, uint8_t form, const struct sample *samples, size_t count)
{
    if ((form & 0x0F) == FORM_DECIMAL16)
        return put_fixed(at, sizeof(uint16_t), samples, count);
    if ((form & 0x0F) == FORM_DECIMAL32)
        return put_fixed(at, sizeof(uint32_t), samples, count);
    for (size_t i = 0; i < count; i++)
        at = put_value(at, &samples[i].value);
    return at;
}

/* How many samples, from the first on, are of its run. Most are decimals of two bytes: a short cut
 * for what run_of says of such. */
static size_t run_length(struct run run, const struct sample *samples, size_t count)
{
    bool short_ones = (run.form & 0x0F) == FORM_DECIMAL16;
    uint8_t decimals = samples[0].value.decimals;
    size_t length = 1;
    for (const struct sample *next = samples + 1; length < count; length++, next++) {
        if (next->tag != samples[0].tag + length)
            break;
        bool alike = short_ones && next->quality == QUALITY_GOOD &&
                     next->value.kind == VALUE_DECIMAL && next->value.decimals == decimals &&
                     (uint64_t)next->value.mantissa <= UINT16_MAX;
        if (!alike && !record_same_run(run, run_of(next)))
            break;
    }
    return length;
}

/* Puts those samples from the first on that are of one run, and returns how many they were. */
static size_t put_run(uint8_t **at, const struct sample *samples, size_t count, int expected_tag)
{
    struct run run = run_of(samples);
    size_t length = run_length(run, samples, count);
    *at = put_signed(*at, samples[0].tag - expected_tag);
    *at = put_varint(*at, length - 1);
    *(*at)++ = run.form;
    if (run.form == FORM_FAILED) {
        *(*at)++ = run.quality;
        *(*at)++ = run.exception;
        return length;
    }
    *at = put_values(*at, run.form, samples, length);
    return length;
}

static uint8_t *put_instant(uint8_t *at, const struct instant *instant)
{
    at = put_varint(at, instant->synced ? 0 : FLAG_UNSYNCED);
    at = put_signed(at, instant->wall_ms);
    return instant->synced ? at : put_signed(at, instant->boot_ms);
}

static uint8_t *put_word(uint8_t *at, const char *word)
{
    size_t length = strnlen(word, EVENT_WORD_BYTES);

    assert(record_is_word(word, length));
    *at++ = (uint8_t)length;
    return put_bytes(at, word, length);
}

static uint8_t *put_field(uint8_t *at, const struct event_field *field)
{
    struct sample sample = {.value = field->value};

    /* A field has no quality to tell it by. */
    if (!record_is_finite(&sample.value))
        sample.value = (struct value){.kind = VALUE_NONE};
    uint8_t form = run_of(&sample).form;
    at = put_word(at, field->key);
    *at++ = form;
    return put_values(at, form, &sample, 1);
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
    at = put_instant(at, &reading->at);
    at = put_varint(at, reading->count);
    int expected_tag = 0;
    for (size_t i = 0; i < reading->count; expected_tag = reading->samples[i - 1].tag + 1)
        i += put_run(&at, reading->samples + i, reading->count - i, expected_tag);
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

void record_add_event(struct text *out, const struct event *event)
{
    size_t max_bytes = FIXED_MAX_BYTES + EVENT_WORD_BYTES + (size_t)event->count * FIELD_MAX_BYTES;

    assert(event->count <= EVENT_MAX_FIELDS);
    for (size_t i = 0; i < event->count; i++)
        if (event->fields[i].value.kind == VALUE_TEXT)
            max_bytes += event->fields[i].value.length;

    uint8_t *at = begin_record(out, max_bytes);

    at = put_varint(at, event->source);
    at = put_instant(at, &event->at);
    at = put_word(at, event->name);
    at = put_varint(at, event->count);
    for (size_t i = 0; i < event->count; i++)
        at = put_field(at, &event->fields[i]);
    end_record(out, RECORD_EVENT, at);
}

const struct instant *record_instant(const struct record *record)
{
    switch (record->kind) {
    case RECORD_READING:
        return &record->reading.at;
    case RECORD_EVENT:
        return &record->event.at;
    case RECORD_GAP:
        break;
    }
    return NULL;
}
