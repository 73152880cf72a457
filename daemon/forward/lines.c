#include "lines_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "said.h"

/* What moves all the time is told so often. */
enum { TELL_S = 60 };

/* --- who is who --- */

/* A source has tags; no machine's can be named so. */
static struct machine as_machine(const struct production_line *line)
{
    static struct tag tag = {.name = "/line"};

    return (struct machine){.name = line->name, .tags = &tag, .tag_count = 1};
}

int lines_source(struct store *store, const struct production_line *line, uint32_t *ret_id)
{
    const struct machine machine = as_machine(line);
    return store_source_id(store, &machine, ret_id);
}

bool lines_have_source(struct store *store, const struct production_line *line)
{
    const struct machine machine = as_machine(line);
    return store_has_source(store, &machine);
}

/* The ideal rate in the unit of the machine's speed, as "cycles/h"; 0 where one is not known. */
static double ideal_speed(const struct machine *machine)
{
    static const struct {
        const char *per;
        double ms;
    } units[] = {{"/h", 3600000}, {"/min", 60000}, {"/s", 1000}};
    const char *unit = NULL;
    for (size_t i = 0; i < machine->tag_count && unit == NULL; i++)
        if (strcmp(machine->tags[i].name, "speed") == 0)
            unit = machine->tags[i].unit;
    const char *per = unit != NULL ? strrchr(unit, '/') : NULL;
    for (size_t i = 0; per != NULL && i < sizeof(units) / sizeof(*units); i++)
        if (strcmp(per, units[i].per) == 0 && machine->ideal_ms > 0)
            return units[i].ms / machine->ideal_ms;
    return 0;
}

static void take_seat(struct lines *lines, const struct source *source, struct lines_seat *seat)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct production_line *line = lines->items[i].run.config;
        for (size_t k = 0; k < line->machine_count; k++) {
            if (strcmp(line->machines[k]->name, source->machine) != 0)
                continue;
            *seat = (struct lines_seat){
                .line = &lines->items[i],
                .member = k,
                .state = line->machines[k]->state != NULL ? said_state_value(source) : SAID_NOWHERE,
                .speed = said_value(source, "speed"),
                .ideal = ideal_speed(line->machines[k]),
            };
        }
    }
    seat->known = true;
}

const struct lines_seat *lines_seat(struct lines *lines, uint32_t source)
{
    const struct source *named = store_source(lines->store, source);
    if (named == NULL)
        return NULL;
    if (source >= lines->seat_count) {
        lines->seats = mem_resize(lines->seats, ((size_t)source + 1) * sizeof(*lines->seats));
        memset(lines->seats + lines->seat_count, 0,
               ((size_t)source + 1 - lines->seat_count) * sizeof(*lines->seats));
        lines->seat_count = (size_t)source + 1;
    }
    struct lines_seat *seat = &lines->seats[source];
    if (!seat->known)
        take_seat(lines, named, seat);
    return seat->line != NULL ? seat : NULL;
}

/* --- how they stand --- */

/* Of all counters of the delivery that count that. */
static int64_t total_of(const struct lines *lines, const struct machine *machine,
                        enum counts counts)
{
    int64_t total = -1;
    for (size_t i = 0; machine->meaning != NULL && i < machine->meaning->counter_count; i++) {
        const struct counter_place *place = &machine->meaning->counters[i];
        if (place->config->counts != counts)
            continue;
        const struct standing *standing =
            standings_find(lines->standings, machine->name, machine->tags[place->tag].name);
        if (standing == NULL || !standing->told || standing->count != STANDING_COUNTER_NUMBERS)
            return -1;
        total = (total < 0 ? 0 : total) + standing->numbers[STANDING_TOTAL];
    }
    return total;
}

