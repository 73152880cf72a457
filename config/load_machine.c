/* machines: */
#include "load.h"
#include "phrase.h"
#include "profile.h"

enum { LINE_UNIT_LEAST = 1, LINE_UNIT_MOST = 247 };

static field_read_fn read_link;
static field_read_fn read_calendar;

enum {
    MACHINE_NAME,
    MACHINE_LINK,
    MACHINE_UNIT,
    MACHINE_PROFILE,
    MACHINE_PARAMETERS,
    MACHINE_EVERY,
    MACHINE_TAGS,
    MACHINE_STATE,
    MACHINE_JOB,
    MACHINE_TEXT,
    MACHINE_IDEAL_RATE,
    MACHINE_CALENDAR,
    MACHINE_FORMATS,
    MACHINE_FIELDS
};

static const struct field machine_fields[MACHINE_FIELDS] = {
    [MACHINE_NAME] = {.key = "name",
                      .read = load_read_name,
                      .offset = offsetof(struct machine, name),
                      .required = "the machine's name"},
    [MACHINE_LINK] = {.key = "link", .read = read_link, .required = "the name of a link"},
    [MACHINE_UNIT] = {.key = "unit",
                      .read = load_read_u8,
                      .offset = offsetof(struct machine, unit),
                      .most = UINT8_MAX},
    [MACHINE_PROFILE] = {.key = "profile"},
    [MACHINE_PARAMETERS] = {.key = "parameters"},
    [MACHINE_EVERY] = {.key = "every",
                       .read = load_read_duration,
                       .offset = offsetof(struct machine, every_ms),
                       .least = 10,
                       .most = LOAD_MAX_PERIOD_MS},
    [MACHINE_TAGS] = {.key = "tags", .read = load_read_list},
    [MACHINE_STATE] = {.key = "state"},
    [MACHINE_JOB] = {.key = "job"},
    [MACHINE_TEXT] = {.key = "text"},
    [MACHINE_IDEAL_RATE] = {.key = "ideal_rate",
                            .read = load_read_ideal_rate,
                            .offset = offsetof(struct machine, ideal_ms)},
    [MACHINE_CALENDAR] = {.key = "calendar", .read = read_calendar},
    [MACHINE_FORMATS] = {.key = "formats", .read = load_read_list},
};

static const struct section machine_section = {"a machine", machine_fields, MACHINE_FIELDS};

static void read_link(struct load *load, const struct field *field, const struct node *value,
                      void *object)
{
    const char *text = load_scalar(load, field, value, "the name of a link");

    if (!text)
        return;
    const struct link *link = plant_link(load->plant, text);
    if (!link && !load->incomplete)
        load_refuse(load, field->key, value, "is no link", "the name of one under \"links\"");
    ((struct machine *)object)->link = link;
}

static void read_calendar(struct load *load, const struct field *field, const struct node *value,
                          void *object)
{
    const char *text = load_scalar(load, field, value, "the name of a calendar");

    if (!text)
        return;
    const struct calendar *calendar = plant_calendar(load->plant, text);
    if (!calendar && !load->incomplete)
        load_refuse(load, field->key, value, "is no calendar",
                    "the name of one under \"calendars\"");
    ((struct machine *)object)->calendar = calendar;
}

/* Unit 0 is the broadcast on a line, and 248 and above are reserved there (Modbus over Serial
 * Line V1.02, 2.2); a gateway to TCP may give them a meaning. */
static void check_unit(struct load *load, const struct machine *machine, const struct node *value)
{
    if (value && machine->link && link_driver_is_text(machine->link->driver)) {
        load_refuse(load, "unit", value, "says nothing to it", "none on %s",
                    link_driver_name(machine->link->driver));
        return;
    }
    if (value && machine->link && machine->link->driver != DRIVER_MODBUS_TCP &&
        (machine->unit < LINE_UNIT_LEAST || machine->unit > LINE_UNIT_MOST)) {
        load_refuse(load, "unit", value, "is out of range",
                    "a whole number from %d to %d, as on every %s", LINE_UNIT_LEAST, LINE_UNIT_MOST,
                    link_driver_name(machine->link->driver));
    }
}

