#include "counter.h"

#include <math.h>

enum { SLACK_MS = 1000 };

/* For how long an unknown time is taken, and how fast a counter without a rate may be. */
#define LONGEST_MS (INT64_C(31) * 24 * 3600 * 1000)
#define FASTEST_PER_S 10000.0

/* What a value says that comes after another. */
struct change {
    enum counter_verdict verdict;
    uint64_t delta;
};

static bool is_outside(const struct counter_rule *rule, uint64_t raw)
{
    return rule->modulus != 0 && raw >= rule->modulus;
}

/* Negative: unknown. */
static int64_t elapsed_ms(int64_t from_ms, int64_t to_ms)
{
    int64_t elapsed = 0;
    if (from_ms == COUNTER_TIME_UNKNOWN || __builtin_sub_overflow(to_ms, from_ms, &elapsed))
        return -1;
    return elapsed;
}

static uint64_t most_counts(double per_s, int64_t elapsed)
{
    double ms = (double)(elapsed < 0 ? LONGEST_MS : elapsed) + SLACK_MS;
    double most = ceil(per_s * ms / 1000);
    return most < 0x1p63 ? (uint64_t)most : UINT64_MAX;
}

static bool has_rate(const struct counter_rule *rule)
{
    return rule->kind != COUNTER_KIND_FREE && rule->max_per_s > 0;
}

static uint64_t most_plausible(const struct counter_rule *rule, int64_t elapsed)
{
    return has_rate(rule) ? most_counts(rule->max_per_s, elapsed) : UINT64_MAX;
}

static bool is_rollover(const struct counter_rule *rule, uint64_t from, uint64_t to, uint64_t most)
{
    if (rule->kind != COUNTER_KIND_ROLLOVER)
        return false;
    if (has_rate(rule))
        return rule->modulus - from + to <= most;
    uint64_t quarter = rule->modulus / 4;
    return from >= rule->modulus - quarter && to < quarter;
}

static struct change judge(const struct counter_rule *rule, uint64_t from, uint64_t to,
                           uint64_t most)
{
    /* A kept value may be beyond a modulus that the configuration has changed since. */
    if (is_outside(rule, from))
        return (struct change){.verdict = COUNTER_HELD};
    if (to == from)
        return (struct change){.verdict = COUNTER_SAME};
    if (to > from && to - from <= most)
        return (struct change){.verdict = COUNTER_ADVANCED, .delta = to - from};
    if (to < from && is_rollover(rule, from, to, most))
        return (struct change){COUNTER_ROLLED_OVER, rule->modulus - from + to};
    if (to < from && rule->kind == COUNTER_KIND_RESET && to <= most)
        return (struct change){.verdict = COUNTER_RESET, .delta = to};
    return (struct change){.verdict = COUNTER_HELD};
}

/* Whether the reading could come after the one that is held. */
static bool follows_held(const struct counter_rule *rule, const struct counter *counter,
                         uint64_t raw, int64_t at_ms)
{
    if (!counter->held)
        return false;
    uint64_t most = most_plausible(rule, elapsed_ms(counter->held_at_ms, at_ms));
    enum counter_verdict verdict = judge(rule, counter->held_raw, raw, most).verdict;
    return verdict != COUNTER_HELD && verdict != COUNTER_RESET;
}

/* Whether a change that fits may still be due to words of different moments. */
static bool may_be_torn(const struct counter_rule *rule, const struct counter *counter,
                        uint64_t raw, const struct change *change, int64_t elapsed)
{
    bool reset = change->verdict == COUNTER_RESET;
    if (rule->carry == 0)
        return false;
    if (!(rule->max_per_s > 0))
        return !reset && change->delta >= rule->carry;
    uint64_t most = most_counts(rule->max_per_s, elapsed), whole = raw + rule->carry;
    if (most >= rule->carry || change->delta >= rule->carry)
        return true;
    return reset && whole >= counter->raw && whole - counter->raw <= most;
}

/* Whether the counter may have gone round once more than it seems. */
static bool may_have_wrapped(const struct counter_rule *rule, const struct counter *counter,
                             uint64_t delta, int64_t elapsed)
{
    if (rule->modulus == 0 || (!(rule->max_per_s > 0) && !counter->gap))
        return false;
    double per_s = rule->max_per_s > 0 ? rule->max_per_s : FASTEST_PER_S;
    uint64_t most = most_counts(per_s, elapsed);
    return most >= rule->modulus && delta <= most - rule->modulus;
}

