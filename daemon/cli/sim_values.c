#include "sim_values.h"

#include <math.h>
#include <string.h>

#include "sim_random.h"

/* The first row whose word is part of the tag's name decides. */
static const struct {
    const char *word;
    enum sim_kind kind;
} words[] = {
    {"waste", SIM_WASTE},    {"reject", SIM_WASTE},    {"scrap", SIM_WASTE},
    {"good", SIM_GOOD},      {"net", SIM_GOOD},        {"stops", SIM_STOPS},
    {"gross", SIM_GROSS},    {"energy", SIM_ENERGY},   {"kwh", SIM_ENERGY},
    {"hours", SIM_HOURS},    {"count", SIM_GROSS},     {"total", SIM_GROSS},
    {"cycles", SIM_GROSS},   {"pulse", SIM_GROSS},     {"speed", SIM_SPEED},
    {"rate", SIM_SPEED},     {"state", SIM_STATE},     {"status", SIM_STATE},
    {"mode", SIM_STATE},     {"fault", SIM_FAULT},     {"alarm", SIM_FAULT},
    {"error", SIM_FAULT},    {"running", SIM_RUNNING}, {"run", SIM_RUNNING},
    {"temp", SIM_GLUE},      {"current", SIM_CURRENT}, {"amp", SIM_CURRENT},
    {"freq", SIM_FREQUENCY}, {"width", SIM_SIZE},      {"height", SIM_SIZE},
    {"thickness", SIM_SIZE}, {"length", SIM_SIZE},     {"format", SIM_SIZE},
    {"job", SIM_JOB},        {"order", SIM_JOB},
};

enum { WORD_COUNT = sizeof(words) / sizeof(words[0]) };

static bool is_bit(const struct tag *tag)
{
    return tag->type == TYPE_BOOL;
}

enum sim_kind sim_kind_of(const struct tag *tag)
{
    if (tag->type == TYPE_STRING)
        return SIM_JOB;
    enum sim_kind kind = SIM_WAVE;
    for (size_t i = WORD_COUNT; i-- > 0;)
        if (strcasestr(tag->name, words[i].word))
            kind = words[i].kind;
    if (is_bit(tag) && kind != SIM_RUNNING && kind != SIM_FAULT)
        return SIM_TOGGLE;
    return kind;
}

/* A machine's rhythm: it runs, then stands, and so on for ever. */
struct rhythm {
    double per_s;  /* products while it runs */
    int64_t cycle; /* how many whole cycles there were */
    double in_cycle_s, run_s;
    double ran_s; /* in all */
    bool running;
};

enum { SALT_CYCLE = 1, SALT_RUN, SALT_RATE, SALT_PHASE, SALT_WASTE, SALT_FAULT, SALT_SIZE };

static struct rhythm rhythm_at(uint64_t seed, int64_t time_ms)
{
    double cycle_s = 180 + 420 * sim_share(seed, SALT_CYCLE);
    double run_s = cycle_s * (0.8 + 0.15 * sim_share(seed, SALT_RUN));
    double time_s =
        (double)(time_ms < 0 ? 0 : time_ms) / 1000 + cycle_s * sim_share(seed, SALT_PHASE);
    double cycles = floor(time_s / cycle_s);
    double in_cycle_s = time_s - cycles * cycle_s;
    return (struct rhythm){
        .per_s = (3000 + 12000 * sim_share(seed, SALT_RATE)) / 3600,
        .cycle = (int64_t)cycles,
        .in_cycle_s = in_cycle_s,
        .run_s = run_s,
        .ran_s = cycles * run_s + fmin(in_cycle_s, run_s),
        .running = in_cycle_s < run_s,
    };
}

static double waste_of(double gross, uint64_t seed)
{
    return floor(gross * (0.005 + 0.03 * sim_share(seed, SALT_WASTE)));
}

static bool stop_is_fault(const struct rhythm *rhythm, uint64_t seed)
{
    return sim_share(seed ^ (uint64_t)rhythm->cycle, SALT_FAULT) < 0.3;
}

