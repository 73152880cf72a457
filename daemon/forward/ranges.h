/* A set of sequence numbers as ascending, disjoint, inclusive ranges: what an uplink still owes.
 * Live messages overtake the backlog, so it is rarely one number. Pure but for allocation. */
#ifndef BINDERY_RANGES_H
#define BINDERY_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define SEQ_END UINT64_MAX /* "and everything after it" */

struct range {
    uint64_t first, last;
};

struct ranges {
    struct range *items;
    size_t count, capacity;
};

void ranges_free(struct ranges *ranges);
void ranges_add(struct ranges *ranges, uint64_t first, uint64_t last);
void ranges_remove(struct ranges *ranges, uint64_t first, uint64_t last);
bool ranges_contains(const struct ranges *ranges, uint64_t seq);

/* The first number of the set at or after seq; false if there is none. */
bool ranges_next(const struct ranges *ranges, uint64_t seq, uint64_t *ret_seq);

/* How many numbers of the set are below `end`. */
uint64_t ranges_count_below(const struct ranges *ranges, uint64_t end);

/* "1-100,205-" (open at the end) and back. 0 or -EINVAL with *ranges untouched. */
void ranges_to_text(const struct ranges *ranges, struct text *out);
int ranges_parse(const char *text, struct ranges *ranges);

#endif
