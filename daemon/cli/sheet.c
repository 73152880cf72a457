#include "sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"
#include "value.h"

/* A file on its way into rows; a cell's text is put where it stood, which is never shorter. */
struct reader {
    struct sheet *sheet;
    struct sheet_faults *faults;
    char *at, *end;
    size_t row;
    size_t cell_count, cell_capacity, row_capacity;
    size_t row_cells; /* of the row at hand */
    bool failed;
};

void sheet_fault_add(struct sheet_faults *faults, size_t row, size_t column, const char *format,
                     ...)
{
    struct text message = {0};
    va_list args;

    if (faults->count == SHEET_MOST_FAULTS) {
        faults->dropped++;
        return;
    }
    va_start(args, format);
    text_addv(&message, format, args);
    va_end(args);
    if (!faults->items)
        faults->items = mem_array(SHEET_MOST_FAULTS, sizeof *faults->items);
    faults->items[faults->count] = (struct sheet_fault){row, column, faults->count, message.data};
    faults->count++;
}

void sheet_faults_free(struct sheet_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->items[i].message);
    free(faults->items);
    *faults = (struct sheet_faults){0};
}

void sheet_free(struct sheet *sheet)
{
    free(sheet->bytes);
    free(sheet->cells);
    free(sheet->rows);
    *sheet = (struct sheet){0};
}

static void fail(struct reader *reader, size_t column, const char *message)
{
    sheet_fault_add(reader->faults, reader->row, column, "%s", message);
    reader->failed = true;
}

/* Which of them there are most of in the first line that is not empty, outside of quotes. */
static char find_separator(const char *text)
{
    static const char separators[] = ",;\t";
    size_t counts[sizeof separators - 1] = {0};
    bool quoted = false;
    size_t best = 0;

    text += strspn(text, "\r\n");
    for (; *text != '\0' && (quoted || (*text != '\n' && *text != '\r')); text++) {
        const char *separator = strchr(separators, *text);
        if (*text == '"')
            quoted = !quoted;
        else if (separator && !quoted)
            counts[separator - separators]++;
    }
    for (size_t i = 1; i < sizeof counts / sizeof *counts; i++)
        if (counts[i] > counts[best])
            best = i;
    return separators[best];
}

static bool ends_cell(const struct reader *reader)
{
    return reader->at == reader->end || *reader->at == reader->sheet->separator ||
           *reader->at == '\r' || *reader->at == '\n';
}

/* The text between quotes, two of them standing for one; where it ends. NULL after a fault. */
static char *take_quoted(struct reader *reader)
{
    char *out = reader->at++;

    for (;;) {
        if (reader->at == reader->end) {
            fail(reader, reader->row_cells,
                 "a quotation mark is not closed; expected another at the end of the cell");
            return NULL;
        }
        if (*reader->at == '"' && *++reader->at != '"')
            break;
        *out++ = *reader->at++;
    }
    if (ends_cell(reader))
        return out;
    fail(reader, reader->row_cells,
         "text behind a closing quotation mark; expected the separator or the end of the row");
    return NULL;
}

static char *take_plain(struct reader *reader)
{
    while (!ends_cell(reader))
        reader->at++;
    return reader->at;
}

/* Room for one cell more; false after a fault. */
static bool make_room(struct reader *reader)
{
    struct sheet *sheet = reader->sheet;

    if (reader->row_cells == SHEET_MOST_COLUMNS || reader->cell_count == SHEET_MOST_CELLS) {
        fail(reader, SHEET_NO_COLUMN,
             "too many cells; expected at most 256 columns and 1048576 cells in all");
        return false;
    }
    if (reader->cell_count == reader->cell_capacity) {
        reader->cell_capacity = reader->cell_capacity ? reader->cell_capacity * 2 : 1024;
        sheet->cells = mem_resize(sheet->cells, reader->cell_capacity * sizeof *sheet->cells);
    }
    return true;
}

/* Moves the reader to what ended the cell. Its text is not ended yet: the separator stands there.
 */
static void take_cell(struct reader *reader, char **ret_end)
{
    char *begin = reader->at;
    bool quoted = reader->at < reader->end && *reader->at == '"';

    if (!make_room(reader))
        return;
    char *end = quoted ? take_quoted(reader) : take_plain(reader);
    if (!end)
        return;
    if (end - begin > SHEET_MOST_CELL_BYTES) {
        fail(reader, reader->row_cells, "the cell is too long; expected at most 4096 bytes");
        return;
    }
    reader->sheet->cells[reader->cell_count++] = (struct cell){begin, quoted};
    reader->row_cells++;
    *ret_end = end;
}

/* Over one line ending, whichever it is. */
static void pass_line_end(struct reader *reader)
{
    if (reader->at == reader->end)
        return;
    reader->at++;
    if (reader->at < reader->end && reader->at[-1] == '\r' && *reader->at == '\n')
        reader->at++;
}

