#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

static void test_hex_reads_what_it_writes(void **state)
{
    uint8_t bytes[256], again[256];
    struct text text = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    hex_add(&text, bytes, sizeof bytes);
    assert_int_equal(text.length, 2 * sizeof bytes);
    assert_int_equal(hex_parse(text.data, again, sizeof again), sizeof bytes);
    assert_memory_equal(bytes, again, sizeof bytes);
    assert_int_equal(hex_parse("aBc9", again, 2), 2);
    assert_int_equal(again[0] << 8 | again[1], 0xabc9);
    assert_int_equal(hex_parse("", again, 0), 0);
    text_free(&text);
}

static void test_hex_refuses_what_is_none(void **state)
{
    static const char *const refused[] = {"0", "0g", " 00", "0x00", "00 ", "000000", "-1"};
    uint8_t bytes[2] = {7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(hex_parse(refused[i], bytes, sizeof bytes), -EINVAL);
    assert_int_equal(bytes[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_reads_what_it_writes),
        cmocka_unit_test(test_hex_refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
