#include "filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "memory.h"

struct told {
    struct value value;
    uint8_t quality; /* NEVER_TOLD, or as in a sample */
    uint8_t exception;
};

enum { NEVER_TOLD = UINT8_MAX };

struct filter {
    const struct machine *machine;
    struct told *told;   /* one a value */
    int64_t *told_at_ms; /* likewise; NULL where no tag has a heartbeat */
    bool plain;          /* no tag has a heartbeat or a deadband */
};

static bool has_heartbeats(const struct machine *machine)
{
    for (size_t i = 0; i < machine->tag_count; i++)
        if (machine->tags[i].heartbeat_ms > 0)
            return true;
    return false;
}

static bool is_plain(const struct machine *machine)
{
    for (size_t i = 0; i < machine->tag_count; i++)
        if (machine->tags[i].deadband > 0 || machine->tags[i].heartbeat_ms > 0)
            return false;
    return true;
}

struct filter *filter_new(const struct machine *machine)
{
    struct filter *filter = mem_alloc(sizeof(*filter));
    filter->machine = machine;
    filter->told = mem_array(machine_state_kept(machine), sizeof(*filter->told));
    filter_forget(filter);
    filter->plain = is_plain(machine);
    if (has_heartbeats(machine))
        filter->told_at_ms = mem_array(machine_state_kept(machine), sizeof(*filter->told_at_ms));
    return filter;
}

void filter_forget(struct filter *filter)
{
    for (size_t i = 0; i < machine_state_kept(filter->machine); i++) {
        if (filter->told[i].value.kind == VALUE_TEXT)
            free((char *)filter->told[i].value.text);
        filter->told[i] = (struct told){.quality = NEVER_TOLD};
    }
}

void filter_fetch(const struct filter *filter)
{
    fetch(filter, sizeof(*filter));
}

void filter_fetch_values(const struct filter *filter)
{
    fetch(filter->told, filter->machine->tag_count * sizeof(*filter->told));
}

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    filter_forget(filter);
    free(filter->told);
    free(filter->told_at_ms);
    free(filter);
}

bool filter_moved(const struct tag *tag, const struct value *from, const struct value *to)
{
    if (tag->deadband == 0 || from->kind != to->kind)
        return !value_equal(from, to);
    /* The margin is for decimals that doubles can't hold: 56.3 - 55.8 is to count as 0.5. */
    double distance = fabs(value_number(to) - value_number(from));
    return distance >= tag->deadband * (1 - 1e-9);
}

static bool is_due(const struct filter *filter, const struct sample *sample, int64_t now_ms)
{
    const struct told *told = &filter->told[sample->tag];
    if (sample->quality != told->quality || sample->exception != told->exception)
        return true;
    if (sample->tag >= filter->machine->tag_count)
        return !value_equal(&told->value, &sample->value);
    const struct tag *tag = &filter->machine->tags[sample->tag];
    if (tag->heartbeat_ms > 0 && now_ms - filter->told_at_ms[sample->tag] >= tag->heartbeat_ms)
        return true;
    return sample->quality == QUALITY_GOOD && filter_moved(tag, &told->value, &sample->value);
}

static void remember(struct filter *filter, const struct sample *sample, int64_t now_ms)
{
    struct told *told = &filter->told[sample->tag];
    if (filter->told_at_ms != NULL)
        filter->told_at_ms[sample->tag] = now_ms;
    told->quality = sample->quality;
    told->exception = sample->exception;
    char *text = told->value.kind == VALUE_TEXT ? (char *)told->value.text : NULL;
    told->value = sample->value;
    if (sample->value.kind == VALUE_TEXT) {
        text = mem_resize(text, sample->value.length + 1u);
        memcpy(text, sample->value.text, sample->value.length);
        told->value.text = text;
    } else {
        free(text);
    }
}

/* Most values are decimals, now and when they were told last, and there are thousands a second. */
static bool both_decimals(const struct told *told, const struct sample *sample)
{
    return (sample->quality | told->quality) == QUALITY_GOOD &&
           sample->value.kind == VALUE_DECIMAL && told->value.kind == VALUE_DECIMAL;
}

static inline bool pass_decimal(struct value *told, const struct value *now)
{
    if (told->mantissa == now->mantissa && told->decimals == now->decimals)
        return false;
    *told = *now;
    return true;
}

static bool pass_any(struct filter *filter, const struct sample *sample, int64_t now_ms)
{
    if (!is_due(filter, sample, now_ms))
        return false;
    remember(filter, sample, now_ms);
    return true;
}

size_t filter_pass(struct filter *filter, struct sample *samples, size_t count, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        struct told *told = &filter->told[sample->tag];
        bool passes = filter->plain && both_decimals(told, sample)
                          ? pass_decimal(&told->value, &sample->value)
                          : pass_any(filter, sample, now_ms);
        if (passes)
            samples[kept++] = *sample;
    }
    return kept;
}
