/* How much machines worked, as standings. */
#include <stdio.h>
#include <string.h>

#include "loads_internal.h"

/* No tag, no machine's state and no shift is named so; hours come in groups. */
#define STANDING_BASE "load/base"
#define STANDING_GROUP "load/%02u"

struct group_name {
    char text[16];
};

static struct group_name group_name(unsigned group)
{
    struct group_name name;
    snprintf(name.text, sizeof(name.text), STANDING_GROUP, group);
    return name;
}

static void put(struct loads *loads, const struct loads_machine *machine, const char *name,
                const int64_t *numbers, size_t count)
{
    struct standing *standing = standings_add(loads->standings, machine->config->name, name, count);
    memcpy(standing->numbers, numbers, count * sizeof(*numbers));
    standing->told = standing->changed = true;
}

static void stand(struct loads *loads, struct loads_machine *machine)
{
    int64_t base[CAPACITY_BASE_NUMBERS], group[CAPACITY_GROUP_NUMBERS];
    capacity_keep_base(&machine->capacity, base);
    put(loads, machine, STANDING_BASE, base, CAPACITY_BASE_NUMBERS);
    for (unsigned i = 0; i < CAPACITY_GROUPS; i++) {
        if ((machine->capacity.changed >> i & 1) == 0)
            continue;
        capacity_keep_group(&machine->capacity, i, group);
        put(loads, machine, group_name(i).text, group, CAPACITY_GROUP_NUMBERS);
    }
    machine->capacity.changed = 0;
    machine->base_changed = false;
}

bool loads_stand(struct loads *loads)
{
    bool changed = false;
    for (size_t i = 0; i < loads->machine_count; i++) {
        struct loads_machine *machine = &loads->machines[i];
        if (machine->capacity.changed == 0 && !machine->base_changed)
            continue;
        stand(loads, machine);
        changed = true;
    }
    return changed;
}

static const int64_t *get(const struct loads *loads, const struct loads_machine *machine,
                          const char *name, size_t count)
{
    const struct standing *standing = standings_find(loads->standings, machine->config->name, name);
    return standing != NULL && standing->count == count ? standing->numbers : NULL;
}

void loads_resume(struct loads *loads, struct loads_machine *machine)
{
    const int64_t *base = get(loads, machine, STANDING_BASE, CAPACITY_BASE_NUMBERS);
    if (base == NULL)
        return;
    capacity_resume_base(&machine->capacity, base);
    for (unsigned i = 0; i < CAPACITY_GROUPS; i++) {
        const int64_t *group = get(loads, machine, group_name(i).text, CAPACITY_GROUP_NUMBERS);
        if (group != NULL)
            capacity_resume_group(&machine->capacity, i, group);
    }
}

struct pause {
    const struct plant *plant;
    bool changed;
};

static void pause_one(void *context, struct standing *standing)
{
    struct pause *pause = context;
    if (strcmp(standing->name, STANDING_BASE) != 0 || standing->count != CAPACITY_BASE_NUMBERS)
        return;
    const struct machine *machine = plant_machine(pause->plant, standing->machine);
    bool is_followed = pause->plant->capacity.publish && machine != NULL && machine->state != NULL;
    if (is_followed || !capacity_pause_base(standing->numbers))
        return;
    standing->changed = pause->changed = true;
}

bool loads_pause_others(const struct plant *plant, struct standings *standings)
{
    struct pause pause = {.plant = plant};
    standings_each(standings, pause_one, &pause);
    return pause.changed;
}
