#include "zone.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { DAY_S = 24 * 3600, MINUTE_S = 60, MS_PER_S = 1000 };

#define YEAR_10000_S INT64_C(253402300800)

void zone_use(const char *zone)
{
    if (zone)
        setenv("TZ", zone, 1);
    tzset();
}

/* What the wall is ahead of UTC, in seconds. */
static int64_t offset_at(int64_t utc_s)
{
    time_t seconds = (time_t)utc_s;
    struct tm tm = {0};

    localtime_r(&seconds, &tm);
    return tm.tm_gmtoff;
}

int zone_to_local(int64_t utc_ms, int64_t *ret_local_ms)
{
    if (utc_ms < 0 || utc_ms >= YEAR_10000_S * MS_PER_S)
        return -ERANGE;
    *ret_local_ms = utc_ms + offset_at(utc_ms / MS_PER_S) * MS_PER_S;
    return 0;
}

/* The first second with another offset than at `before`, which is the only change until `after`. */
static int64_t find_change(int64_t before, int64_t after)
{
    int64_t offset = offset_at(before);

    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (offset_at(middle) == offset)
            before = middle;
        else
            after = middle;
    }
    return after;
}

/* No zone has ever changed its clocks twice within two days, nor been a day from UTC. */
int64_t zone_from_local(int32_t day, int minute)
{
    int64_t local = (int64_t)day * DAY_S + (int64_t)minute * MINUTE_S;
    int64_t before = offset_at(local - DAY_S), after = offset_at(local + DAY_S);
    int64_t early = local - before, late = local - after;

    if (before == after || offset_at(early) == before)
        return early * MS_PER_S;
    if (offset_at(late) == after)
        return late * MS_PER_S;
    return find_change(late, early) * MS_PER_S;
}
