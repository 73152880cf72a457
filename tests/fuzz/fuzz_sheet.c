/* Tag lists: sheet.c, sheet_decode.c, sheet_words.c, tag_columns.c, tags_profile.c, tags_states.c,
 * register_name.c; and what comes of them by way of plant_load, tags_sheet.c. Lists of machines:
 * tags_machines.c.
 *
 * Input: a byte that chooses a controller, or from 128 on that it is a list of machines, one that
 * chooses an encoding, and the file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "sheet.h"
#include "sheet_words.h"
#include "tag_columns.h"
#include "tags.h"
#include "trial.h"
#include "words.h"

static const char *const encodings[] = {NULL, "utf-8", "gbk", "utf-16"};

/* A configuration for machines to be added to. */
static char config_path[128];

static void remove_config(void)
{
    unlink(config_path);
    *strrchr(config_path, '/') = '\0';
    rmdir(config_path);
}

static void make_config(void)
{
    static const char config[] =
        "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: localhost}]\n"
        "calendars: [{name: c, shifts: [{name: s, days: [mon], from: 06:00, to: 14:00}]}]\n"
        "machines: [{name: m, link: l, tags: [{name: a, at: 'holding:1'}]}]\n";

    snprintf(config_path, sizeof config_path, "%s/machines-XXXXXX", fuzz_memory());
    CLAIM(mkdtemp(config_path) != NULL);
    strcat(config_path, "/plant.yaml");
    FILE *file = fopen(config_path, "we");
    CLAIM(file != NULL && fputs(config, file) >= 0 && fclose(file) == 0);
    atexit(remove_config);
}

/* Once: the trials are made in memory, and the profiles are
 * those that come with the program. */
static void make_quiet(void)
{
    static bool quiet;

    if (quiet)
        return;
    quiet = true;
    CLAIM(setenv("TMPDIR", fuzz_memory(), 1) == 0);
    CLAIM(setenv("BINDERY_PROFILES_DIR", "config/profiles", 1) == 0);
    make_config();
}

static struct register_notation choose(uint8_t choice)
{
    struct register_notation notation = {0};
    size_t count = 0;

    while (plcs[count].name)
        count++;
    if (choice % (count + 1) < count)
        notation.plc = &plcs[choice % (count + 1)];
    return notation;
}

static void check_sheet(const struct sheet *sheet)
{
    size_t row = sheet->header.number;

    CLAIM(sheet->column_count <= SHEET_MOST_COLUMNS && sheet->row_count <= SHEET_MOST_ROWS);
    for (size_t i = 0; i < sheet->row_count; i++) {
        CLAIM(sheet->rows[i].number > row);
        row = sheet->rows[i].number;
        for (size_t k = 0; k < sheet->column_count; k++)
            CLAIM(strlen(sheet->rows[i].cells[k].text) <= SHEET_MOST_CELL_BYTES);
    }
}

/* Each says something, in words that a terminal can be given, of a cell that is there; none of a
 * trial's folder. */
static void check_faults(const struct sheet_faults *faults, const struct sheet *sheet,
                         bool says_bindery)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct sheet_fault *fault = &faults->items[i];
        CLAIM(fault->message[0] != '\0');
        CLAIM(fault->column == SHEET_NO_COLUMN || sheet->header.number == 0 ||
              fault->column < SHEET_MOST_COLUMNS);
        for (const char *c = fault->message; *c != '\0'; c++)
            CLAIM((unsigned char)*c >= ' ' && *c != 0x7f);
        CLAIM(says_bindery || strstr(fault->message, "/bindery-") == NULL);
    }
}

static const struct plant *load(const struct text *yaml)
{
    struct trial trial;
    const struct plant *plant = NULL;
    struct fault_list faults = {0};

    CLAIM(trial_open(&trial) == 0);
    CLAIM(trial_write(&trial, "profiles/list.yaml", yaml->data, yaml->length) != NULL);
    CLAIM(trial_load_profile(&trial, "list", NULL, &plant, &faults) == 0);
    CLAIM(faults.count == 0);
    trial_close(&trial);
    return plant;
}

