#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"

enum { CORRUPTIONS = 300000 };

static uint64_t random_state = 0x9E3779B97F4A7C15;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % limit;
}

static struct sample every_kind[] = {
    {.tag = 0},
    {.tag = 1, .value = {.kind = VALUE_BOOL, .boolean = true}},
    {.tag = 2, .value = {.kind = VALUE_BOOL, .boolean = false}},
    {.tag = 3, .value = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = 563}},
    {.tag = 4, .value = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = UINT16_MAX}},
    {.tag = 5, .value = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = UINT16_MAX + 1}},
    {.tag = 6, .value = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = UINT32_MAX}},
    {.tag = 7, .value = {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = UINT32_MAX + 1LL}},
    {.tag = 8, .value = {.kind = VALUE_DECIMAL, .mantissa = -1}},
    {.tag = 127, .value = {.kind = VALUE_DECIMAL, .decimals = 15, .mantissa = INT64_MIN}},
    {.tag = 128, .value = {.kind = VALUE_DECIMAL, .mantissa = INT64_MAX}},
    {.tag = 129, .value = {.kind = VALUE_UNSIGNED, .whole = UINT64_MAX}},
    {.tag = 130, .value = {.kind = VALUE_REAL32, .real32 = -23.45F}},
    {.tag = 131, .value = {.kind = VALUE_REAL64, .real64 = 0.1}},
    {.tag = 132, .value = {.kind = VALUE_TEXT, .length = 10, .text = "production"}},
    {.tag = 133, .value = {.kind = VALUE_TEXT, .length = 0, .text = ""}},
    {.tag = 4095, .quality = QUALITY_TIMEOUT},
    {.tag = 65535, .quality = QUALITY_EXCEPTION, .exception = 255},
};

static const struct reading full = {
    .source = UINT32_MAX,
    .count = sizeof(every_kind) / sizeof(*every_kind),
    .at = {.boot_ms = 123456789, .wall_ms = -5, .synced = false},
    .samples = every_kind,
};

static const struct reading plain = {
    .source = 7,
    .count = 1,
    .at = {.wall_ms = 1795412474123, .synced = true},
    .samples = &every_kind[3],
};

static const struct gap gap = {
    .why = GAP_UNCLEAN_STOP,
    .first_seq = 1,
    .last_seq = UINT64_MAX,
    .missing = UINT64_MAX,
    .from_ms = INT64_MIN,
    .to_ms = INT64_MAX,
};

static const struct event happening = {
    .source = UINT32_MAX,
    .count = 9,
    .at = {.boot_ms = 123456789, .wall_ms = -5, .synced = false},
    .name = "counter_anomaly",
    .fields =
        {
            {"nothing", {.kind = VALUE_NONE}},
            {"forced", {.kind = VALUE_BOOL, .boolean = true}},
            {"small", {.kind = VALUE_DECIMAL, .decimals = 1, .mantissa = 563}},
            {"large", {.kind = VALUE_DECIMAL, .decimals = 15, .mantissa = UINT32_MAX}},
            {"negative", {.kind = VALUE_DECIMAL, .mantissa = INT64_MIN}},
            {"whole", {.kind = VALUE_UNSIGNED, .whole = UINT64_MAX}},
            {"real_32", {.kind = VALUE_REAL32, .real32 = -23.45F}},
            {"real_64", {.kind = VALUE_REAL64, .real64 = 0.1}},
            {"why", {.kind = VALUE_TEXT, .length = 9, .text = "paper jam"}},
        },
};

static const struct event stop = {
    .source = 7,
    .count = 2,
    .at = {.wall_ms = 1795412474123, .synced = true},
    .name = "stop",
    .fields =
        {
            {"ms", {.kind = VALUE_DECIMAL, .mantissa = 563}},
            {"reason", {.kind = VALUE_NONE}},
        },
};

static void assert_same_instant(const struct instant *a, const struct instant *b)
{
    assert_int_equal(a->wall_ms, b->wall_ms);
    assert_int_equal(a->boot_ms, b->boot_ms);
    assert_int_equal(a->synced, b->synced);
}

