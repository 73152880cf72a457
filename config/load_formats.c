/* formats: what a machine can make, by its own list or its profile's. */
#include "load.h"

enum { MOST_FORMATS = 16, UNIT_MOST_BYTES = 16 };

static field_read_fn read_range;

enum { FORMAT_NAME, FORMAT_RANGE, FORMAT_UNIT, FORMAT_FIELDS };

static const struct field format_fields[FORMAT_FIELDS] = {
    [FORMAT_NAME] = {.key = "name",
                     .read = load_read_name,
                     .offset = offsetof(struct machine_format, name),
                     .required = "what it is of, such as block_width"},
    [FORMAT_RANGE] = {.key = "range",
                      .read = read_range,
                      .required = "the lowest and the highest, such as [100, 320]"},
    [FORMAT_UNIT] = {.key = "unit",
                     .read = load_read_text,
                     .offset = offsetof(struct machine_format, unit),
                     .least = 1,
                     .most = UNIT_MOST_BYTES},
};

static const struct section format_section = {"a format", format_fields, FORMAT_FIELDS};

static void read_range(struct load *load, const struct field *field, const struct node *value,
                       void *object)
{
    struct machine_format *format = object;

    load_range(load, field, value, "a list of the lowest and the highest, such as [100, 320]",
               &format->low, &format->high);
}

void load_formats(struct load *load, const struct node *list,
                  const struct machine_format **ret_formats, size_t *ret_count)
{
    size_t count = list->kind == NODE_LIST ? node_count_items(list) : 0, i = 0;
    struct table names = {0};

    if (count > MOST_FORMATS) {
        load_fault(load, list, "formats: %zu of them; expected at most %d", count, MOST_FORMATS);
        return;
    }
    struct machine_format *formats = arena_alloc(&load->home->arena, count * sizeof *formats);
    for (const struct node *item = count > 0 ? list->first : NULL; item; item = item->next, i++) {
        const struct node *seen[FORMAT_FIELDS] = {NULL};
        formats[i] = (struct machine_format){.name = NULL};
        load_section(load, &format_section, node_target(item), seen, &formats[i]);
        if (formats[i].name)
            load_claim(load, &names, "name", formats[i].name, load_value(seen[FORMAT_NAME]));
    }
    table_free(&names);
    *ret_formats = formats;
    *ret_count = count;
}
