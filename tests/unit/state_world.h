/* A machine whose true state is known, polled now and then by a gateway that is restarted now and
 * then, by seed; and what was told of it. */
#ifndef BINDERY_STATE_WORLD_H
#define BINDERY_STATE_WORLD_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "state.h"

enum { MOST_POLLS = 28, MOST_SPANS = 4 * MOST_POLLS };

enum restart { RESTART_NONE, RESTART_KNOWN, RESTART_TIMELESS };

/* A poll, and the truth when it was made: offline for silence, unknown for an answer that tells
 * nothing. Times are the world's, which no restart changes. */
struct poll {
    int64_t at_ms;
    enum machine_state state;
    uint32_t reason;
    enum restart restart; /* before it */
    bool stale;           /* it did not ask: state and reason are those of the poll before */
};

/* An interval that was told. */
struct span {
    enum machine_state state;
    uint32_t reason;
    int64_t from_ms, to_ms, uncertain_ms;
    bool timeless; /* its beginning was not known any more */
};

struct world {
    uint64_t random;
    struct state_config config;
    struct state_run run;
    int64_t now_ms, clock_ms; /* the gateway's clock is so much behind */
    enum machine_state state;
    uint32_t reason;
    int64_t state_until_ms, silent_until_ms, blind_until_ms;
    bool calm; /* silences and restarts are rare */
    struct poll polls[MOST_POLLS];
    struct span spans[MOST_SPANS];
    struct state_report others[MOST_SPANS]; /* stops and beginnings */
    size_t poll_count, span_count, other_count;
    unsigned told[MACHINE_STATES], restarts;
    int64_t told_until_ms, told_uncertain_ms;
    const char *fault;
};

static inline int64_t roll(struct world *world, int64_t sides)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (int64_t)((world->random >> 11) % (uint64_t)sides);
}

/* Mostly short, so that much happens near the limits. */
static inline int64_t roll_ms(struct world *world, int64_t usual)
{
    int64_t most = roll(world, 8) == 0 ? 20 * usual : usual;
    return 1 + roll(world, roll(world, 3) == 0 ? most / 4 + 1 : most);
}

static inline bool is_dark(enum machine_state state)
{
    return state == STATE_OFFLINE || state == STATE_UNKNOWN;
}

static inline void blame(struct world *world, const char *fault)
{
    if (!world->fault)
        world->fault = fault;
}

static inline struct world world_of(uint32_t seed)
{
    static const int64_t debounces_ms[] = {0, 0, 1500, 4000};
    static const int64_t silences_ms[] = {0, 2000, 5000};
    struct world world = {.random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15)};
    world.config = (struct state_config){.from = STATE_NO_TAG,
                                         .reason = STATE_NO_TAG,
                                         .debounce_ms = debounces_ms[roll(&world, 4)],
                                         .offline_after_ms = silences_ms[roll(&world, 3)],
                                         .micro_stop_ms = 1000 * roll(&world, 20)};
    world.now_ms = 1000000 + roll(&world, 100000);
    world.clock_ms = roll(&world, 1000000);
    world.state = STATE_STOPPED;
    world.calm = roll(&world, 2);
    return world;
}

/* The machine goes on to now. */
static inline void live(struct world *world)
{
    static const enum machine_state states[] = {STATE_PRODUCTION, STATE_PRODUCTION, STATE_STOPPED,
                                                STATE_FAULT,      STATE_SETUP,      STATE_IDLE};
    while (world->state_until_ms <= world->now_ms) {
        world->state_until_ms = world->state_until_ms > 0
                                    ? world->state_until_ms + roll_ms(world, 5000)
                                    : world->now_ms + 1 + roll(world, 5000);
        if (roll(world, 4) != 0)
            world->state = states[roll(world, 6)];
        bool has_reason = world->state == STATE_STOPPED || world->state == STATE_FAULT;
        world->reason = has_reason ? (uint32_t)roll(world, 3) * 7 : 0;
    }
    if (roll(world, world->calm ? 60 : 12) == 0)
        world->silent_until_ms = world->now_ms + roll_ms(world, 5000);
    if (roll(world, world->calm ? 60 : 20) == 0)
        world->blind_until_ms = world->now_ms + roll_ms(world, 5000);
}

static inline struct poll poll_now(struct world *world)
{
    struct poll poll = {.at_ms = world->now_ms, .state = world->state, .reason = world->reason};
    if (world->now_ms < world->silent_until_ms)
        poll.state = STATE_OFFLINE;
    else if (world->now_ms < world->blind_until_ms)
        poll.state = STATE_UNKNOWN;
    if (is_dark(poll.state))
        poll.reason = 0;
    return poll;
}

