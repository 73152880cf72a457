/* bindery tags import: a spreadsheet's tag list becomes a profile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "memory.h"
#include "output.h"
#include "phrase.h"
#include "tags.h"
#include "words.h"

void tags_warn_of_columns(const char *path, const struct sheet *sheet, const bool *is_known)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        const char *name = sheet->header.cells[i].text;
        if (!is_known[i] && name[strspn(name, " \t\r\n")] != '\0')
            cli_warn("%s: column %s is not known and left out", path, phrase_quote(name).text);
    }
}

void tags_read_sheet(const struct tags_options *options, const char *path, struct sheet *ret_sheet,
                     struct sheet_faults *faults)
{
    const char *encoding = "UTF-8";

    sheet_read_file(path, options->encoding, ret_sheet, &encoding, faults);
    if (!options->encoding && strcmp(encoding, "GB18030") == 0)
        cli_warn("%s: no UTF-8, read as GBK (GB18030); --encoding says otherwise", path);
}

/* The file's name without folder and ending. */
static char *stem_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *stem = mem_string(slash ? slash + 1 : path);
    char *dot = strrchr(stem, '.');

    if (dot && dot != stem)
        *dot = '\0';
    return stem;
}

/* A profile is called as its file is. CLI_OK with the name, which the caller frees. */
static int choose_profile(const struct tags_options *options, const char *path, char **ret_profile)
{
    const char *file = options->output ? options->output : path;
    char *stem = stem_of(file);

    if (options->profile && options->output && strcmp(stem, options->profile) != 0) {
        cli_error("a profile's file is called like the profile: expected -o %s.yaml, or no "
                  "--profile",
                  options->profile);
        free(stem);
        return CLI_USAGE;
    }
    const char *name = options->profile ? options->profile : stem;
    if (!is_name(name)) {
        cli_error("%s is no name of a profile; expected --profile NAME of letters, digits, '.', "
                  "'_' and '-'",
                  phrase_quote(name).text);
        free(stem);
        return CLI_USAGE;
    }
    *ret_profile = mem_string(name);
    free(stem);
    return CLI_OK;
}

static int choose_notation(const struct tags_options *options, struct register_notation *notation)
{
    struct text expected = {0};
    int status = CLI_OK;

    if (options->plc) {
        notation->plc = plc_find(options->plc);
        for (const struct plc *plc = plcs; plc->name && !notation->plc; plc++)
            text_addf(&expected, " %s", plc->name);
        if (!notation->plc)
            status = cli_usage(&command_tags, "--plc: %s is not known; expected one of:%s",
                               phrase_quote(options->plc).text, expected.data);
    }
    if (status == CLI_OK && options->place &&
        register_name_move(notation, options->place, &expected) != 0)
        status = cli_usage(&command_tags, "--place: %s where --plc and %s is expected",
                           phrase_quote(options->place).text, expected.data);
    text_free(&expected);
    return status;
}

static void print_warnings(const char *path, const struct text *warnings)
{
    for (const char *at = warnings->data; warnings->length > 0 && *at;) {
        size_t length = strcspn(at, "\n");
        cli_warn("%s: %.*s", path, (int)length, at);
        at += length + 1;
    }
}

static int import(const struct tags_options *options, const char *path, const char *profile,
                  const struct register_notation *notation)
{
    struct sheet_faults faults = {0};
    struct text yaml = {0}, warnings = {0};
    struct sheet sheet = {0};
    const struct output output = {options->output, options->force};
    int status = CLI_FAULT;

    tags_read_sheet(options, path, &sheet, &faults);
    if (faults.count == 0) {
        const struct tags_source source = {&sheet, path, profile, *notation};
        tags_make_profile(&source, &yaml, &warnings, &faults);
    }
    print_warnings(path, &warnings);
    sheet_faults_print(&faults, path, &sheet);
    if (faults.count == 0)
        status = output_write(&output, yaml.data, yaml.length);
    if (status == CLI_OK && options->output)
        printf("%s: profile %s, %zu tags\n", options->output, profile, sheet.row_count);
    sheet_faults_free(&faults);
    sheet_free(&sheet);
    text_free(&yaml);
    text_free(&warnings);
    return status;
}

int tags_import(const struct tags_options *options, const char *path)
{
    struct register_notation notation = {0};
    char *profile = NULL;
    int status = choose_notation(options, &notation);

    if (status == CLI_OK)
        status = choose_profile(options, path, &profile);
    if (status == CLI_OK)
        status = import(options, path, profile, &notation);
    free(profile);
    return status;
}
