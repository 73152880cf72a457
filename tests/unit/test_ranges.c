#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ranges.h"

static void assert_ranges(const struct ranges *ranges, const char *expected)
{
    struct text text = {0};
    text_add(&text, "");
    ranges_to_text(ranges, &text);
    assert_string_equal(text.data, expected);
    text_free(&text);
}

static void check_add(const char *before, uint64_t first, uint64_t last, const char *after)
{
    struct ranges ranges = {0};
    assert_int_equal(ranges_parse(before, &ranges), 0);
    ranges_add(&ranges, first, last);
    assert_ranges(&ranges, after);
    ranges_free(&ranges);
}

static void check_remove(const char *before, uint64_t first, uint64_t last, const char *after)
{
    struct ranges ranges = {0};
    assert_int_equal(ranges_parse(before, &ranges), 0);
    ranges_remove(&ranges, first, last);
    assert_ranges(&ranges, after);
    ranges_free(&ranges);
}

static void test_ranges_add_joins_neighbours_and_overlaps(void **state)
{
    (void)state;
    check_add("", 5, 5, "5");
    check_add("1-4", 5, 6, "1-6");
    check_add("7-9", 5, 6, "5-9");
    check_add("1-4,7-9", 5, 6, "1-9");
    check_add("1-2,4-5,7-8", 2, 7, "1-8");
    check_add("10-20", 1, 3, "1-3,10-20");
    check_add("10-20", 30, 33, "10-20,30-33");
    check_add("10-20", 12, 13, "10-20");
    check_add("10-20", 9, 8, "10-20");
}

static void test_ranges_add_keeps_the_ends_of_the_numbers(void **state)
{
    (void)state;
    check_add("1-4", 0, 0, "0-4");
    check_add("1-4", 9, SEQ_END, "1-4,9-");
    check_add("9-", 3, SEQ_END, "3-");
    check_add("9-", SEQ_END, SEQ_END, "9-");
}

static void test_ranges_remove_splits_and_shortens(void **state)
{
    (void)state;
    check_remove("1-10", 4, 6, "1-3,7-10");
    check_remove("1-10", 1, 10, "");
    check_remove("1-10", 0, 3, "4-10");
    check_remove("1-10", 8, 30, "1-7");
    check_remove("1-3,5-7,9-11", 2, 10, "1,11");
    check_remove("1-3,9-11", 5, 7, "1-3,9-11");
    check_remove("5-", 7, 8, "5-6,9-");
    check_remove("5-", 7, SEQ_END, "5-6");
    check_remove("", 1, 2, "");
}

static void test_ranges_agree_with_a_bitmap(void **state)
{
    (void)state;
    enum { NUMBERS = 64, STEPS = 20000 };
    struct ranges ranges = {0};
    uint64_t bits = 0;
    uint32_t random = 1;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525U + 1013904223U;
        unsigned first = (random >> 8) % NUMBERS;
        unsigned last = first + (random >> 16) % 9;
        if (last >= NUMBERS)
            last = NUMBERS - 1;
        uint64_t mask = (UINT64_MAX >> (NUMBERS - 1 - (last - first))) << first;
        if (random >> 31) {
            ranges_add(&ranges, first, last);
            bits |= mask;
        } else {
            ranges_remove(&ranges, first, last);
            bits &= ~mask;
        }
        for (unsigned i = 0; i < NUMBERS; i++)
            assert_int_equal(ranges_contains(&ranges, i), bits >> i & 1);
        assert_int_equal(ranges_count_below(&ranges, NUMBERS), __builtin_popcountll(bits));
        for (size_t i = 1; i < ranges.count; i++)
            assert_true(ranges.items[i].first > ranges.items[i - 1].last + 1);
    }
    ranges_free(&ranges);
}

static void test_ranges_next_finds_the_number_itself_or_the_one_after(void **state)
{
    (void)state;
    struct ranges ranges = {0};
    uint64_t seq = 99;
    assert_int_equal(ranges_parse("3-5,9-10", &ranges), 0);
    assert_true(ranges_next(&ranges, 0, &seq));
    assert_int_equal(seq, 3);
    assert_true(ranges_next(&ranges, 4, &seq));
    assert_int_equal(seq, 4);
    assert_true(ranges_next(&ranges, 6, &seq));
    assert_int_equal(seq, 9);
    assert_false(ranges_next(&ranges, 11, &seq));
    assert_int_equal(seq, 9);
    ranges_free(&ranges);
}

static void test_ranges_count_below_cuts_an_open_range(void **state)
{
    (void)state;
    struct ranges ranges = {0};
    assert_int_equal(ranges_parse("3-5,9-", &ranges), 0);
    assert_int_equal(ranges_count_below(&ranges, 3), 0);
    assert_int_equal(ranges_count_below(&ranges, 5), 2);
    assert_int_equal(ranges_count_below(&ranges, 9), 3);
    assert_int_equal(ranges_count_below(&ranges, 12), 6);
    ranges_free(&ranges);
}

static void test_ranges_text_reads_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "7", "1-100,205-", "0-1,3,5-18446744073709551614"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct ranges ranges = {0};
        assert_int_equal(ranges_parse(texts[i], &ranges), 0);
        assert_ranges(&ranges, texts[i]);
        ranges_free(&ranges);
    }
}

static void test_ranges_parse_refuses_what_it_would_not_write(void **state)
{
    (void)state;
    static const char *const texts[] = {"-",   "-5",  "1-2-3", "a",     "1,",
                                        ",1",  "5-3", "5,4",   "1-5,5", "1 ",
                                        " 1",  "+1",  "1-,9",  "1--2",  "18446744073709551616",
                                        "1;2", "0x1"};
    struct ranges ranges = {0};
    assert_int_equal(ranges_parse("4-6", &ranges), 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(ranges_parse(texts[i], &ranges), -EINVAL);
    assert_ranges(&ranges, "4-6");
    ranges_free(&ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_add_joins_neighbours_and_overlaps),
        cmocka_unit_test(test_ranges_add_keeps_the_ends_of_the_numbers),
        cmocka_unit_test(test_ranges_remove_splits_and_shortens),
        cmocka_unit_test(test_ranges_agree_with_a_bitmap),
        cmocka_unit_test(test_ranges_next_finds_the_number_itself_or_the_one_after),
        cmocka_unit_test(test_ranges_count_below_cuts_an_open_range),
        cmocka_unit_test(test_ranges_text_reads_back),
        cmocka_unit_test(test_ranges_parse_refuses_what_it_would_not_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