static void make(const struct sheet *sheet, const struct register_notation *notation,
                 struct text *yaml, struct sheet_faults *faults)
{
    const struct tags_source source = {sheet, "list.csv", "list", *notation};
    struct text warnings = {0};

    tags_make_profile(&source, yaml, &warnings, faults);
    text_free(&warnings);
}

/* What was made of a list loads; its export, imported, has the same tags. */
static void check_round(const struct text *yaml)
{
    const struct register_notation notation = {0};
    const struct plant *plant = load(yaml);
    const struct machine *machine = &plant->machines[0];
    struct text csv = {0}, trouble = {0}, again = {0};
    struct sheet sheet = {0};
    struct sheet_faults faults = {0};
    const char *found = NULL;
    size_t length = 0;

    CLAIM(tags_make_sheet(machine, &csv, &trouble) == 0);
    char *text = sheet_decode(csv.data, csv.length, NULL, &found, &length, &faults);
    CLAIM(text != NULL);
    sheet_parse(text, length, &sheet, &faults);
    CLAIM(faults.count == 0 && sheet.row_count == machine->tag_count);
    make(&sheet, &notation, &again, &faults);
    CLAIM(faults.count == 0);
    const struct plant *back = load(&again);
    CLAIM(back->machines[0].tag_count == machine->tag_count);
    for (size_t i = 0; i < machine->tag_count; i++)
        CLAIM(tag_equal(&back->machines[0].tags[i], &machine->tags[i]));
    plant_release(plant);
    plant_release(back);
    sheet_free(&sheet);
    text_free(&csv);
    text_free(&again);
}

static void check_cell(const char *cell)
{
    struct text csv = {0};

    sheet_add_cell(&csv, cell, true);
    if (strpbrk(cell, "\r\n") == NULL)
        CLAIM(csv.length == 0 || !strchr("=@", csv.data[0]));
    text_free(&csv);
}

/* They load beside the machine that is there, as many as there are rows. */
static void check_machines(const struct sheet *sheet, bool says_bindery)
{
    const struct tags_options options = {
        .config = config_path, .machines = "hall.csv", .profile = "delta-vfd"};
    const struct plant *plant = NULL;
    struct text yaml = {0};
    struct sheet_faults faults = {0};
    struct fault_list list = {0};
    struct trial trial;

    tags_make_machines(&options, sheet, &yaml, &faults);
    check_faults(&faults, sheet, says_bindery);
    if (faults.count == 0) {
        CLAIM(trial_open(&trial) == 0);
        const struct plant_change change = {
            .by = trial_write(&trial, "hall.yaml", yaml.data, yaml.length)};
        CLAIM(plant_load_changed(config_path, &change, &plant, &list) == 0);
        CLAIM(plant->machine_count == sheet->row_count + 1);
        trial_close(&trial);
    }
    plant_release(plant);
    fault_list_free(&list);
    sheet_faults_free(&faults);
    text_free(&yaml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t choice = input_byte(&input);
    struct register_notation notation = choose(choice);
    const char *encoding = encodings[input_byte(&input) % 4];
    struct sheet sheet = {0};
    struct sheet_faults faults = {0};
    struct text yaml = {0};
    const char *found = NULL;
    size_t length = 0;

    make_quiet();
    uint8_t *bytes = input_copy(&input);
    char *text = sheet_decode((char *)bytes, input.left, encoding, &found, &length, &faults);
    CLAIM((text == NULL) == (faults.count > 0));
    bool says_bindery = text && memmem(text, length, "bindery", strlen("bindery"));
    if (text)
        sheet_parse(text, length, &sheet, &faults);
    if (faults.count == 0 && choice >= 128) {
        check_sheet(&sheet);
        check_machines(&sheet, says_bindery);
    } else if (faults.count == 0) {
        check_sheet(&sheet);
        for (size_t i = 0; i < sheet.column_count; i++)
            check_cell(sheet.header.cells[i].text);
        make(&sheet, &notation, &yaml, &faults);
        check_faults(&faults, &sheet, says_bindery);
        if (faults.count == 0)
            check_round(&yaml);
    }
    sheet_free(&sheet);
    sheet_faults_free(&faults);
    text_free(&yaml);
    free(bytes);
    return 0;
}
