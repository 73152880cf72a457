/* What the files of lines share: lines.c has them and says how they stand, lines_take.c reads
 * records, lines_keep.c has their standings. */
#ifndef BINDERY_LINES_INTERNAL_H
#define BINDERY_LINES_INTERNAL_H

#include "line_run.h"
#include "lines.h"
#include "value.h"

/* A production line. */
struct lines_line {
    struct line_run run;
    bool dirty;              /* something was taken since the standings took it up */
    int64_t taken_ms;        /* when the last of it was told */
    bool shift_waits;        /* the delivery has told a shift, and not yet what came with it: */
    struct event shift;      /* its texts point into what is being taken */
    struct line_status told; /* how it stands, as far as that is worth telling */
    int64_t told_ms;         /* when that changed last */
};

enum { LINES_NO_VALUE = UINT16_MAX };

/* Who a source is: a machine of a line, and which of its values tell something. */
struct lines_seat {
    bool known;
    struct lines_line *line; /* NULL: it is in none */
    size_t member;
    uint16_t state, speed; /* LINES_NO_VALUE: there is none; the reason is behind the state */
    double ideal;          /* the ideal rate in the speed's unit; 0: not known */
};

struct lines {
    const struct plant *plant; /* retained */
    struct store *store;
    struct standings *standings;
    struct lines_line *items;
    size_t count;
    struct lines_seat *seats; /* by the store's numbers of sources */
    size_t seat_count;
    uint64_t changes;
};

/* NULL where the source is in no line. */
const struct lines_seat *lines_seat(struct lines *lines, uint32_t source);

/* Its standings take up how it stands; whether one changed. And what they come to at the start. */
bool lines_stand(struct lines *lines, const struct lines_line *line);
void lines_resume(struct lines *lines, struct lines_line *line);

#endif
