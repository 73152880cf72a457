#include "plant.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "plant_home.h"

struct plant_home *plant_home_new(void)
{
    struct plant_home *home = mem_alloc(sizeof *home);

    atomic_init(&home->references, 1);
    return home;
}

const struct plant *plant_retain(const struct plant *plant)
{
    struct plant_home *home = (struct plant_home *)plant;

    if (home)
        atomic_fetch_add_explicit(&home->references, 1, memory_order_relaxed);
    return plant;
}

void plant_release(const struct plant *plant)
{
    struct plant_home *home = (struct plant_home *)plant;

    /* Acquire and release: what other threads read of it happened before it is freed. */
    if (home && atomic_fetch_sub_explicit(&home->references, 1, memory_order_acq_rel) == 1) {
        arena_free(&home->arena);
        free(home);
    }
}

static int compare_links(const void *a, const void *b)
{
    return strcmp((*(const struct link *const *)a)->name, (*(const struct link *const *)b)->name);
}

static int compare_machines(const void *a, const void *b)
{
    return strcmp((*(const struct machine *const *)a)->name,
                  (*(const struct machine *const *)b)->name);
}

void plant_home_index_links(struct plant_home *home)
{
    const struct plant *plant = &home->plant;

    home->links_by_name =
        arena_alloc(&home->arena, plant->link_count * sizeof(const struct link *));
    for (size_t i = 0; i < plant->link_count; i++)
        home->links_by_name[i] = &plant->links[i];
    qsort(home->links_by_name, plant->link_count, sizeof(const struct link *), compare_links);
}

/* Two rounds, counting and filling; the second leaves the counts as the first found them. */
static void gather_machines_by_link(struct plant_home *home)
{
    struct plant *plant = &home->plant;

    for (size_t i = 0; i < plant->machine_count; i++)
        plant->links[plant->machines[i].link - plant->links].machine_count++;
    for (size_t i = 0; i < plant->link_count; i++) {
        struct link *link = &plant->links[i];
        link->machines =
            arena_alloc(&home->arena, link->machine_count * sizeof(const struct machine *));
        link->machine_count = 0;
    }
    for (size_t i = 0; i < plant->machine_count; i++) {
        struct link *link = &plant->links[plant->machines[i].link - plant->links];
        link->machines[link->machine_count++] = &plant->machines[i];
    }
}

void plant_home_index_machines(struct plant_home *home)
{
    const struct plant *plant = &home->plant;

    gather_machines_by_link(home);
    home->machines_by_name =
        arena_alloc(&home->arena, plant->machine_count * sizeof(const struct machine *));
    for (size_t i = 0; i < plant->machine_count; i++)
        home->machines_by_name[i] = &plant->machines[i];
    qsort(home->machines_by_name, plant->machine_count, sizeof(const struct machine *),
          compare_machines);
}

/* There are few. */
const struct calendar *plant_calendar(const struct plant *plant, const char *name)
{
    for (size_t i = 0; i < plant->calendar_count; i++)
        if (plant->calendars[i].name && strcmp(plant->calendars[i].name, name) == 0)
            return &plant->calendars[i];
    return NULL;
}

const struct link *plant_link(const struct plant *plant, const char *name)
{
    const struct plant_home *home = (const struct plant_home *)plant;
    const struct link key = {.name = name};
    const struct link *wanted = &key;

    if (plant->link_count == 0)
        return NULL;
    const struct link *const *found = bsearch(&wanted, home->links_by_name, plant->link_count,
                                              sizeof(const struct link *), compare_links);
    return found ? *found : NULL;
}

const struct machine *plant_machine(const struct plant *plant, const char *name)
{
    const struct plant_home *home = (const struct plant_home *)plant;
    const struct machine key = {.name = name};
    const struct machine *wanted = &key;

    if (plant->machine_count == 0)
        return NULL;
    const struct machine *const *found =
        bsearch(&wanted, home->machines_by_name, plant->machine_count,
                sizeof(const struct machine *), compare_machines);
    return found ? *found : NULL;
}

/* Nor are there many of these. */
const struct production_line *plant_line(const struct plant *plant, const char *name)
{
    for (size_t i = 0; i < plant->line_count; i++)
        if (strcmp(plant->lines[i].name, name) == 0)
            return &plant->lines[i];
    return NULL;
}

static const char *const state_value_names[STATE_VALUES] = {"state", "state.reason"};

size_t machine_state_value(const struct machine *machine)
{
    return machine->tag_count + (machine->meaning ? machine->meaning->told : 0);
}

size_t machine_told_values(const struct machine *machine)
{
    return machine_state_value(machine) + (machine->state ? STATE_VALUES : 0);
}

/* What is kept is numbered as if every machine had a state: lists of tags are shared. */
size_t machine_state_kept(const struct machine *machine)
{
    return machine_state_value(machine) + STATE_VALUES +
           (machine->meaning ? machine->meaning->kept : 0);
}

bool machine_has_shifts(const struct machine *machine)
{
    bool tells = machine->state != NULL;

    for (size_t i = 0; !tells && machine->meaning && i < machine->meaning->counter_count; i++)
        tells = machine->meaning->counters[i].config->counts != COUNTS_OTHER;
    return tells && machine->calendar != NULL;
}

/* Here too, as if every machine had a state. */
size_t machine_shift_kept(const struct machine *machine)
{
    return machine_state_kept(machine) + STATE_KEPT_VALUES + FORMER_KEPT_VALUES;
}

/* And as if each had shifts. */
size_t machine_job_kept(const struct machine *machine)
{
    return machine_shift_kept(machine) + SHIFT_KEPT_VALUES;
}

size_t machine_values(const struct machine *machine)
{
    if (machine->job)
        return machine_state_kept(machine) + STATE_KEPT_VALUES + SHIFT_KEPT_VALUES +
               JOB_KEPT_VALUES;
    if (machine_has_shifts(machine))
        return machine_state_kept(machine) + STATE_KEPT_VALUES + SHIFT_KEPT_VALUES;
    return machine_state_kept(machine) + (machine->state ? STATE_KEPT_VALUES : 0);
}

uint16_t machine_speed_tag(const struct machine *machine)
{
    for (size_t i = 0; i < machine->tag_count; i++)
        if (strcmp(machine->tags[i].name, "speed") == 0 && machine->tags[i].type != TYPE_STRING)
            return (uint16_t)i;
    return STATE_NO_TAG;
}

const char *machine_value_name(const struct machine *machine, size_t value)
{
    if (value < machine->tag_count)
        return machine->tags[value].name;
    if (value < machine_state_value(machine))
        return machine->meaning->names[value - machine->tag_count];
    return state_value_names[value - machine_state_value(machine)];
}

bool machine_speaks(const struct machine *machine)
{
    return machine->text && !machine->text->ask;
}

uint16_t tag_width(const struct tag *tag)
{
    switch (tag->type) {
    case TYPE_BOOL:
    case TYPE_U16:
    case TYPE_S16:
    case TYPE_BCD16:
        return 1;
    case TYPE_U32:
    case TYPE_S32:
    case TYPE_F32:
    case TYPE_BCD32:
        return 2;
    case TYPE_U64:
    case TYPE_S64:
    case TYPE_F64:
        return 4;
    case TYPE_DECIMAL:
        return 1;
    case TYPE_STRING:
        return (uint16_t)((tag->string_bytes + 1) / 2);
    }
    return 1;
}
