#include "limits.h"

#include <stdlib.h>

#include "memory.h"

struct limits {
    const struct machine *machine;
    uint8_t sides[]; /* enum limit_side, of each tag */
};

static const struct tag_limits *limits_of(const struct machine *machine, uint16_t tag)
{
    const struct tag_detail *detail = machine->tags[tag].detail;
    return detail != NULL && (detail->limits.has_low || detail->limits.has_high) ? &detail->limits
                                                                                 : NULL;
}

struct limits *limits_new(const struct machine *machine)
{
    size_t i = 0;
    while (i < machine->tag_count && limits_of(machine, (uint16_t)i) == NULL)
        i++;
    if (i == machine->tag_count)
        return NULL;
    struct limits *limits = mem_alloc(sizeof(*limits) + machine->tag_count);
    limits->machine = machine;
    return limits;
}

void limits_free(struct limits *limits)
{
    free(limits);
}

/* Where a value is that was there before. */
static enum limit_side side_of(const struct tag_limits *limits, double number,
                               enum limit_side before)
{
    double low = limits->low + (before == LIMIT_BELOW ? limits->hysteresis : 0);
    double high = limits->high - (before == LIMIT_BEYOND ? limits->hysteresis : 0);
    if (limits->has_low && number < low)
        return LIMIT_BELOW;
    if (limits->has_high && number > high)
        return LIMIT_BEYOND;
    return LIMIT_WITHIN;
}

static double limit_passed(const struct tag_limits *limits, enum limit_side before,
                           enum limit_side now)
{
    if (now == LIMIT_BELOW)
        return limits->low;
    if (now == LIMIT_BEYOND)
        return limits->high;
    return before == LIMIT_BELOW ? limits->low : limits->high;
}

static void take(struct limits *limits, const struct tag_limits *bounds,
                 const struct sample *sample, limit_report_fn *report, void *context)
{
    enum limit_side before = (enum limit_side)limits->sides[sample->tag];
    enum limit_side now = side_of(bounds, value_number(&sample->value), before);
    limits->sides[sample->tag] = (uint8_t)now;
    if (now == before || (before == LIMIT_UNKNOWN && now == LIMIT_WITHIN))
        return;
    const struct limit_report passed = {
        .tag = sample->tag,
        .side = now,
        .value = sample->value,
        .limit = limit_passed(bounds, before, now),
    };
    report(context, &passed);
}

void limits_take(struct limits *limits, const struct sample *samples, size_t count,
                 limit_report_fn *report, void *context)
{
    for (size_t i = 0; i < count; i++) {
        const struct tag_limits *bounds = limits_of(limits->machine, samples[i].tag);
        if (bounds != NULL && samples[i].quality == QUALITY_GOOD)
            take(limits, bounds, &samples[i], report, context);
    }
}

const char *limit_side_name(enum limit_side side)
{
    static const char *const names[] = {[LIMIT_UNKNOWN] = "unknown",
                                        [LIMIT_WITHIN] = "within",
                                        [LIMIT_BELOW] = "low",
                                        [LIMIT_BEYOND] = "high"};
    return names[side];
}
