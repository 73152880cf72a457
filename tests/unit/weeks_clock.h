/* The clocks of a simulated week, in place of clock.c. */
#ifndef BINDERY_WEEKS_CLOCK_H
#define BINDERY_WEEKS_CLOCK_H

#include "clock.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* Now, in the world's time; its 0 on the wall; when this boot began; by how much the gateway's wall
 * clock is ahead. */
static int64_t world_ms, world_wall_ms, world_boot_ms, world_wrong_ms;
static char world_boot_id[37] = "00000000-0000-0000-0000-000000000000";

static inline struct instant world_instant(int64_t at_ms)
{
    return (struct instant){.boot_ms = at_ms - world_boot_ms,
                            .wall_ms = world_wall_ms + at_ms + world_wrong_ms,
                            .synced = true};
}

int64_t clock_mono_ns(void)
{
    return (world_ms - world_boot_ms) * NS_PER_MS;
}

void clock_now(struct instant *ret_now)
{
    *ret_now = world_instant(world_ms);
}

bool clock_refresh(void)
{
    return true;
}

const char *clock_boot_id(void)
{
    return world_boot_id;
}

#endif
