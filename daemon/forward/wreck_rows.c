/* What the rows of a wreck mean. There are no tables any more: each shows by its columns what it
 * belongs to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "row_sum.h"
#include "wreck_inside.h"

enum { ID_DIGITS = 32, BOOT_ID_LENGTH = 36, SCHEMA_COLUMNS = 5 };

/* Beyond it a number is damage: a thousand years of a million readings a second. */
#define MAX_SEQ (UINT64_C(1) << 55)

void wreck_free_content(struct wreck_content *content)
{
    for (size_t i = 0; i < content->source_count; i++) {
        free(content->sources[i].machine);
        free(content->sources[i].tags);
    }
    for (size_t i = 0; i < content->boot_count; i++)
        free(content->boots[i].boot_id);
    for (size_t i = 0; i < content->cursor_count; i++) {
        free(content->cursors[i].uplink);
        ranges_free(&content->cursors[i].owed);
    }
    free(content->sources);
    free(content->boots);
    free(content->cursors);
}

/* Makes room for one more where the count has come to a power of two. */
static void *grow(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return mem_resize(items, (count == 0 ? 1 : 2 * count) * size);
}

/* A text without control characters, as a string; NULL if it is none. */
static char *take_text(const struct wreck *wreck, const struct wreck_column *column)
{
    const char *bytes = wreck->row.data + column->offset;
    for (size_t i = 0; i < column->length; i++)
        if ((unsigned char)bytes[i] < ' ')
            return NULL;
    char *text = mem_alloc(column->length + 1);
    memcpy(text, bytes, column->length);
    return text;
}

static bool text_is(const struct wreck *wreck, const struct wreck_column *column, const char *text)
{
    return column->length == strlen(text) &&
           memcmp(wreck->row.data + column->offset, text, column->length) == 0;
}

static void know_end(struct wreck_content *content, uint64_t end)
{
    if (end > content->end && end <= MAX_SEQ)
        content->end = end;
}

/* --- the tables --- */

/* Whether a row is a batch that makes sense; then all but its body and age. */
static bool is_batch(const struct wreck_row *row, struct wreck_batch *ret_batch)
{
    struct wreck_column columns[WRECK_MAX_COLUMNS];
    if (wreck_columns(row, columns) != BATCH_COLUMNS || !wreck_is_null(&columns[BATCH_FIRST_SEQ]) ||
        !wreck_is_blob(&columns[BATCH_BODY]) || columns[BATCH_BODY].offset > row->local)
        return false;
    for (int i = BATCH_COUNT; i <= BATCH_SUM; i++)
        if (!wreck_is_int(&columns[i]))
            return false;
    int64_t count = wreck_int(row->payload, &columns[BATCH_COUNT]);
    int64_t boot = wreck_int(row->payload, &columns[BATCH_BOOT]);
    uint64_t sum = row_sum_int(ROW_SUM_START, (int64_t)row->rowid);
    sum = row_sum_int(row_sum_int(sum, count), boot);
    if (row_sum_end(sum) != wreck_int(row->payload, &columns[BATCH_SUM]))
        return false;
    if (row->rowid == 0 || row->rowid > MAX_SEQ || count <= 0 || count > UINT32_MAX)
        return false;
    *ret_batch = (struct wreck_batch){
        .first_seq = row->rowid,
        .count = (uint32_t)count,
        .boot = boot > 0 && boot <= UINT32_MAX ? (uint32_t)boot : 0,
    };
    return true;
}

static void take_batch(struct wreck *wreck, const struct wreck_batch *batch)
{
    wreck->batches = grow(wreck->batches, wreck->batch_count, sizeof(*wreck->batches));
    wreck->batches[wreck->batch_count++] = *batch;
}

static void take_source(struct wreck *wreck, uint32_t id, const struct wreck_column *columns)
{
    struct wreck_content *content = &wreck->content;
    size_t at = content->source_count;
    while (at > 0 && content->sources[at - 1].id >= id)
        if (content->sources[--at].id == id)
            return;
    char *machine = take_text(wreck, &columns[1]);
    char *tags = take_text(wreck, &columns[2]);
    if (machine == NULL || tags == NULL) {
        free(machine);
        free(tags);
        return;
    }
    content->sources = grow(content->sources, content->source_count, sizeof(*content->sources));
    memmove(content->sources + at + 1, content->sources + at,
            (content->source_count++ - at) * sizeof(*content->sources));
    content->sources[at] = (struct wreck_source){id, machine, tags};
}

static void take_boot(struct wreck *wreck, uint32_t id, const struct wreck_column *columns)
{
    struct wreck_content *content = &wreck->content;
    for (size_t i = 0; i < content->boot_count; i++)
        if (content->boots[i].id == id)
            return;
    struct wreck_boot boot = {.id = id, .offset_known = !wreck_is_null(&columns[2])};
    if (boot.offset_known)
        boot.offset_ms = wreck_int((const uint8_t *)wreck->row.data, &columns[2]);
    boot.boot_id = take_text(wreck, &columns[1]);
    if (boot.boot_id == NULL)
        return;
    content->boots = grow(content->boots, content->boot_count, sizeof(*content->boots));
    content->boots[content->boot_count++] = boot;
}

