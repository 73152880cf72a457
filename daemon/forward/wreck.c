/* The files of a wreck: copies of pages, and rows put together from them. */
#include "wreck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "sql.h"
#include "wreck_inside.h"

enum {
    PAGE_BYTES_AT = 16, /* in the database's header */
    PAGE_COUNT_AT = 28,
    MIN_PAGE_BYTES = 512,
    MAX_PAGE_BYTES = 65536,
    LOG_HEADER_BYTES = 32,
    LOG_PAGE_BYTES_AT = 8,
    LOG_SALTS_AT = 16,
    FRAME_HEADER_BYTES = 24,
    FRAME_SALTS_AT = 8,
    SALTS_BYTES = 8,
};

/* What one call of wreck_read tries in vain at most. */
enum { MAX_FAILURES = 256 };

/* --- opening --- */

static bool read_at(int fd, int64_t at, void *bytes, size_t length)
{
    return fd >= 0 && at >= 0 && pread(fd, bytes, length, (off_t)at) == (ssize_t)length;
}

static int64_t file_bytes(int fd)
{
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (int64_t)status.st_size
                                                                         : 0;
}

static bool is_page_size(size_t bytes)
{
    return bytes >= MIN_PAGE_BYTES && bytes <= MAX_PAGE_BYTES && (bytes & (bytes - 1)) == 0;
}

/* As the database says, or its log, or as we make them. */
static size_t find_page_bytes(const struct wreck *wreck)
{
    uint8_t header[LOG_HEADER_BYTES];
    if (read_at(wreck->database_fd, 0, header, sizeof(header))) {
        size_t bytes = (size_t)header[PAGE_BYTES_AT] << 8 | header[PAGE_BYTES_AT + 1];
        if (is_page_size(bytes))
            return bytes;
    }
    if (read_at(wreck->wal_fd, 0, header, sizeof(header))) {
        size_t bytes = wreck_u32(header + LOG_PAGE_BYTES_AT);
        if (is_page_size(bytes))
            return bytes;
    }
    return SQL_PAGE_BYTES;
}

static int compare_frames(const void *left, const void *right)
{
    const struct wreck_frame *a = left, *b = right;
    if (a->page != b->page)
        return a->page < b->page ? -1 : 1;
    if (a->current != b->current)
        return a->current ? 1 : -1;
    return a->place > b->place ? -1 : a->place < b->place; /* complements */
}

/* Neither checksums nor commits are asked for: what a copy is worth, its rows tell. */
static void find_frames(struct wreck *wreck)
{
    uint8_t header[LOG_HEADER_BYTES], frame[FRAME_HEADER_BYTES];
    int64_t step = FRAME_HEADER_BYTES + (int64_t)wreck->page_bytes;
    int64_t count = (file_bytes(wreck->wal_fd) - LOG_HEADER_BYTES + step - 1) / step;
    if (count <= 0 || !read_at(wreck->wal_fd, 0, header, sizeof(header)))
        return;
    wreck->frames = mem_array((size_t)count, sizeof(*wreck->frames));
    for (int64_t i = 0; i < count; i++) {
        int64_t at = LOG_HEADER_BYTES + i * step;
        if (!read_at(wreck->wal_fd, at, frame, sizeof(frame)))
            break;
        wreck->frames[wreck->frame_count++] = (struct wreck_frame){
            .page = wreck_u32(frame),
            .current = memcmp(frame + FRAME_SALTS_AT, header + LOG_SALTS_AT, SALTS_BYTES) == 0,
            .place = ~(at + FRAME_HEADER_BYTES),
        };
    }
    qsort(wreck->frames, wreck->frame_count, sizeof(*wreck->frames), compare_frames);
}

static bool is_cut(const struct wreck *wreck)
{
    uint8_t header[LOG_HEADER_BYTES];
    int64_t bytes = file_bytes(wreck->database_fd);
    if (bytes % (int64_t)wreck->page_bytes != 0)
        return true;
    return read_at(wreck->database_fd, 0, header, sizeof(header)) &&
           wreck_u32(header + PAGE_COUNT_AT) > wreck->page_count;
}

