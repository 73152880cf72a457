/* A page of an SQLite database as its bytes lie: the rows in it, without SQLite, which gives up a
 * page, and all that hangs below it, for one wrong byte.
 *
 * Pure; the bytes may be anything, so that every step is bounded. */
#ifndef BINDERY_WRECK_PAGE_H
#define BINDERY_WRECK_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wreck_page_kind {
    WRECK_PAGE_OTHER,
    WRECK_PAGE_ROWS,   /* a leaf of a table: rows */
    WRECK_PAGE_BRANCH, /* an inner page of a table: pages below, and the rowids between them */
};

struct wreck_page {
    enum wreck_page_kind kind;
    const uint8_t *bytes;
    size_t size, header;
    unsigned cells;
};

/* A row's payload: a record, the beginning of which lies in the page. */
struct wreck_row {
    uint64_t rowid;
    const uint8_t *payload;
    size_t local, length; /* bytes of it in the page, and in all */
    uint32_t overflow;    /* the page where it goes on; 0: it does not */
};

struct wreck_column {
    uint64_t type;         /* SQLite's serial type */
    size_t offset, length; /* in the payload */
};

enum { WRECK_MAX_COLUMNS = 6 };

/* Page 1 begins with the file's header. */
struct wreck_page wreck_page_look(const uint8_t *bytes, size_t size, bool first);

/* False where the cell makes no sense. */
bool wreck_page_row(const struct wreck_page *page, unsigned cell, struct wreck_row *ret_row);
bool wreck_page_branch(const struct wreck_page *page, unsigned cell, uint32_t *ret_child,
                       uint64_t *ret_rowid);

/* Whether a page of rows accounts for all of its bytes: none of its rows is missing then. */
bool wreck_page_is_whole(const struct wreck_page *page);

/* The last page below a branch. */
uint32_t wreck_page_last_child(const struct wreck_page *page);

/* The columns of a row, from the part that lies in the page. How many; 0 where they make no sense
 * or are more than fit. */
unsigned wreck_columns(const struct wreck_row *row,
                       struct wreck_column ret_columns[static WRECK_MAX_COLUMNS]);

bool wreck_is_null(const struct wreck_column *column);
bool wreck_is_int(const struct wreck_column *column);
bool wreck_is_text(const struct wreck_column *column);
bool wreck_is_blob(const struct wreck_column *column);

/* Of a column that is an int; its bytes must be there. */
int64_t wreck_int(const uint8_t *payload, const struct wreck_column *column);

/* The number that stands in four bytes, the highest first. */
uint32_t wreck_u32(const uint8_t *bytes);

#endif
