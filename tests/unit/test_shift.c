/* Which shift is on, and when: worked examples, those of the days on which clocks change first of
 * all. test_shift_walk.c walks through years. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "date.h"
#include "shift.h"
#include "zone.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 3600 * 1000 };
enum { MON_FRI = 0x1f, SAT = 0x20, SUN = 0x40, ALL = 0x7f };

#define DAY_MS (24 * (int64_t)HOUR_MS)
#define AT(hour, minute) ((hour)*60 + (minute))
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* "2026-11-27 22:00" in UTC */
static int64_t utc(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
    return (int64_t)timegm(&tm) * 1000;
}

static const struct shift_break early_breaks[] = {{AT(10, 0), AT(10, 15)}, {AT(12, 0), AT(12, 30)}};
static const struct shift_break night_breaks[] = {{AT(26, 0), AT(26, 30)}};
static const struct shift three[] = {
    {"early", MON_FRI | SAT, AT(6, 0), AT(14, 0), early_breaks, 2},
    {"late", MON_FRI, AT(14, 0), AT(22, 0), NULL, 0},
    {"night", MON_FRI, AT(22, 0), AT(30, 0), night_breaks, 1},
};
static const struct calendar hall = {.name = "hall", .shifts = three, .shift_count = COUNT(three)};

static const struct shift nights[] = {{"night", ALL, AT(22, 0), AT(30, 0), NULL, 0}};
static const struct calendar every_night = {.name = "n", .shifts = nights, .shift_count = 1};

static void assert_shift(const struct shift_instance *instance, const char *key, const char *begin,
                         const char *end, int64_t busy_ms)
{
    char room[SHIFT_KEY_ROOM];
    assert_string_equal(shift_key(instance, room), key);
    assert_int_equal(instance->begin_ms, utc(begin));
    assert_int_equal(instance->end_ms, utc(end));
    assert_int_equal(instance->busy_ms, busy_ms);
}

static void test_shift_that_is_on_is_found_by_utc(void **state)
{
    (void)state;
    zone_use("Asia/Shanghai");
    struct shift_now now = shift_at(&hall, utc("2026-11-27 01:00"));
    assert_true(now.running && !now.in_break);
    assert_ptr_equal(now.instance.calendar, &hall);
    assert_shift(&now.instance, "2026-11-27/early", "2026-11-26 22:00", "2026-11-27 06:00",
                 8 * HOUR_MS - 45 * MINUTE_MS);
    assert_int_equal(now.next_ms, utc("2026-11-27 02:00"));
}

static void test_night_shift_has_the_date_on_which_it_began(void **state)
{
    (void)state;
    zone_use("Asia/Shanghai");
    struct shift_now now = shift_at(&hall, utc("2026-11-27 21:59"));
    assert_true(now.running);
    assert_shift(&now.instance, "2026-11-27/night", "2026-11-27 14:00", "2026-11-27 22:00",
                 8 * HOUR_MS - 30 * MINUTE_MS);
}

static void test_begin_is_part_of_a_shift_and_its_end_of_the_next(void **state)
{
    (void)state;
    zone_use("Asia/Shanghai");
    int64_t noon = utc("2026-11-27 06:00");
    assert_string_equal(shift_at(&hall, noon - 1).instance.shift->name, "early");
    assert_int_equal(shift_at(&hall, noon - 1).next_ms, noon);
    assert_string_equal(shift_at(&hall, noon).instance.shift->name, "late");
    assert_int_equal(shift_at(&hall, noon).instance.begin_ms, noon);
}

static void test_breaks_begin_and_end_within_their_shift(void **state)
{
    const struct {
        const char *at;
        bool in_break;
        const char *next;
    } cases[] = {
        {"2026-11-27 01:59", false, "2026-11-27 02:00"},
        {"2026-11-27 02:00", true, "2026-11-27 02:15"},
        {"2026-11-27 02:14", true, "2026-11-27 02:15"},
        {"2026-11-27 02:15", false, "2026-11-27 04:00"},
        {"2026-11-27 04:29", true, "2026-11-27 04:30"},
        {"2026-11-27 04:30", false, "2026-11-27 06:00"},
        {"2026-11-27 18:10", true, "2026-11-27 18:30"},
    };
    (void)state;
    zone_use("Asia/Shanghai");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shift_now now = shift_at(&hall, utc(cases[i].at));
        assert_true(now.running);
        assert_int_equal(now.in_break, cases[i].in_break);
        assert_int_equal(now.next_ms, utc(cases[i].next));
    }
}

