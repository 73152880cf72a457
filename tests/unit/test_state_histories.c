/* Some hundred thousand short histories of machines whose true state is known, by seed: the
 * intervals lie end to end, and each says what the polls in it saw.
 *
 * What debounce and short silences do to that: polls inside an interval may have seen something
 * else, or nothing, if the time until one that agreed again was as short as they allow. */
#include "state_world.h"

enum { HISTORIES = 200000 };

static uint64_t tally[MACHINE_STATES], stops, restarts, bridged;

static int find_poll(const struct world *world, int64_t at_ms)
{
    for (size_t i = 0; i < world->poll_count; i++)
        if (world->polls[i].at_ms == at_ms)
            return (int)i;
    return -1;
}

/* A reason may have come while the state waited to be long enough. */
static bool agrees(const struct world *world, const struct poll *poll, const struct span *span)
{
    return poll->state == span->state &&
           (poll->reason == span->reason || (world->config.debounce_ms > 0 && poll->reason == 0));
}

/* Polls after `first` that disagree, up to `last` that agrees again: as short as is allowed? */
static void check_bridge(struct world *world, int first, int last)
{
    const struct poll *polls = world->polls;
    int64_t all_ms = polls[last].at_ms - polls[first].at_ms, other_ms = 0;
    int told = first, other = -1;
    uint32_t reason = 0;
    for (int i = first + 1; i <= last; i++) {
        if (polls[i].restart == RESTART_TIMELESS)
            blame(world, "one interval over an unknown time");
        if (polls[i].restart == RESTART_KNOWN) {
            if (all_ms > world->config.offline_after_ms)
                blame(world, "one interval over a long time without the gateway");
            return;
        }
    }
    for (int i = first + 1; i <= last; i++) {
        if (is_dark(polls[i].state))
            continue;
        if (i - told > 1 && polls[i].at_ms - polls[told].at_ms > world->config.offline_after_ms)
            blame(world, "a long silence was passed over");
        told = i;
        if (i == last)
            break;
        if (other >= 0 &&
            (polls[i].state != polls[other].state || (reason != 0 && polls[i].reason != reason)))
            blame(world, "two states were passed over as one");
        other = other >= 0 ? other : i;
        reason = polls[i].reason;
        other_ms = polls[last].at_ms - polls[other].at_ms;
    }
    if (other >= 0 && other_ms >= world->config.debounce_ms)
        blame(world, "a long state was passed over");
    bridged += last - first > 1;
}

/* What a span says of a known state is what the polls in it saw. */
static void check_told(struct world *world, const struct span *span, const struct span *next)
{
    int first = find_poll(world, span->from_ms), agreed = first;
    if (first < 0 || !agrees(world, &world->polls[first], span)) {
        blame(world, "it did not begin when it was first seen");
        return;
    }
    bool cut = is_dark(next->state);
    for (int i = first + 1; i < (int)world->poll_count; i++) {
        const struct poll *poll = &world->polls[i];
        if (poll->at_ms > span->to_ms || (poll->at_ms == span->to_ms && !cut))
            break;
        if (!agrees(world, poll, span))
            continue;
        check_bridge(world, agreed, i);
        agreed = i;
    }
    int read = agreed;
    while (!cut && world->polls[read].stale && read > first)
        read--;
    if (world->polls[read].at_ms != span->to_ms - (cut ? 0 : next->uncertain_ms))
        blame(world, "it did not end when it was last seen");
    if (!cut && span->to_ms - world->polls[agreed].at_ms > world->config.offline_after_ms &&
        agreed + 1 != find_poll(world, span->to_ms))
        blame(world, "a long silence belongs to no state");
}

/* Nor does it say that nothing is known where something was. */
static void check_dark(struct world *world, const struct span *span, const struct span *before)
{
    bool away = false, silent = false, blind = false;
    for (size_t i = 0; i < world->poll_count; i++) {
        const struct poll *poll = &world->polls[i];
        if (poll->at_ms < span->from_ms || poll->at_ms > span->to_ms)
            continue;
        bool inside = poll->at_ms > span->from_ms || (!before && i == 0);
        away = away || (inside && poll->restart != RESTART_NONE);
        if (poll->at_ms == span->from_ms && poll->restart != RESTART_NONE && before &&
            before->state == STATE_UNKNOWN)
            away = true;
        if (is_dark(poll->state)) {
            silent = silent || poll->state == STATE_OFFLINE;
            blind = blind || poll->state == STATE_UNKNOWN;
        } else if (inside && poll->at_ms < span->to_ms) {
            bool lost = false; /* what waited when the gateway went */
            for (size_t k = i + 1; k < world->poll_count; k++)
                lost = lost || (world->polls[k].restart != RESTART_NONE &&
                                world->polls[k].at_ms <= span->to_ms);
            if (!lost || world->config.debounce_ms == 0)
                blame(world, "a poll in it told the state");
        }
    }
    if (span->state == STATE_OFFLINE ? !silent : !blind && !away)
        blame(world, "nothing in it says so");
    if (before && !away && !is_dark(before->state) &&
        span->to_ms - span->from_ms <= world->config.offline_after_ms)
        blame(world, "a short silence was told");
}