struct wreck *wreck_new(int database_fd, int wal_fd)
{
    struct wreck *wreck = mem_alloc(sizeof(*wreck));
    wreck->database_fd = database_fd;
    wreck->wal_fd = wal_fd;
    wreck->page_bytes = find_page_bytes(wreck);
    int64_t page_bytes = (int64_t)wreck->page_bytes;
    int64_t pages = (file_bytes(database_fd) + page_bytes - 1) / page_bytes;
    wreck->page_count = pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX - 1;
    wreck->next_page = 1;
    wreck->cut = is_cut(wreck);
    find_frames(wreck);
    wreck->packer = body_packer_new();
    wreck->page = mem_alloc(wreck->page_bytes);
    wreck->overflow = mem_alloc(wreck->page_bytes);
    return wreck;
}

void wreck_free(struct wreck *wreck)
{
    if (wreck == NULL)
        return;
    if (wreck->database_fd >= 0)
        close(wreck->database_fd);
    if (wreck->wal_fd >= 0)
        close(wreck->wal_fd);
    wreck_free_content(&wreck->content);
    body_packer_free(wreck->packer);
    text_free(&wreck->row);
    free(wreck->frames);
    free(wreck->batches);
    free(wreck->branches);
    free(wreck->page);
    free(wreck->overflow);
    free(wreck);
}

/* --- copies of pages --- */

/* Of the last page there may be a part only, with the newest of its rows: they go to the front. */
static bool read_place(const struct wreck *wreck, wreck_place place, uint8_t *page)
{
    int fd = place < 0 ? wreck->wal_fd : wreck->database_fd;
    off_t at = (off_t)(place < 0 ? ~place : place);
    ssize_t length = fd >= 0 && at >= 0 ? pread(fd, page, wreck->page_bytes, at) : -1;
    if (length <= 0)
        return false;
    memset(page + length, 0, wreck->page_bytes - (size_t)length);
    return true;
}

static wreck_place database_place(const struct wreck *wreck, uint32_t page)
{
    return (wreck_place)((page - (int64_t)1) * (int64_t)wreck->page_bytes);
}

/* The log's first frame of this page or a later one. */
static size_t frame_index(const struct wreck *wreck, uint32_t page)
{
    size_t low = 0, high = wreck->frame_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wreck->frames[middle].page < page)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The newest of the log's copies, of those since it was begun anew or of those left over; the
 * database's where there is none. */
static wreck_place log_place(const struct wreck *wreck, uint32_t page, bool current)
{
    for (size_t i = frame_index(wreck, page + 1); i-- > 0 && wreck->frames[i].page == page;)
        if (wreck->frames[i].current == current)
            return wreck->frames[i].place;
    return database_place(wreck, page);
}

static wreck_place page_place(const struct wreck *wreck, uint32_t page, enum wreck_view view)
{
    if (view == WRECK_LOG_FIRST)
        return log_place(wreck, page, true);
    if (view == WRECK_LEFT_OVER_FIRST)
        return log_place(wreck, page, false);
    return page <= wreck->page_count ? database_place(wreck, page) : log_place(wreck, page, true);
}

int wreck_gather(struct wreck *wreck, const struct wreck_row *row, enum wreck_view view)
{
    text_clear(&wreck->row);
    text_add_bytes(&wreck->row, row->payload, row->local);
    uint32_t next = row->overflow;
    while (wreck->row.length < row->length) {
        size_t more = row->length - wreck->row.length;
        size_t room = wreck->page_bytes - sizeof(next);
        if (next == 0 || next == UINT32_MAX ||
            !read_place(wreck, page_place(wreck, next, view), wreck->overflow))
            return -EBADMSG;
        text_add_bytes(&wreck->row, wreck->overflow + sizeof(next), more < room ? more : room);
        next = wreck_u32(wreck->overflow);
    }
    return next == 0 || row->overflow == 0 ? 0 : -EBADMSG;
}

/* --- the survey --- */

static void take_copy(struct wreck *wreck, uint32_t number, wreck_place place, bool *older)
{
    if (!read_place(wreck, place, wreck->page))
        return;
    struct wreck_page page = wreck_page_look(wreck->page, wreck->page_bytes, number == 1);
    if (page.kind == WRECK_PAGE_OTHER)
        return;
    wreck_take_page(wreck, number, &page, place, *older);
    *older = true;
}

