#include "sim_clock.h"

#include "clock.h"

/* 2026-01-01 */
#define PLANT_BEGAN_MS INT64_C(1767225600000)

struct sim_clock sim_clock_start(int64_t speed, int64_t begin_ms)
{
    struct instant now;
    clock_now(&now);
    struct sim_clock clock = {.speed = speed,
                              .origin_ms = now.wall_ms,
                              .begin_ms = begin_ms,
                              .mono_ms = clock_mono_ns() / NS_PER_MS - now.wall_ms};
    if (begin_ms == 0)
        clock.origin_ms = now.wall_ms < PLANT_BEGAN_MS ? 0 : PLANT_BEGAN_MS;
    return clock;
}

int64_t sim_clock_now(const struct sim_clock *clock)
{
    int64_t wall_ms = clock_mono_ns() / NS_PER_MS - clock->mono_ms;
    return clock->begin_ms + (wall_ms - clock->origin_ms) * clock->speed;
}

int64_t sim_clock_wall(const struct sim_clock *clock, int64_t time_ms)
{
    return clock->origin_ms + (time_ms - clock->begin_ms + clock->speed - 1) / clock->speed;
}
