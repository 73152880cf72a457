/* A line's standing as numbers, and back. */
#include <string.h>

#include "line_run.h"

enum { FLAG_LEARNED = 1, FLAG_STARTED = 2 };

enum { BASE_FLAGS, BASE_KNOWN, BASE_SINCE, BASE_DOING, BASE_CAUSE };

enum {
    MEMBER_DOING,
    MEMBER_LATEST,
    MEMBER_SHOWN,
    MEMBER_HALTED,
    MEMBER_HALTED_UNCERTAIN,
    MEMBER_ENDED,
    MEMBER_ENDED_UNCERTAIN,
    MEMBER_LEFT_OUT,
    MEMBER_NUMBERS
};
_Static_assert((int)MEMBER_NUMBERS == (int)LINE_MEMBER_NUMBERS, "a member takes all its numbers");

enum { CHANGE_AT, CHANGE_UNCERTAIN, CHANGE_DOING, CHANGE_NUMBERS };
_Static_assert(CHANGE_NUMBERS *LINE_CHANGES == (int)LINE_CHANGE_NUMBERS, "so do changes");

enum {
    PERIOD_BEGIN,
    PERIOD_END,
    PERIOD_DAY,
    PERIOD_NAME,
    PERIOD_TIMES = PERIOD_NAME + LINE_SHIFT_NAME_BYTES / (int)sizeof(int64_t),
    PERIOD_HELD = PERIOD_TIMES + (int)PERFORMANCE_TIMES,
    PERIOD_NUMBERS = PERIOD_HELD + PRODUCTION_LINE_MOST
};
_Static_assert((int)PERIOD_NUMBERS == (int)LINE_PERIOD_NUMBERS, "and a shift");

enum { STATE_BITS = 8, MEMBER_BITS = 8 };

/* As far as anybody's clock goes, and as sums of it don't overflow; and as long as a shift is. */
#define FARTHEST_MS (INT64_C(1) << 60)
#define LONGEST_MS (INT64_C(26) * 3600 * 1000)

/* --- keeping --- */

static int64_t keep_doing(struct line_doing doing)
{
    return (int64_t)doing.state | (int64_t)doing.reason << STATE_BITS;
}

static void keep_member(const struct line_member *member, int64_t numbers[LINE_MEMBER_NUMBERS])
{
    numbers[MEMBER_DOING] = keep_doing(member->doing);
    numbers[MEMBER_LATEST] = keep_doing(member->latest);
    numbers[MEMBER_SHOWN] = keep_doing(member->shown);
    numbers[MEMBER_HALTED] = member->halted_ms;
    numbers[MEMBER_HALTED_UNCERTAIN] = member->halted_uncertain_ms;
    numbers[MEMBER_ENDED] = member->ended_ms;
    numbers[MEMBER_ENDED_UNCERTAIN] = member->ended_uncertain_ms;
    numbers[MEMBER_LEFT_OUT] = member->left_out;
}

static void keep_change(const struct line_change *change, int64_t numbers[CHANGE_NUMBERS])
{
    numbers[CHANGE_AT] = change->at_ms;
    numbers[CHANGE_UNCERTAIN] = change->uncertain_ms;
    numbers[CHANGE_DOING] = keep_doing(change->doing) << MEMBER_BITS | change->member;
}

static void keep_period(const struct line_period *period, int64_t numbers[LINE_PERIOD_NUMBERS])
{
    if (!period->open)
        return;
    numbers[PERIOD_BEGIN] = period->begin_ms;
    numbers[PERIOD_END] = period->end_ms;
    numbers[PERIOD_DAY] = period->day;
    memcpy(&numbers[PERIOD_NAME], period->name, LINE_SHIFT_NAME_BYTES);
    memcpy(&numbers[PERIOD_TIMES], period->times_ms, sizeof period->times_ms);
    memcpy(&numbers[PERIOD_HELD], period->held_ms, sizeof period->held_ms);
}

void line_run_keep(const struct line_run *run, struct line_kept *ret_kept)
{
    *ret_kept = (struct line_kept){0};
    ret_kept->base[BASE_FLAGS] = FLAG_LEARNED | (run->started ? FLAG_STARTED : 0);
    ret_kept->base[BASE_KNOWN] = run->known_ms;
    ret_kept->base[BASE_SINCE] = run->since_ms;
    ret_kept->base[BASE_DOING] = keep_doing(run->view.doing);
    ret_kept->base[BASE_CAUSE] = run->view.cause;
    for (size_t i = 0; i < run->config->machine_count; i++)
        keep_member(&run->members[i], ret_kept->members[i]);
    for (size_t i = 0; i < run->change_count; i++)
        keep_change(&run->changes[i], &ret_kept->changes[i * CHANGE_NUMBERS]);
    keep_period(&run->now, ret_kept->now);
    keep_period(&run->before, ret_kept->before);
}

/* --- going on --- */

static bool is_time(int64_t ms)
{
    return ms >= -FARTHEST_MS && ms <= FARTHEST_MS;
}

static bool is_length(int64_t ms)
{
    return ms >= 0 && ms <= FARTHEST_MS;
}

static int64_t time_or_unknown(int64_t ms)
{
    return is_time(ms) ? ms : LINE_TIME_UNKNOWN;
}

