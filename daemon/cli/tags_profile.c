/* From the rows of a tag list to a profile in YAML. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "memory.h"
#include "phrase.h"
#include "tags_row.h"
#include "trial.h"

static void add_warnings(const struct tags_maker *maker, struct text *ret_warnings)
{
    const struct plc *plc = maker->source->notation.plc;

    for (size_t i = 0; i < maker->noted_count; i++)
        text_addf(ret_warnings,
                  "not confirmed: where %s stands on %s; compare with \"bindery read\"\n",
                  maker->noted[i]->letters, plc->name);
    if (maker->order_noted)
        text_addf(ret_warnings,
                  "not confirmed: %s as the order of %s; compare with \"bindery read\"\n",
                  plc->order == 0 ? "ABCD" : "CDAB", plc->name);
}

/* The head of the file: where it is from, and what is not sure about it. Returns its lines. */
static size_t add_head(const struct tags_maker *maker, const struct text *warnings,
                       struct text *out)
{
    size_t lines = 0;

    text_addf(out, "# Tags from %s.\n", phrase_quote(maker->source->path).text);
    for (const char *at = warnings->data; warnings->length > 0 && *at;) {
        size_t length = strcspn(at, "\n");
        text_addf(out, "# %.*s\n", (int)length, at);
        at += length + 1;
    }
    text_addf(out, "profile: %s\ntags:\n", maker->source->profile);
    for (size_t i = 0; i < out->length; i++)
        lines += out->data[i] == '\n';
    return lines;
}

/* Without the machine that is not of the user's. */
static void cut_machine(char *message)
{
    char *machine = strstr(message, " (for machine \"" TRIAL_MACHINE "\", ");

    if (machine)
        *machine = '\0';
}

static void tell_faults(const struct yaml_reading *reading, const struct fault_list *list,
                        struct sheet_faults *faults)
{
    for (size_t i = 0; i < list->count; i++) {
        cut_machine(list->items[i].message);
        if (!sheet_yaml_fault(reading, &list->items[i], faults))
            sheet_fault_add(faults, 0, SHEET_NO_COLUMN, "%s", list->items[i].message);
    }
}

/* Has the profile read as it would be from its own file. */
static void try_profile(const struct tags_maker *maker, const struct text *profile,
                        size_t head_lines)
{
    struct fault_list list = {0};
    struct text name = {0};
    const struct plant *plant = NULL;
    struct trial trial = {0};
    const char *path = NULL;

    text_addf(&name, "profiles/%s.yaml", maker->source->profile);
    if (trial_open(&trial) == CLI_OK)
        path = trial_write(&trial, name.data, profile->data, profile->length);
    if (!path) {
        sheet_fault_add(maker->faults, 0, SHEET_NO_COLUMN, "could not be tried");
    } else {
        const struct yaml_reading reading = {.yaml = &maker->yaml,
                                             .yaml_path = path,
                                             .lines_before = head_lines,
                                             .sheet_path = maker->source->path,
                                             .kinds = tag_columns,
                                             .kind_count = TAG_COLUMNS,
                                             .columns = &maker->columns,
                                             .row_failed = maker->row_failed};
        trial_load_profile(&trial, maker->source->profile, NULL, &plant, &list);
        tell_faults(&reading, &list, maker->faults);
    }
    plant_release(plant);
    fault_list_free(&list);
    trial_close(&trial);
    text_free(&name);
}

static void make(struct tags_maker *maker, struct text *ret_yaml, struct text *ret_warnings)
{
    const struct sheet *sheet = maker->source->sheet;
    size_t head_lines = 0;

    if (sheet->row_count == 0) {
        sheet_fault_add(maker->faults, 0, SHEET_NO_COLUMN,
                        "no row below the header; expected a row for each tag");
        return;
    }
    for (size_t i = 0; i < sheet->row_count; i++)
        tags_add_row(maker, &sheet->rows[i]);
    add_warnings(maker, ret_warnings);
    head_lines = add_head(maker, ret_warnings, ret_yaml);
    text_add_bytes(ret_yaml, maker->yaml.text.data, maker->yaml.text.length);
    try_profile(maker, ret_yaml, head_lines);
}

void tags_make_profile(const struct tags_source *source, struct text *ret_yaml,
                       struct text *ret_warnings, struct sheet_faults *faults)
{
    const struct sheet *sheet = source->sheet;
    struct tags_maker *maker = mem_alloc(sizeof *maker);
    bool *is_known = mem_array(sheet->column_count, sizeof *is_known);
    size_t before = faults->count;

    maker->source = source;
    maker->faults = faults;
    columns_find(sheet, tag_columns, TAG_COLUMNS, &maker->columns, is_known, faults);
    tags_warn_of_columns(source->path, sheet, is_known);
    if (faults->count == before) {
        size_t last = sheet->row_count > 0 ? sheet->rows[sheet->row_count - 1].number : 0;
        maker->row_failed = mem_array(last + 1, sizeof *maker->row_failed);
        make(maker, ret_yaml, ret_warnings);
    }
    for (size_t i = 0; i < TAG_COLUMNS; i++)
        text_free(&maker->values[i]);
    sheet_yaml_free(&maker->yaml);
    free(maker->row_failed);
    free(maker);
    free(is_known);
}