static struct line_status look(const struct lines *lines, const struct lines_line *line)
{
    const struct production_line *config = line->run.config;
    const struct machine *delivery = config->machines[config->delivery];
    const struct line_view *view = line_run_view(&line->run);
    struct line_status status = {
        .name = config->name,
        .changed = line->told.changed,
        .state = view->doing.state,
        .since_ms = line->run.since_ms,
        .good = total_of(lines, delivery, COUNTS_GOOD),
        .waste = total_of(lines, delivery, COUNTS_WASTE),
    };
    if (view->cause != LINE_NOBODY)
        status.cause = config->machines[view->cause]->name;
    if (view->bottleneck != LINE_NOBODY)
        status.bottleneck = config->machines[view->bottleneck]->name;
    char room[STATE_REASON_ROOM];
    const char *reason = NULL;
    if (view->cause != LINE_NOBODY && config->machines[view->cause]->state != NULL)
        reason = state_reason_text(config->machines[view->cause]->state, view->doing.reason, room);
    status.has_reason = reason != NULL;
    snprintf(status.reason, sizeof(status.reason), "%s", reason != NULL ? reason : "");
    return status;
}

static bool does_another(const struct line_status *a, const struct line_status *b)
{
    return a->state != b->state || a->since_ms != b->since_ms || a->cause != b->cause ||
           strcmp(a->reason, b->reason) != 0 ||
           (a->bottleneck != b->bottleneck && b->state != STATE_PRODUCTION);
}

static bool differs(const struct line_status *a, const struct line_status *b)
{
    return a->bottleneck != b->bottleneck || a->good != b->good || a->waste != b->waste;
}

static void see_status(struct lines *lines, struct lines_line *line)
{
    struct line_status now = look(lines, line);
    int64_t now_ns = clock_mono_ns();
    bool is_due = line->told_ns == 0 || now_ns - line->told_ns >= TELL_S * NS_PER_S;
    /* how it stood before the start is no news */
    if (now.since_ms == LINE_TIME_UNKNOWN || !line->heard)
        return;
    line->differs = differs(&line->told, &now);
    if (!does_another(&line->told, &now) && !(is_due && line->differs))
        return;
    now.changed = ++lines->changes;
    line->told = now;
    line->told_ns = now_ns;
    line->differs = false;
}

void lines_step(struct lines *lines)
{
    for (size_t i = 0; lines != NULL && i < lines->count; i++)
        if (lines->items[i].differs)
            see_status(lines, &lines->items[i]);
}

bool lines_keep(struct lines *lines)
{
    bool changed = false;
    for (size_t i = 0; lines != NULL && i < lines->count; i++) {
        struct lines_line *line = &lines->items[i];
        if (!line->dirty)
            continue;
        line->dirty = false;
        see_status(lines, line);
        changed = lines_stand(lines, line) || changed;
    }
    return changed;
}

size_t lines_count(const struct lines *lines)
{
    return lines != NULL ? lines->count : 0;
}

const struct line_status *lines_status(const struct lines *lines, size_t index)
{
    return &lines->items[index].told;
}

uint64_t lines_changes(const struct lines *lines)
{
    return lines != NULL ? lines->changes : 0;
}

/* --- beginning and ending --- */

struct lines *lines_new(const struct plant *plant, struct store *store, struct standings *standings)
{
    if (plant->line_count == 0)
        return NULL;
    struct lines *lines = mem_alloc(sizeof(*lines));
    lines->plant = plant_retain(plant);
    lines->store = store;
    lines->standings = standings;
    lines->count = plant->line_count;
    lines->items = mem_array(lines->count, sizeof(*lines->items));
    for (size_t i = 0; i < lines->count; i++) {
        struct lines_line *line = &lines->items[i];
        line->run = line_run_begin(&plant->lines[i]);
        line->told =
            (struct line_status){.name = plant->lines[i].name, .since_ms = LINE_TIME_UNKNOWN};
        lines_resume(lines, line);
    }
    return lines;
}

void lines_free(struct lines *lines)
{
    if (lines == NULL)
        return;
    plant_release(lines->plant);
    free(lines->items);
    free(lines->seats);
    free(lines);
}