static void add_to_total(struct counter *counter, uint64_t delta, uint32_t multiplier)
{
    int64_t counts = 0;
    if (__builtin_mul_overflow(delta, multiplier, &counts) ||
        __builtin_add_overflow(counter->total, counts, &counter->total))
        counter->total = INT64_MAX;
}

/* From here on is counted. */
static void stand_at(struct counter *counter, uint64_t raw, int64_t at_ms)
{
    counter->known = true;
    counter->raw = raw;
    counter->at_ms = at_ms;
    counter->gap = counter->held = false;
}

static struct counter_step hold(struct counter *counter, uint64_t raw, int64_t at_ms)
{
    /* Of two that do not agree, either may have said something. */
    counter->gap = counter->gap || counter->held;
    counter->held = true;
    counter->held_raw = raw;
    counter->held_at_ms = at_ms;
    return (struct counter_step){.verdict = COUNTER_HELD};
}

static struct counter_step begin(struct counter *counter, uint64_t raw, int64_t at_ms)
{
    stand_at(counter, raw, at_ms);
    return (struct counter_step){.verdict = COUNTER_BASELINE};
}

static struct counter_step begin_anew(struct counter *counter, uint64_t raw, int64_t at_ms)
{
    struct counter_step step = {.verdict = COUNTER_ANOMALY, .inferred = counter->gap};
    counter->epoch++;
    stand_at(counter, raw, at_ms);
    return step;
}

static struct counter_step take_outside(const struct counter_rule *rule, struct counter *counter,
                                        uint64_t raw, int64_t at_ms)
{
    bool again = counter->held && is_outside(rule, counter->held_raw);
    struct counter_step step = hold(counter, raw, at_ms);
    if (again)
        step.verdict = COUNTER_REFUSED;
    return step;
}

static struct counter_step accept(const struct counter_rule *rule, struct counter *counter,
                                  uint64_t raw, int64_t at_ms, const struct change *change,
                                  bool torn)
{
    int64_t elapsed = elapsed_ms(counter->at_ms, at_ms);
    bool wrapped = may_have_wrapped(rule, counter, change->delta, elapsed);
    bool reset = change->verdict == COUNTER_RESET; /* its mark is the epoch */
    bool doubtful = torn || follows_held(rule, counter, raw, at_ms);
    struct counter_step step = {.verdict = change->verdict,
                                .inferred = counter->gap || wrapped || (doubtful && !reset),
                                .delta = change->delta};
    if (reset || (wrapped && change->delta > 0))
        counter->epoch++;
    add_to_total(counter, change->delta, rule->multiplier);
    stand_at(counter, raw, at_ms);
    return step;
}

static struct counter_step take(const struct counter_rule *rule, struct counter *counter,
                                uint64_t raw, int64_t at_ms)
{
    if (is_outside(rule, raw))
        return take_outside(rule, counter, raw, at_ms);
    if (!counter->known)
        return begin(counter, raw, at_ms);
    int64_t elapsed = elapsed_ms(counter->at_ms, at_ms);
    struct change change = judge(rule, counter->raw, raw, most_plausible(rule, elapsed));
    if (change.verdict == COUNTER_HELD && follows_held(rule, counter, raw, at_ms))
        return begin_anew(counter, raw, at_ms);
    if (change.verdict == COUNTER_HELD)
        return hold(counter, raw, at_ms);
    bool torn = may_be_torn(rule, counter, raw, &change, elapsed);
    if (torn && !counter->held)
        return hold(counter, raw, at_ms);
    return accept(rule, counter, raw, at_ms, &change, torn);
}

struct counter_step counter_take(const struct counter_rule *rule, struct counter *counter,
                                 uint64_t raw, int64_t at_ms, bool gap)
{
    if (gap || (counter->known && elapsed_ms(counter->at_ms, at_ms) < 0))
        counter->gap = true;
    struct counter_step step = take(rule, counter, raw, at_ms);
    step.saturated = counter->total == INT64_MAX;
    return step;
}

void counter_set(struct counter *counter, int64_t total)
{
    counter->total = total;
    counter->epoch++;
    counter->known = counter->gap = counter->held = false;
}

const char *counter_verdict_name(enum counter_verdict verdict)
{
    switch (verdict) {
    case COUNTER_BASELINE:
        return "baseline";
    case COUNTER_SAME:
        return "same";
    case COUNTER_ADVANCED:
        return "advanced";
    case COUNTER_ROLLED_OVER:
        return "rolled over";
    case COUNTER_RESET:
        return "reset";
    case COUNTER_HELD:
        return "held";
    case COUNTER_ANOMALY:
        return "anomaly";
    case COUNTER_REFUSED:
        return "refused";
    }
    return "unknown";
}
