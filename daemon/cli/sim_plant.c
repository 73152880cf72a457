#include "sim_plant.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "memory.h"

enum { ILLEGAL_DATA_ADDRESS = 2 };

static enum area area_of(uint8_t function)
{
    static const enum area areas[] = {
        [1] = AREA_COIL, [2] = AREA_DISCRETE, [3] = AREA_HOLDING, [4] = AREA_INPUT};
    return areas[function];
}

static struct sim_unit *find_unit(const struct sim_bus *bus, uint8_t number)
{
    for (size_t i = 0; i < bus->unit_count; i++)
        if (bus->units[i].unit == number)
            return &bus->units[i];
    return NULL;
}

static struct sim_unit *add_unit(struct sim_bus *bus, uint8_t number)
{
    bus->units = mem_resize(bus->units, (bus->unit_count + 1) * sizeof(*bus->units));
    struct sim_unit *unit = &bus->units[bus->unit_count++];
    *unit = (struct sim_unit){.unit = number};
    return unit;
}

static void add_extents(struct sim_unit *unit, const struct machine *machine)
{
    struct modbus_plan *plan = modbus_plan_new(machine, NULL);
    unit->extents =
        mem_resize(unit->extents, (unit->extent_count + plan->span_count) * sizeof(*unit->extents));
    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];
        unit->extents[unit->extent_count++] = (struct sim_extent){
            area_of(span->function), span->start, span->start + (uint32_t)span->count - 1};
    }
    modbus_plan_free(plan);
}

static struct sim_tale *add_tale(struct sim_bus *bus, const struct machine *machine, uint64_t seed)
{
    struct sim_tale *tale = sim_tale_new(machine, seed);
    if (!tale)
        return NULL;
    bus->tales = mem_resize(bus->tales, (bus->tale_count + 1) * sizeof(struct sim_tale *));
    bus->tales[bus->tale_count++] = tale;
    return tale;
}

static void add_speaker(struct sim_bus *bus, const struct machine *machine, uint64_t seed)
{
    struct sim_tale *tale = add_tale(bus, machine, seed);
    bus->speakers =
        mem_resize(bus->speakers, (bus->speaker_count + 1) * sizeof(struct sim_speaker *));
    bus->speakers[bus->speaker_count++] = sim_speaker_new(machine, seed, tale);
}

void sim_bus_add(struct sim_bus *bus, const struct machine *machine, uint64_t seed)
{
    if (machine->text) {
        add_speaker(bus, machine, seed);
        return;
    }
    struct sim_unit *unit = find_unit(bus, machine->unit);
    if (!unit)
        unit = add_unit(bus, machine->unit);
    struct sim_tale *tale = add_tale(bus, machine, seed);
    unit->points =
        mem_resize(unit->points, (unit->point_count + machine->tag_count) * sizeof(*unit->points));
    for (size_t i = 0; i < machine->tag_count; i++) {
        const struct tag *tag = &machine->tags[i];
        unit->points[unit->point_count++] =
            (struct sim_point){tag, seed, sim_kind_of(tag), tale, i};
    }
    add_extents(unit, machine);
}

static int compare_points(const void *a, const void *b)
{
    const struct tag *one = ((const struct sim_point *)a)->tag;
    const struct tag *other = ((const struct sim_point *)b)->tag;
    if (one->area != other->area)
        return one->area < other->area ? -1 : 1;
    if (one->address != other->address)
        return one->address < other->address ? -1 : 1;
    return one->bit - other->bit;
}

static int compare_extents(const void *a, const void *b)
{
    const struct sim_extent *one = a, *other = b;
    if (one->area != other->area)
        return one->area < other->area ? -1 : 1;
    return one->first < other->first ? -1 : one->first > other->first;
}

static void join_extents(struct sim_unit *unit)
{
    size_t kept = 0;
    for (size_t i = 0; i < unit->extent_count; i++) {
        const struct sim_extent *next = &unit->extents[i];
        struct sim_extent *last = kept ? &unit->extents[kept - 1] : NULL;
        if (!last || last->area != next->area || next->first > last->last + 1)
            unit->extents[kept++] = *next;
        else if (next->last > last->last)
            last->last = next->last;
    }
    unit->extent_count = kept;
}

