#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "verify_book.h"
#include "verify_report.h"

#define ROOT "bindery/s/g/"
#define FROM_G "{\"gateway\":\"g\",\"store\":\"a\","

static const int64_t now_ms = 1795412474123;

static void take(struct verify_book *book, const char *topic, const char *payload)
{
    verify_book_take(book, topic, payload, strlen(payload), now_ms);
}

static void test_book_takes_readings_of_a_machine_and_gathered(void **state)
{
    (void)state;
    struct verify_book book = {0};
    take(&book, ROOT "m/readings",
         FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":1,\"ts\":1795412474023,\"values\":{}},"
                "{\"seq\":2,\"ts\":1795412474023,\"values\":{\"a\":1}}]}");
    take(&book, ROOT "readings",
         FROM_G "\"machines\":{\"m\":[{\"seq\":3,\"ts\":1795412474023,\"values\":{}}],"
                "\"n\":[{\"seq\":4,\"ts\":1795412474023,\"values\":{}}]}}");
    assert_int_equal(book.readings, 4);
    assert_int_equal(book.store_count, 1);
    assert_int_equal(book.stores[0].ledger.highest, 4);
    assert_in_range(verify_latency_at(&book.latency, 0.99), 100, 103);
    verify_book_free(&book);
}

static void test_book_takes_events_and_gaps_into_the_same_numbers(void **state)
{
    (void)state;
    const struct verify_limits limits = {.expect_from = 1};
    struct verify_book book = {0};
    take(&book, ROOT "m/readings", FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":1,\"ts\":1}]}");
    take(&book, ROOT "m/events", "{\"seq\":2,\"ts\":1,\"event\":\"stop\"}");
    take(&book, ROOT "gaps",
         "{\"seq\":6,\"missing\":3,\"first_seq\":3,\"last_seq\":5,\"gateway\":\"g\","
         "\"store\":\"a\"}");
    struct verify_result result = verify_judge(&book, &limits);
    assert_true(result.passed);
    assert_int_equal(result.declared_lost, 3);
    assert_int_equal(book.events, 1);
    assert_int_equal(book.gaps, 1);
    verify_book_free(&book);
}

#define STOP(seq, ts)                                                      \
    "{\"seq\":" seq ",\"ts\":" ts ",\"event\":\"stop\",\"duration_ms\":5," \
    "\"gateway\":\"g\",\"machine\":\"m\",\"store\":\"a\"}"

static void test_book_misses_an_event_as_a_reading(void **state)
{
    (void)state;
    const struct verify_limits limits = {.expect_from = 1};
    struct verify_book book = {0};
    take(&book, ROOT "m/events", STOP("1", "5"));
    take(&book, ROOT "m/readings", FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":3,\"ts\":9}]}");
    assert_int_equal(verify_judge(&book, &limits).missing, 1);
    take(&book, ROOT "m/events", STOP("2", "7"));
    assert_true(verify_judge(&book, &limits).passed);
    take(&book, ROOT "m/events", STOP("2", "7"));
    assert_int_equal(verify_judge(&book, &limits).repeats, 1);
    take(&book, ROOT "m/events", STOP("2", "8"));
    assert_int_equal(verify_judge(&book, &limits).differing, 1);
    assert_int_equal(book.events, 2);
    assert_int_equal(book.store_count, 1);
    verify_book_free(&book);
}

/* Of one round, the events: the first was sent before we listened. */
static void test_book_asks_for_no_numbers_below_an_event_of_before(void **state)
{
    (void)state;
    const struct verify_limits limits = {0};
    struct verify_book book = {0};
    take(&book, ROOT "m/events", STOP("6", "1795412474023"));
    take(&book, ROOT "m/readings",
         FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":4,\"ts\":1795412474023}]}");
    assert_true(verify_judge(&book, &limits).passed);
    take(&book, ROOT "m/events", STOP("8", "1795412474125"));
    assert_int_equal(verify_judge(&book, &limits).missing, 1);
    verify_book_free(&book);
}

