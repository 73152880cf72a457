/* What wreck.c and wreck_rows.c share. */
#ifndef BINDERY_WRECK_INSIDE_H
#define BINDERY_WRECK_INSIDE_H

#include "body.h"
#include "text.h"
#include "wreck.h"
#include "wreck_page.h"

/* Columns of a batch's row. */
enum {
    BATCH_FIRST_SEQ, /* the row's number, and NULL in its place */
    BATCH_COUNT,
    BATCH_BOOT,
    BATCH_AGE_MS,
    BATCH_SUM,
    BATCH_BODY,
    BATCH_COLUMNS
};

/* A copy of a page: where it begins in the database, or, as its complement, in the log. */
typedef int64_t wreck_place;

/* The log's copies of pages. */
struct wreck_frame {
    uint32_t page;
    bool current; /* written since the log was begun anew; else left over from before */
    wreck_place place;
};

struct wreck_batch {
    uint64_t first_seq;
    uint32_t count, boot;
    uint32_t page;
    uint16_t cell;
    bool older; /* from an older copy of its page */
    bool whole; /* none of that page's rows is missing */
    wreck_place place;
};

/* An inner page of some table. */
struct wreck_branch {
    uint32_t page, first_child, last_child;
    uint64_t last_rowid; /* before the last child */
    bool of_batches;
};

struct wreck {
    int database_fd, wal_fd;
    size_t page_bytes;
    uint32_t page_count, next_page;
    bool cut;                   /* the database was longer once */
    struct wreck_frame *frames; /* by page; of each, the oldest first */
    size_t frame_count;
    struct wreck_batch *batches; /* after the survey by number, the best copy first */
    size_t batch_count;
    uint32_t root; /* of the batches' tree; 0: unknown */
    struct wreck_branch *branches;
    size_t branch_count;
    struct wreck_content content;
    struct body_packer *packer;
    uint8_t *page, *overflow; /* buffers, a page each */
    struct text row;
};

/* In which order the copies of a page that a row goes on in are tried. */
enum wreck_view { WRECK_LOG_FIRST, WRECK_DATABASE_FIRST, WRECK_LEFT_OVER_FIRST, WRECK_VIEWS };

/* Takes in all that a copy of a page holds. `older`: a newer copy of it was taken in before. */
void wreck_take_page(struct wreck *wreck, uint32_t number, const struct wreck_page *page,
                     wreck_place place, bool older);

/* After the last page. */
void wreck_conclude(struct wreck *wreck);

void wreck_free_content(struct wreck_content *content);

/* The whole payload of a row, into wreck->row. 0 or -EBADMSG. */
int wreck_gather(struct wreck *wreck, const struct wreck_row *row, enum wreck_view view);

#endif
