#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backoff.h"

enum { LINKS = 1000 };

static const int64_t first_ns = INT64_C(1000000000), most_ns = INT64_C(60000000000);

static void assert_near(int64_t wait_ns, int64_t middle_ns)
{
    assert_true(wait_ns >= middle_ns - middle_ns / 4);
    assert_true(wait_ns <= middle_ns + middle_ns / 4);
}

static void test_backoff_doubles_from_first_to_most_within_a_quarter(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct backoff backoff;

    (void)state;
    for (uint32_t seed = 0; seed < LINKS; seed++) {
        backoff_init(&backoff, first_ns, most_ns, seed);
        for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++)
            assert_near(backoff_next(&backoff), seconds[i] * first_ns);
        assert_int_equal(backoff.failures, sizeof(seconds) / sizeof(*seconds));
    }
}

static void test_backoff_begins_anew_after_reset(void **state)
{
    struct backoff backoff;

    (void)state;
    backoff_init(&backoff, first_ns, most_ns, 7);
    for (int i = 0; i < 5; i++)
        backoff_next(&backoff);
    backoff_reset(&backoff);
    assert_int_equal(backoff.failures, 0);
    assert_near(backoff_next(&backoff), first_ns);
}

static void test_backoff_stays_at_most_after_countless_failures(void **state)
{
    struct backoff backoff;

    (void)state;
    backoff_init(&backoff, 1, INT64_MAX / 2, 7);
    backoff.failures = UINT32_MAX;
    assert_near(backoff_next(&backoff), INT64_MAX / 2);
    assert_int_equal(backoff.failures, UINT32_MAX);
}

static void test_backoff_keeps_neighbours_out_of_step(void **state)
{
    unsigned in_tenth[10] = {0};

    (void)state;
    for (uint32_t seed = 0; seed < LINKS; seed++) {
        struct backoff backoff;

        backoff_init(&backoff, first_ns, most_ns, seed);
        int64_t above_ns = backoff_next(&backoff) - first_ns * 3 / 4;

        in_tenth[above_ns * 10 / (first_ns / 2 + 1)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(in_tenth[i], LINKS / 20, LINKS / 5);
}

static void test_backoff_of_an_absence_follows_its_length(void **state)
{
    (void)state;
    struct backoff backoff;
    backoff_init(&backoff, 1000, 60000, 3);
    for (int i = 0; i < 1000; i++) {
        int64_t soon = backoff_absence(&backoff, 10), later = backoff_absence(&backoff, 600000),
                last = backoff_absence(&backoff, INT64_C(1000000000));
        assert_true(soon >= 750 && soon <= 1250);
        assert_true(later >= 7500 && later <= 12500);
        assert_true(last >= 45000 && last <= 75000);
    }
    assert_int_equal(backoff.failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff_of_an_absence_follows_its_length),
        cmocka_unit_test(test_backoff_doubles_from_first_to_most_within_a_quarter),
        cmocka_unit_test(test_backoff_begins_anew_after_reset),
        cmocka_unit_test(test_backoff_stays_at_most_after_countless_failures),
        cmocka_unit_test(test_backoff_keeps_neighbours_out_of_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
