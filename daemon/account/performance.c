#include "performance.h"

#include <errno.h>
#include <math.h>

_Static_assert((int)COUNTS_OTHER == (int)PERFORMANCE_QUANTITIES, "quantities are all but other");

static const enum performance_time state_times[MACHINE_STATES] = {
    [STATE_UNKNOWN] = PERFORMANCE_UNKNOWN,
    [STATE_OFFLINE] = PERFORMANCE_UNKNOWN,
    [STATE_STOPPED] = PERFORMANCE_DOWN,
    [STATE_IDLE] = PERFORMANCE_IDLE,
    [STATE_SETUP] = PERFORMANCE_SETUP,
    [STATE_PRODUCTION] = PERFORMANCE_RUN,
    [STATE_CLEANUP] = PERFORMANCE_CLEANUP,
    [STATE_FAULT] = PERFORMANCE_DOWN,
    [STATE_MAINTENANCE] = PERFORMANCE_MAINTENANCE,
};

static const char *const time_names[PERFORMANCE_TIMES] = {
    [PERFORMANCE_RUN] = "run",         [PERFORMANCE_SETUP] = "setup",
    [PERFORMANCE_IDLE] = "idle",       [PERFORMANCE_DOWN] = "down",
    [PERFORMANCE_CLEANUP] = "cleanup", [PERFORMANCE_MAINTENANCE] = "maintenance",
    [PERFORMANCE_UNKNOWN] = "unknown",
};

enum performance_time performance_time_of(enum machine_state state)
{
    return state_times[state];
}

const char *performance_time_name(enum performance_time time)
{
    return time_names[time];
}

struct performance performance_begin(unsigned counted)
{
    struct performance performance = {.revision = 1};

    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        performance.quantities[i].known = (counted >> i & 1) != 0;
    return performance;
}

unsigned performance_counted(const struct machine *machine)
{
    unsigned counted = 0;

    for (size_t i = 0; machine->meaning && i < machine->meaning->counter_count; i++) {
        enum counts counts = machine->meaning->counters[i].config->counts;
        if (counts != COUNTS_OTHER)
            counted |= 1U << counts;
    }
    return counted;
}

void performance_close(struct performance *performance)
{
    performance->closed = true;
}

/* Before each change. */
static void open_again(struct performance *performance)
{
    if (performance->closed)
        performance->revision++;
    performance->closed = false;
}

void performance_revise(struct performance *performance)
{
    open_again(performance);
}

/* 0, or -ERANGE with *value untouched where it would not fit, or be below 0. */
static int add(int64_t *value, int64_t more)
{
    int64_t sum = 0;

    if (__builtin_add_overflow(*value, more, &sum) || sum < 0)
        return -ERANGE;
    *value = sum;
    return 0;
}

/* 0, or -EINVAL or -ERANGE. */
static int measure(const struct performance_piece *piece, int64_t *ret_ms)
{
    if (piece->to_ms < piece->from_ms)
        return -EINVAL;
    return __builtin_sub_overflow(piece->to_ms, piece->from_ms, ret_ms) ? -ERANGE : 0;
}

int performance_add_state(struct performance *performance, const struct performance_piece *piece)
{
    int64_t ms = 0, sum = performance->observed_ms;
    int error = measure(piece, &ms);

    if (error || ms == 0)
        return error;
    if (add(&sum, ms) != 0)
        return -ERANGE;
    open_again(performance);
    performance->observed_ms = sum;
    performance->times_ms[state_times[piece->state]] += ms; /* a part of the sum, which fits */
    performance->uncertain_ms += piece->uncertain ? ms : 0;
    return 0;
}

int performance_change_state(struct performance *performance, const struct performance_piece *piece,
                             enum machine_state state)
{
    int64_t ms = 0, *from = &performance->times_ms[state_times[piece->state]];
    int error = measure(piece, &ms);

    if (error || ms == 0)
        return error;
    if (*from < ms || (piece->uncertain && performance->uncertain_ms < ms))
        return -ERANGE;
    open_again(performance);
    *from -= ms;
    performance->times_ms[state_times[state]] += ms;
    performance->uncertain_ms -= piece->uncertain ? ms : 0;
    return 0;
}

struct performance_piece performance_cut(struct performance_piece *piece, int64_t at_ms)
{
    struct performance_piece before = *piece;

    if (at_ms < piece->from_ms)
        at_ms = piece->from_ms;
    if (at_ms > piece->to_ms)
        at_ms = piece->to_ms;
    before.to_ms = at_ms;
    piece->from_ms = at_ms;
    return before;
}

