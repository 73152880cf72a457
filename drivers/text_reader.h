/* Lines to samples: what a machine's patterns say of them. Pure but for allocation. One thread. */
#ifndef BINDERY_TEXT_READER_H
#define BINDERY_TEXT_READER_H

#include <stdint.h>

#include "line.h"

struct text_reader;

/* The machine has a text_config, and outlives it. */
struct text_reader *text_reader_new(const struct machine *machine);
void text_reader_free(struct text_reader *reader); /* accepts NULL */

enum text_meaning {
    TEXT_READ,    /* a sample of each tag whose group took part */
    TEXT_NO_READ, /* it says that there is no value: QUALITY_RANGE for all tags */
    TEXT_STRANGE, /* its checksum is wrong, or no pattern matches: QUALITY_FRAME likewise */
};

/* Adds the line's samples to the answer. */
enum text_meaning text_reader_take(struct text_reader *reader, const char *line, size_t length,
                                   struct line_answer *answer);

/* Of all tags, as there is no line to go by. */
void text_reader_fail(const struct text_reader *reader, enum quality quality,
                      struct line_answer *answer);

/* What a checksum comes to over the bytes; not of CHECKSUM_NONE. */
uint8_t text_checksum(enum text_checksum checksum, const char *bytes, size_t length);

#endif
