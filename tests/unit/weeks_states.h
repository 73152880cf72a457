/* Whether the states and stops that were told of a simulated week are what polls saw, and what was.
 */
#ifndef BINDERY_WEEKS_STATES_H
#define BINDERY_WEEKS_STATES_H

#include "weeks_check.h"

enum { KEEP_MS = 5 * MINUTE }; /* a state that goes on is kept so often at least */

/* --- what polls saw --- */

/* Of a machine that answers: whatever was seen in it is this state, from the first poll to the last
 * one that saw it. */
static inline void check_light(const struct watched *watched, const struct told_state *told,
                               const struct seen *polls, size_t count)
{
    int64_t last_ms = -1, most_ms = watched->machine->state->offline_after_ms;
    bool silent = false;

    for (size_t i = 0; i < count; i++) {
        const struct seen *poll = &polls[i];
        if (!poll->answered) {
            silent = true;
            continue;
        }
        CHECK(watched, poll->at_ms,
              poll->state == told->state && same_reason(told->reason, poll->reason),
              "%s (%s) was told of what was %s (%s)", machine_state_name(told->state), told->reason,
              machine_state_name(poll->state), poll->reason ? poll->reason : "");
        bool is_first = last_ms < 0;
        CHECK(watched, poll->at_ms, !is_first || poll->at_ms == told->from_ms,
              "it began %d ms before the first poll", (int)(poll->at_ms - told->from_ms));
        CHECK(watched, poll->at_ms, is_first || !silent || poll->at_ms - last_ms <= most_ms,
              "a silence of %d ms was passed over", (int)(poll->at_ms - last_ms));
        last_ms = poll->at_ms;
        silent = false;
    }
    CHECK(watched, told->from_ms, last_ms >= 0, "%s was never seen",
          machine_state_name(told->state));
}

/* Whether the gateway was killed, at whatever it was doing, between two polls. */
static inline bool was_killed(const struct seen *from, const struct seen *to)
{
    for (unsigned run = from->run; run < to->run; run++)
        if (weeks->killed[run])
            return true;
    return false;
}

/* Whatever was seen in it came before a kill, and was not kept. `behind` it there is a poll. */
static inline void check_dark(const struct watched *watched, const struct told_state *told,
                              const struct seen *polls, const struct seen *behind)
{
    int64_t most_ms = watched->machine->state->offline_after_ms;
    int64_t length_ms = told->to_ms - told->from_ms;
    bool away = told->state == STATE_UNKNOWN;

    for (const struct seen *poll = polls; poll < behind; poll++)
        CHECK(watched, poll->at_ms,
              !poll->answered || (away && was_killed(poll, behind) &&
                                  poll->at_ms - told->from_ms <= KEEP_MS + poll_ms(watched)),
              "%s was told where the machine answered", machine_state_name(told->state));
    bool is_first = polls == watched->seen.items || polls[0].run != polls[-1].run;
    CHECK(watched, told->from_ms, away || length_ms > most_ms || is_first, "offline for %d ms only",
          (int)length_ms);
}

static inline void check_border(const struct watched *watched, const struct told_state *told,
                                const struct told_state *next)
{
    CHECK(watched, told->to_ms, told->to_ms == next->from_ms, "the next one begins %d ms later",
          (int)(next->from_ms - told->to_ms));
    CHECK(watched, told->to_ms, told->to_uncertain_ms == next->from_uncertain_ms,
          "its end is %d ms uncertain, and the begin behind it %d", (int)told->to_uncertain_ms,
          (int)next->from_uncertain_ms);
    CHECK(watched, told->to_ms,
          told->state != next->state || strcmp(told->reason, next->reason) != 0,
          "%s follows itself", machine_state_name(told->state));
}

/* The last poll that still saw what ends there. */
static inline void check_end(const struct watched *watched, const struct told_state *told,
                             const struct seen *polls, size_t count)
{
    while (count > 0 && !polls[count - 1].answered)
        count--;
    int64_t last_ms = count > 0 ? polls[count - 1].at_ms : told->from_ms;
    CHECK(watched, told->to_ms, last_ms == told->to_ms - told->to_uncertain_ms,
          "%s was seen last %d ms before its end, which is %d ms uncertain",
          machine_state_name(told->state), (int)(told->to_ms - last_ms),
          (int)told->to_uncertain_ms);
}

