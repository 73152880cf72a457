/* bindery tags import --machines: a row a machine becomes the configuration's machines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "memory.h"
#include "output.h"
#include "phrase.h"
#include "sheet_words.h"
#include "sheet_yaml.h"
#include "tags.h"
#include "trial.h"
#include "words.h"

#define DIGITS "0123456789"

struct machines {
    const struct tags_options *options;
    const struct sheet *sheet;
    struct columns columns;
    bool *is_known;         /* by column: it is no parameter */
    const char **parameter; /* by column: its name; NULL: it is none */
    struct sheet_faults *faults;
    struct sheet_yaml yaml;
};

/* What is called like a parameter may be one; the profile says whether it is. */
static void find_parameters(struct machines *machines)
{
    for (size_t i = 0; i < machines->sheet->column_count; i++) {
        const char *name = machines->sheet->header.cells[i].text;
        if (machines->is_known[i] || !is_name(name))
            continue;
        machines->is_known[i] = true;
        machines->parameter[i] = name;
    }
    tags_warn_of_columns(machines->options->machines, machines->sheet, machines->is_known);
}

/* The trimmed text of a cell; "" where the column is missing. */
static const char *read_cell(const struct sheet_row *row, size_t column, struct text *value)
{
    text_clear(value);
    if (column != SHEET_NO_COLUMN)
        sheet_trim(sheet_cell_plain(row->cells[column].text), value);
    return value->length > 0 ? value->data : "";
}

static void add_line(struct machines *machines, const struct sheet_row *row, size_t column,
                     const char *before, const char *value)
{
    text_add(&machines->yaml.text, before);
    sheet_yaml_scalar(&machines->yaml.text, value);
    sheet_yaml_end(&machines->yaml, row->number, column);
}

static void add_parameters(struct machines *machines, const struct sheet_row *row)
{
    struct text value = {0}, before = {0};
    bool first = true;

    for (size_t i = 0; i < machines->sheet->column_count; i++) {
        if (!machines->parameter[i] || read_cell(row, i, &value)[0] == '\0')
            continue;
        if (first) {
            text_add(&machines->yaml.text, "    parameters:");
            sheet_yaml_end(&machines->yaml, row->number, SHEET_NO_COLUMN);
        }
        first = false;
        text_clear(&before);
        text_addf(&before, "      %s: ", machines->parameter[i]);
        add_line(machines, row, i, before.data, value.data);
    }
    text_free(&value);
    text_free(&before);
}

/* The period with the unit of its header where it has none of its own. */
static void add_unit_of_time(const struct machines *machines, struct text *value)
{
    if (value->length > 0 && strspn(value->data, DIGITS) == value->length)
        text_add(value, machines->columns.unit[MACHINE_COLUMN_EVERY]);
}

static void add_machine(struct machines *machines, const struct sheet_row *row)
{
    static const char *const before[MACHINE_COLUMNS] = {
        [MACHINE_COLUMN_NAME] = "  - name: ",
        [MACHINE_COLUMN_LINK] = "    link: ",
        [MACHINE_COLUMN_UNIT] = "    unit: ",
        [MACHINE_COLUMN_PROFILE] = "    profile: ",
        [MACHINE_COLUMN_EVERY] = "    every: ",
        [MACHINE_COLUMN_CALENDAR] = "    calendar: ",
        [MACHINE_COLUMN_IDEAL_RATE] = "    ideal_rate: ",
    };
    struct text value = {0};

    for (enum machine_column column = 0; column < MACHINE_COLUMNS; column++) {
        const char *text = read_cell(row, machines->columns.at[column], &value);
        if (column == MACHINE_COLUMN_PROFILE && text[0] == '\0' && machines->options->profile)
            text = machines->options->profile;
        if (column == MACHINE_COLUMN_EVERY) {
            add_unit_of_time(machines, &value);
            text = value.length > 0 ? value.data : "";
        }
        if (text[0] != '\0' || column == MACHINE_COLUMN_NAME)
            add_line(machines, row, machines->columns.at[column], before[column], text);
    }
    add_parameters(machines, row);
    text_free(&value);
}

/* What is wrong in other files is told as it stands there. */
static void tell_fault(const struct yaml_reading *reading, const struct fault *fault,
                       struct sheet_faults *faults)
{
    struct text message = {0};