/* The tags of its profile, its own, or both. */
static void load_machine_tags(struct load *load, const struct node *node,
                              const struct node *const *seen, struct machine *machine)
{
    const struct profile_use use = {.name = load_value(seen[MACHINE_PROFILE]),
                                    .parameters = load_value(seen[MACHINE_PARAMETERS]),
                                    .tags = load_value(seen[MACHINE_TAGS]),
                                    .sections = {.state = load_value(seen[MACHINE_STATE]),
                                                 .job = load_value(seen[MACHINE_JOB]),
                                                 .text = load_value(seen[MACHINE_TEXT])}};

    if (use.name) {
        profile_apply(load, &use, machine);
        return;
    }
    if (use.parameters) {
        load_fault(load, seen[MACHINE_PARAMETERS],
                   "parameters: stands alone; expected profile beside it");
    }
    if (use.tags) {
        load_tags(load, use.tags, &use.sections, machine);
    } else if (node->kind == NODE_MAPPING) {
        load_fault(load, node,
                   "tags: missing in a machine; expected a list of at least one tag, or a profile");
    }
}

static void load_machine(struct load *load, const struct node *node, struct machine *machine)
{
    const struct node *seen[MACHINE_FIELDS];

    *machine = (struct machine){.unit = 1, .every_ms = 1000};
    if (load->plant->calendar_count == 1)
        machine->calendar = &load->plant->calendars[0];
    load_section(load, &machine_section, node, seen, machine);
    if (machine->name)
        load_claim(load, &load->names, "name", machine->name, load_value(seen[MACHINE_NAME]));
    check_unit(load, machine, load_value(seen[MACHINE_UNIT]));
    load_check_period(load, machine->every_ms, load_value(seen[MACHINE_EVERY]));
    load->faults.user = (struct fault_user){.machine = machine->name, .place = node_place(node)};
    if (seen[MACHINE_FORMATS])
        load_formats(load, load_value(seen[MACHINE_FORMATS]), &machine->formats,
                     &machine->format_count);
    load_machine_tags(load, node, seen, machine);
}

/* A line that comes by itself is one machine's: no other can be on its link. */
static void check_company(struct load *load, const struct node *node, struct table *first,
                          const struct machine *machine)
{
    if (!machine->text)
        return;
    const struct machine *other = table_get(first, machine->link->name);
    if (!other)
        table_set(first, machine->link->name, machine);
    else if (!machine->text->ask || !other->text->ask)
        load_fault(load, node,
                   "link: %s has %s on it already, and one of them is not asked; expected a link "
                   "of its own",
                   machine->link->name, other->name ? other->name : "another machine");
}

void load_check_period(struct load *load, int64_t every_ms, const struct node *value)
{
    if (value && every_ms < load->plant->tick_ms) {
        load_refuse(load, "every", value, "is shorter than the tick", "%s or longer",
                    phrase_duration(load->plant->tick_ms).text);
    }
}

void load_machines(struct load *load)
{
    const struct load_items *items = &load->items[LIST_MACHINES];
    struct plant *plant = load->plant;
    struct table first_of_text = {0};

    plant->machines = arena_alloc(&load->home->arena, items->count * sizeof *plant->machines);
    plant->machine_count = items->count;
    load->faults.shared_from = (uint16_t)load->file_count; /* profiles are read from here on */
    for (size_t i = 0; i < items->count; i++) {
        load_machine(load, items->nodes[i], &plant->machines[i]);
        check_company(load, items->nodes[i], &first_of_text, &plant->machines[i]);
    }
    load_check_job_sources(load);
    table_free(&first_of_text);
}