static void test_between_shifts_the_next_one_is_told(void **state)
{
    (void)state;
    zone_use("Asia/Shanghai");
    struct shift_now now = shift_at(&hall, utc("2026-11-28 06:00")); /* Saturday, 14:00 there */
    assert_false(now.running);
    assert_false(now.in_break);
    assert_shift(&now.instance, "2026-11-30/early", "2026-11-29 22:00", "2026-11-30 06:00",
                 8 * HOUR_MS - 45 * MINUTE_MS);
    assert_int_equal(now.next_ms, utc("2026-11-29 22:00"));
}

static void test_no_shift_begins_on_a_holiday(void **state)
{
    const struct holidays holidays[] = {
        {date_to_day(2026, 10, 1), date_to_day(2026, 10, 7)},
        {date_to_day(2026, 10, 9), date_to_day(2026, 10, 9)},
    };
    struct calendar calendar = hall;
    struct shift_instance instance;
    (void)state;
    calendar.holidays = holidays;
    calendar.holiday_count = COUNT(holidays);
    zone_use("Asia/Shanghai");
    /* The night of the 30th goes on into the holiday. */
    struct shift_now now = shift_at(&calendar, utc("2026-09-30 21:00"));
    assert_true(now.running);
    assert_shift(&now.instance, "2026-09-30/night", "2026-09-30 14:00", "2026-09-30 22:00",
                 8 * HOUR_MS - 30 * MINUTE_MS);
    assert_true(shift_after(&calendar, now.instance.end_ms, &instance));
    assert_int_equal(instance.begin_ms, utc("2026-10-07 22:00"));
    assert_true(shift_after(&calendar, utc("2026-10-08 22:00"), &instance));
    assert_shift(&instance, "2026-10-10/early", "2026-10-09 22:00", "2026-10-10 06:00",
                 8 * HOUR_MS - 45 * MINUTE_MS);
}

static void test_holidays_of_a_thousand_years_are_passed_over(void **state)
{
    const struct holidays holidays[] = {{date_to_day(2000, 1, 1), date_to_day(2999, 12, 31)}};
    struct calendar calendar = hall;
    (void)state;
    calendar.holidays = holidays;
    calendar.holiday_count = 1;
    zone_use("Asia/Shanghai");
    struct shift_now now = shift_at(&calendar, utc("2026-11-27 01:00"));
    assert_false(now.running);
    assert_int_equal(now.next_ms, utc("2999-12-31 22:00")); /* the 1st of January is a Wednesday */
}

static void test_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn(void **state)
{
    struct shift_instance instance;
    (void)state;
    zone_use("Europe/Berlin");
    assert_true(shift_after(&every_night, utc("2026-03-28 22:00"), &instance));
    assert_shift(&instance, "2026-03-28/night", "2026-03-28 21:00", "2026-03-29 04:00",
                 7 * HOUR_MS);
    assert_true(shift_after(&every_night, utc("2026-10-24 22:00"), &instance));
    assert_shift(&instance, "2026-10-24/night", "2026-10-24 20:00", "2026-10-25 05:00",
                 9 * HOUR_MS);
    zone_use("America/New_York");
    assert_true(shift_after(&every_night, utc("2026-03-08 04:00"), &instance));
    assert_shift(&instance, "2026-03-07/night", "2026-03-08 03:00", "2026-03-08 10:00",
                 7 * HOUR_MS);
    assert_true(shift_after(&every_night, utc("2026-11-01 04:00"), &instance));
    assert_shift(&instance, "2026-10-31/night", "2026-11-01 02:00", "2026-11-01 11:00",
                 9 * HOUR_MS);
}

