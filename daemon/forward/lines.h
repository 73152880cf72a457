/* Production lines in service: what is committed of their machines, in its order, comes to what
 * each line does, and to a record of each of its shifts. The forward loop's thread only.
 *
 * A line's record of a shift is made of the delivery machine's, right behind it and in the same
 * batch: so each is told once, whatever comes between. How the lines stand is in their standings,
 * which say what is below the number that goes with them; what was stored since is taken again. */
#ifndef BINDERY_LINES_H
#define BINDERY_LINES_H

#include "line_run.h"
#include "live.h"
#include "plant.h"
#include "standing.h"
#include "store.h"
#include "text.h"

struct lines;

/* Those of the plant, which is retained; they go on from their standings. Store and standings must
 * outlive them. NULL where the plant has no lines; all below accept that. */
struct lines *lines_new(const struct plant *plant, struct store *store,
                        struct standings *standings);
void lines_free(struct lines *lines);

/* The store's number for a line, as store_source_id; and store_has_source. */
int lines_source(struct store *store, const struct production_line *line, uint32_t *ret_id);
bool lines_have_source(struct store *store, const struct production_line *line);

/* Records that are about to be committed. What the lines tell of them is appended to
 * ret_records. Returns how many records that is. */
uint32_t lines_take(struct lines *lines, const void *body, size_t length, struct text *ret_records);

/* The same of what is in the store since the standings were written, and tells nothing. */
void lines_replay(struct lines *lines, const struct batch *batch);

/* What a machine does by now, for lines that were not told yet, as new ones after a reload. */
void lines_seed(struct lines *lines, const struct live_status *machine, const struct instant *now);

/* What was taken last is committed: the standings take it up. Whether one of them changed. */
bool lines_keep(struct lines *lines);

/* Tells what has moved for long enough, though nothing comes behind it. */
void lines_step(struct lines *lines);

/* What standings say of lines that are not in the plant is of no use to one that has the name of
 * such later. Whether one changed. */
bool lines_forget_others(const struct plant *plant, struct standings *standings);

/* How a line stands. */
struct line_status {
    const char *name;
    uint64_t changed; /* grows with each change of any line that is worth telling */
    enum machine_state state;
    int64_t since_ms;       /* LINE_TIME_UNKNOWN: nothing was told of it yet */
    const char *cause;      /* the machine that state and reason are of */
    const char *bottleneck; /* NULL: none, or not known */
    bool has_reason;
    char reason[LIVE_REASON_BYTES];
    int64_t good, waste; /* running totals of the delivery; -1: not counted */
};

size_t lines_count(const struct lines *lines);
const struct line_status *lines_status(const struct lines *lines, size_t index);

/* The number of the last change so far. */
uint64_t lines_changes(const struct lines *lines);

#endif
