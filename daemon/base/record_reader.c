/* Readings, gaps and events taken out of bytes. Everything has one form only, so that what was read
 * would be written the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "record_cursor.h"
#include "record_internal.h"

static bool take_real(struct cursor *cursor, struct value *value)
{
    size_t size = value->kind == VALUE_REAL32 ? sizeof(value->real32) : sizeof(value->real64);
    const uint8_t *bytes = cursor_bytes(cursor, size);

    if (!bytes)
        return false;
    if (value->kind == VALUE_REAL32)
        memcpy(&value->real32, bytes, size);
    else
        memcpy(&value->real64, bytes, size);
    return record_is_finite(value);
}

static bool take_text(struct cursor *cursor, struct value *value)
{
    uint64_t length;

    if (!cursor_varint(cursor, UINT16_MAX, &length))
        return false;
    value->length = (uint16_t)length;
    value->text = (const char *)cursor_bytes(cursor, length);
    return value->text != NULL;
}

static bool take_decimal(struct cursor *cursor, struct value *value)
{
    int64_t mantissa;

    if (!cursor_signed(cursor, &mantissa))
        return false;
    value->mantissa = mantissa;
    return record_decimal_form(mantissa) == VALUE_DECIMAL;
}

static bool take_unsigned(struct cursor *cursor, struct value *value)
{
    uint64_t whole;

    if (!cursor_varint(cursor, UINT64_MAX, &whole))
        return false;
    value->whole = whole;
    return true;
}

static bool take_value(struct cursor *cursor, struct value *value)
{
    uint64_t boolean;

    switch (value->kind) {
    case VALUE_NONE:
        return true;
    case VALUE_BOOL:
        if (!cursor_varint(cursor, 1, &boolean))
            return false;
        value->boolean = boolean;
        return true;
    case VALUE_DECIMAL:
        return take_decimal(cursor, value);
    case VALUE_UNSIGNED:
        return take_unsigned(cursor, value);
    case VALUE_REAL32:
    case VALUE_REAL64:
        return take_real(cursor, value);
    case VALUE_TEXT:
        return take_text(cursor, value);
    }
    return false;
}

/* Decimals of two or four bytes, which are what machines say most; only if they have no shorter
 * form. The size is a constant where it is called, and each has a loop of its own. */
static inline __attribute__((always_inline)) bool take_fixed(struct cursor *cursor, size_t size,
                                                             struct sample sample, uint8_t form,
                                                             struct sample *samples, size_t count)
{
    const uint8_t *bytes = cursor_bytes(cursor, count * size);

    for (size_t i = 0; bytes && i < count; i++, sample.tag++) {
        uint32_t mantissa = 0;
        memcpy(&mantissa, bytes + i * size, size);
        if (record_decimal_form(mantissa) != form)
            return false;
        sample.value.mantissa = mantissa;
        samples[i] = sample;
    }
    return bytes != NULL;
}

static enum value_kind form_kind(uint8_t form)
{
    return form == FORM_DECIMAL16 || form == FORM_DECIMAL32 ? VALUE_DECIMAL : (enum value_kind)form;
}

static bool is_known_form(uint8_t form)
{
    uint8_t kind = form & 0x0F;

    return kind <= FORM_DECIMAL32 && (form == kind || form_kind(kind) == VALUE_DECIMAL);
}

static bool take_run(struct cursor *cursor, struct run *run)
{
    *run = (struct run){0};
    if (!cursor_byte(cursor, &run->form))
        return false;
    if (run->form == FORM_FAILED)
        return cursor_byte(cursor, &run->quality) && cursor_byte(cursor, &run->exception) &&
               run->quality != QUALITY_GOOD && run->quality <= QUALITY_LINK;
    return is_known_form(run->form);
}

static bool take_run_samples(struct cursor *cursor, struct run run, uint16_t first_tag,
                             struct sample *samples, size_t count)
{
    struct sample sample = {.tag = first_tag, .quality = run.quality, .exception = run.exception};
    uint8_t form = run.form & 0x0F;
    if (form != FORM_FAILED) {
        sample.value.kind = form_kind(form);
        sample.value.decimals = run.form >> 4;
    }
    if (form == FORM_DECIMAL16)
        return take_fixed(cursor, sizeof(uint16_t), sample, form, samples, count);
    if (form == FORM_DECIMAL32)
        return take_fixed(cursor, sizeof(uint32_t), sample, form, samples, count);
    for (size_t i = 0; i < count; i++, sample.tag++) {
        samples[i] = sample;
        if (!take_value(cursor, &samples[i].value))
            return false;
    }
    return true;
}

static bool take_samples(struct cursor *cursor, struct sample *samples, size_t count)
{
    struct run before = {0}, run;
    int64_t expected_tag = 0, skipped;
    uint64_t more;
    for (size_t i = 0; i < count; i += more + 1, expected_tag += (int64_t)more + 1, before = run) {
        if (!cursor_signed(cursor, &skipped) || skipped < -expected_tag ||
            skipped > UINT16_MAX - expected_tag)
            return false;
        expected_tag += skipped;
        if (!cursor_varint(cursor, count - i - 1, &more) ||
            (int64_t)more > UINT16_MAX - expected_tag || !take_run(cursor, &run))
            return false;
        /* It would have been one with the run before. */
        if (i > 0 && skipped == 0 && record_same_run(before, run))
            return false;
        if (!take_run_samples(cursor, run, (uint16_t)expected_tag, samples + i, more + 1))
            return false;
    }
    return true;
}

static void make_room(struct record_reader *reader, size_t count)
{
    if (count <= reader->sample_capacity)
        return;
    reader->samples = mem_resize(reader->samples, count * sizeof(*reader->samples));
    reader->sample_capacity = count;
}

