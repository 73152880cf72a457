/* What the files of a line share: line_run.c has the order of time, line_view.c the rule,
 * line_shift.c the shifts, line_run_keep.c what stays over a restart. */
#ifndef BINDERY_LINE_RUN_INTERNAL_H
#define BINDERY_LINE_RUN_INTERNAL_H

#include "line_run.h"

enum { LINE_BACK_MS = 3600 * 1000 }; /* what the clock is set back further begins anew */

/* It tells a state, and that is not production. */
bool line_is_halt(enum machine_state state);

/* A machine does something else; the delivery's begin of production is the line's. */
void line_apply(struct line_run *run, const struct line_change *change);

/* What comes of it for the line. */
struct line_view line_look(const struct line_run *run);

/* Times are known up to there: the delivery machine did all the while what it does in `run`. */
void line_account(struct line_run *run, int64_t to_ms);

/* The line did that up to there, from where its times end. */
void line_add_piece(struct line_run *run, int64_t to_ms, const struct line_view *view);

#endif
