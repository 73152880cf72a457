/* Recordings as text: written as they are read, and refused with the line that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "recording.h"

#define HEAD "# bindery recording 1\nlink l\ndriver modbus-rtu\n"

static struct recording *parse(const char *text)
{
    struct recording *recording = NULL;
    struct text trouble = {0};

    if (recording_parse(text, strlen(text), &recording, &trouble) != 0)
        fail_msg("%s", trouble.data);
    text_free(&trouble);
    return recording;
}

static void expect_fault(const char *text, const char *fault)
{
    struct recording *recording = (struct recording *)1;
    struct text trouble = {0};

    assert_int_equal(recording_parse(text, strlen(text), &recording, &trouble), -EINVAL);
    assert_string_equal(trouble.data, fault);
    assert_ptr_equal(recording, (struct recording *)1);
    text_free(&trouble);
}

static void test_recording_is_read_as_it_is_written(void **state)
{
    const struct recording_chunk chunks[] = {
        {123000, RECORDING_SENT, 2, (const uint8_t *)"\x01\x03"},
        {1 * NS_PER_S, RECORDING_HEARD, 3, (const uint8_t *)"S\r\n"},
        {1 * NS_PER_S, RECORDING_HEARD, 4, (const uint8_t *)"a#\"b"},
        {90 * NS_PER_S + 1000, RECORDING_MARK, 6, (const uint8_t *)"closed"},
    };
    struct text out = {0};

    (void)state;
    recording_add_head(&out, "press-1", "modbus-rtu", INT64_C(1795951200007));
    for (size_t i = 0; i < 4; i++)
        recording_add_chunk(&out, &chunks[i]);
    assert_string_equal(out.data, "# bindery recording 1\nlink press-1\ndriver modbus-rtu\n"
                                  "began 2026-11-29T11:20:00.007Z\n"
                                  "+0.000123 > 01 03\n"
                                  "+1.000000 < 53 0D 0A  # \"S\\r\\n\"\n"
                                  "+1.000000 < 61 23 22 62  # \"a#\"b\"\n"
                                  "+90.000001 ! closed\n");
    struct recording *read = parse(out.data);
    assert_string_equal(read->link, "press-1");
    assert_string_equal(read->driver, "modbus-rtu");
    assert_int_equal(read->count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(read->chunks[i].at_ns, chunks[i].at_ns);
        assert_int_equal(read->chunks[i].kind, chunks[i].kind);
        assert_int_equal(read->chunks[i].length, chunks[i].length);
        assert_memory_equal(read->chunks[i].bytes, chunks[i].bytes, chunks[i].length);
    }
    recording_free(read);
    text_free(&out);
}

static void test_recording_may_be_annotated_and_cut(void **state)
{
    struct recording *read = parse(HEAD "machine {\"unit\": 1}\r\n\n  # the press starts\r\n"
                                        "+0 > 0103210200 026ff7 # ask\n"
                                        "  +0.25 <01 03# half\r\n"
                                        "+0.250000001 ! closed # by the press\n"
                                        "# ends");

    (void)state;
    assert_int_equal(read->count, 3);
    assert_int_equal(read->chunks[0].length, 8);
    assert_memory_equal(read->chunks[0].bytes, "\x01\x03\x21\x02\x00\x02\x6f\xf7", 8);
    assert_int_equal(read->chunks[1].at_ns, 250000000);
    assert_int_equal(read->chunks[1].length, 2);
    assert_int_equal(read->chunks[2].at_ns, 250000001);
    assert_memory_equal(read->chunks[2].bytes, "closed", 6);
    assert_int_equal(read->chunks[2].length, 6);
    recording_free(read);
}

static void test_recording_says_which_line_is_wrong(void **state)
{
    static const char bytes[] = "expected 1 to 1024 bytes, each as two hexadecimal digits";
    struct text fault = {0};

    (void)state;
    expect_fault("", "line 1: expected \"# bindery recording 1\", which begins a recording");
    expect_fault("# bindery recording 2\n",
                 "line 1: expected \"# bindery recording 1\", which begins a recording");
    expect_fault("# bindery recording 1\n", "line 1: expected a line as: driver modbus-rtu");
    expect_fault(HEAD "unit 3\n",
                 "line 4: expected link, driver, began, machine, options, or + and a time");
    expect_fault(HEAD "driver\n", "line 4: expected a word and what it is, as: driver modbus-rtu");
    expect_fault(HEAD "link press 1\n",
                 "line 4: expected one word of ASCII, as: driver modbus-rtu");
    expect_fault(HEAD "driver \xc3\n", "line 4: expected one word of ASCII, as: driver modbus-rtu");
    expect_fault(HEAD "+x > 00\n",
                 "line 4: expected a time as +0.000123, in seconds since the begin");
    expect_fault(HEAD "+1. > 00\n",
                 "line 4: expected a time as +0.000123, in seconds since the begin");
    expect_fault(HEAD "+123456789 > 00\n",
                 "line 4: expected a time as +0.000123, in seconds since the begin");
    expect_fault(HEAD "+1 > 00\n+0.9 < 00\n",
                 "line 5: expected a time that is not before the line's above");
    expect_fault(HEAD "+1 = 00\n",
                 "line 4: expected > for what was sent, < for what was heard, or ! for what "
                 "happened");
    text_addf(&fault, "line 4: %s", bytes);
    expect_fault(HEAD "+1 > \n", fault.data);
    expect_fault(HEAD "+1 > 0\n", fault.data);
    expect_fault(HEAD "+1 > 0 1\n", fault.data);
    expect_fault(HEAD "+1 > 0g\n", fault.data);
    expect_fault(HEAD "+1 ! # nothing\n", "line 4: expected words, as: ! closed");
    expect_fault(HEAD "+1 > 00\nlink m\n", "line 5: expected this above the first bytes");
    text_free(&fault);
}

static void test_recording_bounds_a_chunk(void **state)
{
    struct text text = {0};

    (void)state;
    text_add(&text, HEAD "+0 >");
    for (int i = 0; i < RECORDING_MAX_CHUNK; i++)
        text_add(&text, " 5A");
    struct recording *read = parse(text.data);
    assert_int_equal(read->chunks[0].length, RECORDING_MAX_CHUNK);
    recording_free(read);
    text_add(&text, " 5A");
    expect_fault(text.data, "line 4: expected 1 to 1024 bytes, each as two hexadecimal digits");
    text_free(&text);
}

static void test_recording_of_a_file_that_is_none_is_told_with_its_name(void **state)
{
    struct recording *recording = NULL;
    struct text trouble = {0};

    (void)state;
    assert_int_equal(recording_read("/nowhere/x.recording", &recording, &trouble), -ENOENT);
    assert_string_equal(trouble.data, "/nowhere/x.recording: No such file or directory");
    text_clear(&trouble);
    assert_int_equal(recording_read("/dev/zero", &recording, &trouble), -EINVAL);
    assert_null(recording);
    text_free(&trouble);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recording_is_read_as_it_is_written),
        cmocka_unit_test(test_recording_may_be_annotated_and_cut),
        cmocka_unit_test(test_recording_says_which_line_is_wrong),
        cmocka_unit_test(test_recording_bounds_a_chunk),
        cmocka_unit_test(test_recording_of_a_file_that_is_none_is_told_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