/* Each poll is in one of the intervals, which says what that poll saw. */
static inline void check_polls(const struct watched *watched)
{
    size_t poll = 0, light = 0;

    for (size_t i = 0; i < watched->states.count; i++) {
        const struct told_state *told = &watched->states.items[i];
        const struct told_state *next = state_behind(watched, i);
        bool dark = is_dark(told->state), then_dark = next && is_dark(next->state);
        size_t end = poll_after(watched, then_dark ? told->to_ms : told->to_ms - 1);
        const struct seen *polls = &watched->seen.items[poll];
        if (dark)
            check_dark(watched, told, polls, polls + (end - poll));
        else
            check_light(watched, told, polls, end - poll);
        if (next)
            check_border(watched, told, next);
        if (!dark && !(next && next->state == STATE_UNKNOWN))
            check_end(watched, told, polls, end - poll);
        light += !dark;
        poll = end;
    }
    assert_true(light > 100);
}

/* --- stops --- */

/* As the rule has it, of the intervals that were told. */
struct stopping {
    bool produced, open, seen;
    struct told_state stop; /* its state and its reason are the first there were */
    size_t found;
};

static inline bool ends_stops(enum machine_state state)
{
    return state == STATE_PRODUCTION || state == STATE_SETUP || state == STATE_CLEANUP ||
           state == STATE_MAINTENANCE;
}

static inline void go_on_stopping(struct stopping *stopping, const struct told_state *told)
{
    if (!stopping->open)
        stopping->stop = (struct told_state){.from_ms = told->from_ms};
    stopping->open = true;
    if (is_dark(told->state))
        return;
    if (!stopping->seen)
        stopping->stop.state = told->state;
    stopping->seen = true;
    if (stopping->stop.reason[0] == '\0')
        memcpy(stopping->stop.reason, told->reason, sizeof told->reason);
}

static inline void expect_stop(const struct watched *watched, struct stopping *stopping,
                               int64_t to_ms)
{
    const struct told_state *stop = &stopping->stop;
    int64_t length_ms = to_ms - stop->from_ms;

    CHECK(watched, to_ms, stopping->found < watched->stops.count, "a stop of %d ms was not told",
          (int)length_ms);
    const struct told_state *told = &watched->stops.items[stopping->found++];
    CHECK(watched, to_ms, told->from_ms == stop->from_ms && told->to_ms == to_ms,
          "a stop of %d ms was told as one of %d that ended %d ms later", (int)length_ms,
          (int)(told->to_ms - told->from_ms), (int)(told->to_ms - to_ms));
    bool micro = length_ms < watched->machine->state->micro_stop_ms;
    CHECK(watched, to_ms, told->micro == micro, "a stop of %d ms was told as %s", (int)length_ms,
          told->micro ? "micro" : "long");
    CHECK(watched, to_ms, told->state == stop->state && strcmp(told->reason, stop->reason) == 0,
          "a stop, %s (%s), was told as %s (%s)", machine_state_name(stop->state), stop->reason,
          machine_state_name(told->state), told->reason);
}

static inline void check_stops(const struct watched *watched)
{
    struct stopping stopping = {0};

    for (size_t i = 0; i < watched->states.count; i++) {
        const struct told_state *told = &watched->states.items[i];
        if (!ends_stops(told->state)) {
            if (stopping.produced)
                go_on_stopping(&stopping, told);
            continue;
        }
        if (stopping.open && stopping.seen)
            expect_stop(watched, &stopping, told->from_ms);
        stopping.open = stopping.seen = false;
        stopping.produced |= told->state == STATE_PRODUCTION;
    }
    /* The last one may have ended with what goes on at the end of the week. */
    assert_in_range(watched->stops.count, stopping.found, stopping.found + 1);
    assert_true(stopping.found > 50);
}

/* --- the truth --- */

struct truth {
    enum machine_state state;
    const char *reason;
    int64_t begin_ms, end_ms;
};

static inline struct truth truth_at(const struct watched *watched, int64_t at_ms)
{
    struct sim_told told = sim_tale_told(watched->tale, weeks->story_ms + at_ms);

    return (struct truth){told.state, told.reason, at_ms, told.until_ms - weeks->story_ms};
}

static inline bool is_told(const struct truth *truth, const struct told_state *told)
{
    return told->state == truth->state && same_reason(told->reason, truth->reason);
}

/* How many of the intervals from the i-th on tell of it. */
static inline size_t count_told(const struct watched *watched, const struct truth *truth, size_t i,
                                size_t *ret_which)
{
    size_t count = 0;

    for (; i < watched->states.count; i++) {
        const struct told_state *told = &watched->states.items[i];
        int64_t seen_ms = told->to_ms - (is_dark(told->state) ? 0 : told->to_uncertain_ms);
        if (told->from_ms > truth->end_ms + LATENCY_MS)
            break;
        if (seen_ms < truth->begin_ms || !is_told(truth, told))
            continue;
        *ret_which = i;
        count++;
    }
    return count;
}

/* Whether the gateway was there, and the machine could be asked, from two polls before to two polls
 * behind it. */