/* -1 to 1: a slow swing with a little noise, other for every tag. */
static double wander(const struct tag *tag, uint64_t seed, int64_t time_ms)
{
    uint64_t own = sim_mix(seed + tag->address + ((uint64_t)tag->area << 32));
    double period_s = 40 + 200 * sim_share(own, 1);
    double swing = sin(2 * M_PI * ((double)time_ms / 1000 / period_s + sim_share(own, 2)));
    double noise = 2 * sim_share(own, (uint64_t)(time_ms / 100) + 3) - 1;
    return 0.9 * swing + 0.1 * noise;
}

static bool toggle(const struct tag *tag, uint64_t seed, int64_t time_ms)
{
    uint64_t own = sim_mix(seed + ((uint64_t)tag->address << 4) + (uint8_t)tag->bit + 1);
    int64_t period_ms = 4000 + (int64_t)(20000 * sim_share(own, 1));
    return (time_ms / period_ms) % 2;
}

static double fault_value(const struct tag *tag, const struct rhythm *rhythm, uint64_t seed)
{
    if (rhythm->running || !stop_is_fault(rhythm, seed))
        return 0;
    return is_bit(tag) ? 1 : 10 + (double)(rhythm->cycle % 8);
}

static double counter_value(enum sim_kind kind, const struct rhythm *rhythm, uint64_t seed)
{
    double gross = floor(rhythm->ran_s * rhythm->per_s);
    switch (kind) {
    case SIM_GOOD:
        return gross - waste_of(gross, seed);
    case SIM_WASTE:
        return waste_of(gross, seed);
    case SIM_STOPS:
        return (double)rhythm->cycle + !rhythm->running;
    case SIM_ENERGY:
        return rhythm->ran_s * (4 + 8 * sim_share(seed, SALT_RATE)) / 3600;
    case SIM_HOURS:
        return rhythm->ran_s / 3600;
    default:
        return gross;
    }
}

double sim_value(enum sim_kind kind, const struct tag *tag, uint64_t seed, int64_t time_ms)
{
    struct rhythm rhythm = rhythm_at(seed, time_ms);
    double wave = wander(tag, seed, time_ms);
    switch (kind) {
    case SIM_SPEED:
        return rhythm.running ? rhythm.per_s * 3600 * (1 + 0.02 * wave) : 0;
    case SIM_STATE:
        return rhythm.running ? 1 : stop_is_fault(&rhythm, seed) ? 3 : 2;
    case SIM_FAULT:
        return fault_value(tag, &rhythm, seed);
    case SIM_RUNNING:
        return rhythm.running;
    case SIM_GLUE:
        return SIM_GLUE_USUAL + SIM_GLUE_SWING * wave;
    case SIM_CURRENT:
        return rhythm.running ? 12 + 3 * wave : 1 + 0.2 * wave;
    case SIM_FREQUENCY:
        return rhythm.running ? 42 + 0.5 * wave : 0;
    case SIM_SIZE:
        return 10 + floor(290 * sim_share(seed + tag->address + (uint64_t)rhythm.cycle, SALT_SIZE));
    case SIM_JOB:
        return 240000 + (double)((seed % 1000) * 10 + (uint64_t)rhythm.cycle % 10000);
    case SIM_TOGGLE:
        return toggle(tag, seed, time_ms);
    case SIM_WAVE:
        return 500 + 400 * wave;
    default:
        return counter_value(kind, &rhythm, seed);
    }
}

static bool is_counter(enum sim_kind kind)
{
    return kind <= SIM_HOURS;
}

static double most_of(enum tag_type type)
{
    switch (type) {
    case TYPE_U16:
        return UINT16_MAX;
    case TYPE_S16:
        return INT16_MAX;
    case TYPE_BCD16:
        return 9999;
    default:
        return INT32_MAX;
    }
}

double sim_raw(enum sim_kind kind, const struct tag *tag, double value)
{
    double scale = decimal_number(tag->scale);
    double raw = (value - decimal_number(tag->offset)) / (scale != 0 ? scale : 1);
    if (tag->type == TYPE_F32 || tag->type == TYPE_F64 || tag->type == TYPE_DECIMAL)
        return raw;
    while (!is_counter(kind) && fabs(raw) > most_of(tag->type))
        raw /= 10;
    return round(raw);
}