static void assert_same_event(const struct event *a, const struct event *b)
{
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->count, b->count);
    assert_same_instant(&a->at, &b->at);
    assert_string_equal(a->name, b->name);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->fields[i].key, b->fields[i].key);
        assert_true(value_equal(&a->fields[i].value, &b->fields[i].value));
    }
}

static void assert_same_reading(const struct reading *a, const struct reading *b)
{
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->count, b->count);
    assert_same_instant(&a->at, &b->at);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->samples[i].tag, b->samples[i].tag);
        assert_int_equal(a->samples[i].quality, b->samples[i].quality);
        assert_int_equal(a->samples[i].exception, b->samples[i].exception);
        assert_true(value_equal(&a->samples[i].value, &b->samples[i].value));
    }
}

static int read_one(const void *body, size_t length)
{
    struct record_reader reader = {0};
    struct record record;

    record_reader_start(&reader, body, length);
    int status = record_next(&reader, &record);

    record_reader_free(&reader);
    return status;
}

static void test_record_gives_back_what_was_put(void **state)
{
    struct text body = {0};
    struct record_reader reader = {0};
    struct record record;

    (void)state;
    record_add_reading(&body, &full);
    record_add_gap(&body, &gap);
    record_add_event(&body, &happening);
    record_add_reading(&body, &plain);

    record_reader_start(&reader, body.data, body.length);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_int_equal(record.kind, RECORD_READING);
    assert_same_reading(&record.reading, &full);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_int_equal(record.kind, RECORD_GAP);
    assert_int_equal(record.gap.why, gap.why);
    assert_true(record.gap.first_seq == gap.first_seq && record.gap.last_seq == gap.last_seq);
    assert_true(record.gap.missing == gap.missing);
    assert_true(record.gap.from_ms == gap.from_ms && record.gap.to_ms == gap.to_ms);
    assert_null(record_instant(&record));
    assert_int_equal(record_next(&reader, &record), 1);
    assert_int_equal(record.kind, RECORD_EVENT);
    assert_same_event(&record.event, &happening);
    assert_ptr_equal(record_instant(&record), &record.event.at);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_ptr_equal(record_instant(&record), &record.reading.at);
    assert_same_reading(&record.reading, &plain);
    assert_int_equal(record_next(&reader, &record), 0);
    assert_int_equal(record_next(&reader, &record), 0);

    record_reader_free(&reader);
    text_free(&body);
}

static void test_record_has_the_written_form(void **state)
{
    static const uint8_t expected[] = {
        1,    14,                           /* reading, length */
        7,    0,                            /* source, synced */
        0x96, 0xE4, 0xE1, 0xEE, 0xC0, 0x68, /* wall_ms */
        1,                                  /* count */
        6,    0,    0x17,                   /* run: from tag 3 on, one, decimal16 with 1 decimal */
        0x33, 0x02,                         /* 563 */
    };
    struct text body = {0};

    (void)state;
    record_add_reading(&body, &plain);
    assert_int_equal(body.length, sizeof(expected));
    assert_memory_equal(body.data, expected, sizeof(expected));
    text_free(&body);
}

static void test_record_of_an_event_has_the_written_form(void **state)
{
    static const uint8_t expected[] = {
        3,    28,                                   /* event, length */
        7,    0,                                    /* source, synced */
        0x96, 0xE4, 0xE1, 0xEE, 0xC0, 0x68,         /* wall_ms */
        4,    's',  't',  'o',  'p',                /* name */
        2,                                          /* count */
        2,    'm',  's',  0x07, 0x33, 0x02,         /* 563, decimal16 */
        6,    'r',  'e',  'a',  's',  'o',  'n', 0, /* none */
    };
    struct text body = {0};

    (void)state;
    record_add_event(&body, &stop);
    assert_int_equal(body.length, sizeof(expected));
    assert_memory_equal(body.data, expected, sizeof(expected));
    text_free(&body);
}

