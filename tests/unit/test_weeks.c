/* Simulated weeks through the daemon's own path, held against the simulation: no count is off by
 * one, no second unaccounted for. What may differ, and by how much:
 * - a change of state is told at the poll that saw it first, and lies between that poll and the one
 *   before, or LATENCY_MS earlier, since an answer is a little old when it arrives;
 * - what no poll saw was never there: a state between two polls, a count before a reset;
 * - a silence up to offline_after is passed over, a longer one begins with the last answer;
 * - while the gateway is away nothing is known, from what it kept last to its first poll.
 *
 * A seed is a week. BINDERY_WEEKS=FIRST-LAST in the environment: those, asked more often. */
#include "weeks_life.h"

/* Of a normal run, which has no time for more. */
enum { FIRST_SEED = 1, LAST_SEED = 2, SLOWNESS = 4, KEEP_MS = 5 * MINUTE };

static uint64_t seed = FIRST_SEED;
static int slowness = SLOWNESS;
static struct weeks *weeks;

/* --- helpers --- */

/* "week 3, binder on day 2 at 03:04:05.678". */
static const char *where(const struct watched *watched, int64_t at_ms)
{
    static char text[100];

    snprintf(text, sizeof text, "week %d, %s on day %d at %02d:%02d:%06.3f", (int)weeks->seed,
             watched->machine->name, (int)(at_ms / DAY), (int)(at_ms % DAY / HOUR),
             (int)(at_ms % HOUR / MINUTE), (double)(at_ms % MINUTE) / 1000);
    return text;
}

#define CHECK(watched, at_ms, condition, format, ...)                    \
    do {                                                                 \
        if (!(condition))                                                \
            fail_msg("%s: " format, where(watched, at_ms), __VA_ARGS__); \
    } while (0)

static bool is_dark(enum machine_state state)
{
    return state == STATE_OFFLINE || state == STATE_UNKNOWN;
}

static bool same_reason(const char *told, const char *reason)
{
    return strcmp(told, reason ? reason : "") == 0;
}

/* The longest time between two polls, and what the truth is older when it arrives. */
static int64_t poll_ms(const struct watched *watched)
{
    return watched->machine->every_ms + MACHINES * LATE_MS + SECOND + LATENCY_MS;
}