/* The truth changed between the two polls that a change is said to lie between. */
static void check_change(struct world *world, const struct span *before, const struct span *span)
{
    int at = find_poll(world, span->from_ms);
    int last = find_poll(world, span->from_ms - span->uncertain_ms);
    if (at < 0 || last < 0) {
        blame(world, "it begins or may have begun where there was no poll");
        return;
    }
    if (span->uncertain_ms > 0 && !is_dark(before->state) &&
        !agrees(world, &world->polls[last], before))
        blame(world, "the poll before had not seen what was before");
    if (span->uncertain_ms > 0 && is_dark(before->state) && !is_dark(world->polls[last].state))
        blame(world, "the poll before had seen something");
    if (!is_dark(span->state) &&
        (world->polls[at].stale || (span->uncertain_ms > 0 && world->polls[last].stale)))
        blame(world, "it was not seen");
    for (int i = last + 1; i < at; i++)
        if (!is_dark(world->polls[i].state) && !world->polls[i].stale)
            blame(world, "there was a poll in between");
    if (span->uncertain_ms == 0 && !is_dark(span->state) &&
        (before->state != STATE_UNKNOWN || world->polls[at].restart == RESTART_NONE))
        blame(world, "too certain");
    if (span->uncertain_ms > 0 && is_dark(span->state) &&
        !(before->state == STATE_OFFLINE && span->state == STATE_UNKNOWN))
        blame(world, "the beginning of what is not known is known");
    bool same = before->state == span->state && before->reason == span->reason;
    if (same && !span->timeless)
        blame(world, "one interval was told as two");
}

/* What came back, with the reason that it had; unless something third had followed, be it for how
 * short a time. */
static void check_return(struct world *world, const struct span *span)
{
    const struct span *before = span - 1, *first = span - 2;
    if (is_dark(before->state) || is_dark(span->state) || first->state != span->state ||
        first->reason != span->reason)
        return;
    int last = find_poll(world, span->from_ms);
    for (int i = find_poll(world, before->from_ms); i < last; i++)
        if (!is_dark(world->polls[i].state) &&
            (world->polls[i].state != before->state || world->polls[i].reason != before->reason))
            return;
    if (world->polls[last].reason == span->reason &&
        before->to_ms - before->from_ms < world->config.debounce_ms)
        blame(world, "a short state was told although it returned");
}

static bool is_stopped(enum machine_state state)
{
    return state == STATE_STOPPED || state == STATE_FAULT || state == STATE_IDLE;
}

/* Stops and beginnings, worked out again from the intervals. */
struct expected {
    struct world *world;
    size_t others;
    bool produced, open, seen, unsure, timeless;
    enum machine_state state;
    uint32_t reason;
    int64_t from_ms;
};

static const struct state_report *expect(struct expected *expected, enum state_report_kind kind,
                                         const struct span *span)
{
    struct world *world = expected->world;
    const struct state_report *other = &world->others[expected->others++];
    if (expected->others > world->other_count || other->kind != kind ||
        other->to_ms != span->from_ms || other->to_uncertain_ms != span->uncertain_ms) {
        blame(world, "a stop or a beginning was not told");
        return NULL;
    }
    return other;
}

static void expect_stop(struct expected *expected, const struct span *span)
{
    struct world *world = expected->world;
    const struct state_report *stop = expect(expected, STATE_REPORT_STOP, span);
    int64_t lasted_ms = expected->timeless ? -1 : span->from_ms - expected->from_ms;
    if (!stop)
        return;
    if (stop->from_ms != (expected->timeless ? STATE_TIME_UNKNOWN : expected->from_ms) ||
        stop->duration_ms != lasted_ms)
        blame(world, "a stop is not as long as it was");
    if (stop->state != expected->state || stop->reason != expected->reason ||
        stop->uncertain != expected->unsure)
        blame(world, "a stop is of another kind");
    if (stop->micro != (lasted_ms >= 0 && lasted_ms < world->config.micro_stop_ms))
        blame(world, "a stop is micro and long");
}