void sim_bus_settle(struct sim_bus *bus)
{
    for (size_t i = 0; i < bus->unit_count; i++) {
        struct sim_unit *unit = &bus->units[i];
        qsort(unit->points, unit->point_count, sizeof(*unit->points), compare_points);
        qsort(unit->extents, unit->extent_count, sizeof(*unit->extents), compare_extents);
        join_extents(unit);
    }
    if (bus->link->driver == DRIVER_MODBUS_TCP && bus->tale_count > 1)
        sim_tale_join(bus->tales, bus->tale_count);
}

void sim_bus_free(struct sim_bus *bus)
{
    for (size_t i = 0; i < bus->unit_count; i++) {
        free(bus->units[i].points);
        free(bus->units[i].extents);
    }
    free(bus->units);
    for (size_t i = 0; i < bus->speaker_count; i++)
        sim_speaker_free(bus->speakers[i]);
    free(bus->speakers);
    for (size_t i = 0; i < bus->tale_count; i++)
        sim_tale_free(bus->tales[i]);
    free(bus->tales);
}

static bool has_addresses(const struct sim_unit *unit, const struct span *span)
{
    enum area area = area_of(span->function);
    uint32_t last = span->start + (uint32_t)span->count - 1;
    for (size_t i = 0; i < unit->extent_count; i++) {
        const struct sim_extent *extent = &unit->extents[i];
        if (extent->area == area && extent->first <= span->start && extent->last >= last)
            return true;
    }
    return false;
}

/* The first point that may reach into what begins at `start`. */
static size_t first_point(const struct sim_unit *unit, enum area area, uint32_t start)
{
    size_t low = 0, high = unit->point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct tag *tag = unit->points[middle].tag;
        bool before = tag->area < area ||
                      (tag->area == area && tag->address + (uint32_t)MODBUS_MAX_WORDS <= start);
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double raw_of(const struct sim_point *point, int64_t time_ms)
{
    if (point->tale)
        return sim_tale_raw(point->tale, point->index, point->kind, time_ms);
    return sim_raw(point->kind, point->tag,
                   sim_value(point->kind, point->tag, point->seed, time_ms));
}

/* Writes a tag's value over those of its words that lie in the span; a bit leaves the other bits
 * of its word alone. */
static void fill_point(const struct sim_point *point, const struct span *span, int64_t time_ms,
                       uint16_t *words)
{
    uint16_t own[MODBUS_MAX_WORDS] = {0};
    int32_t offset = point->tag->address - (int32_t)span->start;
    int32_t width = tag_width(point->tag);
    int32_t from = offset < 0 ? -offset : 0;
    int32_t to = offset + width > span->count ? span->count - offset : width;
    if (from >= to)
        return;
    size_t bytes = (size_t)(to - from) * sizeof(*words);
    memcpy(own + from, words + offset + from, bytes);
    encode_tag(point->tag, raw_of(point, time_ms), own);
    memcpy(words + offset + from, own + from, bytes);
}

static void fill_words(const struct sim_unit *unit, const struct span *span, int64_t time_ms,
                       uint16_t *words)
{
    enum area area = area_of(span->function);
    uint32_t end = span->start + (uint32_t)span->count;
    for (size_t i = first_point(unit, area, span->start); i < unit->point_count; i++) {
        const struct tag *tag = unit->points[i].tag;
        if (tag->area != area || tag->address >= end)
            break;
        fill_point(&unit->points[i], span, time_ms, words);
    }
}

/* Its controller starts anew. */
static bool is_silent(const struct sim_bus *bus, const struct sim_unit *unit, int64_t time_ms)
{
    for (size_t i = 0; i < bus->tale_count; i++)
        if (sim_tale_machine(bus->tales[i])->unit == unit->unit &&
            sim_tale_told(bus->tales[i], time_ms).restarts)
            return true;
    return false;
}

size_t sim_bus_answer(const struct sim_bus *bus, const struct modbus_frame *request,
                      int64_t time_ms, uint8_t ret_pdu[MODBUS_MAX_PDU])
{
    const struct sim_unit *unit = find_unit(bus, request->unit);
    if (!unit || request->pdu_length == 0)
        return 0;
    if (is_silent(bus, unit, time_ms))
        return 0;
    struct span span = {0};
    int code = modbus_parse_read(request->pdu, request->pdu_length, &span);
    if (code == 0 && !has_addresses(unit, &span))
        code = ILLEGAL_DATA_ADDRESS;
    if (code)
        return modbus_build_exception(request->pdu[0], (uint8_t)code, ret_pdu);
    uint16_t words[MODBUS_MAX_BITS] = {0};
    fill_words(unit, &span, time_ms, words);
    return modbus_build_answer(&span, words, ret_pdu);
}
