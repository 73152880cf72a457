/* Years, minute by minute, in zones of all kinds: what shift.c says is on is what the clock on the
 * wall says, and it changes just when it said that it would.
 *
 * The wall's clock is read with localtime_r every minute and never turned back: the highest time
 * that it has shown decides. That is what an hour that comes twice means for shifts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "date.h"
#include "shift.h"
#include "zone.h"

enum { MINUTE_MS = 60 * 1000, LONGEST = 2 };

#define AT(hour, minute) ((hour)*60 + (minute))
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DAY(year, month, day) (date_to_day(year, month, day))

static const struct shift_break breaks[] = {
    {AT(23, 45), AT(24, 15)}, {AT(25, 30), AT(26, 30)}, {AT(26, 30), AT(26, 45)}};

/* Changes of clocks come within shifts and within breaks, and at the begin and end of both. */
static const struct shift around_the_clock[] = {
    {"early", 0x7f, AT(6, 0), AT(14, 0), NULL, 0},
    {"late", 0x7f, AT(14, 0), AT(22, 0), NULL, 0},
    {"night", 0x7f, AT(22, 0), AT(30, 0), breaks, 3},
};
static const struct shift with_pauses[] = {
    {"small", 0x7f, AT(3, 10), AT(3, 40), NULL, 0},
    {"day", 0x1f, AT(6, 0), AT(14, 30), NULL, 0},
    {"short day", 0x20, AT(6, 0), AT(12, 0), NULL, 0},
    {"night", 0x4f, AT(22, 0), AT(27, 0), breaks, 2},
};
static const struct shift touching_the_change[] = {
    {"first", 0x7f, AT(0, 0), AT(2, 30), NULL, 0},
    {"second", 0x7f, AT(2, 30), AT(3, 0), NULL, 0},
    {"third", 0x7f, AT(3, 0), AT(24, 0), NULL, 0},
};
static const struct shift whole_day[] = {{"day", 0x41, AT(1, 30), AT(25, 30), breaks, 1}};

/* Filled in by main: dates are no constants. */
static struct holidays holidays[3];

static const struct calendar calendars[] = {
    {"around the clock", around_the_clock, COUNT(around_the_clock), NULL, 0},
    {"with pauses", with_pauses, COUNT(with_pauses), holidays, COUNT(holidays)},
    {"touching the change", touching_the_change, COUNT(touching_the_change), NULL, 0},
    {"whole days", whole_day, COUNT(whole_day), NULL, 0},
};

struct seen {
    const struct shift *shift; /* NULL: none is on */
    int32_t day;
    bool in_break;
};

static bool is_holiday(const struct calendar *calendar, int32_t day)
{
    for (size_t i = 0; i < calendar->holiday_count; i++)
        if (calendar->holidays[i].first <= day && day <= calendar->holidays[i].last)
            return true;
    return false;
}

static bool is_break(const struct shift *shift, int64_t minute)
{
    for (size_t i = 0; i < shift->break_count; i++)
        if (shift->breaks[i].from <= minute && minute < shift->breaks[i].to)
            return true;
    return false;
}

/* What is on at a minute of the wall, counted from 1970; two at once fail. */
static struct seen look(const struct calendar *calendar, int64_t wall)
{
    struct seen seen = {.shift = NULL};

    for (int back = 0; back < LONGEST; back++) {
        int32_t day = (int32_t)(wall / MINUTES_A_DAY) - back;
        int64_t minute = wall - (int64_t)day * MINUTES_A_DAY;
        for (size_t i = 0; i < calendar->shift_count; i++) {
            const struct shift *shift = &calendar->shifts[i];
            if (minute < shift->from || minute >= shift->to || is_holiday(calendar, day) ||
                (shift->days >> date_weekday(day) & 1) == 0)
                continue;
            assert_null(seen.shift);
            seen = (struct seen){shift, day, is_break(shift, minute)};
        }
    }
    return seen;
}

static void fail_at(const struct calendar *calendar, int64_t utc_ms, const char *complaint)
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm tm;
    char text[64];

    localtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%F %T %Z", &tm);
    fail_msg("%s, %s: %s", calendar->name, text, complaint);
}

static bool agree(const struct shift_now *now, const struct seen *seen)
{
    if (!seen->shift)
        return !now->running && !now->in_break;
    return now->running && now->instance.shift == seen->shift && now->instance.day == seen->day &&
           now->in_break == seen->in_break;
}

struct walk {
    const struct calendar *calendar;
    struct shift_now now;
    struct seen before;
    int64_t busy_ms, begin_busy_ms; /* counted by the minute; at the begin of this instance */
    int64_t begin_ms;
    bool whole; /* the instance was seen from its begin on */
};

/* An instance has come to its end: it lasted, and was busy, as it had said. */
static void end_instance(struct walk *walk, int64_t utc_ms)
{
    const struct shift_instance *instance = &walk->now.instance;

    if (!walk->whole)
        return;
    if (instance->begin_ms != walk->begin_ms || instance->end_ms != utc_ms)
        fail_at(walk->calendar, utc_ms, "begins or ends at another time");
    if (instance->busy_ms != walk->busy_ms - walk->begin_busy_ms)
        fail_at(walk->calendar, utc_ms, "is busy for another time");
}

