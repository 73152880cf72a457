/* How a machine's counter, its state or its shift stood when that was last told: what it goes on
 * from after a restart or a reload. Plain data in a collection. One thread at a time. */
#ifndef BINDERY_STANDING_H
#define BINDERY_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value.h"

/* A counter's numbers; a state has words of its own, and how old they were in ms, -1: unknown. */
enum standing_number {
    STANDING_TOTAL,
    STANDING_EPOCH,
    STANDING_INFERRED,
    STANDING_RAW,
    STANDING_KNOWN, /* 0: the total was set, and counting begins at the next reading */
};
enum { STANDING_COUNTER_NUMBERS = STANDING_KNOWN + 1 };
enum { STANDING_AGE = 4, STANDING_STATE_NUMBERS };
enum { STANDING_MOST_NUMBERS = 32 };

/* Those of a machine's shifts, see shifts.h. No tag can be named so. */
#define STANDING_SHIFTS "shift/all"
#define STANDING_SHIFT_NOW "shift/now"
#define STANDING_SHIFT_BEFORE "shift/before"
/* Those of its jobs, see jobs.h. */
#define STANDING_JOB "job/now"
#define STANDING_JOB_FORMAT "job/format"

/* A time that is not known, for boot_ms. */
#define STANDING_UNKNOWN INT64_MIN

struct standing {
    char *machine, *name; /* the tag's, "state", a shift's or a job's */
    int64_t *numbers;     /* count of them */
    size_t count;         /* up to STANDING_MOST_NUMBERS */
    struct instant at;    /* boot_ms is of `boot`, and mostly unknown where it is synced */
    uint32_t boot;        /* the store's number for it */
    bool told;            /* there is something in it */
    bool changed;         /* since it was last written down */
};

struct standings {
    void *tree; /* zeroed: empty */
    /* of a counter without a standing: 0, or after a loss of them one that was never told */
    uint32_t first_epoch;
};

/* NULL where there is none. */
struct standing *standings_find(const struct standings *standings, const char *machine,
                                const char *name);

/* Made, with so many numbers of 0 and an unknown time, where there was none, or none with so many.
 * It stays where it is. */
struct standing *standings_add(struct standings *standings, const char *machine, const char *name,
                               size_t count);

/* By machine and name. */
void standings_each(const struct standings *standings,
                    void (*each)(void *context, struct standing *standing), void *context);

void standings_free(struct standings *standings);

/* The standing's time on the clock of this boot, below 0 where it lies before it; STANDING_UNKNOWN
 * where the clocks do not tell. */
int64_t standing_boot_ms(const struct standing *standing, uint32_t this_boot,
                         const struct instant *now);

#endif
