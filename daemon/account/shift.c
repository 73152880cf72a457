#include "shift.h"

#include <stdio.h>

#include "date.h"
#include "zone.h"

/* A shift may have begun so many days before the wall's date; and be found again so many days after
 * the last holiday, one week being left out where a change of clocks takes it away. */
enum { DAYS_BACK = 2, DAYS_AHEAD = 15 };

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* Those that the day is one of, or else the next ones; NULL: there are none. */
static const struct holidays *holidays_from(const struct calendar *calendar, int32_t day)
{
    size_t low = 0, high = calendar->holiday_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (calendar->holidays[middle].last < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low < calendar->holiday_count ? &calendar->holidays[low] : NULL;
}

/* How long the break is in this instance: all of it where clocks do not change. */
static int64_t break_ms(int32_t day, const struct shift_break *pause)
{
    return zone_from_local(day, pause->to) - zone_from_local(day, pause->from);
}

static struct shift_instance begin_shift(const struct calendar *calendar, const struct shift *shift,
                                         int32_t day)
{
    struct shift_instance instance = {.calendar = calendar,
                                      .shift = shift,
                                      .day = day,
                                      .begin_ms = zone_from_local(day, shift->from),
                                      .end_ms = zone_from_local(day, shift->to)};

    instance.busy_ms = instance.end_ms - instance.begin_ms;
    for (size_t i = 0; i < shift->break_count; i++)
        instance.busy_ms -= break_ms(day, &shift->breaks[i]);
    return instance;
}

/* The first on this day that ends after that. */
static bool find_on_day(const struct calendar *calendar, int32_t day, int64_t utc_ms,
                        struct shift_instance *ret_instance)
{
    unsigned weekday = date_weekday(day);

    for (size_t i = 0; i < calendar->shift_count; i++) {
        const struct shift *shift = &calendar->shifts[i];
        if ((shift->days >> weekday & 1) == 0)
            continue;
        struct shift_instance instance = begin_shift(calendar, shift, day);
        if (instance.end_ms > utc_ms && instance.end_ms > instance.begin_ms) {
            *ret_instance = instance;
            return true;
        }
    }
    return false;
}

bool shift_after(const struct calendar *calendar, int64_t utc_ms,
                 struct shift_instance *ret_instance)
{
    int64_t local_ms = 0;

    if (!calendar || zone_to_local(utc_ms, &local_ms) != 0)
        return false;
    int32_t day = (int32_t)(local_ms / DAY_MS) - DAYS_BACK;
    int32_t last = day + DAYS_AHEAD;
    while (day <= last) {
        const struct holidays *holidays = holidays_from(calendar, day);
        if (holidays && holidays->first <= day) {
            day = holidays->last + 1;
            last = day + DAYS_AHEAD;
            continue;
        }
        if (find_on_day(calendar, day, utc_ms, ret_instance))
            return true;
        day++;
    }
    return false;
}

/* Whether it is a break, and when that changes. */
static void look_at_breaks(struct shift_now *now, int64_t utc_ms)
{
    const struct shift_instance *instance = &now->instance;

    for (size_t i = 0; i < instance->shift->break_count; i++) {
        const struct shift_break *pause = &instance->shift->breaks[i];
        int64_t from = zone_from_local(instance->day, pause->from);
        int64_t to = zone_from_local(instance->day, pause->to);
        if (from == to)
            continue;
        now->in_break = now->in_break || (from <= utc_ms && utc_ms < to);
        if (utc_ms < from && from < now->next_ms)
            now->next_ms = from;
        if (utc_ms < to && to < now->next_ms)
            now->next_ms = to;
    }
}

struct shift_now shift_at(const struct calendar *calendar, int64_t utc_ms)
{
    struct shift_now now = {.next_ms = SHIFT_NEVER};

    if (!shift_after(calendar, utc_ms, &now.instance))
        return now;
    now.running = now.instance.begin_ms <= utc_ms;
    now.next_ms = now.running ? now.instance.end_ms : now.instance.begin_ms;
    if (now.running)
        look_at_breaks(&now, utc_ms);
    return now;
}

bool shift_work_from(const struct calendar *calendar, int64_t from_ms, int64_t to_ms,
                     struct shift_work *ret_work)
{
    while (from_ms < to_ms) {
        struct shift_now now = shift_at(calendar, from_ms);
        if (now.running && !now.in_break) {
            *ret_work = (struct shift_work){.instance = now.instance,
                                            .from_ms = from_ms,
                                            .to_ms = now.next_ms < to_ms ? now.next_ms : to_ms};
            return true;
        }
        from_ms = now.next_ms;
    }
    return false;
}

int64_t shift_busy_ms(const struct calendar *calendar, int64_t from_ms, int64_t to_ms)
{
    struct shift_work work;
    int64_t busy_ms = 0;

    for (int64_t at = from_ms; shift_work_from(calendar, at, to_ms, &work); at = work.to_ms)
        busy_ms += work.to_ms - work.from_ms;
    return busy_ms;
}

const char *shift_key(const struct shift_instance *instance, char room[SHIFT_KEY_ROOM])
{
    int year = 0, month = 0, day_of_month = 0;

    date_of_day(instance->day, &year, &month, &day_of_month);
    snprintf(room, SHIFT_KEY_ROOM, "%04d-%02d-%02d/%s", year, month, day_of_month,
             instance->shift->name);
    return room;
}
