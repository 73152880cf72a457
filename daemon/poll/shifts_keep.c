/* A machine's shifts as numbers that outlive the process. */
#include <string.h>

#include "shifts_internal.h"

enum {
    COUNTERS, /* which of them were counted: see tally_counters */
    TOTALS,
    INFERRED = TOTALS + PERFORMANCE_QUANTITIES,
    KNOWN = INFERRED + PERFORMANCE_QUANTITIES,
    OVER,
    FORMER_NUMBERS, /* so many an earlier version kept */
    READ = FORMER_NUMBERS,
    NOW_FROM = READ + PERFORMANCE_QUANTITIES, /* what is uncertain of the shift that is on */
    BEFORE_FROM = NOW_FROM + PERFORMANCE_QUANTITIES,
    BEFORE_TO = BEFORE_FROM + PERFORMANCE_QUANTITIES,
    BEFORE_TOLD = BEFORE_TO + PERFORMANCE_QUANTITIES, /* its revision; 0: it was not told */
    BASE_NUMBERS
};
_Static_assert((int)FORMER_NUMBERS == (int)FORMER_BASE_VALUES, "and so did an earlier version's");
_Static_assert((int)BASE_NUMBERS == (int)SHIFT_BASE_VALUES, "the base takes all its numbers");

static const struct group {
    const char *name;
    size_t count;
} groups[] = {
    {STANDING_SHIFTS, SHIFT_BASE_VALUES},
    {STANDING_SHIFT_NOW, SHIFT_PERIOD_VALUES},
    {STANDING_SHIFT_BEFORE, SHIFT_PERIOD_VALUES},
};
enum { GROUP_BASE, GROUP_NOW, GROUP_BEFORE };

#define MOST (INT64_C(1) << 52) /* of what is kept: no sum of some overflows */

static void keep_base(const struct shifts *shifts, int64_t *ret_numbers)
{
    ret_numbers[COUNTERS] = tally_counters(shifts->machine);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        ret_numbers[TOTALS + i] = shifts->sums[i].total;
        ret_numbers[INFERRED + i] = shifts->sums[i].inferred;
        ret_numbers[READ + i] = shifts->read_ms[i];
        ret_numbers[NOW_FROM + i] = shifts->now.from_uncertain[i];
        ret_numbers[BEFORE_FROM + i] = shifts->before.from_uncertain[i];
        ret_numbers[BEFORE_TO + i] = shifts->before.to_uncertain[i];
    }
    ret_numbers[BEFORE_TOLD] = shifts->before.told ? shifts->before.performance.revision : 0;
    ret_numbers[KNOWN] = shifts->known_ms;
    ret_numbers[OVER] = shifts->over_ms;
}

static void keep_group(const struct shifts *shifts, size_t group, int64_t *ret_numbers)
{
    if (group == GROUP_BASE)
        keep_base(shifts, ret_numbers);
    else
        shift_period_keep(group == GROUP_NOW ? &shifts->now : &shifts->before, ret_numbers);
}

size_t shifts_keep(struct shifts *shifts, struct sample *ret_samples)
{
    int64_t numbers[SHIFT_KEPT_VALUES];
    size_t count = 0;
    bool has_before = shifts->before.open || shifts->kept_before;

    if (!shifts->started)
        return 0;
    for (size_t group = GROUP_BASE; group <= (has_before ? GROUP_BEFORE : GROUP_NOW); group++) {
        keep_group(shifts, group, &numbers[count]);
        count += groups[group].count;
    }
    for (size_t i = 0; i < count; i++)
        ret_samples[i] = (struct sample){
            .tag = (uint16_t)(machine_shift_kept(shifts->machine) + i),
            .value = {.kind = VALUE_DECIMAL, .mantissa = numbers[i]},
        };
    shifts->should_keep = false;
    shifts->kept_before = shifts->before.open;
    return count;
}

bool shifts_should_keep(const struct shifts *shifts)
{
    return shifts->should_keep;
}

void shifts_forget_kept(struct shifts *shifts)
{
    shifts->should_keep = shifts->kept_before = true;
}

void shifts_stand(const struct shifts *shifts, struct standings *standings)
{
    for (size_t i = GROUP_BASE; shifts->started && i <= GROUP_BEFORE; i++) {
        struct standing *standing =
            standings_add(standings, shifts->machine->name, groups[i].name, groups[i].count);
        keep_group(shifts, i, standing->numbers);
    }
}

static const int64_t *find(const struct shifts *shifts, const struct standings *standings,
                           size_t group)
{
    const struct standing *standing =
        standings_find(standings, shifts->machine->name, groups[group].name);

    return standing && standing->count == groups[group].count ? standing->numbers : NULL;
}

/* False where there is none. What an earlier version did not keep is 0: not known. */
static bool find_base(const struct shifts *shifts, const struct standings *standings,
                      int64_t ret_base[BASE_NUMBERS])
{
    const struct standing *standing =
        standings_find(standings, shifts->machine->name, STANDING_SHIFTS);

    if (!standing || (standing->count != BASE_NUMBERS && standing->count != FORMER_NUMBERS))
        return false;
    memset(ret_base, 0, BASE_NUMBERS * sizeof *ret_base);
    memcpy(ret_base, standing->numbers, standing->count * sizeof *ret_base);
    return true;
}

/* What the counters told between the last keeping and the end of the run was counted in the shift
 * that was on. */
static void catch_up(struct shifts *shifts, const int64_t *base)
{
    if (base[COUNTERS] != tally_counters(shifts->machine))
        return;
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        if (base[TOTALS + i] >= 0)
            shifts_count(shifts, (enum counts)i, shifts->sums[i].total - base[TOTALS + i],
                         shifts->sums[i].inferred != base[INFERRED + i]);
}

static int64_t quantity_of(int64_t number)
{
    return number > 0 && number < MOST ? number : 0;
}

static void resume_uncertain(struct shifts *shifts, const int64_t *base)
{
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        shifts->read_ms[i] = quantity_of(base[READ + i]);
        shifts->now.from_uncertain[i] = quantity_of(base[NOW_FROM + i]);
        shifts->before.from_uncertain[i] = quantity_of(base[BEFORE_FROM + i]);
        shifts->before.to_uncertain[i] = quantity_of(base[BEFORE_TO + i]);
    }
    if (base[BEFORE_TOLD] <= 0 || base[BEFORE_TOLD] >= UINT32_MAX)
        return;
    shifts->before.told = true;
    shifts->before.performance.revision = (uint32_t)base[BEFORE_TOLD];
    performance_close(&shifts->before.performance);
}

void shifts_forget_counts(const struct machine *machine, const struct standings *standings)
{
    struct standing *base =
        standings != NULL ? standings_find(standings, machine->name, STANDING_SHIFTS) : NULL;

    if (base != NULL && base->count > COUNTERS)
        base->numbers[COUNTERS] = 0;
}

void shifts_resume(struct shifts *shifts, const struct standings *standings)
{
    int64_t base[BASE_NUMBERS];
    const int64_t *now = find(shifts, standings, GROUP_NOW);
    const int64_t *before = find(shifts, standings, GROUP_BEFORE);

    shifts->kept_before = before != NULL;
    if (!find_base(shifts, standings, base))
        return;
    shifts->started = true;
    shifts->known_ms = base[KNOWN];
    shifts->over_ms = base[OVER];
    if (now)
        shifts->now = shift_period_resume(now, shifts->counted);
    if (before)
        shifts->before = shift_period_resume(before, shifts->counted);
    resume_uncertain(shifts, base);
    catch_up(shifts, base);
}