static bool resume_doing(int64_t number, struct line_doing *ret_doing)
{
    int64_t state = number & ((1 << STATE_BITS) - 1), reason = number >> STATE_BITS;

    if (state > STATE_MAINTENANCE || reason < 0 || reason > UINT32_MAX)
        return false;
    *ret_doing = (struct line_doing){(enum machine_state)state, (uint32_t)reason};
    return true;
}

/* One that makes no sense, or is not kept, stays as a new one is. */
static void resume_member(const int64_t numbers[LINE_MEMBER_NUMBERS], struct line_member *member)
{
    struct line_member kept = *member;

    if (!resume_doing(numbers[MEMBER_DOING], &kept.doing) ||
        !resume_doing(numbers[MEMBER_LATEST], &kept.latest) ||
        !resume_doing(numbers[MEMBER_SHOWN], &kept.shown) ||
        !is_length(numbers[MEMBER_HALTED_UNCERTAIN]) || !is_length(numbers[MEMBER_ENDED_UNCERTAIN]))
        return;
    kept.halted_uncertain_ms = numbers[MEMBER_HALTED_UNCERTAIN];
    kept.ended_uncertain_ms = numbers[MEMBER_ENDED_UNCERTAIN];
    if (kept.doing.state != STATE_UNKNOWN)
        kept.halted_ms = time_or_unknown(numbers[MEMBER_HALTED]);
    if (kept.latest.state != STATE_UNKNOWN)
        kept.ended_ms = time_or_unknown(numbers[MEMBER_ENDED]);
    kept.left_out = numbers[MEMBER_LEFT_OUT] != 0;
    *member = kept;
}

static void resume_changes(const int64_t numbers[LINE_CHANGE_NUMBERS], struct line_run *run)
{
    for (size_t i = 0; i < LINE_CHANGES; i++, numbers += CHANGE_NUMBERS) {
        struct line_change *change = &run->changes[run->change_count];
        int64_t member = numbers[CHANGE_DOING] & ((1 << MEMBER_BITS) - 1);
        bool ascends = i == 0 || numbers[CHANGE_AT] >= run->changes[i - 1].at_ms;
        if (!resume_doing(numbers[CHANGE_DOING] >> MEMBER_BITS, &change->doing) ||
            numbers[CHANGE_AT] <= 0 || !is_time(numbers[CHANGE_AT]) || !ascends ||
            !is_length(numbers[CHANGE_UNCERTAIN]) || member >= (int64_t)run->config->machine_count)
            return;
        change->member = (uint8_t)member;
        change->at_ms = numbers[CHANGE_AT];
        change->uncertain_ms = numbers[CHANGE_UNCERTAIN];
        run->change_count++;
    }
}

static bool are_sensible(const int64_t *times_ms, size_t count, int64_t most_ms)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (times_ms[i] < 0 || times_ms[i] > most_ms - sum)
            return false;
        sum += times_ms[i];
    }
    return true;
}

static struct line_period resume_period(const int64_t numbers[LINE_PERIOD_NUMBERS])
{
    struct line_period period = {.open = false};
    int64_t begin_ms = numbers[PERIOD_BEGIN], end_ms = numbers[PERIOD_END];

    if (begin_ms < 0 || end_ms <= begin_ms || end_ms - begin_ms > LONGEST_MS ||
        numbers[PERIOD_DAY] < 0 || numbers[PERIOD_DAY] > INT32_MAX ||
        !are_sensible(&numbers[PERIOD_TIMES], PERFORMANCE_TIMES, end_ms - begin_ms) ||
        !are_sensible(&numbers[PERIOD_HELD], PRODUCTION_LINE_MOST, end_ms - begin_ms))
        return period;
    period.open = true;
    period.begin_ms = begin_ms;
    period.end_ms = end_ms;
    period.day = (int32_t)numbers[PERIOD_DAY];
    memcpy(period.name, &numbers[PERIOD_NAME], LINE_SHIFT_NAME_BYTES);
    memcpy(period.times_ms, &numbers[PERIOD_TIMES], sizeof period.times_ms);
    memcpy(period.held_ms, &numbers[PERIOD_HELD], sizeof period.held_ms);
    return period;
}

static void resume_view(const int64_t base[LINE_BASE_NUMBERS], struct line_run *run)
{
    if (!resume_doing(base[BASE_DOING], &run->view.doing))
        return;
    run->since_ms = time_or_unknown(base[BASE_SINCE]);
    if (base[BASE_CAUSE] >= 0 && base[BASE_CAUSE] < (int64_t)run->config->machine_count)
        run->view.cause = (int)base[BASE_CAUSE];
}

struct line_run line_run_resume(const struct production_line *config, const struct line_kept *kept)
{
    struct line_run run = line_run_begin(config);
    int64_t flags = kept->base[BASE_FLAGS];

    if ((flags & FLAG_LEARNED) == 0)
        return run;
    run.started = (flags & FLAG_STARTED) != 0 && is_time(kept->base[BASE_KNOWN]);
    if (run.started)
        run.known_ms = kept->base[BASE_KNOWN];
    for (size_t i = 0; i < config->machine_count; i++)
        resume_member(kept->members[i], &run.members[i]);
    run.members[config->delivery].left_out = false;
    resume_changes(kept->changes, &run);
    run.now = resume_period(kept->now);
    run.before = resume_period(kept->before);
    resume_view(kept->base, &run);
    return run;
}
