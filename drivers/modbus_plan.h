/* Tags to few contiguous reads, at start; to more where a machine has no register at some of their
 * addresses (exception 2), so that the rest goes on. What it refuses alone for a while is set
 * aside: not asked for until an hour later, when everything is gathered anew. Pure but for
 * allocation. One thread at a time. */
#ifndef BINDERY_MODBUS_PLAN_H
#define BINDERY_MODBUS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum {
    MODBUS_MAX_WORDS = 125, /* Modbus Application Protocol V1.1b3, 6.3 */
    MODBUS_MAX_BITS = 2000, /* 6.1 */
};

/* One request: `count` words (or bits) from `start`, and the tags that lie in it, which are
 * plan->tags[first_tag .. first_tag + tag_count), indices into the machine's tags. */
struct span {
    uint8_t function; /* 1 coils, 2 discrete inputs, 3 holding, 4 input registers */
    uint8_t refusals; /* in a row, of a single tag that is asked for alone */
    bool aside;       /* not asked for */
    uint16_t start, count;
    uint16_t first_tag, tag_count;
    int64_t every_ms; /* the period of all its tags */
};

struct modbus_plan {
    struct span *spans; /* by period, function, start; the one that says the job last */
    size_t span_count;
    uint16_t *tags;
    int64_t renew_ns; /* when all of it is gathered anew; 0: no need */
};

/* Never splits a value over two requests, never reads more than max_registers words (bits: sixteen
 * for each), bridges holes of at most `gap` words (bits: sixteen for each), and joins only tags of
 * one table and one period. Fewest requests under these rules. `refused` says which of the
 * machine's tags it refused at an earlier time, NULL: none; each of these is asked for alone, to
 * begin with. The caller frees. */
struct modbus_plan *modbus_plan_new(const struct machine *machine, const bool *refused);
void modbus_plan_free(struct modbus_plan *plan);

/* Before a poll: fetches what that reads of it into the caches. */
void modbus_plan_fetch(const struct modbus_plan *plan, size_t tag_count);

/* The span that the tag lies in. */
size_t modbus_plan_find(const struct modbus_plan *plan, uint16_t tag);

/* Before a poll: `now_ns` is CLOCK_MONOTONIC. Spans may move and be others afterwards. */
void modbus_plan_begin(struct modbus_plan *plan, const struct machine *machine, int64_t now_ns);

/* What came of the request for a span: 0, an exception's code, or negative errno. True: its tags
 * are to be asked for in two requests, one of which has taken its place, cut at the widest hole
 * between them or else in the middle; the spans may have moved in memory. A machine is always
 * asked for something of each period, so that it is known whether it answers. */
bool modbus_plan_heard(struct modbus_plan *plan, const struct machine *machine, size_t index,
                       int result, int64_t now_ns);

#endif