/* The cells of one row, each ended, and what ends the row. */
static void take_row(struct reader *reader)
{
    bool more = true;

    reader->row++;
    reader->row_cells = 0;
    while (more && !reader->failed) {
        char *end = NULL;
        take_cell(reader, &end);
        if (!end)
            return;
        more = reader->at < reader->end && *reader->at == reader->sheet->separator;
        if (more)
            reader->at++;
        else
            pass_line_end(reader);
        *end = '\0';
    }
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static bool is_empty_row(const struct reader *reader, size_t first)
{
    for (size_t i = first; i < reader->cell_count; i++)
        if (!is_blank(reader->sheet->cells[i].text))
            return false;
    return true;
}

/* As many cells as the header has: empty ones added, or empty ones taken away. */
static void fit_row(struct reader *reader, size_t first)
{
    struct sheet *sheet = reader->sheet;

    while (reader->row_cells < sheet->column_count && make_room(reader)) {
        sheet->cells[reader->cell_count++] = (struct cell){"", false};
        reader->row_cells++;
    }
    for (size_t i = first + sheet->column_count; i < reader->cell_count; i++) {
        if (!is_blank(sheet->cells[i].text)) {
            sheet_fault_add(reader->faults, reader->row, SHEET_NO_COLUMN,
                            "%zu cells; expected %zu, as the header has", reader->row_cells,
                            sheet->column_count);
            break;
        }
    }
    reader->cell_count = first + sheet->column_count;
}

/* Keeps a row that is not empty; the first of them is the header. Cells are numbered yet: they
 * move while there come more. */
static void keep_row(struct reader *reader, size_t first, size_t *row_count)
{
    struct sheet *sheet = reader->sheet;

    if (is_empty_row(reader, first)) {
        reader->cell_count = first;
        return;
    }
    if (sheet->header.number == 0) {
        sheet->header.number = reader->row;
        sheet->column_count = reader->row_cells;
        return;
    }
    fit_row(reader, first);
    if (*row_count == SHEET_MOST_ROWS) {
        fail(reader, SHEET_NO_COLUMN, "one row too many; expected at most 65536");
        return;
    }
    if (*row_count == reader->row_capacity) {
        reader->row_capacity = reader->row_capacity ? reader->row_capacity * 2 : 256;
        sheet->rows = mem_resize(sheet->rows, reader->row_capacity * sizeof *sheet->rows);
    }
    sheet->rows[(*row_count)++] = (struct sheet_row){.number = reader->row};
}

static void point_rows(struct sheet *sheet, size_t row_count)
{
    sheet->header.cells = sheet->cells;
    for (size_t i = 0; i < row_count; i++)
        sheet->rows[i].cells = sheet->cells + (i + 1) * sheet->column_count;
    sheet->row_count = row_count;
}

void sheet_parse(char *text, size_t length, struct sheet *ret_sheet, struct sheet_faults *faults)
{
    struct reader reader = {.sheet = ret_sheet, .faults = faults, .at = text, .end = text + length};
    size_t row_count = 0;

    *ret_sheet = (struct sheet){.bytes = text, .separator = find_separator(text)};
    if (strlen(text) != length) {
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN, "a zero byte; expected text in CSV");
        return;
    }
    while (reader.at < reader.end && !reader.failed) {
        size_t first = reader.cell_count;
        take_row(&reader);
        if (!reader.failed)
            keep_row(&reader, first, &row_count);
    }
    if (!reader.failed && ret_sheet->header.number == 0)
        sheet_fault_add(faults, 0, SHEET_NO_COLUMN,
                        "is empty; expected a header of column names and rows below it");
    if (!reader.failed && ret_sheet->header.number > 0)
        point_rows(ret_sheet, row_count);
}

static int compare_faults(const void *left, const void *right)
{
    const struct sheet_fault *a = left;
    const struct sheet_fault *b = right;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* A column's name on one line; its number where the header has not been read. */
static void add_column_name(struct text *out, const struct sheet *sheet, size_t column)
{
    if (!sheet->header.cells || column >= sheet->column_count) {
        text_addf(out, "%zu", column + 1);
        return;
    }
    for (const char *c = sheet->header.cells[column].text; *c; c++)
        text_add_char(out, (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c);
}

void sheet_faults_print(struct sheet_faults *faults, const char *path, const struct sheet *sheet)
{
    if (faults->count > 0)
        qsort(faults->items, faults->count, sizeof *faults->items, compare_faults);
    for (size_t i = 0; i < faults->count; i++) {
        const struct sheet_fault *fault = &faults->items[i];
        struct text line = {0};
        text_add(&line, path);
        if (fault->row > 0)
            text_addf(&line, ":%zu", fault->row);
        if (fault->row > 0 && fault->column != SHEET_NO_COLUMN) {
            text_add_char(&line, ':');
            add_column_name(&line, sheet, fault->column);
        }
        fprintf(stderr, "%s: %s\n", line.data, fault->message);
        text_free(&line);
    }
    if (faults->dropped > 0)
        fprintf(stderr, "%s: %zu faults more than are listed here\n", path, faults->dropped);
}

/* Whether a spreadsheet may reckon with it, or there is a ' in front that stands for itself. The
 * full-width signs are as good as the others where Chinese is written. */
static bool needs_mark(const char *text)
{
    static const char *const signs[] = {
        "=", "+", "-", "@", "'", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(text, signs[i], strlen(signs[i])) == 0)
            return true;
    return false;
}

void sheet_add_cell(struct text *out, const char *text, bool first)
{
    struct decimal number = {0};
    bool is_number = decimal_parse(text, &number) == 0;
    bool mark = needs_mark(text) && !is_number;
    size_t length = strlen(text);
    bool spaces = length > 0 && (text[0] == ' ' || text[length - 1] == ' ');

    if (!first)
        text_add_char(out, ',');
    if (!mark && !spaces && strpbrk(text, ",;\t\"\r\n") == NULL) {
        text_add(out, text);
        return;
    }
    text_add(out, mark ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            text_add_char(out, '"');
        text_add_char(out, *text);
    }
    text_add_char(out, '"');
}

const char *sheet_cell_plain(const char *text)
{
    return text[0] == '\'' && needs_mark(text + 1) ? text + 1 : text;
}
