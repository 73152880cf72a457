/* counter: what a tag counts, and how what is read of it becomes a running total. */
#include <math.h>
#include <string.h>

#include "load.h"
#include "phrase.h"

enum {
    CARRY_WORDS = 65536,
    CARRY_BCD = 10000,
    MULTIPLIER_MOST = 1000000,
    MODULUS_LEAST = 2,
    SLACK_S = 1, /* what counter.h grants beside the time between two polls */
};

#define BCD32_VALUES INT64_C(100000000)

static field_read_fn read_rate;

static const struct choice kinds[] = {{"rollover", COUNTER_KIND_ROLLOVER},
                                      {"reset", COUNTER_KIND_RESET},
                                      {"free", COUNTER_KIND_FREE},
                                      {NULL, 0}};
static const struct choice counted[] = {{"good", COUNTS_GOOD},
                                        {"waste", COUNTS_WASTE},
                                        {"gross", COUNTS_GROSS},
                                        {"other", COUNTS_OTHER},
                                        {NULL, 0}};
static const struct choice truths[] = {{"true", true}, {"false", false}, {NULL, 0}};

enum { COUNTER_COUNTS, COUNTER_KIND, COUNTER_MODULUS, COUNTER_RATE, COUNTER_MULTIPLIER };
enum { COUNTER_RAW = COUNTER_MULTIPLIER + 1, COUNTER_FIELDS };

static const struct field counter_fields[COUNTER_FIELDS] = {
    [COUNTER_COUNTS] = {.key = "counts",
                        .read = load_read_choice,
                        .offset = offsetof(struct tag_counter, counts),
                        .choices = counted,
                        .required = "what it counts: good, waste, gross or other"},
    [COUNTER_KIND] = {.key = "kind",
                      .read = load_read_choice,
                      .offset = offsetof(struct tag_counter, rule.kind),
                      .choices = kinds,
                      .required = "how it goes on: rollover, reset or free"},
    [COUNTER_MODULUS] = {.key = "modulus",
                         .read = load_read_u64,
                         .offset = offsetof(struct tag_counter, rule.modulus),
                         .least = MODULUS_LEAST,
                         .most = INT64_MAX},
    [COUNTER_RATE] = {.key = "max_rate",
                      .read = read_rate,
                      .offset = offsetof(struct tag_counter, rule.max_per_s)},
    [COUNTER_MULTIPLIER] = {.key = "multiplier",
                            .read = load_read_u32,
                            .offset = offsetof(struct tag_counter, rule.multiplier),
                            .least = 1,
                            .most = MULTIPLIER_MOST},
    [COUNTER_RAW] = {.key = "raw",
                     .read = load_read_bool_choice,
                     .offset = offsetof(struct tag_counter, tell_raw),
                     .choices = truths},
};

static const struct section counter_section = {"a counter", counter_fields, COUNTER_FIELDS};

/* "20000/h", "5.5/s" */
static void read_rate(struct load *load, const struct field *field, const struct node *value,
                      void *object)
{
    struct rate rate = {0};

    if (load_rate(load, field->key, value, "the highest plausible rate of what is read", &rate))
        ((struct tag_counter *)object)->rule.max_per_s = rate.number / rate.seconds;
}

/* One above the highest value of the type; 0: 2^64, or the type can't count. */
static uint64_t type_modulus(enum tag_type type)
{
    switch (type) {
    case TYPE_U16:
        return CARRY_WORDS;
    case TYPE_U32:
        return UINT64_C(1) << 32;
    case TYPE_BCD16:
        return CARRY_BCD;
    case TYPE_BCD32:
        return BCD32_VALUES;
    default:
        return 0;
    }
}

static uint32_t type_carry(enum tag_type type)
{
    if (type == TYPE_BCD32)
        return CARRY_BCD;
    return type == TYPE_U32 || type == TYPE_U64 ? CARRY_WORDS : 0;
}

/* Whether a whole turn of the counter could hide between two polls, so that no total is sure. */
static void check_turn(struct load *load, const struct tag *tag, const struct counter_rule *rule,
                       const struct node *rate)
{
    double between_s = (double)tag->every_ms / 1000 + SLACK_S;

    if (!rate || rule->modulus == 0 || rule->kind != COUNTER_KIND_ROLLOVER)
        return;
    if (ceil(rule->max_per_s * between_s) < (double)rule->modulus)
        return;
    load_refuse(load, "max_rate", rate, "lets it go all the way round between two polls",
                "less than its modulus of %llu within %s and a second, or a shorter every",
                (unsigned long long)rule->modulus, phrase_duration(tag->every_ms).text);
}

static void check_modulus(struct load *load, const struct tag *tag, struct counter_rule *rule,
                          const struct node *modulus)
{
    uint64_t most = type_modulus(tag->type);

    if (modulus && most > 0 && rule->modulus > most) {
        load_refuse(load, "modulus", modulus, "is beyond what the type can hold",
                    "at most %llu for %s", (unsigned long long)most, tag_type_name(tag->type));
    }
    if (rule->modulus == 0)
        rule->modulus = most;
}

/* A total goes on whatever was read, and is exact: what would bend it does not go with it. */
static void check_company(struct load *load, const struct tag_company *company)
{
    for (size_t i = 0; i < TAG_COMPANY_KEYS; i++) {
        const struct node *key = company->keys[i];
        if (key)
            load_fault(load, key, "%s: does not go with a counter; expected it to be left out%s",
                       key->text,
                       strcmp(key->text, "deadband") == 0 ? ""
                                                          : ", or a multiplier in its counter");
    }
}

bool load_counter(struct load *load, const struct node *value, const struct tag *tag,
                  const struct tag_company *company, struct tag_counter *ret_counter)
{
    const struct node *seen[COUNTER_FIELDS];
    struct tag_counter counter = {.rule.multiplier = 1};
    size_t faults = load->faults.count;

    load_section(load, &counter_section, value, seen, &counter);
    if (type_modulus(tag->type) == 0 && tag->type != TYPE_U64) {
        load_fault(load, value,
                   "counter: does not go with %s; expected the type u16, u32, u64, "
                   "bcd16 or bcd32",
                   tag_type_name(tag->type));
        return false;
    }
    if (tag->area != AREA_TEXT) /* a line is read as a whole */
        counter.rule.carry = type_carry(tag->type);
    check_modulus(load, tag, &counter.rule, load_value(seen[COUNTER_MODULUS]));
    check_turn(load, tag, &counter.rule, load_value(seen[COUNTER_RATE]));
    check_company(load, company);
    *ret_counter = counter;
    return load->faults.count == faults;
}