static void follow(struct expected *expected, const struct span *before, const struct span *span)
{
    bool stopped = is_stopped(span->state), dark = is_dark(span->state);
    bool uncertain = !before || is_dark(before->state);
    if (!stopped && !dark) {
        if (expected->open && expected->seen)
            expect_stop(expected, span);
        expected->open = expected->seen = expected->unsure = expected->timeless = false;
        expected->reason = 0;
        expected->produced = expected->produced || span->state == STATE_PRODUCTION;
    } else if (expected->produced) {
        if (!expected->open)
            expected->from_ms = span->from_ms;
        if (stopped && !expected->seen)
            expected->state = span->state;
        if (stopped && expected->reason == 0)
            expected->reason = span->reason;
        expected->open = true;
        expected->seen = expected->seen || stopped;
        expected->unsure = expected->unsure || dark;
        expected->timeless = expected->timeless || span->timeless;
    }
    const struct state_report *began = NULL;
    if (span->state == STATE_FAULT)
        began = expect(expected, STATE_REPORT_FAULT, span);
    else if (span->state == STATE_PRODUCTION)
        began = expect(expected, STATE_REPORT_START, span);
    if (began && (began->reason != span->reason || began->uncertain != uncertain))
        blame(expected->world, "a beginning is of another kind");
}

static void check_history(struct world *world)
{
    struct expected expected = {.world = world};
    struct span *last = &world->spans[world->span_count];
    const struct state_phase *now = &world->run.now;
    *last = (struct span){.state = now->state,
                          .from_ms = to_world(world, now->since_ms),
                          .uncertain_ms = now->uncertain_ms};
    if (now->state != STATE_MAINTENANCE || last->from_ms != world->told_until_ms)
        blame(world, "not all was told");
    for (size_t i = 0; i <= world->span_count && !world->fault; i++) {
        struct span *span = &world->spans[i], *before = i > 0 ? span - 1 : NULL;
        if (i < world->span_count && !is_dark(span->state))
            check_told(world, span, span + 1);
        if (is_dark(span->state))
            check_dark(world, span, before);
        if (before)
            check_change(world, before, span);
        if (i > 1 && i < world->span_count)
            check_return(world, span);
        follow(&expected, before, span);
    }
    for (int i = 0; i < MACHINE_STATES; i++)
        tally[i] += world->told[i];
    for (size_t i = 0; i < world->other_count; i++)
        stops += world->others[i].kind == STATE_REPORT_STOP;
    restarts += world->restarts;
    if (!world->fault && expected.others != world->other_count)
        blame(world, "more was told than has happened");
}

static void tell_history(const struct world *world, uint32_t seed)
{
    static const char *const notes[] = {"", ", after a restart", ", after an unknown time"};
    print_message("seed %u: debounce %" PRId64 ", offline after %" PRId64 "\n", seed,
                  world->config.debounce_ms, world->config.offline_after_ms);
    for (size_t i = 0; i < world->poll_count; i++)
        print_message("%10" PRId64 " %s %s/%u%s\n", world->polls[i].at_ms,
                      world->polls[i].stale ? "left" : "saw",
                      machine_state_name(world->polls[i].state), world->polls[i].reason,
                      notes[world->polls[i].restart]);
    for (size_t i = 0; i < world->span_count; i++)
        print_message("%10" PRId64 "-%" PRId64 " .. %" PRId64 " %s/%u\n", world->spans[i].from_ms,
                      world->spans[i].uncertain_ms, world->spans[i].to_ms,
                      machine_state_name(world->spans[i].state), world->spans[i].reason);
    fail_msg("seed %u: %s", seed, world->fault);
}

static void test_intervals_lie_end_to_end_and_are_what_was_seen(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < HISTORIES; seed++) {
        struct world world = world_of(seed);
        live_and_poll(&world);
        if (!world.fault)
            check_history(&world);
        if (world.fault)
            tell_history(&world, seed);
    }
    for (int i = 0; i < MACHINE_STATES; i++)
        print_message("%s %" PRIu64 "\n", machine_state_name((enum machine_state)i), tally[i]);
    print_message("stops %" PRIu64 ", restarts %" PRIu64 ", passed over %" PRIu64 "\n", stops,
                  restarts, bridged);
    assert_true(stops > HISTORIES / 2 && restarts > HISTORIES && bridged > HISTORIES / 8);
    assert_true(tally[STATE_OFFLINE] > HISTORIES / 2 && tally[STATE_UNKNOWN] > HISTORIES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals_lie_end_to_end_and_are_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