/* The newest copy first: the log's since it was begun anew, the database's, and what was left over
 * in the log, which may have been overtaken or may be all there is. */
static void take_copies(struct wreck *wreck, uint32_t number)
{
    bool older = false;
    size_t i = wreck->frame_count > 0 ? frame_index(wreck, number + 1) : 0;
    for (; i > 0 && wreck->frames[i - 1].page == number && wreck->frames[i - 1].current; i--)
        take_copy(wreck, number, wreck->frames[i - 1].place, &older);
    if (number <= wreck->page_count)
        take_copy(wreck, number, database_place(wreck, number), &older);
    for (; i > 0 && wreck->frames[i - 1].page == number; i--)
        take_copy(wreck, number, wreck->frames[i - 1].place, &older);
}

/* Beyond the database's end only the pages that the log has are of interest. */
static bool next_page(const struct wreck *wreck, uint32_t *number)
{
    if (*number > wreck->page_count) {
        size_t i = frame_index(wreck, *number);
        if (i == wreck->frame_count || wreck->frames[i].page == UINT32_MAX)
            return false;
        *number = wreck->frames[i].page;
    }
    return true;
}

bool wreck_survey(struct wreck *wreck, size_t max_pages)
{
    for (size_t i = 0; i < max_pages; i++) {
        if (!next_page(wreck, &wreck->next_page)) {
            wreck_conclude(wreck);
            return true;
        }
        take_copies(wreck, wreck->next_page++);
    }
    return false;
}

const struct wreck_content *wreck_content(const struct wreck *wreck)
{
    return &wreck->content;
}

/* --- batches --- */

static int unpack(struct wreck *wreck, const struct wreck_row *row, enum wreck_view view,
                  struct batch *batch)
{
    struct wreck_column columns[WRECK_MAX_COLUMNS];
    int rc = wreck_gather(wreck, row, view);
    if (rc == 0 && wreck_columns(row, columns) != BATCH_COLUMNS)
        rc = -EBADMSG;
    if (rc == 0)
        rc = body_unpack(wreck->packer, wreck->row.data + columns[BATCH_BODY].offset,
                         columns[BATCH_BODY].length, &batch->body, &batch->length);
    return rc;
}

/* The body's checksum tells whether the copies that were put together belong together. */
static int read_batch(struct wreck *wreck, const struct wreck_batch *found, struct batch *ret_batch)
{
    struct batch batch = {found->first_seq, found->count, found->boot, NULL, 0};
    struct wreck_row row;
    if (!read_place(wreck, found->place, wreck->page))
        return -EBADMSG;
    struct wreck_page page = wreck_page_look(wreck->page, wreck->page_bytes, found->page == 1);
    if (page.kind != WRECK_PAGE_ROWS || found->cell >= page.cells ||
        !wreck_page_row(&page, found->cell, &row) || row.rowid != found->first_seq)
        return -EBADMSG;
    int rc = -EBADMSG;
    for (int view = 0; rc < 0 && view < WRECK_VIEWS; view++)
        rc = unpack(wreck, &row, (enum wreck_view)view, &batch);
    if (rc == 0)
        *ret_batch = batch;
    return rc;
}

/* The first batch that begins at or after seq. */
static size_t batch_index(const struct wreck *wreck, uint64_t seq)
{
    size_t low = 0, high = wreck->batch_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wreck->batches[middle].first_seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int wreck_read(struct wreck *wreck, uint64_t *seq, struct batch *ret_batch)
{
    size_t i = batch_index(wreck, *seq);
    bool exact = i < wreck->batch_count && wreck->batches[i].first_seq == *seq;
    while (!exact && i > 0 && wreck->batches[i - 1].first_seq + wreck->batches[i - 1].count > *seq)
        i--;
    for (unsigned failures = 0; i < wreck->batch_count; i++) {
        if (read_batch(wreck, &wreck->batches[i], ret_batch) == 0)
            return 0;
        if (++failures < MAX_FAILURES || wreck->batches[i].first_seq < *seq)
            continue;
        *seq = wreck->batches[i].first_seq + 1;
        return -EAGAIN;
    }
    return -ENOENT;
}
