/* What is left of a store that was deleted or damaged: wreck.c, wreck_page.c and wreck_rows.c of
 * daemon/forward, which read a database's pages and its log's without SQLite.
 *
 * Input: how long the database is, the database, its log. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "record.h"
#include "wreck.h"

enum { MOST_READS = 512, PAGES_A_CALL = 3, MOST_SURVEYS = 100000 };

static int open_file(const uint8_t *bytes, size_t length)
{
    int fd = memfd_create("wreck", MFD_CLOEXEC);

    CLAIM(fd >= 0 && (length == 0 || write(fd, bytes, length) == (ssize_t)length));
    return fd;
}

static struct wreck *open_wreck(struct input input)
{
    size_t length = input_number(&input, 2);
    bool has_log = length < input.left;

    length = has_log ? length : input.left;
    int database_fd = length > 0 ? open_file(input.at, length) : -1;
    int log_fd = has_log ? open_file(input.at + length, input.left - length) : -1;
    struct wreck *wreck = wreck_new(database_fd, log_fd);
    int surveys = 0;
    while (!wreck_survey(wreck, PAGES_A_CALL))
        CLAIM(++surveys < MOST_SURVEYS);
    return wreck;
}

static void check_text(const char *text)
{
    for (; *text != '\0'; text++)
        CLAIM((unsigned char)*text >= ' ');
}

static void check_content(const struct wreck_content *content)
{
    CLAIM(strlen(content->id) <= 32);
    for (size_t i = 0; i < content->source_count; i++) {
        CLAIM(i == 0 || content->sources[i - 1].id < content->sources[i].id);
        check_text(content->sources[i].machine);
        check_text(content->sources[i].tags);
    }
    for (size_t i = 0; i < content->boot_count; i++)
        check_text(content->boots[i].boot_id);
    for (size_t i = 0; i < content->cursor_count; i++) {
        const struct ranges *owed = &content->cursors[i].owed;
        check_text(content->cursors[i].uplink);
        for (size_t k = 1; k < owed->count; k++)
            CLAIM(owed->items[k - 1].last + 1 < owed->items[k].first);
        for (size_t k = 0; k < i; k++)
            CLAIM(strcmp(content->cursors[i].uplink, content->cursors[k].uplink) != 0);
    }
    CLAIM(content->first_seq == 0 || content->first_seq < content->end);
}

/* Each batch reaches beyond those before it, and all end. Returns a sum over what was read. */
static uint64_t read_batches(struct wreck *wreck)
{
    const struct wreck_content *content = wreck_content(wreck);
    struct record_reader reader = {0};
    struct record record;
    struct batch batch;
    uint64_t seq = 0, sum = 0;
    int rc;

    for (int i = 0; i < MOST_READS; i++) {
        uint64_t before = seq;
        rc = wreck_read(wreck, &seq, &batch);
        CLAIM(rc == 0 || rc == -ENOENT || rc == -EAGAIN);
        if (rc == -ENOENT)
            break;
        CLAIM(rc == 0 ? seq >= before : seq > before);
        if (rc == -EAGAIN)
            continue;
        CLAIM(batch.count > 0 && batch.first_seq + batch.count > seq);
        CLAIM(batch.first_seq >= content->first_seq);
        record_reader_start(&reader, batch.body, batch.length);
        while (record_next(&reader, &record) == 1)
            sum = sum * 31 + record.kind;
        seq = batch.first_seq + batch.count;
        sum = sum * 31 + seq;
        free(batch.body);
    }
    record_reader_free(&reader);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct wreck *wreck = open_wreck(input), *again = open_wreck(input);
    const struct wreck_content *a = wreck_content(wreck), *b = wreck_content(again);

    check_content(a);
    CLAIM(a->source_count == b->source_count && a->boot_count == b->boot_count);
    CLAIM(a->cursor_count == b->cursor_count && a->first_seq == b->first_seq && a->end == b->end);
    CLAIM(strcmp(a->id, b->id) == 0);
    CLAIM(read_batches(wreck) == read_batches(again));
    wreck_free(wreck);
    wreck_free(again);
    return 0;
}