static void test_book_repeated_event_may_have_its_ends_corrected(void **state)
{
    (void)state;
    const struct verify_limits limits = {0};
    struct verify_book book = {0};
    take(&book, ROOT "m/events",
         FROM_G "\"seq\":1,\"ts\":1000,\"clock\":\"unsynced\",\"event\":\"stop\",\"from\":995,"
                "\"to\":1000,\"duration_ms\":5}");
    take(&book, ROOT "m/events",
         FROM_G "\"seq\":1,\"ts\":9000,\"clock\":\"corrected\",\"event\":\"stop\",\"from\":8995,"
                "\"to\":9000,\"duration_ms\":5}");
    assert_int_equal(verify_judge(&book, &limits).differing, 0);
    verify_book_free(&book);
}

static void test_book_counts_a_repeated_gap_once(void **state)
{
    (void)state;
    struct verify_book book = {0};
    for (int i = 0; i < 2; i++)
        take(&book, ROOT "gaps", "{\"seq\":6,\"missing\":3,\"gateway\":\"g\",\"store\":\"a\"}");
    assert_int_equal(book.stores[0].ledger.declared_lost, 3);
    assert_int_equal(book.stores[0].ledger.repeats, 1);
    verify_book_free(&book);
}

static void test_book_keeps_stores_apart(void **state)
{
    (void)state;
    struct verify_book book = {0};
    take(&book, ROOT "m/readings",
         "{\"gateway\":\"g\",\"store\":\"a\",\"machine\":\"m\","
         "\"readings\":[{\"seq\":1,\"ts\":1}]}");
    take(&book, ROOT "m/readings",
         "{\"gateway\":\"g\",\"store\":\"b\",\"machine\":\"m\","
         "\"readings\":[{\"seq\":1,\"ts\":2}]}");
    assert_int_equal(book.store_count, 2);
    assert_int_equal(book.readings, 2);
    verify_book_free(&book);
}

static uint64_t differing_of(const char *first, const char *second)
{
    char payload[256];
    struct verify_book book = {0};
    const char *records[] = {first, second};
    for (int i = 0; i < 2; i++) {
        strcpy(payload, FROM_G "\"machine\":\"m\",\"readings\":[");
        strcat(payload, records[i]);
        strcat(payload, "]}");
        take(&book, ROOT "m/readings", payload);
    }
    uint64_t differing = book.stores[0].ledger.differing;
    assert_int_equal(differing + book.stores[0].ledger.repeats, 1);
    verify_book_free(&book);
    return differing;
}

static void test_book_repeat_may_have_its_clock_corrected_and_nothing_else(void **state)
{
    (void)state;
    const char *first = "{\"seq\":1,\"ts\":5,\"clock\":\"unsynced\",\"values\":{\"a\":1,\"b\":2}}";
    assert_int_equal(differing_of(first, "{\"seq\":1,\"ts\":9,\"clock\":\"corrected\","
                                         "\"values\":{\"b\":2,\"a\":1}}"),
                     0);
    assert_int_equal(differing_of(first, "{\"seq\":1,\"ts\":9,\"clock\":\"corrected\","
                                         "\"values\":{\"a\":1,\"b\":3}}"),
                     1);
    assert_int_equal(
        differing_of("{\"seq\":1,\"ts\":5,\"values\":{}}", "{\"seq\":1,\"ts\":6,\"values\":{}}"),
        1);
    assert_int_equal(differing_of("{\"seq\":1,\"ts\":5,\"values\":{\"a\":0.1}}",
                                  "{\"seq\":1,\"ts\":5,\"values\":{\"a\":0.10000000000000002}}"),
                     1);
}

static void test_book_counts_what_it_does_not_understand(void **state)
{
    (void)state;
    struct verify_book book = {0};
    take(&book, ROOT "m/events", "{\"seq\":2}"); /* of no store */
    take(&book, ROOT "m/readings", "{");
    take(&book, ROOT "m/readings", "[1]");
    take(&book, ROOT "m/readings", FROM_G "\"machine\":\"m\",\"readings\":[{\"ts\":5}]}");
    take(&book, ROOT "m/readings", FROM_G "\"machine\":\"m\",\"readings\":[7]}");
    take(&book, ROOT "m/about", "{");
    assert_int_equal(book.not_understood, 5);
    assert_int_equal(book.readings, 0);
    verify_book_free(&book);
}