/* The gateway, or the whole computer, is started anew; perhaps more than once. */
static inline enum restart restart(struct world *world)
{
    enum restart kind = RESTART_NONE;
    do {
        struct state_kept kept = state_keep(&world->run);
        int64_t reboot_ms = roll(world, 3) == 0 ? roll(world, 1000000) : 0;
        kind = kind == RESTART_TIMELESS || kept.at_ms == STATE_TIME_UNKNOWN ? RESTART_TIMELESS
                                                                            : RESTART_KNOWN;
        if (kind == RESTART_KNOWN && roll(world, 5) == 0)
            kind = RESTART_TIMELESS;
        if (kind == RESTART_TIMELESS)
            kept.at_ms = STATE_TIME_UNKNOWN;
        else
            kept.at_ms -= reboot_ms;
        world->clock_ms += reboot_ms;
        world->run = state_resume(&kept);
        world->now_ms += roll_ms(world, 3000);
        world->restarts++;
    } while (roll(world, 8) == 0);
    return world->run.known ? kind : RESTART_NONE;
}

static inline int64_t to_world(const struct world *world, int64_t ms)
{
    return ms == STATE_TIME_UNKNOWN ? ms : ms + world->clock_ms;
}

static inline void hear_interval(struct world *world, const struct state_report *report)
{
    struct span *span = &world->spans[world->span_count++];
    int64_t from_ms = to_world(world, report->from_ms), to_ms = to_world(world, report->to_ms);
    *span = (struct span){.state = report->state,
                          .reason = report->reason,
                          .from_ms = world->told_until_ms,
                          .to_ms = to_ms,
                          .uncertain_ms = report->from_uncertain_ms};
    if (from_ms != STATE_TIME_UNKNOWN && to_ms != STATE_TIME_UNKNOWN) {
        if (from_ms != world->told_until_ms)
            blame(world, "it does not begin where the one before has ended");
        if (report->duration_ms != to_ms - from_ms)
            blame(world, "its duration is not its length");
    } else if (to_ms == STATE_TIME_UNKNOWN) {
        span->to_ms = span->from_ms + report->duration_ms;
        if (report->duration_ms < 0)
            blame(world, "the duration of an earlier boot is lost");
    } else {
        span->timeless = true;
        if (report->duration_ms != -1 || report->state != STATE_UNKNOWN)
            blame(world, "a duration that nobody can know");
    }
    if (span->to_ms < span->from_ms)
        blame(world, "it ends before it begins");
    if (world->span_count > 1 && report->from_uncertain_ms != world->told_uncertain_ms)
        blame(world, "the two sides of a change are not equally uncertain");
    world->told_uncertain_ms = report->to_uncertain_ms;
    world->told_until_ms = span->to_ms;
    world->told[report->state]++;
}

static inline void hear(struct world *world, const struct state_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (reports[i].kind == STATE_REPORT_INTERVAL) {
            hear_interval(world, &reports[i]);
            continue;
        }
        struct state_report *other = &world->others[world->other_count++];
        *other = reports[i];
        other->from_ms = to_world(world, other->from_ms);
        other->to_ms = to_world(world, other->to_ms);
    }
}

static inline void take(struct world *world, struct poll poll)
{
    const struct state_observation seen = {
        .state = poll.state, .reason = poll.reason, .stale = poll.stale};
    struct state_report reports[STATE_MAX_REPORTS];
    if (world->poll_count == 0)
        world->told_until_ms = poll.at_ms;
    world->polls[world->poll_count++] = poll;
    size_t count =
        state_take(&world->config, &world->run, poll.state == STATE_OFFLINE ? NULL : &seen,
                   poll.at_ms - world->clock_ms, reports);
    hear(world, reports, count);
    if (world->config.debounce_ms == 0 && !is_dark(poll.state) &&
        (world->run.now.state != poll.state || world->run.now.reason != poll.reason))
        blame(world, "what was just seen is not now");
}

static inline void live_and_poll(struct world *world)
{
    for (int i = 0; i < MOST_POLLS - 2 && !world->fault; i++) {
        enum restart kind = RESTART_NONE;
        if (i > 0 && roll(world, world->calm ? 60 : 12) == 0)
            kind = restart(world);
        world->now_ms += roll_ms(world, 1500);
        live(world);
        struct poll poll = poll_now(world), *before = &world->polls[i > 0 ? i - 1 : 0];
        if (i > 0 && kind == RESTART_NONE && !is_dark(before->state) && !is_dark(poll.state) &&
            roll(world, 4) == 0) {
            poll.state = before->state;
            poll.reason = before->reason;
            poll.stale = true;
        }
        poll.restart = kind;
        take(world, poll);
    }
    /* A state of which there was none yet, for so long that all before it is told. */
    for (int i = 0; i < 2 && !world->fault; i++) {
        world->now_ms += 30000;
        take(world, (struct poll){.at_ms = world->now_ms, .state = STATE_MAINTENANCE});
    }
}

#endif