    if (sheet_yaml_fault(reading, fault, faults))
        return;
    sheet_yaml_words(reading, fault->message, &message);
    sheet_fault_add(faults, 0, SHEET_NO_COLUMN, "at %s:%d:%d: %s", fault->file, fault->line,
                    fault->column, message.data);
    text_free(&message);
}

/* Has the configuration read as it would be with these machines. */
static void try_machines(struct machines *machines, const struct text *yaml, size_t head_lines)
{
    const struct tags_options *options = machines->options;
    struct fault_list list = {0};
    const struct plant *plant = NULL;
    struct trial trial = {0};
    const char *path = NULL;

    if (trial_open(&trial) == CLI_OK)
        path = trial_write(&trial, "machines.yaml", yaml->data, yaml->length);
    if (!path) {
        sheet_fault_add(machines->faults, 0, SHEET_NO_COLUMN, "could not be tried");
    } else {
        const struct plant_change change = {.file = options->output, .by = path};
        const struct yaml_reading reading = {.yaml = &machines->yaml,
                                             .yaml_path = path,
                                             .lines_before = head_lines,
                                             .sheet_path = options->machines,
                                             .kinds = machine_columns,
                                             .kind_count = MACHINE_COLUMNS,
                                             .columns = &machines->columns};
        plant_load_changed(options->config ? options->config : BINDERY_CONFIG, &change, &plant,
                           &list);
        for (size_t i = 0; i < list.count; i++)
            tell_fault(&reading, &list.items[i], machines->faults);
    }
    plant_release(plant);
    fault_list_free(&list);
    trial_close(&trial);
}

static void make(struct machines *machines, struct text *ret_yaml)
{
    const struct sheet *sheet = machines->sheet;

    if (sheet->row_count == 0) {
        sheet_fault_add(machines->faults, 0, SHEET_NO_COLUMN,
                        "no row below the header; expected a row for each machine");
        return;
    }
    for (size_t i = 0; i < sheet->row_count; i++)
        add_machine(machines, &sheet->rows[i]);
    text_addf(ret_yaml, "# Machines from %s.\nmachines:\n",
              phrase_quote(machines->options->machines).text);
    text_add_bytes(ret_yaml, machines->yaml.text.data, machines->yaml.text.length);
    try_machines(machines, ret_yaml, 2);
}

void tags_make_machines(const struct tags_options *options, const struct sheet *sheet,
                        struct text *ret_yaml, struct sheet_faults *faults)
{
    struct machines machines = {
        .options = options,
        .sheet = sheet,
        .is_known = mem_array(sheet->column_count, sizeof *machines.is_known),
        .parameter = mem_array(sheet->column_count, sizeof *machines.parameter),
        .faults = faults};

    columns_find(sheet, machine_columns, MACHINE_COLUMNS, &machines.columns, machines.is_known,
                 faults);
    find_parameters(&machines);
    if (faults->count == 0)
        make(&machines, ret_yaml);
    sheet_yaml_free(&machines.yaml);
    free(machines.is_known);
    free(machines.parameter);
}

/* Whether the configuration itself would be written over. */
static bool is_configuration(const struct tags_options *options)
{
    struct stat config, output;

    return options->output &&
           stat(options->config ? options->config : BINDERY_CONFIG, &config) == 0 &&
           stat(options->output, &output) == 0 && config.st_dev == output.st_dev &&
           config.st_ino == output.st_ino;
}

int tags_import_machines(const struct tags_options *options)
{
    struct sheet_faults faults = {0};
    struct text yaml = {0};
    struct sheet sheet = {0};
    const struct output output = {options->output, options->force};
    int status = CLI_FAULT;

    if (is_configuration(options)) {
        cli_error("%s is the configuration itself; expected a file that it includes",
                  options->output);
        return CLI_USAGE;
    }
    tags_read_sheet(options, options->machines, &sheet, &faults);
    if (faults.count == 0)
        tags_make_machines(options, &sheet, &yaml, &faults);
    sheet_faults_print(&faults, options->machines, &sheet);
    if (faults.count == 0)
        status = output_write(&output, yaml.data, yaml.length);
    if (status == CLI_OK && options->output)
        printf("%s: %zu machines\n", options->output, sheet.row_count);
    sheet_faults_free(&faults);
    sheet_free(&sheet);
    text_free(&yaml);
    return status;
}