/* The first poll after that time. */
static size_t poll_after(const struct watched *watched, int64_t at_ms)
{
    size_t low = 0, high = watched->seen.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (watched->seen.items[middle].at_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct told_state *state_behind(const struct watched *watched, size_t i)
{
    return i + 1 < watched->states.count ? &watched->states.items[i + 1] : NULL;
}

/* --- states --- */

/* Of a machine that answers: whatever was seen in it is this state, from the first poll to the last
 * one that saw it. */
static void check_light(const struct watched *watched, const struct told_state *told,
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

/* Whatever was seen in it came before a kill, and was not kept. */
static void check_dark(const struct watched *watched, const struct told_state *told,
                       const struct seen *polls, size_t count)
{
    bool away = told->state == STATE_UNKNOWN;

    for (size_t i = 0; i < count; i++)
        CHECK(watched, polls[i].at_ms,
              !polls[i].answered || (away && weeks->killed[polls[i].run] &&
                                     polls[i].at_ms - told->from_ms <= KEEP_MS + poll_ms(watched)),
              "%s was told where the machine answered", machine_state_name(told->state));
    CHECK(watched, told->from_ms,
          away || told->to_ms - told->from_ms > watched->machine->state->offline_after_ms ||
              weeks->run > 1,
          "offline for %d ms only", (int)(told->to_ms - told->from_ms));
}

static void check_border(const struct watched *watched, const struct told_state *told,
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
static void check_end(const struct watched *watched, const struct told_state *told,
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
static void check_polls(const struct watched *watched)
{
    size_t poll = 0, light = 0;

    for (size_t i = 0; i < watched->states.count; i++) {
        const struct told_state *told = &watched->states.items[i];
        const struct told_state *next = state_behind(watched, i);
        bool dark = is_dark(told->state), then_dark = next && is_dark(next->state);
        size_t end = poll_after(watched, then_dark ? told->to_ms : told->to_ms - 1);
        const struct seen *polls = &watched->seen.items[poll];
        if (dark)
            check_dark(watched, told, polls, end - poll);
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

static void test_each_poll_is_in_one_interval_that_says_what_it_saw(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        check_polls(&weeks->watched[i]);
}

/* --- stops --- */

/* As the rule has it, of the intervals that were told. */
struct stopping {
    bool produced, open, seen;
    int64_t since_ms;
    size_t found;
};

static bool ends_stops(enum machine_state state)
{
    return state == STATE_PRODUCTION || state == STATE_SETUP || state == STATE_CLEANUP ||
           state == STATE_MAINTENANCE;
}

static void expect_stop(const struct watched *watched, struct stopping *stopping, int64_t to_ms)
{
    CHECK(watched, to_ms, stopping->found < watched->stops.count, "a stop of %d ms was not told",
          (int)(to_ms - stopping->since_ms));
    const struct told_state *told = &watched->stops.items[stopping->found++];
    CHECK(watched, to_ms, told->from_ms == stopping->since_ms && told->to_ms == to_ms,
          "a stop of %d ms was told as one of %d that ended %d ms later",
          (int)(to_ms - stopping->since_ms), (int)(told->to_ms - told->from_ms),
          (int)(told->to_ms - to_ms));
    bool micro = to_ms - stopping->since_ms < watched->machine->state->micro_stop_ms;
    CHECK(watched, to_ms, told->micro == micro, "a stop of %d ms was told as %s",
          (int)(to_ms - stopping->since_ms), told->micro ? "micro" : "long");
}

static void check_stops(const struct watched *watched)
{
    struct stopping stopping = {0};

    for (size_t i = 0; i < watched->states.count; i++) {
        const struct told_state *told = &watched->states.items[i];
        if (ends_stops(told->state)) {
            if (stopping.open && stopping.seen)
                expect_stop(watched, &stopping, told->from_ms);
            stopping.open = stopping.seen = false;
            stopping.produced |= told->state == STATE_PRODUCTION;
        } else if (stopping.produced) {
            if (!stopping.open)
                stopping.since_ms = told->from_ms;
            stopping.open = true;
            stopping.seen |= !is_dark(told->state);
        }
    }
    /* The last one may have ended with what goes on at the end of the week. */
    assert_in_range(watched->stops.count, stopping.found, stopping.found + 1);
    assert_true(stopping.found > 50);
}

static void test_each_stop_is_told_once_as_long_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        check_stops(&weeks->watched[i]);
}

/* --- the truth --- */

struct truth {
    enum machine_state state;
    const char *reason;
    int64_t begin_ms, end_ms;
};

static struct truth truth_at(const struct watched *watched, int64_t at_ms)
{
    struct sim_told told = sim_tale_told(watched->tale, weeks->story_ms + at_ms);

    return (struct truth){told.state, told.reason, at_ms, told.until_ms - weeks->story_ms};
}

static bool is_told(const struct truth *truth, const struct told_state *told)
{
    return told->state == truth->state && same_reason(told->reason, truth->reason);
}

/* How many of the intervals from the i-th on tell of it. */
static size_t count_told(const struct watched *watched, const struct truth *truth, size_t i,
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
static bool was_watched(const struct watched *watched, const struct truth *truth)
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
static bool may_be_missed(const struct watched *watched, const struct truth *truth)
{
    int64_t length_ms = truth->end_ms - truth->begin_ms;
    int64_t most_ms = 2 * poll_ms(watched);

    if (truth->state == STATE_OFFLINE)
        most_ms += watched->machine->state->offline_after_ms;
    return length_ms < most_ms;
}

/* Both ends lie where the gateway says that they can. What is offline begins with the last answer,
 * which is up to a poll before; and where it begins, the one before ends. */
static void check_bounds(const struct watched *watched, const struct truth *truth, size_t which)
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
static struct truth next_seen(const struct watched *watched, const struct truth *truth, size_t i)
{
    struct truth next = truth_at(watched, truth->end_ms);
    size_t which;

    while (may_be_missed(watched, &next) && count_told(watched, &next, i, &which) == 0)
        next = truth_at(watched, next.end_ms);
    return next;
}

/* From a time on; what is the same on both sides of what was not seen is one. */
static struct truth truth_from(const struct watched *watched, int64_t at_ms, size_t i)
{
    struct truth truth = truth_at(watched, at_ms);

    for (;;) {
        struct truth next = next_seen(watched, &truth, i);
        if (next.state != truth.state || !same_reason(next.reason ? next.reason : "", truth.reason))
            return truth;
        truth.end_ms = next.end_ms;
    }
}

static void check_truth(const struct watched *watched)
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
    print_message("%s: %zu states told once within their bounds, %zu unwatched, %zu unseen\n",
                  watched->machine->name, found, unwatched, missed);
    assert_true(found > 2 * unwatched && found > 2 * missed);
}

static void test_each_state_that_was_is_told_once_within_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        check_truth(&weeks->watched[i]);
}

/* --- counts --- */

/* Where a counter stood at a poll: what was read, what was true, what was told. */
struct stand {
    const struct seen *poll;
    int64_t raw, made;
    struct told_count told;
};

struct counted {
    size_t steps, resets, gaps, turns;
    int64_t lost;
};

static struct stand stand_at(const struct watched *watched, size_t k, const struct seen *poll,
                             size_t *told)
{
    const struct counter_place *place = &watched->machine->meaning->counters[k];
    uint64_t made = 0;

    while (*told + 1 < watched->counts[k].count &&
           watched->counts[k].items[*told + 1].at_ms <= poll->at_ms)
        (*told)++;
    assert_true(sim_tale_total(watched->tale, place->tag, weeks->story_ms + poll->asked_ms, &made));
    return (struct stand){poll, shown(watched, place->tag, weeks->story_ms + poll->asked_ms),
                          (int64_t)made, watched->counts[k].items[*told]};
}

/* What was counted between two polls by what was read, exactly; and marked where it may be less
 * than what was made. */
static void check_step(const struct watched *watched, const struct counter_place *place,
                       const struct stand *from, const struct stand *to, bool gap,
                       struct counted *counted)
{
    const struct counter_rule *rule = &place->config->rule;
    int64_t at_ms = to->poll->at_ms, modulus = (int64_t)rule->modulus;
    bool reset = to->raw < from->raw && rule->kind == COUNTER_KIND_RESET;
    int64_t read = reset ? to->raw : to->raw - from->raw + (to->raw < from->raw ? modulus : 0);
    int64_t delta = to->told.total - from->told.total, made = to->made - from->made;
    bool raised = to->told.epoch > from->told.epoch,
         inferred = to->told.inferred > from->told.inferred;
    /* Of a time in which nothing was counted nothing need be known. */
    double most = rule->max_per_s * (double)(at_ms - from->told.at_ms + SECOND) / 1000;
    bool turn = rule->kind == COUNTER_KIND_ROLLOVER && gap && most >= (double)modulus;
    const char *name = watched->machine->tags[place->tag].name;

    CHECK(watched, at_ms, delta == read * rule->multiplier,
          "%s went from %d to %d, and %d were counted", name, (int)from->raw, (int)to->raw,
          (int)delta);
    CHECK(watched, at_ms, raised == reset || (turn && raised), "%s: epoch %d after %d", name,
          (int)to->told.epoch, (int)from->told.epoch);
    CHECK(watched, at_ms, gap ? inferred || delta == 0 : !inferred,
          "%s: %d inferred steps, %d before", name, (int)to->told.inferred,
          (int)from->told.inferred);
    CHECK(watched, at_ms, delta <= made, "%s: %d were counted of %d", name, (int)delta, (int)made);
    CHECK(watched, at_ms, delta == made || raised || (gap && inferred),
          "%s: %d were counted of %d, and nothing says so", name, (int)delta, (int)made);
    if (rule->kind == COUNTER_KIND_ROLLOVER)
        CHECK(watched, at_ms, (made - delta) % (modulus * rule->multiplier) == 0,
              "%s: %d were counted of %d", name, (int)delta, (int)made);
    counted->steps += delta > 0;
    counted->resets += reset;
    counted->gaps += gap && delta > 0;
    counted->turns += to->raw < from->raw && !reset;
    counted->lost += made - delta;
}

static void check_counter(const struct watched *watched, size_t k)
{
    const struct counter_place *place = &watched->machine->meaning->counters[k];
    const struct seen *polls = watched->seen.items;
    struct counted counted = {0};
    struct stand before = {0};
    size_t told = 0;
    bool gap = false;

    for (size_t i = 0; i < watched->seen.count; i++) {
        if (!polls[i].answered || !before.poll) {
            gap = true;
            if (polls[i].answered)
                before = stand_at(watched, k, &polls[i], &told);
            continue;
        }
        struct stand now = stand_at(watched, k, &polls[i], &told);
        gap |= polls[i].run != polls[i - 1].run;
        gap |= polls[i].at_ms - polls[i - 1].at_ms > 3 * watched->machine->every_ms;
        /* Such a leap is read again before it is believed. */
        bool held = gap && now.raw != before.raw && now.told.total == before.told.total &&
                    now.told.epoch == before.told.epoch && place->config->rule.carry > 0;
        if (held)
            continue;
        if (before.told.at_ms < before.poll->at_ms && i == 1)
            continue;
        check_step(watched, place, &before, &now, gap, &counted);
        before = now;
        gap = false;
    }
    print_message("%s %s: %zu steps, %zu resets, %zu wraps, %zu inferred, %d made unseen\n",
                  watched->machine->name, watched->machine->tags[place->tag].name, counted.steps,
                  counted.resets, counted.turns, counted.gaps, (int)counted.lost);
    assert_true(counted.steps > 500 && counted.gaps > 10);
}

static void test_no_count_is_off_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        for (size_t k = 0; k < weeks->watched[i].machine->meaning->counter_count; k++)
            check_counter(&weeks->watched[i], k);
}

/* --- shifts and jobs --- */

static int64_t within_ms(int64_t from_ms, int64_t to_ms, const struct told_period *period)
{
    int64_t first_ms = from_ms > period->begin_ms ? from_ms : period->begin_ms;
    int64_t last_ms = to_ms < period->end_ms ? to_ms : period->end_ms;
    return last_ms > first_ms ? last_ms - first_ms : 0;
}

/* What the intervals and stops that were told come to in the period. */
static void expect_times(const struct watched *watched, const struct told_period *period,
                         struct told_period *ret_expected)
{
    int64_t rest_ms = period->length_ms;

    for (size_t i = 0; i < watched->states.count; i++) {
        const struct told_state *told = &watched->states.items[i];
        int64_t ms = within_ms(told->from_ms, told->to_ms, period);
        ret_expected->times_ms[performance_time_of(told->state)] += ms;
        rest_ms -= ms;
        if (!is_dark(told->state))
            ret_expected->uncertain_ms +=
                within_ms(told->to_ms - told->to_uncertain_ms, told->to_ms, period);
    }
    ret_expected->times_ms[PERFORMANCE_UNKNOWN] += rest_ms;
    for (size_t i = 0; i < watched->stops.count; i++) {
        const struct told_state *stop = &watched->stops.items[i];
        if (stop->to_ms <= period->begin_ms || stop->to_ms > period->end_ms)
            continue;
        ret_expected->stops += !stop->micro;
        ret_expected->micro_stops += stop->micro;
    }
}

static void check_times(const struct watched *watched, const struct told_period *told,
                        const char *name)
{
    struct told_period expected = {0};
    int64_t sum_ms = 0;

    expect_times(watched, told, &expected);
    for (size_t i = 0; i < PERFORMANCE_TIMES; i++) {
        CHECK(watched, told->end_ms, told->times_ms[i] == expected.times_ms[i],
              "%s has %d ms of %s, and the states that were told %d", name, (int)told->times_ms[i],
              performance_time_name((enum performance_time)i), (int)expected.times_ms[i]);
        sum_ms += told->times_ms[i];
    }
    CHECK(watched, told->end_ms, sum_ms == told->length_ms, "%s lasts %d ms, and its times %d",
          name, (int)told->length_ms, (int)sum_ms);
    CHECK(watched, told->end_ms, told->uncertain_ms == expected.uncertain_ms,
          "%s is %d ms uncertain, and the states %d", name, (int)told->uncertain_ms,
          (int)expected.uncertain_ms);
    CHECK(watched, told->end_ms,
          told->stops == expected.stops && told->micro_stops == expected.micro_stops,
          "%s has %d and %d stops, and %d and %d were told", name, (int)told->stops,
          (int)told->micro_stops, (int)expected.stops, (int)expected.micro_stops);
}

/* The total that was told last before a time, or at it. */
static int64_t total_until(const struct watched *watched, size_t k, int64_t at_ms)
{
    size_t low = 0, high = watched->counts[k].count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (watched->counts[k].items[middle].at_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? watched->counts[k].items[low - 1].total : 0;
}

/* What was counted up to the last poll by then, less what was up to the first one. */
static void check_quantities(const struct watched *watched, const struct told_period *told,
                             int64_t from_ms, int64_t to_ms, const char *name)
{
    const struct meaning *meaning = watched->machine->meaning;
    int64_t expected[PERFORMANCE_QUANTITIES] = {0};

    for (size_t k = 0; k < meaning->counter_count; k++)
        expected[meaning->counters[k].config->counts] +=
            total_until(watched, k, to_ms) - total_until(watched, k, from_ms);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        CHECK(watched, told->end_ms, told->quantities[i] == expected[i],
              "%s has %d %s, and the counters %d", name, (int)told->quantities[i],
              counts_name((enum counts)i), (int)expected[i]);
}

static bool clock_was_wrong(int64_t from_ms, int64_t to_ms)
{
    for (size_t i = 0; i < weeks->wrong.count; i++)
        if (weeks->wrong.items[i].from_ms < to_ms && weeks->wrong.items[i].to_ms > from_ms)
            return true;
    return false;
}

static size_t find_shifts(const struct watched *watched, const char *key, size_t *ret_which)
{
    size_t count = 0;

    for (size_t i = 0; i < watched->shifts.count; i++)
        if (strcmp(watched->shifts.items[i].shift, key) == 0) {
            *ret_which = i;
            count++;
        }
    return count;
}

/* A poll in it, and one behind it that tells of it. */
static bool was_polled(const struct watched *watched, int64_t begin_ms, int64_t end_ms)
{
    size_t first = poll_after(watched, begin_ms - 1);

    return first < watched->seen.count && watched->seen.items[first].at_ms < end_ms &&
           watched->states.items[watched->states.count - 1].to_ms > end_ms;
}

static size_t check_shift(const struct watched *watched, const struct shift_instance *shift)
{
    char key[SHIFT_KEY_ROOM];
    size_t which = 0;
    int64_t begin_ms = shift->begin_ms - world_wall_ms, end_ms = shift->end_ms - world_wall_ms;

    shift_key(shift, key);
    size_t count = find_shifts(watched, key, &which);
    if (!was_polled(watched, begin_ms, end_ms) ||
        clock_was_wrong(begin_ms - 5 * MINUTE, end_ms + 5 * MINUTE)) {
        CHECK(watched, end_ms, count <= 1, "%s was told %d times", key, (int)count);
        return 0;
    }
    CHECK(watched, end_ms, count == 1, "%s was told %d times", key, (int)count);
    const struct told_period *told = &watched->shifts.items[which];
    CHECK(watched, end_ms, told->wall_ms == shift->end_ms, "%s ended %d ms later", key,
          (int)(told->wall_ms - shift->end_ms));
    CHECK(watched, end_ms, told->length_ms == end_ms - begin_ms, "%s lasted %d ms", key,
          (int)told->length_ms);
    check_times(watched, told, key);
    check_quantities(watched, told, begin_ms - 1, end_ms - 1, key);
    return 1;
}

static void test_each_shift_is_told_once_and_comes_to_what_was_told_in_it(void **state)
{
    struct shift_instance shift;
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++) {
        const struct watched *watched = &weeks->watched[i];
        int64_t at_ms = world_wall_ms;
        while (shift_after(watched->machine->calendar, at_ms, &shift) &&
               shift.begin_ms < world_wall_ms + world_ms) {
            checked += check_shift(watched, &shift);
            at_ms = shift.end_ms;
        }
    }
    assert_true(checked > 20);
}

/* The job of the first poll from there on that was answered twice in a row by one run, which it
 * takes to believe it, and where it begins. */
static size_t next_job(const struct watched *watched, size_t i, int64_t before)
{
    const struct seen *polls = watched->seen.items;

    for (; i < watched->seen.count; i++) {
        size_t next = i + 1;
        if (!polls[i].answered || polls[i].job == before)
            continue;
        while (next < watched->seen.count && !polls[next].answered)
            next++;
        if (next < watched->seen.count && polls[next].run == polls[i].run &&
            polls[next].job == polls[i].job)
            return i;
    }
    return i;
}

/* Whether the job was read by the run that told of its end, or of a change not told until then: if
 * not, it is told without its name. */
static bool was_read(const struct watched *watched, const struct told_period *told, int64_t job)
{
    const struct seen *polls = watched->seen.items;
    size_t end = poll_after(watched, told->end_ms), behind = end;

    while (behind + 1 < watched->seen.count && polls[behind].at_ms < told->end_ms + 10 * MINUTE)
        behind++;
    for (size_t i = end; i-- > 0 && polls[i].at_ms >= told->begin_ms;)
        if (polls[i].answered && polls[i].job == job)
            return polls[i].run == polls[behind].run;
    return false;
}

static void check_job(const struct watched *watched, const struct told_period *told, int64_t job,
                      int64_t begin_ms, int64_t end_ms)
{
    char name[32];

    snprintf(name, sizeof name, "job %d", (int)job);
    CHECK(watched, end_ms, told->job == job || (told->job == -1 && !was_read(watched, told, job)),
          "%s was told as %d", name, (int)told->job);
    CHECK(watched, end_ms, told->end_ms == end_ms, "%s was told to have ended %d ms later", name,
          (int)(told->end_ms - end_ms));
    CHECK(watched, begin_ms, told->begin_ms == begin_ms, "%s was told to have begun %d ms later",
          name, (int)(told->begin_ms - begin_ms));
    check_times(watched, told, name);
    check_quantities(watched, told, begin_ms, end_ms, name);
}

static size_t check_jobs(const struct watched *watched)
{
    const struct seen *polls = watched->seen.items;
    size_t told = 0, poll = next_job(watched, 0, 0);

    for (;;) {
        size_t next = next_job(watched, poll, polls[poll].job);
        if (next >= watched->seen.count)
            break;
        CHECK(watched, polls[next].at_ms, told < watched->jobs.count, "job %d was not told",
              (int)polls[poll].job);
        check_job(watched, &watched->jobs.items[told++], polls[poll].job, polls[poll].at_ms,
                  polls[next].at_ms);
        poll = next;
    }
    assert_int_equal(watched->jobs.count, told);
    return told;
}

static void test_each_job_is_told_once_and_comes_to_what_was_told_in_it(void **state)
{
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        checked += check_jobs(&weeks->watched[i]);
    assert_true(checked > 500);
}

static int begin_week(void **state)
{
    if (config_set_up(state) != 0)
        return -1;
    weeks = begin(*state, seed, slowness);
    live_on(weeks);
    return 0;
}

static int end_week(void **state)
{
    end(weeks);
    return config_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_poll_is_in_one_interval_that_says_what_it_saw),
        cmocka_unit_test(test_each_stop_is_told_once_as_long_as_it_was),
        cmocka_unit_test(test_each_state_that_was_is_told_once_within_its_bounds),
        cmocka_unit_test(test_no_count_is_off_by_one),
        cmocka_unit_test(test_each_shift_is_told_once_and_comes_to_what_was_told_in_it),
        cmocka_unit_test(test_each_job_is_told_once_and_comes_to_what_was_told_in_it),
    };
    uint64_t last = LAST_SEED;
    const char *range = getenv("BINDERY_WEEKS");
    int failed = 0;

    if (range && sscanf(range, "%" SCNu64 "-%" SCNu64, &seed, &last) == 2)
        slowness = 1;
    for (; seed <= last; seed++)
        failed += cmocka_run_group_tests_name("a week", tests, begin_week, end_week);
    return failed;
}
