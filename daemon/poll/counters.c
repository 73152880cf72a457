#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* So many periods without a good answer are a gap. */
enum { GAP_PERIODS = 3 };

struct item {
    struct counter counter;
    int64_t inferred; /* steps that are likely, not certain */
    int64_t seen_ms;  /* the last good answer; COUNTER_TIME_UNKNOWN: none yet */
    bool failed;      /* the last answer was none */
    bool refused;     /* it has been told */
    bool begun;       /* there is a total */
    bool told;        /* in the reading at hand */
};

struct counters {
    const struct machine *machine;
    size_t count;
    struct item items[];
};

/* What goes along with a reading. */
struct taking {
    int64_t at_ms;
    counter_report_fn *report;
    void *context;
};

static const struct counter_place *place_of(const struct counters *counters, size_t i)
{
    return &counters->machine->meaning->counters[i];
}

static const char *name_of(const struct counters *counters, size_t i)
{
    return counters->machine->tags[place_of(counters, i)->tag].name;
}

static void go_on(struct item *item, const struct standing *standing)
{
    item->counter = (struct counter){
        .known = standing->numbers[STANDING_KNOWN] != 0,
        .epoch = (uint32_t)standing->numbers[STANDING_EPOCH],
        .raw = (uint64_t)standing->numbers[STANDING_RAW],
        .total = standing->numbers[STANDING_TOTAL],
        .at_ms = standing->at.boot_ms,
    };
    item->inferred = standing->numbers[STANDING_INFERRED];
    item->begun = true;
}

struct counters *counters_new(const struct machine *machine, struct standings *standings)
{
    const struct meaning *meaning = machine->meaning;
    if (meaning == NULL || meaning->counter_count == 0)
        return NULL;
    struct counters *counters =
        mem_alloc(sizeof(*counters) + meaning->counter_count * sizeof(*counters->items));
    counters->machine = machine;
    counters->count = meaning->counter_count;
    for (size_t i = 0; i < counters->count; i++) {
        struct item *item = &counters->items[i];
        item->seen_ms = COUNTER_TIME_UNKNOWN;
        item->counter.epoch = standings->first_epoch;
        const struct standing *standing =
            standings_find(standings, machine->name, name_of(counters, i));
        if (standing != NULL && standing->count == STANDING_COUNTER_NUMBERS)
            go_on(item, standing);
    }
    return counters;
}

void counters_free(struct counters *counters, struct standings *standings)
{
    for (size_t i = 0; counters != NULL && i < counters->count; i++) {
        const struct item *item = &counters->items[i];
        if (!item->begun)
            continue;
        struct standing *standing = standings_add(standings, counters->machine->name,
                                                  name_of(counters, i), STANDING_COUNTER_NUMBERS);
        standing->numbers[STANDING_TOTAL] = item->counter.total;
        standing->numbers[STANDING_EPOCH] = item->counter.epoch;
        standing->numbers[STANDING_INFERRED] = item->inferred;
        standing->numbers[STANDING_RAW] = (int64_t)item->counter.raw;
        standing->numbers[STANDING_KNOWN] = item->counter.known;
        standing->at.boot_ms = item->counter.at_ms;
    }
    free(counters);
}

void counters_look(const struct counters *counters, size_t place, int64_t *ret_total,
                   int64_t *ret_inferred, int64_t *ret_read_ms)
{
    const struct item *item = &counters->items[place];
    *ret_total = item->counter.total;
    *ret_inferred = item->inferred;
    *ret_read_ms = item->counter.known ? item->counter.at_ms : COUNTER_TIME_UNKNOWN;
}

/* The counter that a tag is; NULL where it is none. Few machines have more than three. */
static struct item *find(struct counters *counters, uint16_t tag,
                         const struct counter_place **ret_place)
{
    for (size_t i = 0; i < counters->count; i++) {
        *ret_place = place_of(counters, i);
        if ((*ret_place)->tag == tag)
            return &counters->items[i];
    }
    return NULL;
}

static bool is_gap(const struct counters *counters, const struct item *item, uint16_t tag,
                   int64_t at_ms)
{
    int64_t every_ms = counters->machine->tags[tag].every_ms;
    if (item->failed || item->seen_ms == COUNTER_TIME_UNKNOWN)
        return true;
    /* One that speaks when it has counted has counted nothing while it says nothing. */
    return !machine_speaks(counters->machine) && at_ms - item->seen_ms > GAP_PERIODS * every_ms;
}

