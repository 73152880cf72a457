/* What the files of `bindery tags` share. */
#ifndef BINDERY_TAGS_H
#define BINDERY_TAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"
#include "register_name.h"
#include "sheet.h"
#include "text.h"

struct tags_options {
    const char *config, *profile, *machines, *output;
    const char *plc, *place, *encoding;
    bool force, no_bom;
};

/* Exit statuses, after saying what is wrong. */
int tags_import(const struct tags_options *options, const char *path);
int tags_import_machines(const struct tags_options *options);
int tags_export(const struct tags_options *options, const char *machine);

/* A profile made of a sheet: its YAML, or faults. `path` names the sheet in it. What is not
 * confirmed about the controller is added to the warnings, a line each. */
struct tags_source {
    const struct sheet *sheet;
    const char *path, *profile;
    struct register_notation notation;
};
void tags_make_profile(const struct tags_source *source, struct text *ret_yaml,
                       struct text *ret_warnings, struct sheet_faults *faults);

/* The machines of the sheet, which options->machines names, as YAML for the configuration to
 * include; or faults. */
void tags_make_machines(const struct tags_options *options, const struct sheet *sheet,
                        struct text *ret_yaml, struct sheet_faults *faults);

/* The CSV of a machine's tags. 0; or -EINVAL with what can't be written added to the trouble. */
int tags_make_sheet(const struct machine *machine, struct text *ret_csv, struct text *ret_trouble);

/* Reads the file in the encoding of the options, or says which it was found to be in. */
void tags_read_sheet(const struct tags_options *options, const char *path, struct sheet *ret_sheet,
                     struct sheet_faults *faults);

/* Says which columns are not known. */
void tags_warn_of_columns(const char *path, const struct sheet *sheet, const bool *is_known);

/* "1=production; 11=fault: guard open" as "{1: production, 11: {state: fault, reason: guard
 * open}}", and back. False where it is none. */
bool tags_states_to_yaml(const char *cell, struct text *out);
void tags_states_to_cell(const struct tag_states *states, struct text *out);

#endif
