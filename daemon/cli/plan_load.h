/* What the planned requests ask of a link, reckoned and not measured. Pure but for allocation. */
#ifndef BINDERY_PLAN_LOAD_H
#define BINDERY_PLAN_LOAD_H

#include <stdbool.h>

#include "modbus_plan.h"
#include "plant.h"

/* A machine's own time to answer: what a PLC of ordinary speed needs, on a line and over TCP. */
enum { NOMINAL_TURNAROUND_MS = 5 };

/* How characters go over the line of a link. */
struct line_speed {
    unsigned baud;
    unsigned bits_per_char; /* with start, parity and stop bits */
    bool assumed;           /* a serial server is in between, and its setting is not ours to know */
};

struct line_speed line_speed_of(const struct link *link);

/* Whether each byte goes over it as two characters. */
bool line_is_ascii(const struct link *link);

/* For how long one request keeps the line from others, ms: request and answer with their
 * characters, in RTU 3.5 characters of silence before each (1.75 ms above 19200 baud), the
 * machine's turnaround, the link's pause. For Modbus TCP the turnaround and the pause. */
double span_busy_ms(const struct link *link, const struct span *span);

struct link_load {
    double requests_per_s;
    double busy;       /* of one second; over TCP this is the number of requests in flight */
    double idle_share; /* of busy: silences, turnaround and pause */
};

/* Adds the requests of a machine on the link. */
void link_load_add(struct link_load *load, const struct link *link, const struct modbus_plan *plan);

/* How often a machine of text is asked: its shortest period. */
int64_t text_every_ms(const struct machine *machine);

/* Of all its machines. Lines of text are taken to be as long as the longest example of their
 * patterns, or 20 characters where there is none; a machine that speaks of its own accord adds
 * nothing. */
struct link_load link_load_of(const struct link *link);

enum load_strain {
    LOAD_EASY,
    LOAD_HIGH, /* above 80 %: little is left for retries */
    LOAD_OVER, /* above 100 %: the plan can't be kept */
};

enum load_strain link_load_strain(const struct link_load *load);

#endif
