#include "modbus_plan.h"

#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "memory.h"

enum {
    ASIDE_AFTER = 3, /* a machine that has just been switched on may refuse what it has */
    RENEW_S = 3600,
};

/* What a tag asks of its table: words, or bits of coils and discrete inputs. */
struct want {
    int64_t every_ms;
    uint8_t function;
    bool alone;
    uint16_t tag;
    uint32_t start, end;
};

static uint8_t area_function(enum area area)
{
    switch (area) {
    case AREA_COIL:
        return 1;
    case AREA_DISCRETE:
        return 2;
    case AREA_INPUT:
        return 4;
    case AREA_HOLDING:
    case AREA_TEXT:
        break;
    }
    return 3;
}

static bool reads_bits(uint8_t function)
{
    return function <= 2;
}

static int compare_wants(const void *left, const void *right)
{
    const struct want *a = left, *b = right;

    if (a->every_ms != b->every_ms)
        return a->every_ms < b->every_ms ? -1 : 1;
    if (a->function != b->function)
        return a->function < b->function ? -1 : 1;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->tag > b->tag) - (a->tag < b->tag);
}

static struct want *sorted_wants(const struct machine *machine, const bool *refused)
{
    struct want *wants = mem_array(machine->tag_count, sizeof *wants);

    for (size_t i = 0; i < machine->tag_count; i++) {
        const struct tag *tag = &machine->tags[i];
        wants[i] = (struct want){
            .every_ms = tag->every_ms,
            .function = area_function(tag->area),
            .alone = refused != NULL && refused[i],
            .tag = (uint16_t)i,
            .start = tag->address,
            .end = (uint32_t)tag->address + tag_width(tag),
        };
    }
    if (machine->tag_count > 0)
        qsort(wants, machine->tag_count, sizeof *wants, compare_wants);
    return wants;
}

static bool span_takes(const struct span *span, const struct want *want, const struct link *link)
{
    uint32_t unit = reads_bits(span->function) ? 16 : 1;
    uint32_t end = (uint32_t)span->start + span->count;

    if (want->every_ms != span->every_ms || want->function != span->function)
        return false;
    if (want->alone || span->refusals > 0)
        return false;
    if (want->start > end + link->gap * unit)
        return false;
    return want->end <= end || want->end - span->start <= link->max_registers * unit;
}

size_t modbus_plan_find(const struct modbus_plan *plan, uint16_t tag)
{
    size_t at = 0, span = 0;

    while (plan->tags[at] != tag)
        at++;
    while (at < plan->spans[span].first_tag ||
           at >= (size_t)plan->spans[span].first_tag + plan->spans[span].tag_count)
        span++;
    return span;
}

/* So that what a poll has counted was counted in the job that it tells. */
static void put_job_last(struct modbus_plan *plan, const struct machine *machine)
{
    if (machine->job == NULL || machine->job->id == JOB_NO_TAG)
        return;
    struct span *job = &plan->spans[modbus_plan_find(plan, machine->job->id)];
    struct span last = *job;
    size_t behind = (size_t)(plan->spans + plan->span_count - job) - 1;

    memmove(job, job + 1, behind * sizeof *job);
    job[behind] = last;
}

/* Taking each tag, by its start, into the span at hand as long as it fits gives the fewest spans:
 * what comes after one that doesn't fit, and would, lies wholly inside it. */
struct modbus_plan *modbus_plan_new(const struct machine *machine, const bool *refused)
{
    struct modbus_plan *plan = mem_alloc(sizeof *plan);
    struct want *wants = sorted_wants(machine, refused);
    struct span *span = NULL;

    plan->spans = mem_array(machine->tag_count, sizeof *plan->spans);
    plan->tags = mem_array(machine->tag_count, sizeof *plan->tags);
    for (size_t i = 0; i < machine->tag_count; i++) {
        const struct want *want = &wants[i];
        if (span == NULL || !span_takes(span, want, machine->link)) {
            span = &plan->spans[plan->span_count++];
            span->function = want->function;
            span->refusals = want->alone ? ASIDE_AFTER - 1 : 0;
            span->every_ms = want->every_ms;
            span->start = (uint16_t)want->start;
            span->first_tag = (uint16_t)i;
        }
        if (want->end > (uint32_t)span->start + span->count)
            span->count = (uint16_t)(want->end - span->start);
        span->tag_count++;
        plan->tags[i] = want->tag;
    }
    free(wants);
    plan->spans = mem_resize(plan->spans, plan->span_count * sizeof *plan->spans);
    put_job_last(plan, machine);
    return plan;
}