static void test_record_says_once_what_neighbours_have_in_common(void **state)
{
    struct sample samples[40];
    struct reading reading = {.source = 7, .count = 40, .at.synced = true, .samples = samples};
    struct text good = {0}, failed = {0};

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        samples[i] = (struct sample){.tag = (uint16_t)i, .value = {.kind = VALUE_DECIMAL}};
    record_add_reading(&good, &reading);
    for (unsigned i = 0; i < 40; i++)
        samples[i] = (struct sample){.tag = (uint16_t)i, .quality = QUALITY_TIMEOUT};
    record_add_reading(&failed, &reading);
    /* kind, length; source, flags, time, count; skipped, more, form; and the values or the reason
     */
    assert_int_equal(good.length, 2 + 4 + 3 + 40 * 2);
    assert_int_equal(failed.length, 2 + 4 + 3 + 2);
    text_free(&good);
    text_free(&failed);
}

static void test_record_holds_a_reading_of_the_most_samples(void **state)
{
    struct sample *samples = calloc(RECORD_MAX_SAMPLES, sizeof(*samples));
    struct reading reading = {.count = RECORD_MAX_SAMPLES, .samples = samples};
    struct record_reader reader = {0};
    struct record record;
    struct text body = {0};
    char name[UINT16_MAX];

    (void)state;
    memset(name, 'n', sizeof(name));
    for (unsigned i = 0; i < RECORD_MAX_SAMPLES; i++)
        samples[i] = (struct sample){
            .tag = (uint16_t)i,
            .value = {.kind = VALUE_TEXT, .length = i % 100 ? 3 : UINT16_MAX, .text = name},
        };
    record_add_reading(&body, &reading);
    record_reader_start(&reader, body.data, body.length);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_same_reading(&record.reading, &reading);
    record_reader_free(&reader);
    text_free(&body);
    free(samples);
}

static void test_record_holds_an_event_of_the_most_and_longest_fields(void **state)
{
    static char words[UINT16_MAX];
    struct event event = {.source = 1, .count = EVENT_MAX_FIELDS};
    struct record_reader reader = {0};
    struct record record;
    struct text body = {0};

    (void)state;
    memset(words, 'w', sizeof(words));
    memset(event.name, 'n', EVENT_WORD_BYTES - 1);
    for (size_t i = 0; i < EVENT_MAX_FIELDS; i++) {
        memset(event.fields[i].key, 'a' + (int)(i % 26), EVENT_WORD_BYTES - 1);
        event.fields[i].value =
            (struct value){.kind = VALUE_TEXT, .length = UINT16_MAX, .text = words};
    }
    record_add_event(&body, &event);
    record_reader_start(&reader, body.data, body.length);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_same_event(&record.event, &event);
    record_reader_free(&reader);
    text_free(&body);
}