static void change(struct walk *walk, const struct seen *seen, int64_t utc_ms)
{
    bool same = seen->shift == walk->before.shift && seen->day == walk->before.day;

    if (walk->now.next_ms != utc_ms)
        fail_at(walk->calendar, utc_ms, "changes at another time than was said");
    if (!same && walk->before.shift)
        end_instance(walk, utc_ms);
    walk->now = shift_at(walk->calendar, utc_ms);
    if (!same) {
        walk->whole = true;
        walk->begin_ms = utc_ms;
        walk->begin_busy_ms = walk->busy_ms;
    }
    if (seen->shift == NULL && walk->now.instance.begin_ms != walk->now.next_ms)
        fail_at(walk->calendar, utc_ms, "does not tell the next shift");
}

static void step(struct walk *walk, int64_t utc_ms, int64_t wall)
{
    struct seen seen = look(walk->calendar, wall);
    bool changed = seen.shift != walk->before.shift || seen.day != walk->before.day ||
                   seen.in_break != walk->before.in_break;

    /* Breaks that touch, and shifts that do: a boundary without a change of what is seen. */
    if (!changed && walk->now.next_ms == utc_ms)
        walk->now = shift_at(walk->calendar, utc_ms);
    if (changed)
        change(walk, &seen, utc_ms);
    if (walk->now.next_ms <= utc_ms)
        fail_at(walk->calendar, utc_ms, "has a next change that is past");
    if (!agree(&walk->now, &seen))
        fail_at(walk->calendar, utc_ms, "is not what the wall's clock says");
    if (seen.shift && !seen.in_break)
        walk->busy_ms += MINUTE_MS;
    walk->before = seen;
}

static void walk_through(const char *zone, const struct calendar *calendar, int first, int years)
{
    int64_t begin_ms = (int64_t)DAY(first, 1, 1) * MINUTES_A_DAY * MINUTE_MS;
    int64_t end_ms = (int64_t)DAY(first + years, 1, 1) * MINUTES_A_DAY * MINUTE_MS;
    struct walk walk = {.calendar = calendar};
    int64_t wall = 0;

    print_message("%s, %s, from %d on\n", zone, calendar->name, first);
    for (int64_t utc_ms = begin_ms; utc_ms < end_ms; utc_ms += MINUTE_MS) {
        time_t seconds = (time_t)(utc_ms / 1000);
        struct tm tm;
        localtime_r(&seconds, &tm);
        int64_t shown = (seconds + tm.tm_gmtoff) / 60;
        wall = shown > wall ? shown : wall;
        if (utc_ms == begin_ms) {
            walk.before = look(calendar, wall);
            walk.now = shift_at(calendar, utc_ms);
        }
        step(&walk, utc_ms, wall);
    }
    assert_int_equal(shift_busy_ms(calendar, begin_ms, end_ms), walk.busy_ms);
}

static void walk_zone(const char *zone, int first, int years)
{
    zone_use(zone);
    for (size_t i = 0; i < COUNT(calendars); i++)
        walk_through(zone, &calendars[i], first, years);
}

static void test_shifts_are_those_of_the_wall_in_shanghai(void **state)
{
    (void)state;
    walk_zone("Asia/Shanghai", 1986, 2); /* clocks were changed then */
    walk_zone("Asia/Shanghai", 2026, 1);
}

static void test_shifts_are_those_of_the_wall_in_berlin(void **state)
{
    (void)state;
    walk_zone("Europe/Berlin", 2026, 3);
}

static void test_shifts_are_those_of_the_wall_in_new_york(void **state)
{
    (void)state;
    walk_zone("America/New_York", 2026, 3);
}

/* Half an hour's change; one at midnight; a whole day that was left out. */
static void test_shifts_are_those_of_the_wall_where_clocks_are_odd(void **state)
{
    (void)state;
    walk_zone("Australia/Lord_Howe", 2026, 1);
    walk_zone("America/Havana", 2026, 1);
    walk_zone("Pacific/Apia", 2011, 1);
}

/* At any millisecond, not only where the walk has stopped. */
static void test_what_is_said_of_any_millisecond_is_said_of_its_whole_stretch(void **state)
{
    uint64_t random = 88172645463325252U;
    (void)state;
    zone_use("Europe/Berlin");
    int64_t begin_ms = (int64_t)DAY(2024, 1, 1) * MINUTES_A_DAY * MINUTE_MS;
    for (int i = 0; i < 200000; i++) {
        const struct calendar *calendar = &calendars[i % COUNT(calendars)];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t utc_ms = begin_ms + (int64_t)(random % (UINT64_C(4) * 366 * 86400 * 1000));
        struct shift_now now = shift_at(calendar, utc_ms);
        struct shift_now last = shift_at(calendar, now.next_ms - 1);
        assert_true(now.next_ms > utc_ms);
        assert_true(last.running == now.running && last.in_break == now.in_break &&
                    last.next_ms == now.next_ms && last.instance.shift == now.instance.shift &&
                    last.instance.day == now.instance.day);
        assert_true(!now.running ||
                    (now.instance.begin_ms <= utc_ms && utc_ms < now.instance.end_ms));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shifts_are_those_of_the_wall_in_shanghai),
        cmocka_unit_test(test_shifts_are_those_of_the_wall_in_berlin),
        cmocka_unit_test(test_shifts_are_those_of_the_wall_in_new_york),
        cmocka_unit_test(test_shifts_are_those_of_the_wall_where_clocks_are_odd),
        cmocka_unit_test(test_what_is_said_of_any_millisecond_is_said_of_its_whole_stretch),
    };
    holidays[0] = (struct holidays){DAY(1987, 4, 10), DAY(1987, 4, 12)};
    holidays[1] = (struct holidays){DAY(2026, 3, 8), DAY(2026, 3, 8)};
    holidays[2] = (struct holidays){DAY(2026, 12, 24), DAY(2027, 1, 6)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
