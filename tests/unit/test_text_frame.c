/* Bytes to lines: ends, lengths, silences, and what must not be taken for a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "text_frame.h"

#define MS(n) ((n)*NS_PER_MS)
#define PATIENCE_MS 500

/* Lines joined by '|', "!" for what was lost. */
struct story {
    struct text_frame frame;
    char heard[8192];
};

static void note(struct story *story, enum text_heard heard, size_t length)
{
    if (heard == TEXT_LINE) {
        strncat(story->heard, story->frame.line, length);
        strcat(story->heard, "|");
    } else if (heard == TEXT_LOST) {
        strcat(story->heard, "!");
    }
}

static void begin(struct story *story, struct text_framing framing, bool sure)
{
    memset(story, 0, sizeof *story);
    text_frame_begin(&story->frame, &framing, MS(PATIENCE_MS), sure, 0);
}

static void feed(struct story *story, int64_t at_ms, const char *bytes)
{
    size_t taken = 0, length = 0, count = strlen(bytes);

    do {
        enum text_heard heard = text_frame_take(&story->frame, (const uint8_t *)bytes, count,
                                                &taken, MS(at_ms), &length);
        note(story, heard, length);
    } while (taken < count);
}

static void wait(struct story *story, int64_t until_ms)
{
    size_t length = 0;
    enum text_heard heard = text_frame_silence(&story->frame, MS(until_ms), &length);

    note(story, heard, length);
}

static void expect(const struct story *story, const char *heard)
{
    assert_string_equal(story->heard, heard);
}

static void test_a_line_ends_with_cr_lf_or_both(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){0}, true);
    feed(&story, 1, "one\r\ntwo\rthree\nfour\n\r\n\rfive");
    expect(&story, "one|two|three|four|");
    feed(&story, 2, "\n");
    expect(&story, "one|two|three|four|five|");
}

static void test_pieces_make_no_difference(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){.end = "\r\n"}, true);
    for (const char *at = "a\rb\r\n\r\nc\r\n"; *at; at++)
        feed(&story, at[0], (char[]){*at, '\0'});
    expect(&story, "a\rb|c|");
}

static void test_the_end_may_be_any_bytes(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){.end = "\x03"}, true);
    feed(&story, 1, "\x02one\x03\x02two\r\n\x03");
    expect(&story, "\x02one|\x02two\r\n|");
}

static void test_so_many_bytes_are_a_line(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){.length = 4}, true);
    feed(&story, 1, "123456789");
    expect(&story, "1234|5678|");
    wait(&story, PATIENCE_MS + 1);
    expect(&story, "1234|5678|!");
    feed(&story, PATIENCE_MS + 2, "abcd");
    expect(&story, "1234|5678|!abcd|");
}

static void test_a_silence_ends_a_line(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){.idle_ms = 20}, true);
    feed(&story, 1, "40063");
    assert_true(text_frame_waits(&story.frame));
    wait(&story, 20);
    expect(&story, "");
    feed(&story, 20, "81333931");
    wait(&story, 40);
    expect(&story, "4006381333931|");
    assert_false(text_frame_waits(&story.frame));
    feed(&story, 50, "next");
    wait(&story, 70);
    expect(&story, "4006381333931|next|");
}

/* Whether "4006" and "381" were one line or two nobody knows who was held up between them. */
static void test_a_silence_that_nobody_saw_ends_no_line(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){.idle_ms = 20}, true);
    feed(&story, 1, "4006");
    feed(&story, 21, "381");
    expect(&story, "!");
    wait(&story, 41);
    feed(&story, 50, "next");
    wait(&story, 70);
    expect(&story, "!next|");
}

static void test_a_silence_that_nobody_saw_begins_no_line(void **state)
{
    struct text_framing framings[] = {{0}, {.length = 4}, {.idle_ms = 20}};
    struct story story;
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        begin(&story, framings[i], false);
        feed(&story, 10 * TEXT_SILENCE_MS, "34\r\n");
        expect(&story, "");
        wait(&story, 11 * TEXT_SILENCE_MS);
        feed(&story, 11 * TEXT_SILENCE_MS, i == 0 ? "5678\r" : "5678");
        wait(&story, 12 * TEXT_SILENCE_MS);
        expect(&story, "5678|");
    }
}

static void test_half_a_line_at_the_beginning_is_none(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){0}, false);
    feed(&story, TEXT_SILENCE_MS - 1, "5678\r1234");
    feed(&story, TEXT_SILENCE_MS + 1, "5678\r");
    expect(&story, "12345678|");
}

static void test_what_comes_behind_a_silence_begins_a_line(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){0}, false);
    wait(&story, TEXT_SILENCE_MS);
    feed(&story, TEXT_SILENCE_MS, "12345678\r");
    expect(&story, "12345678|");
}

static void test_a_line_whose_rest_is_late_is_lost_with_its_rest(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){0}, true);
    feed(&story, 1, "12");
    feed(&story, PATIENCE_MS + 1, "345678\r");
    expect(&story, "!");
    feed(&story, PATIENCE_MS + 2, "12345678\r");
    expect(&story, "!12345678|");
}

static void test_a_line_too_long_is_lost_up_to_its_end(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){.end = "\r\n"}, true);
    for (int i = 0; i < TEXT_MAX_LINE + 10; i++)
        feed(&story, 1, "x");
    expect(&story, "!");
    feed(&story, 1, "\n\r");
    feed(&story, 1, "\nok\r\n");
    expect(&story, "!ok|");
}

static void test_a_stream_without_ends_is_lost_once_and_never_overflows(void **state)
{
    struct story story;
    (void)state;

    begin(&story, (struct text_framing){.idle_ms = 20}, true);
    for (int i = 0; i < 10 * TEXT_MAX_LINE; i++)
        feed(&story, 1, "x");
    expect(&story, "!");
    wait(&story, 21);
    feed(&story, 21, "ok");
    wait(&story, 41);
    expect(&story, "!ok|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_ends_with_cr_lf_or_both),
        cmocka_unit_test(test_pieces_make_no_difference),
        cmocka_unit_test(test_the_end_may_be_any_bytes),
        cmocka_unit_test(test_so_many_bytes_are_a_line),
        cmocka_unit_test(test_a_silence_ends_a_line),
        cmocka_unit_test(test_a_silence_that_nobody_saw_ends_no_line),
        cmocka_unit_test(test_a_silence_that_nobody_saw_begins_no_line),
        cmocka_unit_test(test_half_a_line_at_the_beginning_is_none),
        cmocka_unit_test(test_what_comes_behind_a_silence_begins_a_line),
        cmocka_unit_test(test_a_line_whose_rest_is_late_is_lost_with_its_rest),
        cmocka_unit_test(test_a_line_too_long_is_lost_up_to_its_end),
        cmocka_unit_test(test_a_stream_without_ends_is_lost_once_and_never_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