static void test_break_over_a_change_of_clocks_is_what_is_left_of_it(void **state)
{
    static const struct shift_break breaks[] = {{AT(26, 0), AT(27, 15)}, {AT(28, 0), AT(28, 30)}};
    static const struct shift shifts[] = {{"night", ALL, AT(22, 0), AT(30, 0), breaks, 2}};
    const struct calendar calendar = {.name = "c", .shifts = shifts, .shift_count = 1};
    (void)state;
    zone_use("Europe/Berlin");
    struct shift_now now = shift_at(&calendar, utc("2026-03-29 01:00")); /* 03:00, not 02:00 */
    assert_true(now.in_break);
    assert_int_equal(now.next_ms, utc("2026-03-29 01:15"));
    assert_int_equal(now.instance.busy_ms, 7 * HOUR_MS - 45 * MINUTE_MS);
    now = shift_at(&calendar, utc("2026-10-25 01:30")); /* 02:30 for the second time */
    assert_true(now.in_break);
    assert_int_equal(now.next_ms, utc("2026-10-25 02:15"));
    assert_int_equal(now.instance.busy_ms, 9 * HOUR_MS - (2 * 60 + 15 + 30) * MINUTE_MS);
}

static void test_shift_in_the_hour_that_is_left_out_is_not_there(void **state)
{
    static const struct shift shifts[] = {{"s", SUN, AT(2, 15), AT(2, 45), NULL, 0}};
    const struct calendar calendar = {.name = "c", .shifts = shifts, .shift_count = 1};
    struct shift_instance instance;
    (void)state;
    zone_use("Europe/Berlin");
    assert_true(shift_after(&calendar, utc("2026-03-23 00:00"), &instance));
    assert_shift(&instance, "2026-04-05/s", "2026-04-05 00:15", "2026-04-05 00:45", 30 * MINUTE_MS);
    assert_true(shift_after(&calendar, utc("2026-10-24 00:00"), &instance));
    assert_shift(&instance, "2026-10-25/s", "2026-10-25 00:15", "2026-10-25 00:45", 30 * MINUTE_MS);
}

static void test_times_of_the_wall_are_instants_in_order(void **state)
{
    const int32_t spring = date_to_day(2026, 3, 29), autumn = date_to_day(2026, 10, 25);
    (void)state;
    zone_use("Europe/Berlin");
    assert_int_equal(zone_from_local(spring, AT(1, 59)), utc("2026-03-29 00:59"));
    assert_int_equal(zone_from_local(spring, AT(2, 0)), utc("2026-03-29 01:00"));
    assert_int_equal(zone_from_local(spring, AT(2, 59)), utc("2026-03-29 01:00"));
    assert_int_equal(zone_from_local(spring, AT(3, 0)), utc("2026-03-29 01:00"));
    assert_int_equal(zone_from_local(spring, AT(3, 1)), utc("2026-03-29 01:01"));
    assert_int_equal(zone_from_local(autumn, AT(1, 59)), utc("2026-10-24 23:59"));
    assert_int_equal(zone_from_local(autumn, AT(2, 59)), utc("2026-10-25 00:59"));
    assert_int_equal(zone_from_local(autumn, AT(3, 0)), utc("2026-10-25 02:00"));
    assert_int_equal(zone_from_local(autumn - 1, AT(27, 0)), utc("2026-10-25 02:00"));
}

static void test_without_a_calendar_or_beyond_its_years_nothing_is_planned(void **state)
{
    const int64_t beyond[] = {INT64_MIN, -1, utc("9999-12-31 23:59") + MINUTE_MS, INT64_MAX};
    struct shift_instance instance;
    (void)state;
    zone_use("Asia/Shanghai");
    assert_false(shift_after(NULL, utc("2026-11-27 01:00"), &instance));
    struct shift_now now = shift_at(NULL, utc("2026-11-27 01:00"));
    assert_true(!now.running && !now.instance.shift && now.next_ms == SHIFT_NEVER);
    for (size_t i = 0; i < COUNT(beyond); i++) {
        now = shift_at(&hall, beyond[i]);
        assert_true(!now.running && !now.instance.shift && now.next_ms == SHIFT_NEVER);
    }
    assert_int_equal(shift_busy_ms(&hall, INT64_MAX - 1, INT64_MAX), 0);
}

