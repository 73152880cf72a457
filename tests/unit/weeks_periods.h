/* Whether the shifts and jobs that were told of a simulated week come to what was told in them. */
#ifndef BINDERY_WEEKS_PERIODS_H
#define BINDERY_WEEKS_PERIODS_H

#include "weeks_check.h"

/* --- what it comes to --- */

static inline int64_t within_ms(int64_t from_ms, int64_t to_ms, const struct told_period *period)
{
    int64_t first_ms = from_ms > period->begin_ms ? from_ms : period->begin_ms;
    int64_t last_ms = to_ms < period->end_ms ? to_ms : period->end_ms;
    return last_ms > first_ms ? last_ms - first_ms : 0;
}

/* What the intervals and stops that were told come to in the period. */
static inline void expect_times(const struct watched *watched, const struct told_period *period,
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

static inline void check_times(const struct watched *watched, const struct told_period *told,
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
static inline int64_t total_until(const struct watched *watched, size_t k, int64_t at_ms)
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
static inline void check_quantities(const struct watched *watched, const struct told_period *told,
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

static inline bool clock_was_wrong(int64_t from_ms, int64_t to_ms)
{
    for (size_t i = 0; i < weeks->wrong.count; i++)
        if (weeks->wrong.items[i].from_ms < to_ms && weeks->wrong.items[i].to_ms > from_ms)
            return true;
    return false;
}

/* The record of a shift as it was told last; NULL: it was not. Each revision was told once. */
static inline const struct told_period *find_shift(const struct watched *watched, const char *key)
{
    const struct told_period *found = NULL;

    for (size_t i = 0; i < watched->shifts.count; i++) {
        const struct told_period *told = &watched->shifts.items[i];
        if (strcmp(told->shift, key) != 0)
            continue;
        CHECK(watched, told->end_ms, told->revision == (found ? found->revision + 1 : 1),
              "revision %d of %s was told", (int)told->revision, key);
        found = told;
    }
    return found;
}

/* A poll in it, and one behind it that tells of it. */
static inline bool was_polled(const struct watched *watched, int64_t begin_ms, int64_t end_ms)
{
    size_t first = poll_after(watched, begin_ms - 1);

    return first < watched->seen.count && watched->seen.items[first].at_ms < end_ms &&
           watched->states.items[watched->states.count - 1].to_ms > end_ms;
}

static inline size_t check_shift(const struct watched *watched, const struct shift_instance *shift)
{
    char key[SHIFT_KEY_ROOM];
    int64_t begin_ms = shift->begin_ms - world_wall_ms, end_ms = shift->end_ms - world_wall_ms;
    const struct told_period *told = find_shift(watched, shift_key(shift, key));

    if (!was_polled(watched, begin_ms, end_ms) ||
        clock_was_wrong(begin_ms - 5 * MINUTE, end_ms + 5 * MINUTE))
        return 0;
    CHECK(watched, end_ms, told, "%s was not told", key);
    CHECK(watched, end_ms, told->wall_ms == shift->end_ms, "%s ended %d ms later", key,
          (int)(told->wall_ms - shift->end_ms));
    CHECK(watched, end_ms, told->length_ms == end_ms - begin_ms, "%s lasted %d ms", key,
          (int)told->length_ms);
    check_times(watched, told, key);
    check_quantities(watched, told, begin_ms - 1, end_ms - 1, key);
    return 1;
}

/* The job of the first poll from there on that was answered twice in a row by one run, which it
 * takes to believe it, and where it begins. */
static inline size_t next_job(const struct watched *watched, size_t i, int64_t before)
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
static inline bool was_read(const struct watched *watched, const struct told_period *told,
                            int64_t job)
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

static inline void check_job(const struct watched *watched, const struct told_period *told,
                             int64_t job, int64_t begin_ms, int64_t end_ms)
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

static inline size_t check_jobs(const struct watched *watched)
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

#endif
