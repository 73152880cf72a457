/* Which shift of a calendar is on, and when. Pure but for the time zone, which is the process's,
 * see zone.h. Times are milliseconds since 1970, UTC. Any thread.
 *
 * An instance is a shift on the day on which it begins. Its begin, its end and its breaks are
 * instants in UTC, so that it is an hour shorter or longer over a change of clocks; an instance of
 * which nothing is left, as of a shift within the hour that is left out in spring, there is not.
 * No instant is in two instances of a calendar. Before 1970 and after 9999 nothing is planned. */
#ifndef BINDERY_SHIFT_H
#define BINDERY_SHIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

#define SHIFT_NEVER INT64_MAX

/* Lives as long as the calendar's plant. */
struct shift_instance {
    const struct calendar *calendar;
    const struct shift *shift; /* NULL: there is none */
    int32_t day;               /* on which it begins, there: days since 1970-01-01 */
    int64_t begin_ms, end_ms;  /* the end is no part of it */
    int64_t busy_ms;           /* planned busy time: its length without the breaks */
};

/* The first instance that ends after that. False, with *ret_instance untouched, where there is
 * none; the calendar may be NULL. So these are all that touch the time from A to B:
 *
 *     for (at = A; shift_after(calendar, at, &one) && one.begin_ms < B; at = one.end_ms) */
bool shift_after(const struct calendar *calendar, int64_t utc_ms,
                 struct shift_instance *ret_instance);

struct shift_now {
    struct shift_instance instance; /* the one that is on, or else the next */
    bool running;
    bool in_break;
    int64_t next_ms; /* when a shift or a break begins or ends next; SHIFT_NEVER: not any more */
};

/* Nothing changes until next_ms, which is after utc_ms: ask again then, or after a step of the
 * wall clock. The calendar may be NULL. */
struct shift_now shift_at(const struct calendar *calendar, int64_t utc_ms);

/* Planned busy time without an interruption. */
struct shift_work {
    struct shift_instance instance; /* that it is part of */
    int64_t from_ms, to_ms;
};

/* The first of it from a time on, cut off at another; false where there is none. So this is all
 * that is planned from A to B, in order, and the rest of that time is free or a break:
 *
 *     for (at = A; shift_work_from(calendar, at, B, &work); at = work.to_ms) */
bool shift_work_from(const struct calendar *calendar, int64_t from_ms, int64_t to_ms,
                     struct shift_work *ret_work);

/* How much busy time is planned from one time to another. */
int64_t shift_busy_ms(const struct calendar *calendar, int64_t from_ms, int64_t to_ms);

/* What an instance is known by, "2026-11-27/night", written into the room. */
enum { SHIFT_KEY_ROOM = sizeof "2026-11-27/" + 64 };
const char *shift_key(const struct shift_instance *instance, char room[SHIFT_KEY_ROOM]);

#endif
