/* A spreadsheet's CSV file as rows of cells, and its faults by row and column.
 *
 * RFC 4180 with what spreadsheets make of it: any line ending, `,` `;` or tab as the header has it,
 * UTF-8 with or without its mark, UTF-16 with its mark, GB18030 (which GBK is a part of). Pure but
 * for sheet_read_file. One thread. */
#ifndef BINDERY_SHEET_H
#define BINDERY_SHEET_H

#include <stdbool.h>
#include <stddef.h>

struct text;

enum {
    SHEET_MOST_BYTES = 16 * 1024 * 1024, /* of a file, and of what it becomes in UTF-8 */
    SHEET_MOST_COLUMNS = 256,
    SHEET_MOST_ROWS = 65536,
    SHEET_MOST_CELLS = 1 << 20,
    SHEET_MOST_CELL_BYTES = 4096,
    SHEET_MOST_FAULTS = 1000, /* the rest is only counted */
};

#define SHEET_NO_COLUMN ((size_t)-1)

struct sheet_fault {
    size_t row, column; /* row 0: of the whole file; SHEET_NO_COLUMN: of the whole row */
    size_t number;
    char *message;
};

struct sheet_faults {
    struct sheet_fault *items;
    size_t count, dropped;
};

void sheet_fault_add(struct sheet_faults *faults, size_t row, size_t column, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));
void sheet_faults_free(struct sheet_faults *faults);

struct cell {
    const char *text; /* UTF-8 without zero bytes; "" where nothing stands */
    bool quoted;
};

struct sheet_row {
    size_t number;      /* as a spreadsheet counts, the header being 1 or what follows empty rows */
    struct cell *cells; /* as many as the header has */
};

struct sheet {
    char *bytes; /* the cells' texts */
    struct cell *cells;
    struct sheet_row header;
    struct sheet_row *rows; /* the others; empty ones are left out */
    size_t column_count, row_count;
    char separator;
};

/* Takes the UTF-8 text (NULL-terminated, malloc'ed) and gives its rows. What is wrong becomes a
 * fault; the sheet is then empty. Free it in either case. */
void sheet_parse(char *text, size_t length, struct sheet *ret_sheet, struct sheet_faults *faults);
void sheet_free(struct sheet *sheet);

/* The bytes in UTF-8, without a mark at the beginning; the caller frees. `encoding`: "utf-8",
 * "gb18030", "gbk", "utf-16", or NULL to find out; *ret_found then names what was found. NULL after
 * adding a fault. */
char *sheet_decode(const char *bytes, size_t length, const char *encoding, const char **ret_found,
                   size_t *ret_length, struct sheet_faults *faults);

/* Reads a file that is a CSV file, as far as its bytes go. */
void sheet_read_file(const char *path, const char *encoding, struct sheet *ret_sheet,
                     const char **ret_found, struct sheet_faults *faults);

/* FILE:ROW:COLUMN-NAME: MESSAGE on stderr, sorted as they stand in the file. */
void sheet_faults_print(struct sheet_faults *faults, const char *path, const struct sheet *sheet);

/* Adds a cell behind what a row has already; `first`: it is the row's first. A text that a
 * spreadsheet would take for a formula gets a ' in front, which sheet_cell_plain takes away. */
void sheet_add_cell(struct text *out, const char *text, bool first);

/* The text without the ' that keeps it from being a formula. */
const char *sheet_cell_plain(const char *text);

#endif