static void test_record_tells_an_events_reals_that_are_not_finite_as_none(void **state)
{
    const struct event event = {
        .count = 2,
        .name = "odd",
        .fields = {{"a", {.kind = VALUE_REAL32, .real32 = -INFINITY}},
                   {"b", {.kind = VALUE_REAL64, .real64 = (double)NAN}}},
    };
    struct record_reader reader = {0};
    struct record record;
    struct text body = {0};

    (void)state;
    record_add_event(&body, &event);
    record_reader_start(&reader, body.data, body.length);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_int_equal(record.event.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(record.event.fields[i].value.kind, VALUE_NONE);
    record_reader_free(&reader);
    text_free(&body);
}

static void test_record_skim_tells_whose_readings_and_events_are(void **state)
{
    struct record_reader reader = {0};
    enum record_kind kind;
    uint32_t source;
    struct text body = {0};

    (void)state;
    record_add_event(&body, &stop);
    record_add_gap(&body, &gap);
    record_add_reading(&body, &full);
    record_reader_start(&reader, body.data, body.length);
    assert_int_equal(record_skim(&reader, &kind, &source), 1);
    assert_true(kind == RECORD_EVENT && source == stop.source);
    assert_int_equal(record_skim(&reader, &kind, &source), 1);
    assert_true(kind == RECORD_GAP && source == 0);
    assert_int_equal(record_skim(&reader, &kind, &source), 1);
    assert_true(kind == RECORD_READING && source == full.source);
    assert_int_equal(record_skim(&reader, &kind, &source), 0);
    text_free(&body);
}

/* What was skimmed is promised to be readable, unless it is a reading. */
static void test_record_skim_refuses_an_event_of_which_a_field_makes_no_sense(void **state)
{
    static const char bytes[] = "\3\x0A\0\0\0\1n\1\1a\1\2";
    struct record_reader reader = {0};
    enum record_kind kind;
    uint32_t source;

    (void)state;
    record_reader_start(&reader, bytes, sizeof(bytes) - 1);
    assert_int_equal(record_skim(&reader, &kind, &source), -EBADMSG);
}

static void test_record_tells_reals_that_are_not_finite_as_out_of_range(void **state)
{
    struct sample samples[] = {
        {.value = {.kind = VALUE_REAL32, .real32 = INFINITY}},
        {.value = {.kind = VALUE_REAL64, .real64 = (double)NAN}},
    };
    struct reading reading = {.count = 2, .samples = samples};
    struct record_reader reader = {0};
    struct record record;
    struct text body = {0};

    (void)state;
    record_add_reading(&body, &reading);
    record_reader_start(&reader, body.data, body.length);
    assert_int_equal(record_next(&reader, &record), 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(record.reading.samples[i].quality, QUALITY_RANGE);
        assert_int_equal(record.reading.samples[i].value.kind, VALUE_NONE);
    }
    record_reader_free(&reader);
    text_free(&body);
}

static void test_record_skips_kinds_it_does_not_know(void **state)
{
    static const char unknown[] = {4, 2, 'x', 'y', (char)0xFF, 0x7F, 0};
    struct record_reader reader = {0};
    struct record record;
    struct text body = {0};

    (void)state;
    text_add_bytes(&body, unknown, sizeof(unknown));
    record_add_reading(&body, &plain);
    text_add_bytes(&body, unknown, sizeof(unknown));
    record_reader_start(&reader, body.data, body.length);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_same_reading(&record.reading, &plain);
    assert_int_equal(record_next(&reader, &record), 0);
    record_reader_free(&reader);
    text_free(&body);
}

static void test_record_finds_nothing_in_an_empty_body(void **state)
{
    (void)state;
    assert_int_equal(read_one(NULL, 0), 0);
    assert_int_equal(read_one("", 0), 0);
}

#define SEVEN_FIELDS "\1a\0\1a\0\1a\0\1a\0\1a\0\1a\0\1a\0"

static void test_record_refuses_bytes_that_make_no_sense(void **state)
{
    static const struct {
        const char *why, *bytes;
        size_t length;
    } cases[] = {
#define CASE(why, bytes) {why, bytes, sizeof(bytes) - 1}
        CASE("zeros", "\0\0\0\0"),
        CASE("a kind alone", "\1"),
        CASE("a length beyond the end", "\3\1"),
        CASE("an empty reading", "\1\0"),
        CASE("an overlong kind", "\x83\0\0"),
        CASE("a varint of eleven bytes", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\0"),
        CASE("a varint above 64 bits", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\2\0"),
        CASE("a source above 32 bits", "\1\x08\x80\x80\x80\x80\x10\0\0\0"),
        CASE("an unknown flag", "\1\4\0\2\0\0"),
        CASE("more samples than bytes", "\1\x08\0\0\0\2\0\0\1\1"),
        CASE("more samples than there may be", "\1\5\0\0\0\x81\x20"),
        CASE("more samples in a run than in all", "\1\x0A\0\0\0\1\0\1\1\0\0\0"),
        CASE("bytes behind the samples", "\1\5\0\0\0\0\0"),
        CASE("a run that belongs to the one before", "\1\x0C\0\0\0\2\0\0\1\0\0\0\1\0"),
        CASE("a tag below 0", "\1\x08\0\0\0\1\1\0\1\0"),
        CASE("a tag above 65535", "\1\x0A\0\0\0\1\x80\x80\x08\0\1\0"),
        CASE("a run past 65535", "\1\x0B\0\0\0\2\xFE\xFF\x07\1\1\0\0"),
        CASE("an unknown value", "\1\7\0\0\0\1\0\0\x09"),
        CASE("a small decimal as a varint", "\1\x08\0\0\0\1\0\0\2\2"),
        CASE("a small decimal in four bytes", "\1\x0B\0\0\0\1\0\0\x08\1\0\0\0"),
        CASE("half a decimal", "\1\x08\0\0\0\1\0\0\7\1"),
        CASE("decimals of a bool", "\1\x08\0\0\0\1\0\0\x11\1"),
        CASE("a bool of 2", "\1\x08\0\0\0\1\0\0\1\2"),
        CASE("a text beyond its record", "\1\x08\0\0\0\1\0\0\6\1"),
        CASE("a failure that is good", "\1\x09\0\0\0\1\0\0\x0F\0\0"),
        CASE("an unknown quality", "\1\x09\0\0\0\1\0\0\x0F\6\0"),
        CASE("an infinite real32", "\1\x0B\0\0\0\1\0\0\4\0\0\x80\x7F"),
        CASE("half a real64", "\1\x0B\0\0\0\1\0\0\5\0\0\0\0"),
        CASE("an unknown reason of a gap", "\2\6\5\0\0\0\0\0"),
        CASE("a gap cut short", "\2\5\0\0\0\0\0"),
        CASE("an empty event", "\3\0"),
        CASE("an event of an unknown flag", "\3\6\0\2\0\1n\0"),
        CASE("an event without a name", "\3\5\0\0\0\0\0"),
        CASE("a name with a quotation mark", "\3\6\0\0\0\1\"\0"),
        CASE("a name in capitals", "\3\6\0\0\0\1N\0"),
        CASE("a name with a zero in it", "\3\7\0\0\0\2n\0\0"),
        CASE("a name beyond its record", "\3\5\0\0\0\2n"),
        CASE("a name that is too long", "\3\x25\0\0\0\x20nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\0"),
        CASE("an event cut before its count", "\3\5\0\0\0\1n"),
        CASE("more fields than bytes", "\3\x09\0\0\0\1n\2\1a\0"),
        CASE("more fields than there may be",
             "\3\x99\1\0\0\0\1n\x31" SEVEN_FIELDS SEVEN_FIELDS SEVEN_FIELDS SEVEN_FIELDS
                 SEVEN_FIELDS SEVEN_FIELDS SEVEN_FIELDS),
        CASE("bytes behind the fields", "\3\7\0\0\0\1n\0\0"),
        CASE("a field without a key", "\3\x08\0\0\0\1n\1\0\0"),
        CASE("a key with a comma", "\3\x09\0\0\0\1n\1\1,\0"),
        CASE("a field without a value", "\3\x08\0\0\0\1n\1\1a"),
        CASE("an unknown value of a field", "\3\x09\0\0\0\1n\1\1a\x09"),
        CASE("a field that failed", "\3\x0B\0\0\0\1n\1\1a\x0F\1\0"),
        CASE("a field's bool of 2", "\3\x0A\0\0\0\1n\1\1a\1\2"),
        CASE("a field's small decimal as a varint", "\3\x0A\0\0\0\1n\1\1a\2\2"),
        CASE("a field's decimals of a text", "\3\x0A\0\0\0\1n\1\1a\x16\0"),
        CASE("a field's text beyond its record", "\3\x0A\0\0\0\1n\1\1a\6\1"),
        CASE("a field's infinite real32", "\3\x0D\0\0\0\1n\1\1a\4\0\0\x80\x7F"),
        CASE("a field's real64 that is no number", "\3\x11\0\0\0\1n\1\1a\5\0\0\0\0\0\0\xF8\x7F"),
#undef CASE
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (read_one(cases[i].bytes, cases[i].length) != -EBADMSG)
            fail_msg("took %s", cases[i].why);
}

static void add_record(struct text *out, const struct record *record)
{
    switch (record->kind) {
    case RECORD_READING:
        record_add_reading(out, &record->reading);
        break;
    case RECORD_GAP:
        record_add_gap(out, &record->gap);
        break;
    case RECORD_EVENT:
        record_add_event(out, &record->event);
        break;
    }
}

/* Walks to the end; what is taken must be what the writer would have written. */
static int walk(struct record_reader *reader, const void *body, size_t length)
{
    struct text again = {0};
    struct record record;
    int status;

    record_reader_start(reader, body, length);
    while ((status = record_next(reader, &record)) > 0) {
        text_clear(&again);
        add_record(&again, &record);
        assert_true(again.length <= (size_t)(reader->at - (const uint8_t *)body));
        assert_memory_equal(reader->at - again.length, again.data, again.length);
    }
    text_free(&again);
    return status;
}

static void fill(struct text *body)
{
    record_add_reading(body, &full);
    record_add_gap(body, &gap);
    record_add_event(body, &happening);
    record_add_reading(body, &plain);
}

static void test_record_reads_no_further_than_a_cut_body(void **state)
{
    struct record_reader reader = {0};
    struct text body = {0};
    int whole = 0;

    (void)state;
    fill(&body);
    for (size_t length = 1; length <= body.length; length++) {
        char *cut = malloc(length);

        memcpy(cut, body.data, length);
        int status = walk(&reader, cut, length);

        assert_true(status == 0 || status == -EBADMSG);
        whole += status == 0;
        free(cut);
    }
    assert_int_equal(whole, 4);
    record_reader_free(&reader);
    text_free(&body);
}

static void test_record_survives_any_corruption(void **state)
{
    struct record_reader reader = {0};
    struct text body = {0};
    int refused = 0;

    (void)state;
    fill(&body);
    uint8_t *damaged = malloc(body.length);

    for (int i = 0; i < CORRUPTIONS; i++) {
        uint32_t changes = 1 + random_below(4);

        memcpy(damaged, body.data, body.length);
        while (changes-- > 0) {
            uint8_t *at = damaged + random_below((uint32_t)body.length);

            if (random_below(2))
                *at = (uint8_t)random_below(256);
            else
                *at ^= (uint8_t)(1U << random_below(8));
        }
        refused += walk(&reader, damaged, body.length) < 0;
    }
    assert_in_range(refused, 1, CORRUPTIONS - 1);
    assert_true(reader.sample_capacity <= RECORD_MAX_SAMPLES);
    free(damaged);
    record_reader_free(&reader);
    text_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_gives_back_what_was_put),
        cmocka_unit_test(test_record_has_the_written_form),
        cmocka_unit_test(test_record_of_an_event_has_the_written_form),
        cmocka_unit_test(test_record_says_once_what_neighbours_have_in_common),
        cmocka_unit_test(test_record_holds_a_reading_of_the_most_samples),
        cmocka_unit_test(test_record_holds_an_event_of_the_most_and_longest_fields),
        cmocka_unit_test(test_record_tells_reals_that_are_not_finite_as_out_of_range),
        cmocka_unit_test(test_record_tells_an_events_reals_that_are_not_finite_as_none),
        cmocka_unit_test(test_record_skim_tells_whose_readings_and_events_are),
        cmocka_unit_test(test_record_skim_refuses_an_event_of_which_a_field_makes_no_sense),
        cmocka_unit_test(test_record_skips_kinds_it_does_not_know),
        cmocka_unit_test(test_record_finds_nothing_in_an_empty_body),
        cmocka_unit_test(test_record_refuses_bytes_that_make_no_sense),
        cmocka_unit_test(test_record_reads_no_further_than_a_cut_body),
        cmocka_unit_test(test_record_survives_any_corruption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
