#include "shift_period.h"

#include <stdio.h>
#include <string.h>

#include "plant.h"
#include "tally.h"

/* No shift is longer, but for a change of clocks. */
#define LONGEST_MS (INT64_C(26) * 3600 * 1000)

struct shift_period shift_period_begin(const struct shift_instance *instance, unsigned counted)
{
    struct shift_period period = {.open = true,
                                  .day = instance->day,
                                  .begin_ms = instance->begin_ms,
                                  .end_ms = instance->end_ms,
                                  .busy_ms = instance->busy_ms,
                                  .performance = performance_begin(counted)};

    snprintf(period.name, sizeof period.name, "%s", instance->shift->name);
    return period;
}

int64_t shift_period_known_ms(const struct shift_period *period)
{
    return period->begin_ms + period->performance.observed_ms;
}

bool shift_period_is(const struct shift_period *period, const struct shift_instance *instance)
{
    return period->open && period->day == instance->day &&
           instance->end_ms >= shift_period_known_ms(period) &&
           strcmp(period->name, instance->shift->name) == 0;
}

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void add_until(struct shift_period *period, struct performance_piece piece, int64_t to_ms)
{
    piece.from_ms = shift_period_known_ms(period);
    piece.to_ms = lower(to_ms, period->end_ms);
    if (piece.to_ms > piece.from_ms)
        performance_add_state(&period->performance, &piece);
}

void shift_period_add(struct shift_period *period, struct performance_piece piece)
{
    if (!period->open || piece.to_ms <= piece.from_ms)
        return;
    add_until(period, (struct performance_piece){.state = STATE_UNKNOWN}, piece.from_ms);
    add_until(period, piece, piece.to_ms);
}

void shift_period_finish(struct shift_period *period, int64_t end_ms)
{
    int64_t known_ms = shift_period_known_ms(period);

    period->end_ms = lower(period->end_ms, end_ms > known_ms ? end_ms : known_ms);
    period->busy_ms = lower(period->busy_ms, period->end_ms - period->begin_ms);
    add_until(period, (struct performance_piece){.state = STATE_UNKNOWN}, period->end_ms);
    performance_close(&period->performance);
}

const char *shift_period_key(const struct shift_period *period, char room[SHIFT_KEY_ROOM])
{
    const struct shift shift = {.name = period->name};
    const struct shift_instance instance = {.shift = &shift, .day = period->day};

    return shift_key(&instance, room);
}

/* --- as numbers --- */

enum {
    BEGIN,
    END,
    DAY_AND_BUSY,
    NAME,
    TIMES = NAME + SHIFT_NAME_BYTES / sizeof(int64_t),
    NUMBERS = TIMES + TALLY_NUMBERS
};
_Static_assert((int)NUMBERS == (int)SHIFT_PERIOD_VALUES, "a period takes all its numbers");

/* A shift is shorter than 2^31 ms. */
enum { BUSY_BITS = 32 };

void shift_period_keep(const struct shift_period *period, int64_t *ret_numbers)
{
    memset(ret_numbers, 0, NUMBERS * sizeof *ret_numbers);
    if (!period->open)
        return;
    ret_numbers[BEGIN] = period->begin_ms;
    ret_numbers[END] = period->end_ms;
    ret_numbers[DAY_AND_BUSY] = period->day * (INT64_C(1) << BUSY_BITS) + period->busy_ms;
    memcpy(&ret_numbers[NAME], period->name, SHIFT_NAME_BYTES);
    tally_keep(&period->performance, &ret_numbers[TIMES]);
}

static bool are_sensible(const int64_t *numbers)
{
    if (numbers[BEGIN] < 0 || numbers[END] <= numbers[BEGIN] ||
        numbers[END] - numbers[BEGIN] > LONGEST_MS)
        return false;
    return tally_is_sensible(&numbers[TIMES], numbers[END] - numbers[BEGIN]);
}

struct shift_period shift_period_resume(const int64_t *numbers, unsigned counted)
{
    struct shift_period period = {.open = are_sensible(numbers)};

    if (!period.open)
        return period;
    period.begin_ms = numbers[BEGIN];
    period.end_ms = numbers[END];
    period.day = (int32_t)(numbers[DAY_AND_BUSY] >> BUSY_BITS);
    period.busy_ms = numbers[DAY_AND_BUSY] & INT32_MAX;
    memcpy(period.name, &numbers[NAME], SHIFT_NAME_BYTES);
    period.performance = tally_resume(&numbers[TIMES], counted);
    return period;
}
