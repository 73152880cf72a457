/* bindery tags export: the tags of a machine or a profile as a sheet. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "memory.h"
#include "output.h"
#include "phrase.h"
#include "tags.h"
#include "trial.h"
#include "words.h"

#define UTF8_MARK "\xEF\xBB\xBF"

static int write_sheet(const struct tags_options *options, const struct machine *machine)
{
    const struct output output = {options->output, options->force};
    struct text csv = {0}, trouble = {0};
    int status = CLI_FAULT;

    text_add(&csv, options->no_bom ? "" : UTF8_MARK);
    if (tags_make_sheet(machine, &csv, &trouble) != 0)
        cli_error("%s", trouble.data);
    else
        status = output_write(&output, csv.data, csv.length);
    if (status == CLI_OK && options->output)
        printf("%s: %zu tags\n", options->output, machine->tag_count);
    text_free(&csv);
    text_free(&trouble);
    return status;
}

/* The machine named; the only one where none is. NULL after saying what is wrong. */
static const struct machine *find_machine(const struct plant *plant, const char *name)
{
    const struct machine *machine = name ? plant_machine(plant, name) : NULL;

    if (!name && plant->machine_count == 1)
        return &plant->machines[0];
    if (name && !machine)
        cli_error("no machine %s in the configuration", phrase_quote(name).text);
    else if (!name)
        cli_error("%zu machines in the configuration; expected the name of one, or --profile",
                  plant->machine_count);
    return machine;
}

static int export_machine(const struct tags_options *options, const char *name)
{
    const struct plant *plant = NULL;
    int status = cli_load(options->config, &plant);

    if (status != CLI_OK)
        return status;
    const struct machine *machine = find_machine(plant, name);
    status = machine ? write_sheet(options, machine) : CLI_FAULT;
    plant_release(plant);
    return status;
}

static void print_faults(const struct trial *trial, const char *folder,
                         const struct fault_list *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];
        struct text line = {0};
        if (strcmp(fault->file + trial->folder.length, "/" TRIAL_MAIN) != 0) {
            trial_add_words(trial, fault->file, folder, &line);
            text_addf(&line, ":%d:%d: ", fault->line, fault->column);
        }
        trial_add_words(trial, fault->message, folder, &line);
        cli_error("%s", line.data);
        text_free(&line);
    }
}

/* With the values that its parameters have by default. */
static int export_profile(const struct tags_options *options)
{
    char *config = mem_string(options->config ? options->config : BINDERY_CONFIG);
    const char *folder = dirname(config);
    const struct plant *plant = NULL;
    struct fault_list faults = {0};
    struct trial trial = {0};
    int status = trial_open(&trial);

    if (status == CLI_OK &&
        trial_load_profile(&trial, options->profile, folder, &plant, &faults) != 0) {
        print_faults(&trial, folder, &faults);
        status = CLI_FAULT;
    }
    if (status == CLI_OK)
        status = write_sheet(options, plant_machine(plant, TRIAL_MACHINE));
    plant_release(plant);
    fault_list_free(&faults);
    trial_close(&trial);
    free(config);
    return status;
}

int tags_export(const struct tags_options *options, const char *machine)
{
    if (options->profile && machine)
        return cli_usage(&command_tags, "export: expected MACHINE or --profile, not both");
    if (options->profile && !is_name(options->profile))
        return cli_usage(&command_tags, "--profile: %s is no name",
                         phrase_quote(options->profile).text);
    return options->profile ? export_profile(options) : export_machine(options, machine);
}
