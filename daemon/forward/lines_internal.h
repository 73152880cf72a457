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
    struct line_kept stood;  /* what they took up last */
    bool heard;              /* the delivery has told since the start what it does */
    bool shift_waits;        /* the delivery has told a shift, and not yet what came with it: */
    struct event shift;      /* its texts point into what is being taken */
    struct line_status told; /* how it stands, as far as that is worth telling */
    int64_t told_ns;         /* when that changed last */
    bool differs;            /* by now it stands otherwise, which is to be told when it is time */
};

/* Who a source is: a machine of a line, and which of its values tell something. */
struct lines_seat {
    bool known;
    struct lines_line *line; /* NULL: it is in none */
    size_t member;
    uint16_t state, speed; /* SAID_NOWHERE: there is none; the reason is behind the state */
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
bool lines_stand(struct lines *lines, struct lines_line *line);
void lines_resume(struct lines *lines, struct lines_line *line);

#endif
