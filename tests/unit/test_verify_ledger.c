#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verify_ledger.h"

static void assert_missing(const struct verify_ledger *ledger, uint64_t from, uint64_t to,
                           const char *expected)
{
    struct ranges missing = {0};
    struct text text = {0};
    verify_ledger_missing(ledger, from, to, &missing);
    ranges_to_text(&missing, &text);
    assert_string_equal(text.data ? text.data : "", expected);
    text_free(&text);
    ranges_free(&missing);
}

static void take(struct verify_ledger *ledger, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        assert_int_equal(verify_ledger_take(ledger, seq, seq * 31), VERIFY_NEW);
}

static void test_ledger_misses_what_lies_between(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    take(&ledger, 10, 12);
    take(&ledger, 15, 20);
    take(&ledger, 22, 22);
    assert_missing(&ledger, 0, 0, "13-14,21");
    take(&ledger, 13, 14);
    assert_missing(&ledger, 0, 0, "21");
    verify_ledger_free(&ledger);
}

static void test_ledger_misses_from_where_it_is_told_to(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    take(&ledger, 10, 12);
    assert_missing(&ledger, 1, 14, "1-9,13-14");
    assert_missing(&ledger, 11, 12, "");
    verify_ledger_free(&ledger);
}

static void test_ledger_of_nothing_misses_only_what_is_expected(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    assert_missing(&ledger, 0, 0, "");
    assert_missing(&ledger, 1, 0, "");
    assert_missing(&ledger, 1, 3, "1-3");
}

static void test_ledger_tells_repeats_from_differing_ones(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    assert_int_equal(verify_ledger_take(&ledger, 7, 1), VERIFY_NEW);
    assert_int_equal(verify_ledger_take(&ledger, 7, 1), VERIFY_REPEAT);
    assert_int_equal(verify_ledger_take(&ledger, 7, 2), VERIFY_DIFFERS);
    assert_int_equal(verify_ledger_take(&ledger, 8, 0), VERIFY_NEW);
    assert_int_equal(verify_ledger_take(&ledger, 8, 0), VERIFY_REPEAT);
    assert_int_equal(ledger.repeats, 2);
    assert_int_equal(ledger.differing, 1);
    verify_ledger_free(&ledger);
}

static void test_ledger_remembers_content_in_any_order(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    static const uint64_t far[] = {5, 900000000000, 70000, 4096, 4095, 12288, 1};
    enum { COUNT = sizeof(far) / sizeof(far[0]) };
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(verify_ledger_take(&ledger, far[i], i), VERIFY_NEW);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(verify_ledger_take(&ledger, far[i], i), VERIFY_REPEAT);
    assert_int_equal(ledger.lowest, 1);
    assert_int_equal(ledger.highest, 900000000000);
    verify_ledger_free(&ledger);
}

static void test_ledger_does_not_miss_what_a_gap_declares(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    take(&ledger, 1, 3);
    take(&ledger, 8, 9);
    verify_ledger_declare(&ledger, 4, 6, 3);
    assert_missing(&ledger, 0, 0, "7");
    assert_int_equal(ledger.declared_lost, 3);
    verify_ledger_free(&ledger);
}

static void test_ledger_gap_without_numbers_hides_none(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    take(&ledger, 1, 3);
    take(&ledger, 5, 5);
    verify_ledger_declare(&ledger, 0, 0, 12);
    assert_missing(&ledger, 0, 0, "4");
    assert_int_equal(ledger.declared_lost, 12);
    verify_ledger_free(&ledger);
}

static void test_ledger_leaves_out_what_was_sent_before_listening(void **state)
{
    (void)state;
    struct verify_ledger ledger = {0};
    take(&ledger, 10, 10);
    take(&ledger, 13, 13);
    verify_ledger_early(&ledger, 13);
    take(&ledger, 15, 15);
    assert_missing(&ledger, 0, 0, "14");
    assert_missing(&ledger, 10, 0, "11-12,14");
    verify_ledger_free(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_misses_what_lies_between),
        cmocka_unit_test(test_ledger_misses_from_where_it_is_told_to),
        cmocka_unit_test(test_ledger_of_nothing_misses_only_what_is_expected),
        cmocka_unit_test(test_ledger_tells_repeats_from_differing_ones),
        cmocka_unit_test(test_ledger_remembers_content_in_any_order),
        cmocka_unit_test(test_ledger_does_not_miss_what_a_gap_declares),
        cmocka_unit_test(test_ledger_gap_without_numbers_hides_none),
        cmocka_unit_test(test_ledger_leaves_out_what_was_sent_before_listening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