static void test_book_takes_whole_numbers_beyond_63_bits(void **state)
{
    (void)state;
    struct verify_book book = {0};
    take(&book, ROOT "m/readings",
         FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":1,\"ts\":1795412474023,"
                "\"values\":{\"a\":18446744073709551615}}]}");
    assert_int_equal(book.readings, 1);
    verify_book_free(&book);
}

static void test_verify_fails_without_readings(void **state)
{
    (void)state;
    const struct verify_limits limits = {0};
    struct verify_book book = {0};
    assert_false(verify_judge(&book, &limits).passed);
    take(&book, ROOT "status", "{\"online\":true,\"store\":\"a\"}");
    take(&book, ROOT "m/events", "{\"seq\":2}");
    assert_false(verify_judge(&book, &limits).passed);
    verify_book_free(&book);
}

static void test_verify_is_reached_when_all_up_to_there_came(void **state)
{
    (void)state;
    const struct verify_limits limits = {.expect_from = 1, .until_seq = 3};
    struct verify_book book = {0};
    take(&book, ROOT "m/readings",
         FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":1,\"ts\":1},"
                "{\"seq\":3,\"ts\":1},{\"seq\":5,\"ts\":1}]}");
    assert_false(verify_reached(&book, &limits));
    assert_int_equal(verify_judge(&book, &limits).missing, 1);
    take(&book, ROOT "m/readings", FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":2,\"ts\":1}]}");
    assert_true(verify_reached(&book, &limits));
    assert_true(verify_judge(&book, &limits).passed);
    verify_book_free(&book);
}

static void test_verify_counts_no_holes_above_the_end(void **state)
{
    (void)state;
    const struct verify_limits limits = {0};
    struct verify_book book = {0};
    take(&book, ROOT "m/readings",
         FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":1,\"ts\":1},"
                "{\"seq\":2,\"ts\":1}]}");
    verify_book_end(&book);
    take(&book, ROOT "m/readings", FROM_G "\"machine\":\"m\",\"readings\":[{\"seq\":9,\"ts\":1}]}");
    assert_int_equal(verify_judge(&book, &limits).missing, 0);
    verify_book_free(&book);
}

static void test_latency_percentiles_are_within_a_thirtysecond(void **state)
{
    (void)state;
    struct verify_latency latency = {0};
    assert_int_equal(verify_latency_at(&latency, 0.5), 0);
    for (int64_t ms = 1; ms <= 100000; ms++)
        verify_latency_add(&latency, ms);
    verify_latency_add(&latency, -5);
    assert_in_range(verify_latency_at(&latency, 0.5), 50000, 51600);
    assert_in_range(verify_latency_at(&latency, 0.99), 99000, 102100);
    assert_int_equal(verify_latency_at(&latency, 0.0003), 30);
    verify_latency_add(&latency, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_book_takes_readings_of_a_machine_and_gathered),
        cmocka_unit_test(test_book_takes_events_and_gaps_into_the_same_numbers),
        cmocka_unit_test(test_book_misses_an_event_as_a_reading),
        cmocka_unit_test(test_book_asks_for_no_numbers_below_an_event_of_before),
        cmocka_unit_test(test_book_repeated_event_may_have_its_ends_corrected),
        cmocka_unit_test(test_book_counts_a_repeated_gap_once),
        cmocka_unit_test(test_book_keeps_stores_apart),
        cmocka_unit_test(test_book_repeat_may_have_its_clock_corrected_and_nothing_else),
        cmocka_unit_test(test_book_counts_what_it_does_not_understand),
        cmocka_unit_test(test_book_takes_whole_numbers_beyond_63_bits),
        cmocka_unit_test(test_verify_fails_without_readings),
        cmocka_unit_test(test_verify_is_reached_when_all_up_to_there_came),
        cmocka_unit_test(test_verify_counts_no_holes_above_the_end),
        cmocka_unit_test(test_latency_percentiles_are_within_a_thirtysecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
