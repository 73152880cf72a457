/* The daemon's answer to "status" as an overview for people. Pure. */
#ifndef BINDERY_STATUS_VIEW_H
#define BINDERY_STATUS_VIEW_H

#include "node.h"
#include "text.h"

/* Appends it; what is wrong stands on top. now_ms is wall time, as in the answer. */
void status_view(const struct node *status, int64_t now_ms, struct text *out);

/* "5600 cycles/h" of a machine's "speed"; nothing where that is not known or there is none. */
void status_view_speed(const struct node *speed, struct text *out);

#endif