static struct wreck_cursor *find_cursor(const struct wreck_content *content, const char *uplink)
{
    for (size_t i = 0; i < content->cursor_count; i++)
        if (strcmp(content->cursors[i].uplink, uplink) == 0)
            return &content->cursors[i];
    return NULL;
}

/* A cursor only ever shrinks but at its end: where two copies are of one age, what either owes is
 * owed; and an older one counts only as long as there is no newer. */
static void take_cursor(struct wreck_content *content, char *uplink, const struct ranges *owed,
                        bool older)
{
    struct wreck_cursor *known = find_cursor(content, uplink);
    if (known == NULL) {
        content->cursors = grow(content->cursors, content->cursor_count, sizeof(*content->cursors));
        known = &content->cursors[content->cursor_count++];
        *known = (struct wreck_cursor){.uplink = mem_string(uplink), .older = older};
    } else if (older && !known->older) {
        return;
    } else if (known->older && !older) {
        ranges_free(&known->owed);
        known->older = false;
    }
    for (size_t i = 0; i < owed->count; i++) {
        const struct range *range = &owed->items[i];
        ranges_add(&known->owed, range->first, range->last);
        know_end(content, range->last == SEQ_END ? range->first : range->last + 1);
    }
}

static void take_meta(struct wreck *wreck, const struct wreck_column *columns, bool older)
{
    struct wreck_content *content = &wreck->content;
    const struct wreck_column *value = &columns[1];
    if (wreck_is_int(value)) {
        int64_t number = wreck_int((const uint8_t *)wreck->row.data, value);
        if (number > 0 &&
            (text_is(wreck, &columns[0], "settled") || text_is(wreck, &columns[0], "reserved")))
            know_end(content, (uint64_t)number);
        return;
    }
    if (text_is(wreck, &columns[0], "store") && value->length == ID_DIGITS) {
        if (content->id[0] == '\0')
            memcpy(content->id, wreck->row.data + value->offset, ID_DIGITS);
        return;
    }
    struct ranges owed = {0};
    char *uplink = take_text(wreck, &columns[0]);
    char *text = take_text(wreck, value);
    if (uplink != NULL && text != NULL && ranges_parse(text, &owed) == 0)
        take_cursor(content, uplink, &owed, older);
    free(uplink);
    free(text);
    ranges_free(&owed);
}

/* --- rows and pages --- */

static uint64_t sum_column(const struct wreck *wreck, const struct wreck_column *column,
                           uint64_t sum)
{
    if (wreck_is_null(column))
        return row_sum_null(sum);
    if (wreck_is_int(column))
        return row_sum_int(sum, wreck_int((const uint8_t *)wreck->row.data, column));
    return row_sum_text(sum, wreck->row.data + column->offset, column->length);
}

/* Whether a row that was gathered is as it was written: its last column is the sum of the others,
 * the first of which is the row's number where it is NULL. */
static bool is_sound(const struct wreck *wreck, const struct wreck_row *row,
                     const struct wreck_column *columns, unsigned count)
{
    uint64_t sum = ROW_SUM_START;
    sum = wreck_is_null(&columns[0]) ? row_sum_int(sum, (int64_t)row->rowid)
                                     : sum_column(wreck, &columns[0], sum);
    for (unsigned i = 1; i + 1 < count; i++)
        sum = sum_column(wreck, &columns[i], sum);
    return row_sum_end(sum) == wreck_int((const uint8_t *)wreck->row.data, &columns[count - 1]);
}

static void take_small_row(struct wreck *wreck, const struct wreck_row *row,
                           const struct wreck_column *columns, unsigned count, bool older)
{
    bool pair = count == 3 && wreck_is_text(&columns[0]) &&
                (wreck_is_text(&columns[1]) || wreck_is_int(&columns[1]));
    bool named =
        count == 4 && wreck_is_null(&columns[0]) && wreck_is_text(&columns[1]) &&
        (wreck_is_text(&columns[2]) || wreck_is_null(&columns[2]) || wreck_is_int(&columns[2])) &&
        row->rowid > 0 && row->rowid <= UINT32_MAX;
    if ((!pair && !named) || !wreck_is_int(&columns[count - 1]) ||
        wreck_gather(wreck, row, WRECK_LOG_FIRST) < 0 || !is_sound(wreck, row, columns, count))
        return;
    if (pair)
        take_meta(wreck, columns, older);
    else if (wreck_is_text(&columns[2]))
        take_source(wreck, (uint32_t)row->rowid, columns);
    else if (columns[1].length == BOOT_ID_LENGTH)
        take_boot(wreck, (uint32_t)row->rowid, columns);
}