int performance_add_count(struct performance *performance, enum counts counts, int64_t delta,
                          bool inferred)
{
    if (counts == COUNTS_OTHER)
        return 0;
    struct performance_quantity quantity = performance->quantities[counts];
    int error = add(&quantity.total, delta);
    if (!error && inferred)
        error = add(&quantity.inferred, delta);
    if (error || quantity.inferred > quantity.total)
        return -ERANGE;
    if (delta != 0)
        open_again(performance);
    quantity.known = true;
    performance->quantities[counts] = quantity;
    return 0;
}

int performance_add_stop(struct performance *performance, const struct performance_stop *stop)
{
    struct performance_stops *kept = stop->micro ? &performance->micro_stops : &performance->stops;
    struct performance_stops stops = *kept;

    if (stop->duration_ms < 0)
        return -EINVAL;
    if (add(&stops.total_ms, stop->duration_ms) != 0 || add(&stops.count, !stop->continued) != 0)
        return -ERANGE;
    open_again(performance);
    *kept = stops;
    return 0;
}

int performance_add_speed(struct performance *performance, enum machine_state state, double speed,
                          int64_t duration_ms)
{
    if (!isfinite(speed) || speed < 0 || duration_ms < 0)
        return -EINVAL;
    if (duration_ms == 0)
        return 0;
    if (state == STATE_PRODUCTION) {
        double sum = performance->speed_sum + speed * (double)duration_ms;
        if (!isfinite(sum) || add(&performance->speed_ms, duration_ms) != 0)
            return -ERANGE;
        performance->speed_sum = sum;
    }
    open_again(performance);
    performance->has_speed = true;
    performance->highest_speed = fmax(performance->highest_speed, speed);
    return 0;
}

static int64_t known_total(const struct performance *performance, enum counts counts)
{
    const struct performance_quantity *quantity = &performance->quantities[counts];

    return quantity->known ? quantity->total : PERFORMANCE_NULL;
}

/* PQ, or null; also where the sum would not fit. */
static int64_t produced(const struct performance *performance)
{
    int64_t gross = known_total(performance, COUNTS_GROSS);
    int64_t good = known_total(performance, COUNTS_GOOD);
    int64_t waste = known_total(performance, COUNTS_WASTE);

    if (gross != PERFORMANCE_NULL)
        return gross;
    if (good == PERFORMANCE_NULL || waste == PERFORMANCE_NULL || add(&good, waste) != 0)
        return PERFORMANCE_NULL;
    return good;
}

static double divide(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

/* Ratios of whole numbers are rounded once; where PRI is in them, once or twice more. The OEE is
 * not the product of the other three, whose errors would add up, but what that comes to. */
static void tell_ratios(struct performance_record *record, const struct performance_plan *plan)
{
    double apt = (double)record->apt_ms, pbt = (double)plan->busy_ms;

    if (plan->busy_ms <= 0 || !(plan->ideal_ms > 0))
        return;
    record->availability = divide(apt, pbt);
    if (record->pq != PERFORMANCE_NULL)
        record->effectiveness = divide(plan->ideal_ms * (double)record->pq, apt);
    if (record->pq != PERFORMANCE_NULL && record->gq != PERFORMANCE_NULL)
        record->quality = divide((double)record->gq, (double)record->pq);
    if (!isnan(record->effectiveness) && !isnan(record->quality))
        record->oee = divide(plan->ideal_ms * (double)record->gq, pbt);
}

struct performance_record performance_tell(const struct performance *performance,
                                           const struct performance_plan *plan)
{
    const int64_t *times_ms = performance->times_ms;
    struct performance_record record = {
        .revision = performance->revision,
        .observed_ms = performance->observed_ms,
        .uncertain_ms = performance->uncertain_ms,
        .stops = performance->stops,
        .micro_stops = performance->micro_stops,
        .average_speed = divide(performance->speed_sum, (double)performance->speed_ms),
        .highest_speed = performance->has_speed ? performance->highest_speed : NAN,
        .apt_ms = times_ms[PERFORMANCE_RUN],
        .aust_ms = times_ms[PERFORMANCE_SETUP],
        .adet_ms = times_ms[PERFORMANCE_DOWN],
        .adot_ms = times_ms[PERFORMANCE_IDLE],
        .pq = produced(performance),
        .gq = known_total(performance, COUNTS_GOOD),
        .availability = NAN,
        .effectiveness = NAN,
        .quality = NAN,
        .oee = NAN,
    };

    for (size_t i = 0; i < PERFORMANCE_TIMES; i++)
        record.times_ms[i] = times_ms[i];
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        record.quantities[i] = performance->quantities[i];
    tell_ratios(&record, plan);
    return record;
}
