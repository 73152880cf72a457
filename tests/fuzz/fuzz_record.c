/* What the store keeps of readings and events, as it may come back from a damaged disk:
 * daemon/base/record_reader.c, against record.c that writes it and payload_json.c that tells it.
 *
 * Input: how many bytes to cut off the end, then a body. */
#include <errno.h>

#include "fuzz.h"
#include "node.h"
#include "payload_json.h"
#include "record.h"
#include "text.h"

enum { MOST_RECORDS = 1024 };

/* Where a record begins and what it is, by either way of walking. */
struct found {
    enum record_kind kind;
    uint32_t source, passed;
    size_t end;
};

struct walk {
    struct found found[MOST_RECORDS];
    size_t count;
    int end; /* what the walk ended with */
};

static const struct tag_name names[] = {
    {"good", 4, ",\"good\":"}, {"state", 5, ",\"state\":"}, {"glue_temp", 9, ",\"glue_temp\":"}};
static const struct source machine = {1, "binder-1", 3, names};

static void check_value(const struct value *value, const uint8_t *body, size_t length)
{
    CLAIM(value->kind <= VALUE_TEXT && value->decimals <= DECIMAL_MAX_DECIMALS);
    if (value->kind == VALUE_TEXT) {
        const uint8_t *text = (const uint8_t *)value->text;
        CLAIM(text >= body && text + value->length <= body + length);
    }
}

static void check_reading(const struct reading *reading, const uint8_t *body, size_t length)
{
    CLAIM(reading->count <= RECORD_MAX_SAMPLES);
    for (size_t i = 0; i < reading->count; i++) {
        const struct sample *sample = &reading->samples[i];
        CLAIM(sample->quality <= QUALITY_LINK);
        CLAIM(sample->quality == QUALITY_GOOD || sample->value.kind == VALUE_NONE);
        check_value(&sample->value, body, length);
    }
}

/* It stands in messages without being escaped. */
static void check_word(const char *word)
{
    size_t length = strnlen(word, EVENT_WORD_BYTES);

    CLAIM(length > 0 && length < EVENT_WORD_BYTES);
    CLAIM(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") == length);
}

static void check_event(const struct event *event, const uint8_t *body, size_t length)
{
    CLAIM(event->count <= EVENT_MAX_FIELDS);
    check_word(event->name);
    for (size_t i = 0; i < event->count; i++) {
        check_word(event->fields[i].key);
        check_value(&event->fields[i].value, body, length);
    }
}

/* Returns whose it is, as a skim would. */
static uint32_t check_record(const struct record *record, const uint8_t *body, size_t length)
{
    switch (record->kind) {
    case RECORD_READING:
        check_reading(&record->reading, body, length);
        return record->reading.source;
    case RECORD_EVENT:
        check_event(&record->event, body, length);
        return record->event.source;
    case RECORD_GAP:
        break;
    }
    return 0;
}

/* Written again it is the same, byte for byte: a form is the only one. */
static void check_written(const struct record *record, const uint8_t *end)
{
    struct text again = {0};

    if (record->kind == RECORD_READING)
        record_add_reading(&again, &record->reading);
    else if (record->kind == RECORD_EVENT)
        record_add_event(&again, &record->event);
    else
        record_add_gap(&again, &record->gap);
    CLAIM(memcmp(again.data, end - again.length, again.length) == 0);
    text_free(&again);
}

/* What is told of it is JSON. */
static void check_told(const struct record *record)
{
    struct payload_clock clock = {0};
    struct text told = {0}, wrong = {0};

    text_add_char(&told, '[');
    if (record->kind == RECORD_READING) {
        clock.corrected = record->reading.at.wall_ms % 2 == 0;
        payload_json_reading(&told, 7, &record->reading, &machine, &clock);
    } else if (record->kind == RECORD_EVENT) {
        clock.corrected = record->event.at.wall_ms % 2 == 0;
        payload_json_event(&told, 7, &record->event, &machine, &clock, "g", "s");
    } else {
        payload_json_gap(&told, 7, &record->gap, "g", "s");
    }
    text_add_char(&told, ']');
    struct node *root = node_parse(told.data, told.length, &wrong);
    /* Two samples of one tag, or fields of one key, make two members of one name; a text may have a
     * zero in it, which is JSON, but nothing for this reader. */
    CLAIM(root != NULL || strstr(wrong.data, "duplicate") || strstr(wrong.data, "\\u0000"));
    node_free(root);
    text_free(&told);
    text_free(&wrong);
}

static void note(struct walk *walk, const struct record_reader *reader, const uint8_t *body,
                 enum record_kind kind, uint32_t source)
{
    if (walk->count < MOST_RECORDS)
        walk->found[walk->count] =
            (struct found){kind, source, reader->passed, (size_t)(reader->at - body)};
    walk->count++;
}

static void read_all(const uint8_t *body, size_t length, struct walk *walk)
{
    struct record_reader reader = {0};
    struct record record = {0};

    record_reader_start(&reader, body, length);
    while ((walk->end = record_next(&reader, &record)) == 1) {
        CLAIM(reader.at <= body + length);
        uint32_t source = check_record(&record, body, length);
        check_written(&record, reader.at);
        check_told(&record);
        note(walk, &reader, body, record.kind, source);
    }
    CLAIM(walk->end == 0 || walk->end == -EBADMSG);
    CLAIM(record_next(&reader, &record) == 0);
    record_reader_free(&reader);
}

/* Only where samples make no sense may this walk get further than the other. */
static void skim_all(const uint8_t *body, size_t length, const struct walk *walk)
{
    struct record_reader reader = {0};
    enum record_kind kind;
    uint32_t source;
    size_t count = 0;
    int end;

    record_reader_start(&reader, body, length);
    while ((end = record_skim(&reader, &kind, &source)) == 1) {
        if (count == walk->count)
            CLAIM(walk->end == -EBADMSG && kind == RECORD_READING);
        if (count < walk->count && count < MOST_RECORDS) {
            const struct found *found = &walk->found[count];
            CLAIM(kind == found->kind && source == found->source);
            CLAIM(reader.passed == found->passed && (size_t)(reader.at - body) == found->end);
        }
        count++;
    }
    CLAIM(count >= walk->count && (walk->end != 0 || (end == 0 && count == walk->count)));
    CLAIM(record_skim(&reader, &kind, &source) == 0);
    record_reader_free(&reader);
}

/* Of a body that was cut off, what is whole is read as before. */
static void check_cut(const uint8_t *body, size_t length, const struct walk *whole)
{
    struct walk cut = {0};
    uint8_t *shorter = malloc(length > 0 ? length : 1);

    if (length > 0)
        memcpy(shorter, body, length);
    read_all(shorter, length, &cut);
    CLAIM(cut.count <= whole->count);
    for (size_t i = 0; i < cut.count && i < MOST_RECORDS; i++)
        CLAIM(cut.found[i].end == whole->found[i].end && cut.found[i].kind == whole->found[i].kind);
    free(shorter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    static struct walk walk;
    size_t cut = input_byte(&input);
    uint8_t *body = input_copy(&input);

    walk.count = 0;
    read_all(body, input.left, &walk);
    skim_all(body, input.left, &walk);
    if (cut > 0)
        check_cut(body, input.left > cut ? input.left - cut : 0, &walk);
    free(body);
    return 0;
}
