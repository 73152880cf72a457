#include "tally.h"

#include <string.h>

enum { SPEED_PERIODS = 3 }; /* so many a speed holds */

/* --- counts --- */

void tally_counts(const struct machine *machine, const struct counters *counters,
                  struct tally_sum ret_sums[PERFORMANCE_QUANTITIES])
{
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        ret_sums[i] = (struct tally_sum){.read_ms = INT64_MAX};
    for (size_t i = 0; counters != NULL && i < machine->meaning->counter_count; i++) {
        enum counts counts = machine->meaning->counters[i].config->counts;
        int64_t total, inferred, read_ms;
        if (counts == COUNTS_OTHER)
            continue;
        counters_look(counters, i, &total, &inferred, &read_ms);
        struct tally_sum *sum = &ret_sums[counts];
        if (__builtin_add_overflow(sum->total, total, &sum->total))
            sum->total = INT64_MAX;
        sum->inferred += inferred;
        if (read_ms < sum->read_ms)
            sum->read_ms = read_ms;
    }
}

uint64_t tally_hash(uint64_t sum, const void *bytes, size_t length)
{
    static const uint64_t prime = 1099511628211;
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ at[i]) * prime;
    return (sum ^ UINT8_MAX) * prime;
}

int64_t tally_counters(const struct machine *machine)
{
    uint64_t sum = TALLY_HASH_BEGIN;
    for (size_t i = 0; machine->meaning != NULL && i < machine->meaning->counter_count; i++) {
        const struct counter_place *place = &machine->meaning->counters[i];
        const char *name = machine->tags[place->tag].name;
        const char *counts = counts_name(place->config->counts);
        sum = tally_hash(sum, name, strlen(name));
        sum = tally_hash(sum, counts, strlen(counts));
    }
    return (int64_t)sum;
}

/* --- times and stops --- */

/* From what is known, or from later on, to a time; the last of it is uncertain. */
static void add_time(struct tally_clock *clock, struct performance_piece piece,
                     int64_t uncertain_ms)
{
    int64_t certain_to_ms = piece.to_ms - uncertain_ms;
    if (piece.from_ms < clock->known_ms)
        piece.from_ms = clock->known_ms;
    if (piece.to_ms > clock->limit_ms)
        piece.to_ms = clock->limit_ms;
    if (piece.to_ms <= piece.from_ms)
        return;
    clock->known_ms = piece.to_ms;
    struct performance_piece certain = performance_cut(&piece, certain_to_ms);
    clock->add(clock->context, &certain);
    piece.uncertain = performance_time_of(piece.state) != PERFORMANCE_UNKNOWN;
    clock->add(clock->context, &piece);
}

static int64_t from_of(const struct tally_clock *clock, int64_t boot_ms)
{
    return boot_ms == STATE_TIME_UNKNOWN ? clock->known_ms : boot_ms + clock->offset_ms;
}

static void add_interval(struct tally_clock *clock, const struct state_report *report)
{
    if (report->to_ms == STATE_TIME_UNKNOWN)
        return;
    const struct performance_piece piece = {
        .state = report->state,
        .from_ms = from_of(clock, report->from_ms),
        .to_ms = report->to_ms + clock->offset_ms,
    };
    add_time(clock, piece, report->to_uncertain_ms);
}

void tally_times(struct tally_clock *clock, const struct tally_poll *poll)
{
    struct performance_piece piece = {.state = STATE_UNKNOWN,
                                      .from_ms = clock->known_ms,
                                      .to_ms = poll->at->boot_ms + clock->offset_ms};
    for (size_t i = 0; i < poll->report_count; i++)
        if (poll->reports[i].kind == STATE_REPORT_INTERVAL)
            add_interval(clock, &poll->reports[i]);
    if (poll->phase != NULL) {
        if (poll->settled_ms == STATE_TIME_UNKNOWN)
            return;
        piece.state = poll->phase->state;
        piece.from_ms = from_of(clock, poll->phase->since_ms);
        piece.to_ms = poll->settled_ms + clock->offset_ms;
    }
    add_time(clock, piece, 0);
}

/* Of one whose length is not known: all that is known to be no work. */
static int64_t longest_stop_ms(const struct shift_period *period, int64_t within_ms)
{
    const int64_t *times_ms = period->performance.times_ms;
    int64_t rest_ms = within_ms - times_ms[PERFORMANCE_RUN] - times_ms[PERFORMANCE_SETUP] -
                      times_ms[PERFORMANCE_CLEANUP] - times_ms[PERFORMANCE_MAINTENANCE];
    return rest_ms > 0 ? rest_ms : 0;
}

static void add_stop(struct shift_period *period, const struct state_report *report, int64_t to_ms)
{
    int64_t within_ms = to_ms - period->begin_ms;
    if (within_ms <= 0 || to_ms > period->end_ms)
        return;
    struct performance_stop stop = {.duration_ms = report->duration_ms, .micro = report->micro};
    if (stop.duration_ms < 0)
        stop.duration_ms = longest_stop_ms(period, within_ms);
    if (stop.duration_ms > within_ms)
        stop.duration_ms = within_ms;
    performance_add_stop(&period->performance, &stop);
}

