/* Fetches the bytes of a link from the running daemon, piece by piece. */
#ifndef BINDERY_RECORD_LINK_H
#define BINDERY_RECORD_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct record_link {
    const char *socket, *link;
    bool begun;
    int64_t next, began_ns; /* where to go on */
};

/* Appends the lines since the last call; the first begins, and gives the recording's head. To be
 * called more often than once a minute. 0, or -1 with a sentence in *ret_trouble. */
int record_link_fetch(struct record_link *record, struct text *ret_lines, struct text *ret_trouble);

/* Tells the daemon that nobody fetches any more; what is wrong with that is passed over. */
void record_link_end(struct record_link *record);

#endif
