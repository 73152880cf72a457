/* How far long work is, on a line of its own on standard error while that is a terminal. */
#ifndef BINDERY_PROGRESS_H
#define BINDERY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool on;
    int64_t began_ns, told_ns;
};

void progress_begin(struct progress *progress);

/* "unit 17 at 9600 8N1: 120 of 247, 35 s left". Not more than some times a second. */
void progress_tell(struct progress *progress, const char *what, uint64_t done, uint64_t whole);

/* Takes the line away, as before other output. */
void progress_clear(struct progress *progress);

#endif
