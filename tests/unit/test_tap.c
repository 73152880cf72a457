/* Taps: what is kept, for how long, and that it costs nothing to those who put bytes in. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"

/* The time is the tests'. */
static _Atomic int64_t time_ns;
static int64_t tap_clock(void)
{
    return time_ns;
}
#define clock_mono_ns tap_clock
#include "tap.c"
#undef clock_mono_ns

struct fetched {
    struct text lines;
    uint64_t next, lost;
};

static void fetch(struct tap *tap, uint64_t from, int64_t began_ns, struct fetched *fetched)
{
    text_clear(&fetched->lines);
    text_add(&fetched->lines, "");
    assert_int_equal(
        tap_fetch(tap, from, began_ns, &fetched->lines, &fetched->next, &fetched->lost), 0);
}

static void test_tap_keeps_nothing_while_nobody_listens(void **state)
{
    struct tap *tap = tap_new();
    struct fetched fetched = {0};

    (void)state;
    tap_put(NULL, RECORDING_SENT, "\x01", 1);
    tap_put(tap, RECORDING_SENT, "\x01", 1);
    assert_null(tap->ring);
    assert_int_equal(tap_fetch(tap, 0, 0, &fetched.lines, &fetched.next, &fetched.lost), -ENOENT);
    uint64_t from = tap_begin(tap);
    fetch(tap, from, 0, &fetched);
    assert_string_equal(fetched.lines.data, "");
    text_free(&fetched.lines);
    tap_free(tap);
}

static void test_tap_tells_what_is_new_with_its_times(void **state)
{
    struct tap *tap = tap_new();
    struct fetched fetched = {0};

    (void)state;
    time_ns = 5 * NS_PER_S;
    uint64_t from = tap_begin(tap);
    time_ns += 20 * NS_PER_MS;
    tap_put(tap, RECORDING_SENT, "\x01\x03", 2);
    tap_put(tap, RECORDING_HEARD, "\xff", 1);
    fetch(tap, from, 5 * NS_PER_S, &fetched);
    assert_string_equal(fetched.lines.data, "+0.020000 > 01 03\n+0.020000 < FF\n");
    tap_mark(tap, "closed");
    fetch(tap, fetched.next, 5 * NS_PER_S, &fetched);
    assert_string_equal(fetched.lines.data, "+0.020000 ! closed\n");
    assert_true(fetched.lost == 0);
    fetch(tap, fetched.next, 5 * NS_PER_S, &fetched);
    assert_string_equal(fetched.lines.data, "");
    text_free(&fetched.lines);
    tap_free(tap);
}

static void test_tap_serves_several_listeners_until_the_last_has_left(void **state)
{
    struct tap *tap = tap_new();
    struct fetched one = {0}, other = {0};

    (void)state;
    time_ns = 0;
    uint64_t first = tap_begin(tap);
    tap_put(tap, RECORDING_SENT, "\x01", 1);
    time_ns = NS_PER_S;
    uint64_t second = tap_begin(tap);
    tap_put(tap, RECORDING_SENT, "\x02", 1);
    fetch(tap, first, 0, &one);
    fetch(tap, second, NS_PER_S, &other);
    assert_string_equal(one.lines.data, "+0.000000 > 01\n+1.000000 > 02\n");
    assert_string_equal(other.lines.data, "+0.000000 > 02\n");
    tap_end(tap);
    fetch(tap, one.next, 0, &one);
    /* A number that is not given yet is from before the link was changed. */
    assert_int_equal(tap_fetch(tap, one.next + 1, 0, &one.lines, &one.next, &one.lost), -ENOENT);
    tap_end(tap);
    assert_null(tap->ring);
    assert_int_equal(tap_fetch(tap, 0, 0, &one.lines, &one.next, &one.lost), -ENOENT);
    tap_end(tap);
    text_free(&one.lines);
    text_free(&other.lines);
    tap_free(tap);
}

