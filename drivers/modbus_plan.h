/* Tags to few contiguous reads, at start; to more where a machine refuses some. Pure but for
 * allocation. */
#ifndef BINDERY_MODBUS_PLAN_H
#define BINDERY_MODBUS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum { MODBUS_ILLEGAL_ADDRESS = 2 }; /* exception code, 7 */

enum {
    MODBUS_MAX_WORDS = 125, /* Modbus Application Protocol V1.1b3, 6.3 */
    MODBUS_MAX_BITS = 2000, /* 6.1 */
};

/* One request: `count` words (or bits) from `start`, and the tags that lie in it, which are
 * plan->tags[first_tag .. first_tag + tag_count), indices into the machine's tags. */
struct span {
    uint8_t function; /* 1 coils, 2 discrete inputs, 3 holding, 4 input registers */
    uint16_t start, count;
    uint16_t first_tag, tag_count;
    int64_t every_ms; /* the period of all its tags */
};

struct modbus_plan {
    struct span *spans; /* by period, function, start */
    size_t span_count;
    uint16_t *tags;
};

/* Never splits a value over two requests, never reads more than max_registers words (bits: sixteen
 * for each), bridges holes of at most `gap` words (bits: sixteen for each), and joins only tags of
 * one table and one period. Fewest requests under these rules; the caller frees. */
struct modbus_plan *modbus_plan_new(const struct machine *machine);
void modbus_plan_free(struct modbus_plan *plan);

/* A machine has no register at some address of this span (exception 2): asks for its tags in two
 * requests from now on, cut at the widest hole between them or else in the middle. The first half
 * takes the span's place, and the spans may move in memory. False, with nothing changed, where only
 * one tag is left. */
bool modbus_plan_split(struct modbus_plan *plan, const struct machine *machine, size_t index);

#endif