static uint64_t raw_of(const struct value *value)
{
    return value->kind == VALUE_UNSIGNED ? value->whole : (uint64_t)value->mantissa;
}

static struct value whole(uint64_t number)
{
    if (number > INT64_MAX)
        return (struct value){.kind = VALUE_UNSIGNED, .whole = number};
    return (struct value){.kind = VALUE_DECIMAL, .mantissa = (int64_t)number};
}

static size_t add(struct sample *samples, size_t count, uint16_t value, uint64_t number)
{
    samples[count] = (struct sample){.tag = value, .value = whole(number)};
    return count + 1;
}

static size_t add_company(const struct item *item, const struct counter_place *place,
                          struct sample *samples, size_t count)
{
    count = add(samples, count, place->epoch, item->counter.epoch);
    count = add(samples, count, place->inferred, (uint64_t)item->inferred);
    count = add(samples, count, place->raw, item->counter.raw);
    if (!item->counter.known)
        samples[count - 1].value = (struct value){.kind = VALUE_NONE};
    return add(samples, count, place->known, item->counter.known);
}

static bool is_worth_a_report(const struct item *item, const struct counter_step *step,
                              uint32_t epoch_before)
{
    if (step->verdict == COUNTER_REFUSED)
        return !item->refused;
    return item->counter.epoch != epoch_before;
}

/* Takes a good answer. Whether the sample is to be told. */
static bool take(struct counters *counters, struct item *item, const struct counter_place *place,
                 struct sample *sample, const struct taking *taking)
{
    struct counter *counter = &item->counter;
    uint64_t raw = raw_of(&sample->value);
    struct counter_report report = {.place = place, .raw_before = counter->raw, .raw = raw};
    uint32_t epoch_before = counter->epoch;
    report.step = counter_take(&place->config->rule, counter, raw, taking->at_ms,
                               is_gap(counters, item, place->tag, taking->at_ms));
    item->inferred += report.step.inferred;
    item->seen_ms = taking->at_ms;
    item->failed = false;
    report.total = counter->total;
    report.epoch = counter->epoch;
    if (is_worth_a_report(item, &report.step, epoch_before))
        taking->report(taking->context, &report);
    item->refused = report.step.verdict == COUNTER_REFUSED;
    item->told = report.step.verdict != COUNTER_HELD && !item->refused;
    item->begun = item->begun || counter->known;
    if (item->refused)
        *sample = (struct sample){.tag = sample->tag, .quality = QUALITY_RANGE};
    else
        sample->value = whole((uint64_t)counter->total);
    return report.step.verdict != COUNTER_HELD;
}

size_t counters_take(struct counters *counters, struct sample *samples, size_t count, int64_t at_ms,
                     counter_report_fn *report, void *context)
{
    const struct taking taking = {at_ms, report, context};
    const struct counter_place *place;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct item *item = find(counters, samples[i].tag, &place);
        bool good = samples[i].quality == QUALITY_GOOD;
        if (item != NULL && !good)
            item->failed = true;
        if (item == NULL || !good || take(counters, item, place, &samples[i], &taking))
            samples[kept++] = samples[i];
    }
    for (size_t i = 0; i < counters->count; i++) {
        struct item *item = &counters->items[i];
        if (item->told)
            kept = add_company(item, place_of(counters, i), samples, kept);
        item->told = false;
    }
    return kept;
}

int counters_set(struct counters *counters, const char *tag, int64_t total,
                 struct sample ret_samples[COUNTERS_SET_SAMPLES], int64_t *ret_before,
                 struct counter_report *ret_report)
{
    size_t i = 0;
    while (i < counters->count && strcmp(name_of(counters, i), tag) != 0)
        i++;
    if (i == counters->count)
        return -ENOENT;
    struct item *item = &counters->items[i];
    const struct counter_place *place = place_of(counters, i);
    *ret_before = item->counter.total;
    counter_set(&item->counter, total);
    item->begun = true;
    ret_samples[0] = (struct sample){.tag = place->tag, .value = whole((uint64_t)total)};
    add_company(item, place, ret_samples, 1);
    *ret_report = (struct counter_report){.place = place,
                                          .raw_before = item->counter.raw,
                                          .raw = item->counter.raw,
                                          .total = total,
                                          .epoch = item->counter.epoch};
    return 0;
}