static void test_tap_forgets_the_oldest_and_says_how_much(void **state)
{
    struct tap *tap = tap_new();
    struct fetched fetched = {0};
    uint8_t bytes[RECORDING_MAX_CHUNK] = {0};
    const uint64_t count = 1000;

    (void)state;
    time_ns = 0;
    uint64_t from = tap_begin(tap);
    for (uint64_t i = 0; i < count; i++) {
        time_ns = (int64_t)i * NS_PER_MS;
        tap_put(tap, RECORDING_HEARD, bytes, i % 2 ? sizeof bytes : 1);
    }
    fetch(tap, from, 0, &fetched);
    size_t lines = 0;
    for (size_t i = 0; i < fetched.lines.length; i++)
        lines += fetched.lines.data[i] == '\n';
    assert_true(fetched.lost > 0 && fetched.next - from == count);
    assert_int_equal(lines, count - fetched.lost + 1);
    struct text first = {0};
    text_addf(&first, "! lost %d lines", (int)fetched.lost);
    assert_non_null(strstr(fetched.lines.data, first.data));
    assert_true(tap->head - tap->tail <= TAP_BYTES);
    text_free(&first);
    text_free(&fetched.lines);
    tap_free(tap);
}

static void test_tap_cuts_what_is_longer_than_a_chunk(void **state)
{
    struct tap *tap = tap_new();
    static uint8_t bytes[2 * RECORDING_MAX_CHUNK + 1];
    uint64_t next = 0, lost = 0;
    struct text lines = {0};

    (void)state;
    time_ns = 0;
    uint64_t from = tap_begin(tap);
    tap_put(tap, RECORDING_HEARD, bytes, sizeof bytes);
    assert_int_equal(tap_fetch(tap, from, 0, &lines, &next, &lost), 0);
    assert_int_equal(next - from, 3);
    text_free(&lines);
    tap_free(tap);
}

static void test_tap_ends_by_itself_when_nobody_fetches(void **state)
{
    struct tap *tap = tap_new();
    struct fetched fetched = {0};

    (void)state;
    time_ns = 0;
    uint64_t from = tap_begin(tap);
    time_ns = TAP_IDLE_S * NS_PER_S;
    tap_put(tap, RECORDING_SENT, "\x01", 1);
    fetch(tap, from, 0, &fetched);
    time_ns += TAP_IDLE_S * NS_PER_S + 1;
    tap_put(tap, RECORDING_SENT, "\x02", 1);
    assert_null(tap->ring);
    assert_false(atomic_load(&tap->on));
    assert_int_equal(tap_fetch(tap, from, 0, &fetched.lines, &fetched.next, &fetched.lost),
                     -ENOENT);
    text_free(&fetched.lines);
    tap_free(tap);
}

static void *put_many(void *argument)
{
    tap_use(argument);
    for (int i = 0; i < 20000; i++)
        tap_put(tap_used(), RECORDING_SENT, "\x01\x02", 2);
    return NULL;
}

static void test_tap_is_used_by_threads_at_once(void **state)
{
    struct tap *tap = tap_new();
    struct fetched fetched = {0};
    pthread_t thread;
    uint64_t seen = 0;

    (void)state;
    time_ns = 0;
    fetched.next = tap_begin(tap);
    assert_int_equal(pthread_create(&thread, NULL, put_many, tap), 0);
    assert_null(tap_used());
    while (seen < 20000) {
        uint64_t from = fetched.next;
        fetch(tap, from, 0, &fetched);
        seen += fetched.next - from;
    }
    pthread_join(thread, NULL);
    assert_int_equal(seen, 20000);
    text_free(&fetched.lines);
    tap_free(tap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tap_keeps_nothing_while_nobody_listens),
        cmocka_unit_test(test_tap_tells_what_is_new_with_its_times),
        cmocka_unit_test(test_tap_serves_several_listeners_until_the_last_has_left),
        cmocka_unit_test(test_tap_forgets_the_oldest_and_says_how_much),
        cmocka_unit_test(test_tap_cuts_what_is_longer_than_a_chunk),
        cmocka_unit_test(test_tap_ends_by_itself_when_nobody_fetches),
        cmocka_unit_test(test_tap_is_used_by_threads_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