/* A row of the schema, which fits on its page. */
static void take_schema_row(struct wreck *wreck, const struct wreck_row *row,
                            const struct wreck_column *columns)
{
    static const char name[] = "batch";
    if (wreck_is_text(&columns[1]) && wreck_is_int(&columns[3]) && row->local == row->length &&
        columns[1].length == strlen(name) &&
        memcmp(row->payload + columns[1].offset, name, strlen(name)) == 0)
        wreck->root = (uint32_t)wreck_int(row->payload, &columns[3]);
}

static void take_rows(struct wreck *wreck, uint32_t number, const struct wreck_page *page,
                      wreck_place place, bool older)
{
    bool whole = wreck_page_is_whole(page);
    for (unsigned i = 0; i < page->cells; i++) {
        struct wreck_column columns[WRECK_MAX_COLUMNS];
        struct wreck_batch batch;
        struct wreck_row row;
        if (!wreck_page_row(page, i, &row))
            continue;
        if (is_batch(&row, &batch)) {
            batch.page = number;
            batch.cell = (uint16_t)i;
            batch.older = older;
            batch.whole = whole;
            batch.place = place;
            take_batch(wreck, &batch);
            continue;
        }
        unsigned count = wreck_columns(&row, columns);
        if (count == SCHEMA_COLUMNS)
            take_schema_row(wreck, &row, columns);
        else
            take_small_row(wreck, &row, columns, count, older);
    }
}

/* The rowids in it ascend, or something is wrong with it. */
static void take_branch(struct wreck *wreck, uint32_t number, const struct wreck_page *page)
{
    struct wreck_branch branch = {.page = number};
    uint32_t child;
    uint64_t rowid;
    for (unsigned i = 0; i < page->cells; i++) {
        if (!wreck_page_branch(page, i, &child, &rowid) || rowid <= branch.last_rowid)
            return;
        if (i == 0)
            branch.first_child = child;
        branch.last_rowid = rowid;
    }
    if (page->cells == 0)
        return;
    branch.last_child = wreck_page_last_child(page);
    wreck->branches = grow(wreck->branches, wreck->branch_count, sizeof(*wreck->branches));
    wreck->branches[wreck->branch_count++] = branch;
}

void wreck_take_page(struct wreck *wreck, uint32_t number, const struct wreck_page *page,
                     wreck_place place, bool older)
{
    if (page->kind == WRECK_PAGE_ROWS)
        take_rows(wreck, number, page, place, older);
    else if (!older)
        take_branch(wreck, number, page);
}

/* --- the end of the survey --- */

static int compare_batches(const void *left, const void *right)
{
    const struct wreck_batch *a = left, *b = right;
    if (a->first_seq != b->first_seq)
        return a->first_seq < b->first_seq ? -1 : 1;
    return a->older - b->older;
}

/* They were found page by page. */
static bool has_batches(const struct wreck *wreck, uint32_t page)
{
    size_t low = 0, high = wreck->batch_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wreck->batches[middle].page < page)
            low = middle + 1;
        else
            high = middle;
    }
    return low < wreck->batch_count && wreck->batches[low].page == page;
}

static bool is_above_batches(const struct wreck *wreck, uint32_t page)
{
    for (size_t i = 0; i < wreck->branch_count; i++)
        if (wreck->branches[i].page == page)
            return wreck->branches[i].of_batches;
    return has_batches(wreck, page);
}

/* An inner page above batches names numbers of pages that are gone. Of a tree its first page below
 * is asked; four levels are more than a store ever has. */
static void know_branches(struct wreck *wreck)
{
    enum { LEVELS = 4 };
    for (int level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < wreck->branch_count; i++) {
            struct wreck_branch *branch = &wreck->branches[i];
            if (branch->of_batches ||
                (branch->page != wreck->root && !is_above_batches(wreck, branch->first_child)))
                continue;
            branch->of_batches = true;
            know_end(&wreck->content, branch->last_rowid + 1);
        }
}

void wreck_conclude(struct wreck *wreck)
{
    struct wreck_content *content = &wreck->content;
    know_branches(wreck);
    content->cut = wreck->cut || wreck->batch_count == 0;
    for (size_t i = 0; i < wreck->branch_count; i++)
        if (wreck->branches[i].of_batches &&
            !is_above_batches(wreck, wreck->branches[i].last_child))
            content->cut = true;
    if (wreck->batch_count == 0)
        return;
    qsort(wreck->batches, wreck->batch_count, sizeof(*wreck->batches), compare_batches);
    content->first_seq = wreck->batches[0].first_seq;
    const struct wreck_batch *last = &wreck->batches[wreck->batch_count - 1];
    know_end(content, last->first_seq + last->count);
    content->cut = content->cut || !last->whole;
}
