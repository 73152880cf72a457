/* lines: machines that are run as one. */
#include <string.h>

#include "load.h"

enum { LINE_NAME, LINE_MACHINES, LINE_DELIVERY, LINE_FIELDS };

static const char machine_expected[] = "the name of one under \"machines\"";

static const struct field line_fields[LINE_FIELDS] = {
    [LINE_NAME] = {.key = "name",
                   .read = load_read_name,
                   .offset = offsetof(struct production_line, name),
                   .required = "the line's name"},
    [LINE_MACHINES] = {.key = "machines",
                       .read = load_read_list,
                       .required = "a list of at least one machine, in the order in which the "
                                   "product passes them"},
    [LINE_DELIVERY] = {.key = "delivery"},
};

static const struct section line_section = {"a line", line_fields, LINE_FIELDS};

/* The one of that name; NULL after adding a fault. */
static const struct machine *find_machine(struct load *load, const struct field *field,
                                          const struct node *value)
{
    const struct plant *plant = load->plant;
    const char *name = load_scalar(load, field, value, machine_expected);

    if (!name)
        return NULL;
    for (size_t i = 0; i < plant->machine_count; i++)
        if (plant->machines[i].name && strcmp(plant->machines[i].name, name) == 0)
            return &plant->machines[i];
    if (!load->incomplete)
        load_refuse(load, field->key, value, "is no machine", machine_expected);
    return NULL;
}

static void read_machines(struct load *load, const struct node *list, struct table *in_lines,
                          struct production_line *line)
{
    const struct field *field = &line_fields[LINE_MACHINES];
    size_t count = list->kind == NODE_LIST ? node_count_items(list) : 0;

    if (list->kind == NODE_LIST && count == 0)
        load_fault(load, list, "machines: none stand here; expected at least one");
    if (count > PRODUCTION_LINE_MOST) {
        load_fault(load, list, "machines: %zu of them; expected at most %d", count,
                   PRODUCTION_LINE_MOST);
        return;
    }
    const struct machine **machines =
        arena_alloc(&load->home->arena, count * sizeof(const struct machine *));
    for (const struct node *item = count > 0 ? list->first : NULL; item; item = item->next) {
        const struct machine *machine = find_machine(load, field, node_target(item));
        if (!machine)
            continue;
        load_claim(load, in_lines, field->key, machine->name, node_target(item));
        machines[line->machine_count++] = machine;
    }
    line->machines = machines;
}

/* Without a fault in the line so far: the last one where nothing is said. */
static void read_delivery(struct load *load, const struct node *value, const struct node *place,
                          struct production_line *line)
{
    const struct field *field = &line_fields[LINE_DELIVERY];
    const struct machine *delivery = line->machines[line->machine_count - 1];

    if (value)
        delivery = find_machine(load, field, value);
    if (!delivery)
        return;
    while (line->delivery < line->machine_count && line->machines[line->delivery] != delivery)
        line->delivery++;
    if (line->delivery == line->machine_count)
        load_refuse(load, field->key, value, "is not in the line", "one of its machines");
    else if (load->faults.count == 0 && !delivery->state)
        load_fault(load, value ? value : place,
                   "delivery: nothing tells the state of %s; expected a machine with a state",
                   delivery->name);
}

static void load_line(struct load *load, const struct node *node, struct table *in_lines,
                      struct production_line *line)
{
    const struct node *seen[LINE_FIELDS] = {NULL};
    size_t faults_before = load->faults.count;

    load_section(load, &line_section, node, seen, line);
    if (line->name)
        load_claim(load, &load->names, "name", line->name, load_value(seen[LINE_NAME]));
    if (seen[LINE_MACHINES])
        read_machines(load, load_value(seen[LINE_MACHINES]), in_lines, line);
    if (load->faults.count == faults_before && !load->incomplete)
        read_delivery(load, load_value(seen[LINE_DELIVERY]), node, line);
}

void load_lines(struct load *load)
{
    const struct load_items *items = &load->items[LIST_LINES];
    struct plant *plant = load->plant;
    struct table in_lines = {0};

    plant->lines = arena_alloc(&load->home->arena, items->count * sizeof *plant->lines);
    plant->line_count = items->count;
    for (size_t i = 0; i < items->count; i++)
        load_line(load, items->nodes[i], &in_lines, &plant->lines[i]);
    table_free(&in_lines);
}
