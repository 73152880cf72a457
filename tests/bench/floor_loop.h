/* The loop of whoever asks the machines as cheaply as can be: the daemon's ticks and its spread
 * over the period, answers thrown away unread. Whatever goes wrong ends the program with a message.
 */
#ifndef BENCH_FLOOR_LOOP_H
#define BENCH_FLOOR_LOOP_H

#include <stdint.h>

#include "common.h"

struct floor_settings {
    long port, count, registers, every_ms, tick_ms; /* a port each, from the first on */
};

#define FLOOR_SETTINGS_USUAL                             \
    {                                                    \
        .registers = 40, .every_ms = 1000, .tick_ms = 20 \
    }

struct floor;

/* Connects to all machines. */
struct floor *floor_open(const struct floor_settings *set);

void floor_close(struct floor *floor);

/* Makes the machines due from now on; before the first floor_run. */
void floor_start(struct floor *floor);

/* Asks machines until standard input has an order, and returns that. */
enum order floor_run(struct floor *floor);

/* Answers since the start. From any thread. */
uint64_t floor_answers(const struct floor *floor);

void floor_mark(struct floor *floor);

/* Prints "requests":…,"answers":… since the mark. */
void floor_print(const struct floor *floor);

#endif