static bool take_instant(struct cursor *cursor, struct instant *instant)
{
    uint64_t flags;

    if (!cursor_varint(cursor, FLAG_UNSYNCED, &flags) || !cursor_signed(cursor, &instant->wall_ms))
        return false;
    instant->synced = !(flags & FLAG_UNSYNCED);
    return instant->synced || cursor_signed(cursor, &instant->boot_ms);
}

static bool take_reading(struct record_reader *reader, struct cursor *cursor,
                         struct reading *reading)
{
    uint64_t source, count;

    *reading = (struct reading){0};
    if (!cursor_varint(cursor, UINT32_MAX, &source) || !take_instant(cursor, &reading->at) ||
        !cursor_varint(cursor, RECORD_MAX_SAMPLES, &count))
        return false;
    make_room(reader, count);
    if (!take_samples(cursor, reader->samples, count))
        return false;

    reading->source = (uint32_t)source;
    reading->count = (uint16_t)count;
    reading->samples = reader->samples;
    return true;
}

static bool take_gap(struct cursor *cursor, struct gap *gap)
{
    uint64_t why;

    if (!cursor_varint(cursor, GAP_DAMAGED, &why) ||
        !cursor_varint(cursor, UINT64_MAX, &gap->first_seq) ||
        !cursor_varint(cursor, UINT64_MAX, &gap->last_seq) ||
        !cursor_varint(cursor, UINT64_MAX, &gap->missing) ||
        !cursor_signed(cursor, &gap->from_ms) || !cursor_signed(cursor, &gap->to_ms))
        return false;
    gap->why = (enum gap_why)why;
    return true;
}

static bool take_word(struct cursor *cursor, char *word)
{
    uint8_t length;

    if (!cursor_byte(cursor, &length))
        return false;
    const char *letters = (const char *)cursor_bytes(cursor, length);
    if (!letters || !record_is_word(letters, length))
        return false;
    memcpy(word, letters, length);
    word[length] = '\0';
    return true;
}

static bool take_field(struct cursor *cursor, struct event_field *field)
{
    struct run run = {0};
    struct sample sample;

    if (!take_word(cursor, field->key) || !cursor_byte(cursor, &run.form) ||
        !is_known_form(run.form) || !take_run_samples(cursor, run, 0, &sample, 1))
        return false;
    field->value = sample.value;
    return true;
}

static bool take_event(struct cursor *cursor, struct event *event)
{
    uint64_t source, count;

    *event = (struct event){0};
    if (!cursor_varint(cursor, UINT32_MAX, &source) || !take_instant(cursor, &event->at) ||
        !take_word(cursor, event->name) || !cursor_varint(cursor, EVENT_MAX_FIELDS, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!take_field(cursor, &event->fields[i]))
            return false;
    event->source = (uint32_t)source;
    event->count = (uint16_t)count;
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
        if (!cursor_varint(&cursor, UINT64_MAX, &kind) || kind == 0 ||
            !cursor_varint(&cursor, cursor_left(&cursor), &length) ||
            !cursor_bytes(&cursor, length))
            return -EBADMSG;
        reader->passed++;
    } while (kind != RECORD_READING && kind != RECORD_GAP && kind != RECORD_EVENT);

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

static bool take_record(struct record_reader *reader, struct cursor *cursor, struct record *record)
{
    bool taken = false;

    switch (record->kind) {
    case RECORD_READING:
        taken = take_reading(reader, cursor, &record->reading);
        break;
    case RECORD_GAP:
        taken = take_gap(cursor, &record->gap);
        break;
    case RECORD_EVENT:
        taken = take_event(cursor, &record->event);
        break;
    }
    return taken && cursor->at == cursor->end;
}

/* Whoever skims builds on what is not read again before its turn: gaps and events, which are few,
 * are read as a whole. */
static bool skim_whole(struct record_reader *reader, struct cursor *cursor, enum record_kind kind,
                       uint64_t *ret_source)
{
    struct record record;

    record.kind = kind;
    if (!take_record(reader, cursor, &record))
        return false;
    *ret_source = kind == RECORD_EVENT ? record.event.source : 0;
    return true;
}

int record_skim(struct record_reader *reader, enum record_kind *ret_kind, uint32_t *ret_source)
{
    struct cursor rest;
    uint64_t kind, source;
    int status = take_head(reader, &rest, &kind);

    bool taken = status > 0 && (kind == RECORD_READING
                                    ? cursor_varint(&rest, UINT32_MAX, &source)
                                    : skim_whole(reader, &rest, (enum record_kind)kind, &source));
    if (status > 0 && !taken)
        status = -EBADMSG;
    if (status <= 0) {
        reader->at = reader->end;
        return status;
    }
    *ret_kind = (enum record_kind)kind;
    *ret_source = (uint32_t)source;
    return 1;
}

/* Readings are nearly all there is: they don't pay for the room that an event takes. */
static void give_record(const struct record *record, struct record *ret_record)
{
    ret_record->kind = record->kind;
    if (record->kind == RECORD_READING)
        ret_record->reading = record->reading;
    else if (record->kind == RECORD_GAP)
        ret_record->gap = record->gap;
    else
        ret_record->event = record->event;
}

int record_next(struct record_reader *reader, struct record *ret_record)
{
    struct cursor rest;
    struct record record;
    uint64_t kind;
    int status = take_head(reader, &rest, &kind);

    if (status > 0) {
        record.kind = (enum record_kind)kind;
        if (!take_record(reader, &rest, &record))
            status = -EBADMSG;
    }
    if (status <= 0) {
        reader->at = reader->end;
        return status;
    }
    give_record(&record, ret_record);
    return 1;
}
