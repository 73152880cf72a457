/* Days, dates and times of day. The C library's timegm and gmtime_r say what is right. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "date.h"

enum { DAY_S = 86400, CENTURIES = 8 * 36525 };

static void test_days_and_dates_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (int32_t day = -CENTURIES; day <= CENTURIES; day++) {
        time_t seconds = (time_t)day * DAY_S;
        struct tm tm;
        int year = 0, month = 0, day_of_month = 0;
        assert_non_null(gmtime_r(&seconds, &tm));
        date_of_day(day, &year, &month, &day_of_month);
        assert_true(year == tm.tm_year + 1900 && month == tm.tm_mon + 1 &&
                    day_of_month == tm.tm_mday);
        assert_int_equal(date_to_day(year, month, day_of_month), day);
        assert_int_equal(date_weekday(day), (tm.tm_wday + 6) % 7);
    }
}

static void test_dates_that_there_are(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int32_t day;
    } cases[] = {{"1970-01-01", 0},
                 {"2000-02-29", 11016},
                 {"2026-11-27", 20784},
                 {"2028-02-29", 21243},
                 {"2999-12-31", 376199}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t day = -1;
        assert_int_equal(parse_date(cases[i].text, &day), 0);
        assert_int_equal(day, cases[i].day);
    }
}

static void test_dates_that_there_are_not(void **state)
{
    static const char *const wrong[] = {
        "",           "2026-02-29", "2100-02-29",  "2026-00-10", "2026-13-01",
        "2026-04-31", "2026-01-00", "1969-12-31",  "3000-01-01", "2026-1-1",
        "2026/01/01", "26-01-01",   "2026-01-01 ", "2026-01-0x", "-026-01-01",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int32_t day = 77;
        assert_int_equal(parse_date(wrong[i], &day), -EINVAL);
        assert_int_equal(day, 77);
    }
}

static void test_times_of_day(void **state)
{
    static const char *const wrong[] = {"",      ":",     "6",     "06:0",   "24:01",
                                        "25:00", "12:60", "-1:00", "006:00", "06:00 ",
                                        "6:-1",  "a:00",  "12.30"};
    uint16_t minutes = 7;
    (void)state;
    assert_true(parse_time("00:00", &minutes) == 0 && minutes == 0);
    assert_true(parse_time("6:05", &minutes) == 0 && minutes == 365);
    assert_true(parse_time("23:59", &minutes) == 0 && minutes == 1439);
    assert_true(parse_time("24:00", &minutes) == 0 && minutes == 1440);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(parse_time(wrong[i], &minutes), -EINVAL);
    assert_int_equal(minutes, 1440);
}

static void test_weekdays_and_ranges_that_may_go_over_sunday(void **state)
{
    static const char *const wrong[] = {"",        "mo",  "monday",  "mon-",   "mon-fri-",
                                        "mon,tue", "Mon", "mon-xxx", "mon fri"};
    uint8_t days = 0;
    (void)state;
    assert_true(parse_weekdays("mon", &days) == 0 && days == 0x01);
    assert_true(parse_weekdays("sun", &days) == 0 && days == 0x40);
    assert_true(parse_weekdays("mon-fri", &days) == 0 && days == 0x1f);
    assert_true(parse_weekdays("sat-tue", &days) == 0 && days == 0x63);
    assert_true(parse_weekdays("wed-wed", &days) == 0 && days == 0x04);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(parse_weekdays(wrong[i], &days), -EINVAL);
    assert_int_equal(days, 0x04);
    for (unsigned i = 0; i < DAYS_A_WEEK; i++)
        assert_true(parse_weekdays(date_weekday_name(i), &days) == 0 && days == 1U << i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_and_dates_are_those_of_the_c_library),
        cmocka_unit_test(test_dates_that_there_are),
        cmocka_unit_test(test_dates_that_there_are_not),
        cmocka_unit_test(test_times_of_day),
        cmocka_unit_test(test_weekdays_and_ranges_that_may_go_over_sunday),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
