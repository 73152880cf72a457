/* Tag lists: sheet.c, sheet_decode.c, sheet_words.c, tag_columns.c, tags_profile.c, tags_states.c,
 * register_name.c; and what comes of them by way of plant_load, tags_sheet.c.
 *
 * Input: a byte that chooses a controller, one that chooses an encoding, and the file. */
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

/* Once: the trials are made in memory, and no profiles are installed. */
static void make_quiet(void)
{
    static bool quiet;

    if (quiet)
        return;
    quiet = true;
    CLAIM(setenv("TMPDIR", fuzz_memory(), 1) == 0);
    CLAIM(setenv("BINDERY_PROFILES_DIR", "/nonexistent", 1) == 0);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct register_notation notation = choose(input_byte(&input));
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
    if (faults.count == 0) {
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
