/* Reading what there is of a table, in as few requests as the machine lets us. One thread. */
#ifndef BINDERY_GUESS_READ_H
#define BINDERY_GUESS_READ_H

#include "guess_match.h"
#include "modbus_ask.h"
#include "progress.h"

struct guess_reader {
    struct modbus_ask *ask;
    struct progress *progress;
    uint8_t unit;
    uint16_t most;        /* words a request */
    uint64_t done, whole; /* words, for the progress */
};

/* Reads the addresses from..to into the image, which loses what it knew of them. Where a request is
 * refused it is halved, down to single registers; those that are refused remain unknown, as all do
 * where the machine has no such table. 0, or the negative result of modbus_ask_read that came twice
 * in a row. */
int guess_read(struct guess_reader *reader, struct guess_image *image, uint16_t from, uint16_t to);

#endif
