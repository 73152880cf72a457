#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void assert_json(const char *bytes, size_t length, const char *expected)
{
    struct text text = {0};

    text_add_json(&text, bytes, length);
    assert_string_equal(text.data, expected);
    text_free(&text);
}

static void assert_json_of(const char *string, const char *expected)
{
    assert_json(string, strlen(string), expected);
}

static void test_text_grows_and_stays_terminated(void **state)
{
    struct text text = {0};

    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        text_add_char(&text, (char)('a' + i % 26));
        assert_int_equal(text.length, i + 1);
        assert_int_equal(text.data[text.length], '\0');
        assert_true(text.capacity > text.length);
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(text.data[i], 'a' + i % 26);
    text_free(&text);
    assert_null(text.data);
    assert_int_equal(text.capacity, 0);
}

static void test_text_clear_keeps_the_buffer(void **state)
{
    struct text text = {0};

    (void)state;
    text_clear(&text);
    assert_null(text.data);
    text_add(&text, "press");
    const char *buffer = text.data;

    text_clear(&text);
    assert_int_equal(text.length, 0);
    assert_string_equal(text.data, "");
    text_add(&text, "fold");
    assert_ptr_equal(text.data, buffer);
    assert_string_equal(text.data, "fold");
    text_free(&text);
}

static void test_text_reserve_gives_room_for_all_it_promised(void **state)
{
    struct text text = {0};

    (void)state;
    for (size_t more = 0; more < 300; more++) {
        memset(text_reserve(&text, more), 'x', more);
        text.length += more;
        assert_true(text.capacity > text.length);
    }
    text_free(&text);
}

static void test_text_adds_numbers_over_their_whole_range(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_int(&text, INT64_MIN);
    text_add_char(&text, ' ');
    text_add_int(&text, -1);
    text_add_char(&text, ' ');
    text_add_int(&text, 0);
    text_add_char(&text, ' ');
    text_add_int(&text, INT64_MAX);
    text_add_char(&text, ' ');
    text_add_uint(&text, UINT64_MAX);
    assert_string_equal(text.data, "-9223372036854775808 -1 0 9223372036854775807 "
                                   "18446744073709551615");
    text_free(&text);
}

static void test_text_formats_beyond_the_room_there_was(void **state)
{
    struct text text = {0};
    char name[200];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    text_addf(&text, "%s", "");
    assert_string_equal(text.data, "");
    text_addf(&text, "%d:", 5);
    text_addf(&text, "%s:%s", name, "end");
    assert_int_equal(text.length, 2 + 199 + 4);
    assert_int_equal(strlen(text.data), text.length);
    assert_string_equal(text.data + 201, ":end");
    text_free(&text);
}

static void test_text_json_escapes_what_json_demands(void **state)
{
    (void)state;
    assert_json_of("", "\"\"");
    assert_json_of("binder-1", "\"binder-1\"");
    assert_json_of("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    assert_json_of("\n\r\t\x01\x1F\x7F", "\"\\n\\r\\t\\u0001\\u001f\x7F\"");
    assert_json("a\0b", 3, "\"a\\u0000b\"");
}

static void test_text_json_keeps_utf8(void **state)
{
    (void)state;
    assert_json_of("胶装机 °C é 😀", "\"胶装机 °C é 😀\"");
    assert_json_of("\xC2\x80\xDF\xBF", "\"\xC2\x80\xDF\xBF\"");
    assert_json_of("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80",
                   "\"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\"");
    assert_json_of("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", "\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"");
}

#define U_FFFD "\xEF\xBF\xBD"

static void test_text_json_replaces_what_is_not_utf8(void **state)
{
    (void)state;
    assert_json_of("a\xFFz", "\"a" U_FFFD "z\"");
    assert_json_of("\x80", "\"" U_FFFD "\"");
    assert_json_of("\xC0\xAF", "\"" U_FFFD U_FFFD "\"");
    assert_json_of("\xE0\x9F\xBF", "\"" U_FFFD U_FFFD U_FFFD "\"");
    assert_json_of("\xED\xA0\x80", "\"" U_FFFD U_FFFD U_FFFD "\"");
    assert_json_of("\xF0\x8F\xBF\xBF", "\"" U_FFFD U_FFFD U_FFFD U_FFFD "\"");
    assert_json_of("\xF4\x90\x80\x80", "\"" U_FFFD U_FFFD U_FFFD U_FFFD "\"");
    assert_json_of("\xF5", "\"" U_FFFD "\"");
    assert_json_of("\xC3\"", "\"" U_FFFD "\\\"\"");
}

static void test_text_json_never_reads_past_a_cut_character(void **state)
{
    /* No terminating zero behind it, so that one byte too many is one the sanitizer sees. */
    const char cut[3] = {'x', '\xE8', '\x83'};

    (void)state;
    assert_json(cut, sizeof(cut), "\"x" U_FFFD U_FFFD "\"");
    assert_json(cut, 2, "\"x" U_FFFD "\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_grows_and_stays_terminated),
        cmocka_unit_test(test_text_clear_keeps_the_buffer),
        cmocka_unit_test(test_text_reserve_gives_room_for_all_it_promised),
        cmocka_unit_test(test_text_adds_numbers_over_their_whole_range),
        cmocka_unit_test(test_text_formats_beyond_the_room_there_was),
        cmocka_unit_test(test_text_json_escapes_what_json_demands),
        cmocka_unit_test(test_text_json_keeps_utf8),
        cmocka_unit_test(test_text_json_replaces_what_is_not_utf8),
        cmocka_unit_test(test_text_json_never_reads_past_a_cut_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
