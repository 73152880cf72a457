/* How much of its time a machine works, hour by hour of the last days, and what is planned for the
 * next ones: what others may know who look for free capacity. Pure but for the time zone; one
 * thread at a time. Times are milliseconds since 1970, UTC.
 *
 * It works in production, set-up and cleanup. While it is offline or unknown nothing is known of
 * it, and that time is in no share. A step of the clock forward is time of which nothing is known;
 * what comes twice is counted once; a step back by more than an hour forgets what lies behind it.
 */
#ifndef BINDERY_CAPACITY_H
#define BINDERY_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum {
    CAPACITY_HOURS = 180, /* a week, and some */
    CAPACITY_DAY_HOURS = 24,
    CAPACITY_WEEK_HOURS = 168,
    CAPACITY_DAYS = 7, /* to come, today included */
};

/* An hour of UTC; times are parts of it. */
struct capacity_hour {
    uint32_t known_ms, busy_ms, run_ms; /* run: production */
    uint32_t planned_known_ms, planned_busy_ms;
    uint32_t counted; /* while it was known what the machine did */
};

/* Zeroed: nothing known. */
struct capacity {
    bool started;
    bool paused;      /* nothing was followed for a while behind known_ms */
    int64_t known_ms; /* what was added ends there */
    int64_t newest;   /* hour since 1970 */
    struct capacity_hour hours[CAPACITY_HOURS]; /* hour h at h modulo their number */
    uint32_t changed; /* a bit for each CAPACITY_GROUP that was; who keeps them clears it */
};

/* What it does is known from there on, where nothing was known before. */
void capacity_begin(struct capacity *capacity, int64_t at_ms);

/* What the machine did from one time to another; the calendar may be NULL. */
struct capacity_piece {
    enum machine_state state;
    int64_t from_ms, to_ms;
};
void capacity_add(struct capacity *capacity, const struct calendar *calendar,
                  const struct capacity_piece *piece);

/* So many were counted, and read then. */
void capacity_count(struct capacity *capacity, int64_t counted, int64_t at_ms);

/* The hour that has begun, and so many full ones before it. */
struct capacity_load {
    int64_t from_ms, to_ms;
    int64_t known_ms, busy_ms, run_ms, planned_known_ms, planned_busy_ms, counted;
};
struct capacity_load capacity_load(const struct capacity *capacity, unsigned hours, int64_t now_ms);

/* Whether it could take work now; -1: not known. The rule: idle or stopped, and no job is on, as
 * far as it tells jobs. */
enum capacity_job { CAPACITY_JOB_UNTOLD, CAPACITY_JOB_UNKNOWN, CAPACITY_JOB_NONE, CAPACITY_JOB_ON };
int capacity_is_free(enum machine_state state, enum capacity_job job);

/* What is planned of a day on the wall's clock and still to come. */
struct capacity_day {
    int32_t day; /* since 1970-01-01 */
    int64_t planned_ms;
};
/* False where the clock tells no day. */
bool capacity_days(const struct calendar *calendar, int64_t now_ms,
                   struct capacity_day ret_days[CAPACITY_DAYS]);

/* Formats of several machines as one: what they have in common by name and unit becomes narrower.
 * Returns how many there are by then, at most CAPACITY_LINE_FORMATS. */
enum { CAPACITY_LINE_FORMATS = 32 };
size_t capacity_narrow(struct machine_format *formats, size_t count,
                       const struct machine_format *more);

/* Leaves out those that nothing fits. Returns how many stay. */
size_t capacity_drop_empty(struct machine_format *formats, size_t count);

/* --- over a restart: the base, and hours in groups --- */

enum {
    CAPACITY_BASE_NUMBERS = 3,
    CAPACITY_GROUP = 10, /* hours */
    CAPACITY_GROUPS = CAPACITY_HOURS / CAPACITY_GROUP,
    CAPACITY_GROUP_NUMBERS = 3 * CAPACITY_GROUP
};
void capacity_keep_base(const struct capacity *capacity,
                        int64_t ret_numbers[CAPACITY_BASE_NUMBERS]);
void capacity_keep_group(const struct capacity *capacity, unsigned group,
                         int64_t ret_numbers[CAPACITY_GROUP_NUMBERS]);

/* A kept base is of one that is not followed from now on. Whether that is new of it. */
bool capacity_pause_base(int64_t numbers[CAPACITY_BASE_NUMBERS]);

/* What makes no sense comes to nothing known. */
void capacity_resume_base(struct capacity *capacity, const int64_t numbers[CAPACITY_BASE_NUMBERS]);
void capacity_resume_group(struct capacity *capacity, unsigned group,
                           const int64_t numbers[CAPACITY_GROUP_NUMBERS]);

#endif
