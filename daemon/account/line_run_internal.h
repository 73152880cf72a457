/* What the files of a line share: line_run.c has the order of time, line_view.c the rule. */
#ifndef BINDERY_LINE_RUN_INTERNAL_H
#define BINDERY_LINE_RUN_INTERNAL_H

#include "line_run.h"

/* It tells a state, and that is not production. */
bool line_is_halt(enum machine_state state);

/* A machine does something else; the delivery's begin of production is the line's. */
void line_apply(struct line_run *run, const struct line_change *change);

/* What comes of it for the line. */
struct line_view line_look(const struct line_run *run);

#endif
