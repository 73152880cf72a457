#include "store_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "sql.h"
#include "wreck_page.h"

enum {
    HEADER_BYTES = 32,
    HEADER_CHECKED = 24, /* what the checksum behind it covers */
    HEADER_PAGE_BYTES = 8,
    HEADER_SALTS = 16,
    FRAME_BYTES = 24,
    FRAME_CHECKED = 8, /* and the page behind the frame's header */
    FRAME_COMMIT = 4,  /* not 0 in a transaction's last frame */
    FRAME_SALTS = 8,
    FRAME_SUM = 16,
    SALTS_BYTES = 8,
    MAX_PAGE_BYTES = 65536,
};

struct sum {
    bool big_endian;
    uint32_t a, b;
};

static uint32_t word(const struct sum *sum, const uint8_t *bytes)
{
    uint32_t big = wreck_u32(bytes);
    return sum->big_endian ? big : __builtin_bswap32(big);
}

static void sum_up(struct sum *sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 8 <= length; i += 8) {
        sum->a += word(sum, bytes + i) + sum->b;
        sum->b += word(sum, bytes + i + 4) + sum->a;
    }
}

static bool sum_is(const struct sum *sum, const uint8_t *bytes)
{
    return sum->a == wreck_u32(bytes) && sum->b == wreck_u32(bytes + 4);
}

/* Walks over the frames; how many commits of the log's own lie behind the first that is wrong. */
static unsigned commits_behind_damage(FILE *file, const uint8_t *header, size_t page_bytes)
{
    uint8_t *frame = mem_alloc(FRAME_BYTES + page_bytes);
    uint8_t salts[SALTS_BYTES];
    struct sum sum = {.big_endian = (header[3] & 1) != 0};
    unsigned commits = 0;
    sum_up(&sum, header, HEADER_CHECKED);
    bool sound = sum_is(&sum, header + HEADER_CHECKED);
    bool first = true;
    memcpy(salts, header + HEADER_SALTS, sizeof(salts));
    while (fread(frame, FRAME_BYTES + page_bytes, 1, file) == 1) {
        if (first && !sound)
            memcpy(salts, frame + FRAME_SALTS, sizeof(salts)); /* the header's are not to be had */
        first = false;
        bool own = memcmp(frame + FRAME_SALTS, salts, sizeof(salts)) == 0;
        sum_up(&sum, frame, FRAME_CHECKED);
        sum_up(&sum, frame + FRAME_BYTES, page_bytes);
        sound = sound && own && sum_is(&sum, frame + FRAME_SUM);
        commits += !sound && own && wreck_u32(frame + FRAME_COMMIT) != 0;
    }
    free(frame);
    return commits;
}

int store_log_check(const char *path)
{
    uint8_t header[HEADER_BYTES];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    unsigned commits = 0;
    if (fread(header, sizeof(header), 1, file) == 1) {
        size_t page_bytes = wreck_u32(header + HEADER_PAGE_BYTES);
        bool sensible = page_bytes >= 512 && page_bytes <= MAX_PAGE_BYTES &&
                        (page_bytes & (page_bytes - 1)) == 0;
        commits = commits_behind_damage(file, header, sensible ? page_bytes : SQL_PAGE_BYTES);
    }
    fclose(file);
    return commits > 1 ? -EUCLEAN : 0;
}