static inline bool was_watched(const struct watched *watched, const struct truth *truth)
{
    int64_t margin_ms = 2 * poll_ms(watched);
    size_t end = poll_after(watched, truth->end_ms + margin_ms);
    size_t first = poll_after(watched, truth->begin_ms - margin_ms);
    const struct seen *polls = watched->seen.items;

    if (first == 0 || end >= watched->seen.count)
        return false;
    for (size_t i = first - 1; i <= end; i++)
        if ((!polls[i].answered && polls[i].state != STATE_OFFLINE) ||
            polls[i].run != polls[first - 1].run ||
            (i >= first && polls[i].at_ms - polls[i - 1].at_ms > poll_ms(watched)))
            return false;
    return true;
}

/* What no poll need have seen, and a silence that is passed over. */
static inline bool may_be_missed(const struct watched *watched, const struct truth *truth)
{
    int64_t length_ms = truth->end_ms - truth->begin_ms;
    int64_t most_ms = 2 * poll_ms(watched);

    if (truth->state == STATE_OFFLINE)
        most_ms += watched->machine->state->offline_after_ms;
    return length_ms < most_ms;
}

/* Both ends lie where the gateway says that they can. What is offline begins with the last answer,
 * which is up to a poll before; and where it begins, the one before ends. */
static inline void check_bounds(const struct watched *watched, const struct truth *truth,
                                size_t which)
{
    const struct told_state *told = &watched->states.items[which];
    const struct told_state *next = state_behind(watched, which);
    bool dark = is_dark(told->state), then_dark = next && is_dark(next->state);
    int64_t latest_ms = told->from_ms + (dark ? poll_ms(watched) : 0);
    int64_t earliest_ms = told->from_ms - told->from_uncertain_ms - LATENCY_MS;

    CHECK(watched, truth->begin_ms, truth->begin_ms >= earliest_ms && truth->begin_ms <= latest_ms,
          "%s began then, and was told from %d ms later on, %d ms uncertain",
          machine_state_name(told->state), (int)(told->from_ms - truth->begin_ms),
          (int)told->from_uncertain_ms);
    latest_ms = told->to_ms + (then_dark ? poll_ms(watched) : 0);
    earliest_ms = told->to_ms - told->to_uncertain_ms - LATENCY_MS - (dark ? SECOND : 0);
    CHECK(watched, truth->end_ms, truth->end_ms >= earliest_ms && truth->end_ms <= latest_ms,
          "%s ended then, and was told until %d ms later, %d ms uncertain",
          machine_state_name(told->state), (int)(told->to_ms - truth->end_ms),
          (int)told->to_uncertain_ms);
}

/* What follows it and was told, or should have been. */
static inline struct truth next_seen(const struct watched *watched, const struct truth *truth,
                                     size_t i)
{
    struct truth next = truth_at(watched, truth->end_ms);
    size_t which;

    while (may_be_missed(watched, &next) && count_told(watched, &next, i, &which) == 0)
        next = truth_at(watched, next.end_ms);
    return next;
}

/* From a time on; what is the same on both sides of what was not seen is one. */
static inline struct truth truth_from(const struct watched *watched, int64_t at_ms, size_t i)
{
    struct truth truth = truth_at(watched, at_ms);

    for (;;) {
        struct truth next = next_seen(watched, &truth, i);
        if (next.state != truth.state || !same_reason(next.reason ? next.reason : "", truth.reason))
            return truth;
        truth.end_ms = next.end_ms;
    }
}

static inline void check_truth(const struct watched *watched)
{
    const struct told_state *told = watched->states.items;
    size_t i = 0, which = 0, found = 0, unwatched = 0, missed = 0;
    int64_t end_ms = told[watched->states.count - 1].to_ms;

    for (struct truth truth = truth_from(watched, told[0].from_ms, 0); truth.end_ms < end_ms;
         truth = truth_from(watched, truth.end_ms, i)) {
        while (told[i].to_ms + poll_ms(watched) < truth.begin_ms)
            i++;
        if (!was_watched(watched, &truth)) {
            unwatched++;
            continue;
        }
        size_t count = count_told(watched, &truth, i, &which);
        if (count == 0 && may_be_missed(watched, &truth)) {
            missed++;
            continue;
        }
        CHECK(watched, truth.begin_ms, count == 1, "%s for %d ms was told %d times",
              machine_state_name(truth.state), (int)(truth.end_ms - truth.begin_ms), (int)count);
        check_bounds(watched, &truth, which);
        found++;
    }
    show("%s: %zu states told once within their bounds, %zu unwatched, %zu unseen\n",
         watched->machine->name, found, unwatched, missed);
    assert_true(found > 2 * unwatched && found > 2 * missed);
}

#endif
