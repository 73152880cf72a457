/* A recording: the bytes of a link with their times, as a text that a person can read, cut and
 * annotate. bindery(1) describes it. Pure but for allocation.
 *
 *     # bindery recording 1
 *     link press-1
 *     driver modbus-rtu
 *     began 2026-11-29T12:00:00.000Z
 *     # a comment
 *     +0.000123 > 01 03 21 02 00 02 6F F7
 *     +0.014210 < 01 03 04 17 70 00 00 FE 5C
 *     +1.200000 ! closed
 */
#ifndef BINDERY_RECORDING_H
#define BINDERY_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum {
    RECORDING_MAX_CHUNK = 1024,       /* bytes of a chunk */
    RECORDING_MAX_BYTES = 64 << 20,   /* of the text */
    RECORDING_MAX_SECONDS = 99999999, /* from its begin to its end; more than three years */
};

enum recording_kind {
    RECORDING_SENT,  /* '>' by the gateway, one request as it was written */
    RECORDING_HEARD, /* '<' from the machines */
    RECORDING_MARK,  /* '!' what happened, in words; the bytes are a text */
};

struct recording_chunk {
    int64_t at_ns; /* since the begin; never before the chunk's before */
    enum recording_kind kind;
    uint16_t length; /* from 1 on */
    const uint8_t *bytes;
};

struct recording {
    char *link;   /* NULL: not said */
    char *driver; /* the link's, as the configuration names it */
    struct recording_chunk *chunks;
    size_t count;
    uint8_t *bytes; /* of all chunks */
};

/* 0; or -EINVAL with "line 12: what stood there and what was expected" added to the trouble. */
int recording_parse(const char *text, size_t length, struct recording **ret_recording,
                    struct text *ret_trouble);

/* The same of a file; negative errno with a sentence that names it. */
int recording_read(const char *path, struct recording **ret_recording, struct text *ret_trouble);

void recording_free(struct recording *recording); /* accepts NULL */

/* The lines above the first chunk: what it is, the link, its driver, and when it began (ms since
 * 1970, UTC). */
void recording_add_head(struct text *out, const char *link, const char *driver, int64_t began_ms);

/* A chunk's line, with the text behind it as a comment where the bytes are one. At most
 * RECORDING_MAX_CHUNK bytes, at least one; a mark's bytes are plain and have no '#'. */
void recording_add_chunk(struct text *out, const struct recording_chunk *chunk);

#endif
