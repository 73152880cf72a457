/* What a week brings: outages, restarts, clocks that are set; and how it begins and ends. */
#ifndef BINDERY_WEEKS_LIFE_H
#define BINDERY_WEEKS_LIFE_H

#include "weeks_world.h"

enum { DAYS = 7 };

static inline void go_away(struct weeks *weeks, int64_t away_ms)
{
    world_ms += away_ms;
    for (size_t i = 0; i < MACHINES; i++)
        weeks->watched[i].next_ms =
            world_ms + (int64_t)(share(weeks) * (double)weeks->watched[i].machine->every_ms);
}

static inline void set_clock(struct weeks *weeks, int64_t wrong_ms)
{
    drain(weeks);
    if (world_wrong_ms != 0)
        weeks->wrong.items[weeks->wrong.count - 1].to_ms = world_ms;
    world_wrong_ms = wrong_ms;
    if (wrong_ms != 0)
        *LIST_ADD(&weeks->wrong) = (struct wrong){world_ms, INT64_MAX};
}

/* Before, mostly, all but a few polls is committed. */
static inline void be_killed(struct weeks *weeks)
{
    if (share(weeks) < 0.8) {
        drain(weeks);
        for (size_t left = (size_t)(share(weeks) * 30); left > 0; left--)
            poll_next(weeks);
    }
    weeks->killed[weeks->run] = true;
    kill_now(weeks);
    weeks->met.kills++;
}

static inline void reboot(struct weeks *weeks)
{
    be_killed(weeks);
    go_away(weeks, some_time(weeks, 20 * SECOND, 3 * HOUR));
    world_boot_ms = world_ms - 15 * SECOND;
    world_boot_id[0]++;
    weeks->met.reboots++;
}

static inline void fall_silent(struct weeks *weeks)
{
    int64_t until_ms = world_ms + some_time(weeks, 5 * SECOND, HOUR);
    size_t link = (size_t)(share(weeks) * LINKS);

    for (size_t i = 0; i < MACHINES; i++)
        if (weeks->watched[i].bus == &weeks->buses[link])
            weeks->watched[i].silent_until_ms = until_ms;
    weeks->met.silences++;
}

/* And nothing else happens until something was kept by the clock that is right. */
static inline void be_right(struct weeks *weeks)
{
    set_clock(weeks, 0);
    weeks->drain_ms = world_ms + 10 * MINUTE;
    weeks->trouble_ms = weeks->drain_ms + some_time(weeks, MINUTE, 2 * HOUR);
}

static inline void meet_trouble(struct weeks *weeks)
{
    double what = share(weeks);

    world_ms += SECOND; /* every answer is there, or timed out */

    if (world_wrong_ms != 0) {
        be_right(weeks);
        return;
    }
    if (what < 0.25) {
        fall_silent(weeks);
    } else if (what < 0.4) {
        reload(weeks);
        weeks->met.reloads++;
    } else if (what < 0.55) {
        stop(weeks);
        weeks->met.stops++;
        go_away(weeks, some_time(weeks, SECOND, 2 * HOUR));
        start(weeks);
    } else if (what < 0.75) {
        be_killed(weeks);
        go_away(weeks, some_time(weeks, SECOND, 2 * HOUR));
        start(weeks);
    } else if (what < 0.85) {
        reboot(weeks);
        start(weeks);
    } else {
        set_clock(weeks, (int64_t)((share(weeks) - 0.5) * 240) * SECOND);
        weeks->met.steps++;
    }
    weeks->trouble_ms = world_ms + some_time(weeks, MINUTE, world_wrong_ms != 0 ? HOUR : 8 * HOUR);
}

/* A week that has a change of clocks in it, or an ordinary one. */
static inline int64_t begin_of(uint64_t seed)
{
    static const int32_t days[][3] = {{2026, 3, 25}, {2026, 10, 21}, {2026, 6, 1}};
    const int32_t *day = days[seed % 3];
    return date_to_day(day[0], day[1], day[2]) * DAY + (int64_t)(sim_share(seed, 3) * (double)DAY);
}

static inline struct weeks *begin(struct config *config, uint64_t seed, int slowness)
{
    struct weeks *weeks = mem_alloc(sizeof *weeks);
    void *bench = NULL;

    log_set_level(LOG_LEVEL_ERROR);
    zone_use("Europe/Berlin");
    assert_int_equal(set_up(&bench), 0);
    weeks->bench = bench;
    weeks->config = config;
    weeks->random = sim_mix(seed);
    weeks->seed = seed;
    world_wall_ms = begin_of(seed);
    weeks->story_ms = (int64_t)(seed * 7 * DAY);
    weeks->next_seq = 1;
    world_ms = world_wrong_ms = 0;
    world_boot_ms = -HOUR;
    load_plant(weeks, slowness);
    simulate(weeks, seed);
    weeks->live = live_new();
    for (size_t i = 0; i < LINKS; i++)
        weeks->live_links[i] = live_add_link(weeks->live, &weeks->plant->links[i]);
    start(weeks);
    weeks->drain_ms = weeks->trouble_ms = HOUR;
    return weeks;
}

static inline void live_on(struct weeks *weeks)
{
    while (world_ms < DAYS * DAY) {
        poll_next(weeks);
        if (world_ms >= weeks->drain_ms)
            drain(weeks);
        if (world_ms >= weeks->trouble_ms)
            meet_trouble(weeks);
    }
    set_clock(weeks, 0);
    stop(weeks);
}

static inline void forget(struct watched *watched)
{
    free(watched->seen.items);
    free(watched->states.items);
    free(watched->stops.items);
    free(watched->shifts.items);
    free(watched->jobs.items);
    for (size_t k = 0; k < MOST_COUNTERS; k++)
        free(watched->counts[k].items);
}

static inline void end(struct weeks *weeks)
{
    void *bench = weeks->bench;

    for (size_t i = 0; i < LINKS; i++) {
        live_remove_link(weeks->live, weeks->live_links[i]);
        sim_bus_free(&weeks->buses[i]);
    }
    live_free(weeks->live);
    for (size_t i = 0; i < MACHINES; i++)
        forget(&weeks->watched[i]);
    free(weeks->wrong.items);
    weeks->bench->plant = NULL;
    tear_down(&bench);
    free(weeks);
}

#endif
