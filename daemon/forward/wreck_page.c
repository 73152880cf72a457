#include "wreck_page.h"

#include <assert.h>

enum {
    FILE_HEADER_BYTES = 100,
    KIND_BRANCH = 0x05,
    KIND_ROWS = 0x0D,
    ROWS_HEADER_BYTES = 8,
    BRANCH_HEADER_BYTES = 12,
    VARINT_MAX_BYTES = 9,
};

struct bytes {
    const uint8_t *at, *end;
};

uint32_t wreck_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static unsigned u16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* SQLite's: the highest bits first, and all eight of a ninth byte. */
static bool take_varint(struct bytes *bytes, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (unsigned i = 1; i <= VARINT_MAX_BYTES && bytes->at < bytes->end; i++) {
        uint8_t byte = *bytes->at++;
        if (i == VARINT_MAX_BYTES) {
            *ret_number = number << 8 | byte;
            return true;
        }
        number = number << 7 | (byte & 0x7F);
        if ((byte & 0x80) == 0) {
            *ret_number = number;
            return true;
        }
    }
    return false;
}

struct wreck_page wreck_page_look(const uint8_t *bytes, size_t size, bool first)
{
    struct wreck_page page = {.bytes = bytes, .size = size};
    page.header = first ? FILE_HEADER_BYTES : 0;
    const uint8_t *header = bytes + page.header;
    size_t header_bytes = header[0] == KIND_BRANCH ? BRANCH_HEADER_BYTES : ROWS_HEADER_BYTES;
    if (header[0] != KIND_BRANCH && header[0] != KIND_ROWS)
        return page;
    unsigned cells = u16(header + 3);
    if (page.header + header_bytes + 2 * (size_t)cells > size)
        return page;
    page.kind = header[0] == KIND_ROWS ? WRECK_PAGE_ROWS : WRECK_PAGE_BRANCH;
    page.header += header_bytes;
    page.cells = cells;
    return page;
}

static bool cell_bytes(const struct wreck_page *page, unsigned cell, struct bytes *ret_bytes)
{
    assert(cell < page->cells);
    size_t at = u16(page->bytes + page->header + 2 * (size_t)cell);
    if (at < page->header + 2 * (size_t)page->cells || at >= page->size)
        return false;
    *ret_bytes = (struct bytes){page->bytes + at, page->bytes + page->size};
    return true;
}

/* How much of a payload lies in the page, by the file format's rule. */
static size_t local_bytes(size_t page_bytes, size_t length)
{
    size_t most = page_bytes - 35;
    if (length <= most)
        return length;
    size_t least = (page_bytes - 12) * 32 / 255 - 23;
    size_t even = least + (length - least) % (page_bytes - 4);
    return even <= most ? even : least;
}

bool wreck_page_row(const struct wreck_page *page, unsigned cell, struct wreck_row *ret_row)
{
    struct bytes bytes;
    uint64_t length, rowid;
    if (!cell_bytes(page, cell, &bytes) || !take_varint(&bytes, &length) ||
        !take_varint(&bytes, &rowid) || length == 0 || length > INT32_MAX)
        return false;
    struct wreck_row row = {.rowid = rowid, .payload = bytes.at, .length = (size_t)length};
    row.local = local_bytes(page->size, row.length);
    size_t link_bytes = row.local < row.length ? sizeof(uint32_t) : 0;
    if (row.local + link_bytes > (size_t)(bytes.end - bytes.at))
        return false;
    if (link_bytes > 0)
        row.overflow = wreck_u32(bytes.at + row.local);
    *ret_row = row;
    return true;
}

bool wreck_page_branch(const struct wreck_page *page, unsigned cell, uint32_t *ret_child,
                       uint64_t *ret_rowid)
{
    struct bytes bytes;
    if (!cell_bytes(page, cell, &bytes) || bytes.end - bytes.at < (int)sizeof(uint32_t))
        return false;
    uint32_t child = wreck_u32(bytes.at);
    bytes.at += sizeof(uint32_t);
    if (!take_varint(&bytes, ret_rowid))
        return false;
    *ret_child = child;
    return true;
}

/* In the page; no cell is shorter than four bytes. */
static size_t row_bytes(const struct wreck_page *page, unsigned cell, const struct wreck_row *row)
{
    const uint8_t *at = page->bytes + u16(page->bytes + page->header + 2 * (size_t)cell);
    size_t bytes = (size_t)(row->payload - at) + row->local;
    if (row->local < row->length)
        bytes += sizeof(uint32_t);
    return bytes < 4 ? 4 : bytes;
}

/* Freed cells are chained, in the order of the page. */
static size_t free_bytes(const struct wreck_page *page, size_t at)
{
    size_t bytes = 0;
    while (at > 0 && at + 4 <= page->size) {
        size_t next = u16(page->bytes + at);
        bytes += u16(page->bytes + at + 2);
        if (next <= at)
            break;
        at = next;
    }
    return bytes;
}

bool wreck_page_is_whole(const struct wreck_page *page)
{
    const uint8_t *header = page->bytes + page->header - ROWS_HEADER_BYTES;
    size_t pointers_end = page->header + 2 * (size_t)page->cells;
    size_t content = u16(header + 5) > 0 ? u16(header + 5) : 65536;
    struct wreck_row row;
    if (content < pointers_end || content > page->size)
        return false;
    size_t bytes = content + free_bytes(page, u16(header + 1)) + header[7];
    for (unsigned i = 0; i < page->cells; i++) {
        if (!wreck_page_row(page, i, &row))
            return false;
        bytes += row_bytes(page, i, &row);
    }
    return bytes == page->size;
}

uint32_t wreck_page_last_child(const struct wreck_page *page)
{
    return wreck_u32(page->bytes + page->header - sizeof(uint32_t));
}

static size_t type_bytes(uint64_t type)
{
    static const uint8_t plain[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    if (type < sizeof(plain))
        return plain[type];
    return type < 12 ? 0 : (size_t)((type - 12) / 2);
}

unsigned wreck_columns(const struct wreck_row *row,
                       struct wreck_column ret_columns[static WRECK_MAX_COLUMNS])
{
    struct bytes bytes = {row->payload, row->payload + row->local};
    uint64_t header_bytes;
    if (!take_varint(&bytes, &header_bytes) || header_bytes > row->local)
        return 0;
    bytes.end = row->payload + header_bytes;
    size_t offset = (size_t)header_bytes;
    unsigned count = 0;
    while (bytes.at < bytes.end) {
        struct wreck_column column = {.offset = offset};
        if (count == WRECK_MAX_COLUMNS || !take_varint(&bytes, &column.type))
            return 0;
        column.length = type_bytes(column.type);
        if (column.length > row->length - offset)
            return 0;
        offset += column.length;
        ret_columns[count++] = column;
    }
    return offset == row->length ? count : 0;
}

bool wreck_is_null(const struct wreck_column *column)
{
    return column->type == 0;
}

bool wreck_is_int(const struct wreck_column *column)
{
    return (column->type >= 1 && column->type <= 6) || column->type == 8 || column->type == 9;
}

bool wreck_is_text(const struct wreck_column *column)
{
    return column->type >= 13 && column->type % 2 == 1;
}

bool wreck_is_blob(const struct wreck_column *column)
{
    return column->type >= 12 && column->type % 2 == 0;
}

int64_t wreck_int(const uint8_t *payload, const struct wreck_column *column)
{
    if (column->type == 8 || column->type == 9)
        return column->type == 9;
    const uint8_t *bytes = payload + column->offset;
    uint64_t number = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < column->length; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}