static void test_planned_work_is_cut_at_breaks_and_at_both_ends(void **state)
{
    const struct {
        const char *key, *from, *to;
    } expected[] = {
        {"2026-11-27/early", "2026-11-27 01:00", "2026-11-27 02:00"},
        {"2026-11-27/early", "2026-11-27 02:15", "2026-11-27 04:00"},
        {"2026-11-27/early", "2026-11-27 04:30", "2026-11-27 06:00"},
        {"2026-11-27/late", "2026-11-27 06:00", "2026-11-27 14:00"},
        {"2026-11-27/night", "2026-11-27 14:00", "2026-11-27 18:00"},
        {"2026-11-27/night", "2026-11-27 18:30", "2026-11-27 20:00"},
    };
    int64_t from = utc("2026-11-27 01:00"), to = utc("2026-11-27 20:00"), at = from;
    struct shift_work work;
    char room[SHIFT_KEY_ROOM];
    (void)state;
    zone_use("Asia/Shanghai");
    for (size_t i = 0; i < COUNT(expected); i++, at = work.to_ms) {
        assert_true(shift_work_from(&hall, at, to, &work));
        assert_string_equal(shift_key(&work.instance, room), expected[i].key);
        assert_int_equal(work.from_ms, utc(expected[i].from));
        assert_int_equal(work.to_ms, utc(expected[i].to));
    }
    assert_false(shift_work_from(&hall, at, to, &work));
    assert_int_equal(shift_busy_ms(&hall, from, to), 19 * HOUR_MS - 75 * MINUTE_MS);
    assert_int_equal(shift_busy_ms(&hall, to, from), 0);
    assert_int_equal(shift_busy_ms(NULL, from, to), 0);
}

/* Five days of 24 hours without 75 minutes, and an early shift on Saturday. */
static void test_a_weeks_free_hours_are_what_is_not_planned(void **state)
{
    int64_t monday = utc("2026-11-22 16:00"), week = 7 * DAY_MS; /* midnight there */
    (void)state;
    zone_use("Asia/Shanghai");
    int64_t work = 5 * (24 * HOUR_MS - 75 * MINUTE_MS) + 8 * HOUR_MS - 45 * MINUTE_MS;
    assert_int_equal(shift_busy_ms(&hall, monday + 6 * HOUR_MS, monday + 6 * HOUR_MS + week), work);
    assert_int_equal(shift_busy_ms(&hall, monday, monday + week), work);
}

static void test_system_has_a_zone_where_none_is_configured(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    zone_use(NULL);
    assert_int_equal(zone_from_local(date_to_day(2026, 7, 1), 0), utc("2026-06-30 22:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shift_that_is_on_is_found_by_utc),
        cmocka_unit_test(test_night_shift_has_the_date_on_which_it_began),
        cmocka_unit_test(test_begin_is_part_of_a_shift_and_its_end_of_the_next),
        cmocka_unit_test(test_breaks_begin_and_end_within_their_shift),
        cmocka_unit_test(test_between_shifts_the_next_one_is_told),
        cmocka_unit_test(test_no_shift_begins_on_a_holiday),
        cmocka_unit_test(test_holidays_of_a_thousand_years_are_passed_over),
        cmocka_unit_test(test_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn),
        cmocka_unit_test(test_break_over_a_change_of_clocks_is_what_is_left_of_it),
        cmocka_unit_test(test_shift_in_the_hour_that_is_left_out_is_not_there),
        cmocka_unit_test(test_times_of_the_wall_are_instants_in_order),
        cmocka_unit_test(test_without_a_calendar_or_beyond_its_years_nothing_is_planned),
        cmocka_unit_test(test_planned_work_is_cut_at_breaks_and_at_both_ends),
        cmocka_unit_test(test_a_weeks_free_hours_are_what_is_not_planned),
        cmocka_unit_test(test_system_has_a_zone_where_none_is_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