/* Makes the span just as wide as its tags. */
static void fit_span(struct span *span, const struct machine *machine, const uint16_t *tags)
{
    uint32_t end = 0;

    span->start = machine->tags[tags[span->first_tag]].address;
    for (size_t i = 0; i < span->tag_count; i++) {
        const struct tag *tag = &machine->tags[tags[span->first_tag + i]];
        if ((uint32_t)tag->address + tag_width(tag) > end)
            end = (uint32_t)tag->address + tag_width(tag);
    }
    span->count = (uint16_t)(end - span->start);
}

/* How many of the span's tags, which lie by their addresses, go into its first half. */
static uint16_t best_cut(const struct span *span, const struct machine *machine,
                         const uint16_t *tags)
{
    uint16_t cut = span->tag_count / 2;
    int64_t widest = 0, end = 0;

    for (uint16_t i = 0; i < span->tag_count; i++) {
        const struct tag *tag = &machine->tags[tags[span->first_tag + i]];
        if (i > 0 && tag->address - end > widest) {
            widest = tag->address - end;
            cut = i;
        }
        if (tag->address + tag_width(tag) > end)
            end = tag->address + tag_width(tag);
    }
    return cut;
}

static void swap(struct span *a, struct span *b)
{
    struct span was = *a;

    *a = *b;
    *b = was;
}

/* The first half takes the span's place; that which says the job comes last. */
static void split(struct modbus_plan *plan, const struct machine *machine, size_t index)
{
    plan->spans = mem_resize(plan->spans, (plan->span_count + 1) * sizeof *plan->spans);

    struct span *first = &plan->spans[index], *second = first + 1;

    memmove(second + 1, second, (plan->span_count - index - 1) * sizeof *second);
    plan->span_count++;
    *second = *first;
    first->tag_count = best_cut(first, machine, plan->tags);
    second->first_tag = (uint16_t)(first->first_tag + first->tag_count);
    second->tag_count = (uint16_t)(second->tag_count - first->tag_count);
    fit_span(first, machine, plan->tags);
    fit_span(second, machine, plan->tags);
    if (machine->job != NULL && modbus_plan_find(plan, machine->job->id) == index)
        swap(first, second);
}

/* Whether something else of the span's period is asked for. */
static bool has_company(const struct modbus_plan *plan, const struct span *span)
{
    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *other = &plan->spans[i];
        if (other != span && !other->aside && other->every_ms == span->every_ms)
            return true;
    }
    return false;
}

static void refuse(struct modbus_plan *plan, struct span *span)
{
    if (span->refusals < ASIDE_AFTER)
        span->refusals++;
    span->aside = span->refusals == ASIDE_AFTER && has_company(plan, span);
}

bool modbus_plan_heard(struct modbus_plan *plan, const struct machine *machine, size_t index,
                       int result, int64_t now_ns)
{
    struct span *span = &plan->spans[index];

    if (result == EXCEPTION_ILLEGAL_ADDRESS) {
        bool several = span->tag_count > 1;
        if (plan->renew_ns == 0)
            plan->renew_ns = now_ns + RENEW_S * INT64_C(1000000000);
        if (several)
            split(plan, machine, index);
        else
            refuse(plan, span);
        return several;
    }
    if (result == 0 && span->refusals > 0) {
        span->refusals = 0;
        plan->renew_ns = now_ns;
    }
    return false;
}

void modbus_plan_begin(struct modbus_plan *plan, const struct machine *machine, int64_t now_ns)
{
    if (plan->renew_ns == 0 || now_ns < plan->renew_ns)
        return;
    bool *refused = mem_array(machine->tag_count, sizeof *refused);
    for (size_t i = 0; i < plan->span_count; i++)
        if (plan->spans[i].refusals > 0)
            refused[plan->tags[plan->spans[i].first_tag]] = true;
    struct modbus_plan *renewed = modbus_plan_new(machine, refused);
    free(refused);
    free(plan->spans);
    free(plan->tags);
    *plan = *renewed;
    free(renewed);
}

void modbus_plan_fetch(const struct modbus_plan *plan, size_t tag_count)
{
    fetch(plan->spans, plan->span_count * sizeof *plan->spans);
    fetch(plan->tags, tag_count * sizeof *plan->tags);
}

void modbus_plan_free(struct modbus_plan *plan)
{
    if (plan == NULL)
        return;
    free(plan->spans);
    free(plan->tags);
    free(plan);
}