void tally_stops(struct shift_period *period, const struct tally_poll *poll, int64_t offset_ms)
{
    for (size_t i = 0; period->open && i < poll->report_count; i++)
        if (poll->reports[i].kind == STATE_REPORT_STOP &&
            poll->reports[i].to_ms != STATE_TIME_UNKNOWN)
            add_stop(period, &poll->reports[i], poll->reports[i].to_ms + offset_ms);
}

/* --- speeds --- */

struct tally_speed tally_speed_begin(const struct machine *machine)
{
    struct tally_speed speed = {.tag = machine_speed_tag(machine), .at_ms = STATE_TIME_UNKNOWN};
    if (speed.tag != STATE_NO_TAG)
        speed.most_ms = SPEED_PERIODS * machine->tags[speed.tag].every_ms;
    return speed;
}

static void add_speed(struct tally_speed *speed, struct shift_period *period,
                      const struct tally_poll *poll, const struct sample *sample, int64_t offset_ms)
{
    int64_t at_ms = poll->at->boot_ms, before_ms = speed->at_ms;
    speed->at_ms = sample->quality == QUALITY_GOOD ? at_ms : STATE_TIME_UNKNOWN;
    if (sample->quality != QUALITY_GOOD || before_ms == STATE_TIME_UNKNOWN || period == NULL ||
        !period->open)
        return;
    int64_t lasted_ms = at_ms - before_ms, within_ms = at_ms + offset_ms - period->begin_ms;
    lasted_ms = lasted_ms < speed->most_ms ? lasted_ms : speed->most_ms;
    lasted_ms = lasted_ms < within_ms ? lasted_ms : within_ms;
    if (lasted_ms > 0)
        performance_add_speed(&period->performance,
                              poll->phase != NULL ? poll->phase->state : STATE_UNKNOWN,
                              value_number(&sample->value), lasted_ms);
}

void tally_speed(struct tally_speed *speed, struct shift_period *period,
                 const struct tally_poll *poll, int64_t offset_ms)
{
    for (size_t i = 0; i < poll->count; i++)
        if (poll->samples[i].tag == speed->tag)
            add_speed(speed, period, poll, &poll->samples[i], offset_ms);
}

/* --- as numbers --- */

static int64_t bits_of(double number)
{
    int64_t bits = 0;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static double number_of(int64_t bits)
{
    double number = 0;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

void tally_keep(const struct performance *performance, int64_t ret_numbers[TALLY_NUMBERS])
{
    memcpy(ret_numbers, performance->times_ms, sizeof(performance->times_ms));
    ret_numbers[TALLY_UNCERTAIN] = performance->uncertain_ms;
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        const struct performance_quantity *quantity = &performance->quantities[i];
        ret_numbers[TALLY_TOTALS + i] = quantity->known ? quantity->total : PERFORMANCE_NULL;
        ret_numbers[TALLY_INFERRED + i] = quantity->inferred;
    }
    ret_numbers[TALLY_STOPS] = performance->stops.count;
    ret_numbers[TALLY_STOPS_MS] = performance->stops.total_ms;
    ret_numbers[TALLY_MICRO_STOPS] = performance->micro_stops.count;
    ret_numbers[TALLY_MICRO_STOPS_MS] = performance->micro_stops.total_ms;
    ret_numbers[TALLY_HIGHEST_SPEED] =
        bits_of(performance->has_speed ? performance->highest_speed : -1);
    ret_numbers[TALLY_SPEED_SUM] = bits_of(performance->speed_sum);
    ret_numbers[TALLY_SPEED_MS] = performance->speed_ms;
}

bool tally_is_sensible(const int64_t numbers[TALLY_NUMBERS], int64_t most_ms)
{
    for (size_t i = 0; i < TALLY_UNCERTAIN; i++) {
        if (numbers[i] < 0 || numbers[i] > most_ms)
            return false;
        most_ms -= numbers[i];
    }
    for (size_t i = TALLY_UNCERTAIN; i < TALLY_HIGHEST_SPEED; i++)
        if (numbers[i] < PERFORMANCE_NULL)
            return false;
    return numbers[TALLY_SPEED_MS] >= 0;
}

struct performance tally_resume(const int64_t numbers[TALLY_NUMBERS], unsigned counted)
{
    struct performance performance = performance_begin(counted);
    for (size_t i = 0; i < PERFORMANCE_TIMES; i++) {
        performance.times_ms[i] = numbers[i];
        performance.observed_ms += numbers[i];
    }
    performance.uncertain_ms = numbers[TALLY_UNCERTAIN];
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        if (numbers[TALLY_TOTALS + i] != PERFORMANCE_NULL)
            performance.quantities[i] =
                (struct performance_quantity){.known = true,
                                              .total = numbers[TALLY_TOTALS + i],
                                              .inferred = numbers[TALLY_INFERRED + i]};
    performance.stops = (struct performance_stops){numbers[TALLY_STOPS], numbers[TALLY_STOPS_MS]};
    performance.micro_stops =
        (struct performance_stops){numbers[TALLY_MICRO_STOPS], numbers[TALLY_MICRO_STOPS_MS]};
    performance.has_speed = number_of(numbers[TALLY_HIGHEST_SPEED]) >= 0;
    if (performance.has_speed)
        performance.highest_speed = number_of(numbers[TALLY_HIGHEST_SPEED]);
    performance.speed_sum = number_of(numbers[TALLY_SPEED_SUM]);
    performance.speed_ms = numbers[TALLY_SPEED_MS];
    return performance;
}
