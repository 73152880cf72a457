#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "window.h"

static void test_window_ignores_an_acknowledgement_told_twice(void **state)
{
    struct window window;
    uint32_t ticket = 0;

    (void)state;
    window_reset(&window, 0);
    window_add(&window, 1, 11, 0);
    window_add(&window, 2, 12, 0);
    assert_true(window_take(&window, 1, 5, &ticket));
    assert_int_equal(ticket, 11);
    assert_false(window_take(&window, 1, 6, &ticket));
    assert_int_equal(window_room(&window), WINDOW_MAX - 1);
    assert_false(window_is_stuck(&window, 10, 14));
    assert_true(window_is_stuck(&window, 10, 15));
}

static void test_window_notices_that_the_oldest_is_passed_over(void **state)
{
    struct window window;
    uint32_t ticket = 0;

    (void)state;
    window_reset(&window, 0);
    for (uint32_t token = 1; token <= 4; token++)
        window_add(&window, token, token, 1);
    assert_true(window_take(&window, 2, 5, &ticket));
    assert_true(window_take(&window, 3, 14, &ticket));
    assert_false(window_is_stuck(&window, 10, 14));
    assert_true(window_is_stuck(&window, 10, 15));
    assert_true(window_take(&window, 1, 15, &ticket));
    assert_false(window_is_stuck(&window, 10, 24));
    assert_true(window_take(&window, 4, 25, &ticket));
    assert_false(window_is_stuck(&window, 10, 1000));
}

static void test_window_stays_below_every_receive_maximum(void **state)
{
    struct window window;

    (void)state;
    for (uint32_t most = 1; most <= 65535; most++) {
        window_reset(&window, most);
        assert_in_range(window_room(&window), 1, most < WINDOW_MAX ? most : WINDOW_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_ignores_an_acknowledgement_told_twice),
        cmocka_unit_test(test_window_notices_that_the_oldest_is_passed_over),
        cmocka_unit_test(test_window_stays_below_every_receive_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
