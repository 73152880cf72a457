/* The daemon's answer to "values" as text. Pure. */
#ifndef BINDERY_WATCH_VIEW_H
#define BINDERY_WATCH_VIEW_H

#include "node.h"
#include "text.h"

/* A table for a terminal: a line a value, under its machine. */
void watch_view_table(const struct node *values, int64_t now_ms, struct text *out);

/* A line a machine, beginning with its time: for files and pipes. */
void watch_view_lines(const struct node *values, struct text *out);

#endif
