/* limits: the window that a value is to stay in. */
#include "load.h"

static field_read_fn read_bound;

enum { LIMIT_LOW, LIMIT_HIGH, LIMIT_HYSTERESIS, LIMIT_FIELDS };

static const struct field limit_fields[LIMIT_FIELDS] = {
    [LIMIT_LOW] = {.key = "low", .read = read_bound, .offset = offsetof(struct tag_limits, low)},
    [LIMIT_HIGH] = {.key = "high", .read = read_bound, .offset = offsetof(struct tag_limits, high)},
    [LIMIT_HYSTERESIS] = {.key = "hysteresis",
                          .read = read_bound,
                          .offset = offsetof(struct tag_limits, hysteresis)},
};

static const struct section limit_section = {"limits", limit_fields, LIMIT_FIELDS};

static void read_bound(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    static const char expected[] = "a decimal number, in the tag's unit";
    double *bound = (void *)((char *)object + field->offset);
    struct decimal number = {0};

    if (load_decimal(load, field, value, expected, &number))
        *bound = decimal_number(number);
}

bool load_limits(struct load *load, const struct node *value, const struct tag *tag,
                 struct tag_limits *ret_limits)
{
    const struct node *seen[LIMIT_FIELDS];
    struct tag_limits limits = {0};
    size_t faults = load->faults.count;

    load_section(load, &limit_section, value, seen, &limits);
    limits.has_low = seen[LIMIT_LOW] != NULL;
    limits.has_high = seen[LIMIT_HIGH] != NULL;
    if (load->faults.count != faults)
        return false;
    if (tag->type == TYPE_BOOL || tag->type == TYPE_STRING)
        load_fault(load, value, "limits: does not go with a %s; expected it with numbers only",
                   tag_type_name(tag->type));
    else if (!limits.has_low && !limits.has_high)
        load_fault(load, value, "limits: none stands here; expected low, high or both");
    else if (limits.hysteresis < 0)
        load_fault(load, load_value(seen[LIMIT_HYSTERESIS]),
                   "hysteresis: is negative; expected 0 or more");
    else if (limits.has_low && limits.has_high &&
             limits.low + limits.hysteresis > limits.high - limits.hysteresis)
        load_fault(
            load, value,
            "limits: leave no window; expected low + hysteresis not above high - hysteresis");
    *ret_limits = limits;
    return load->faults.count == faults;
}
