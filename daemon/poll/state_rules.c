/* What the samples of a machine say of its state. */
#include <math.h>
#include <stdlib.h>

#include "state.h"

__extension__ typedef __int128 int128_t;

enum verdict { VERDICT_NO, VERDICT_YES, VERDICT_UNSURE };

static bool is_good(const struct sample *sample)
{
    return sample->quality == QUALITY_GOOD && sample->value.kind != VALUE_NONE;
}

static int64_t power_of_ten(unsigned exponent)
{
    int64_t power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

static int sign_of(double difference)
{
    return (difference > 0) - (difference < 0);
}

/* Exactly; a real is compared as the nearest of its kind, which is what it is told as too. */
static int compare(const struct value *value, struct decimal number)
{
    int128_t left = 0;
    uint8_t decimals = 0;

    switch (value->kind) {
    case VALUE_REAL32:
        return sign_of((double)value->real32 - (double)(float)decimal_number(number));
    case VALUE_REAL64:
        return sign_of(value->real64 - decimal_number(number));
    case VALUE_BOOL:
        left = value->boolean;
        break;
    case VALUE_UNSIGNED:
        left = value->whole;
        break;
    default:
        left = value->mantissa;
        decimals = value->decimals;
    }
    int128_t right = number.mantissa;
    left *= power_of_ten(number.decimals);
    right *= power_of_ten(decimals);
    return (left > right) - (left < right);
}

static bool holds(enum state_operator op, int order)
{
    switch (op) {
    case STATE_EQUAL:
        return order == 0;
    case STATE_UNEQUAL:
        return order != 0;
    case STATE_ABOVE:
        return order > 0;
    case STATE_AT_LEAST:
        return order >= 0;
    case STATE_BELOW:
        return order < 0;
    case STATE_AT_MOST:
        return order <= 0;
    }
    return false;
}

/* One condition that does not hold is enough for a no, whatever can't be read beside it. */
static enum verdict judge(const struct state_rule *rule, const struct sample *samples)
{
    enum verdict verdict = VERDICT_YES;

    for (size_t i = 0; i < rule->count; i++) {
        const struct state_condition *condition = &rule->conditions[i];
        const struct sample *sample = &samples[condition->tag];
        if (!is_good(sample) || sample->value.kind == VALUE_TEXT)
            verdict = VERDICT_UNSURE;
        else if (!holds(condition->op, compare(&sample->value, condition->number)))
            return VERDICT_NO;
    }
    return verdict;
}

/* False where it is no whole number of 63 bits. */
static bool to_whole(const struct value *value, int64_t *ret_number)
{
    double real = value->kind == VALUE_REAL32 ? (double)value->real32 : value->real64;

    switch (value->kind) {
    case VALUE_BOOL:
        *ret_number = value->boolean;
        return true;
    case VALUE_DECIMAL:
        *ret_number = value->mantissa / power_of_ten(value->decimals);
        return value->mantissa % power_of_ten(value->decimals) == 0;
    case VALUE_REAL32:
    case VALUE_REAL64:
        if (real != trunc(real) || fabs(real) >= 0x1p63)
            return false;
        *ret_number = (int64_t)real;
        return true;
    default:
        return false;
    }
}

static int compare_codes(const void *key, const void *item)
{
    const int64_t *code = key;
    const struct state_code *other = item;

    return (*code > other->code) - (*code < other->code);
}

static int compare_reasons(const void *key, const void *item)
{
    const int64_t *code = key;
    const struct state_reason *other = item;

    return (*code > other->code) - (*code < other->code);
}

static uint32_t reason_or_none(const char *text)
{
    return text ? state_reason_of_text(text) : 0;
}

/* What the tag tells that is asked when no rule holds. */
static struct state_observation observe_code(const struct state_config *config,
                                             const struct sample *samples)
{
    struct state_observation seen = {.state = STATE_UNKNOWN};

    if (!config->codes || !is_good(&samples[config->from]) ||
        !to_whole(&samples[config->from].value, &seen.code))
        return seen;
    seen.has_code = true;
    const struct state_code *code = bsearch(&seen.code, config->codes->codes, config->codes->count,
                                            sizeof *code, compare_codes);
    if (code) {
        seen.state = code->state;
        seen.reason = reason_or_none(code->reason);
    }
    return seen;
}

/* A rule that may hold, before the one that does: it makes no difference if it comes to the same.
 */
static void weigh(struct state_observation *seen, const struct state_rule *doubtful)
{
    if (doubtful->state != seen->state)
        seen->state = STATE_UNKNOWN;
    else if (reason_or_none(doubtful->reason) != seen->reason)
        seen->reason_unsure = true;
}

/* The reason's tag speaks where nothing else gave a reason. */
static void add_reason(struct state_observation *seen, const struct state_config *config,
                       const struct sample *samples)
{
    int64_t number = 0;

    if (config->reason == STATE_NO_TAG || seen->state == STATE_PRODUCTION || seen->reason != 0)
        return;
    if (!is_good(&samples[config->reason])) {
        seen->reason_unsure = true;
        return;
    }
    if (!to_whole(&samples[config->reason].value, &number))
        return;
    const struct state_reason *reason = NULL;
    if (config->reason_count > 0)
        reason = bsearch(&number, config->reasons, config->reason_count, sizeof *reason,
                         compare_reasons);
    seen->reason = reason ? state_reason_of_text(reason->reason) : state_reason_of_number(number);
}

struct state_observation state_observe(const struct state_config *config,
                                       const struct sample *samples)
{
    struct state_observation seen = {.state = STATE_UNKNOWN};
    enum verdict verdicts[STATE_MAX_RULES];
    size_t decides = 0;

    for (; decides < config->rule_count; decides++) {
        verdicts[decides] = judge(&config->rules[decides], samples);
        if (verdicts[decides] == VERDICT_YES)
            break;
    }
    if (decides == config->rule_count) {
        seen = observe_code(config, samples);
    } else {
        seen.state = config->rules[decides].state;
        seen.reason = reason_or_none(config->rules[decides].reason);
    }
    for (size_t i = 0; i < decides && seen.state != STATE_UNKNOWN; i++)
        if (verdicts[i] == VERDICT_UNSURE)
            weigh(&seen, &config->rules[i]);
    if (seen.state == STATE_UNKNOWN)
        seen = (struct state_observation){.has_code = seen.has_code, .code = seen.code};
    else
        add_reason(&seen, config, samples);
    if (seen.reason_unsure)
        seen.reason = 0;
    return seen;
}
