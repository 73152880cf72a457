/* What simulated machines say that speak in lines: the examples of their patterns, one after the
 * other, with numbers in the place of numbers. Pure but for allocation. One thread. */
#ifndef BINDERY_SIM_TEXT_H
#define BINDERY_SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "sim_tale.h"
#include "text.h"

struct sim_speaker;

/* The machine has a text_config and outlives it, and so does the tale, which may be NULL. */
struct sim_speaker *sim_speaker_new(const struct machine *machine, uint64_t seed,
                                    struct sim_tale *tale);
void sim_speaker_free(struct sim_speaker *speaker); /* accepts NULL */

const struct machine *sim_speaker_machine(const struct sim_speaker *speaker);

/* Adds what it says at that moment, with its end; nothing where its patterns have no examples, or
 * while its controller starts anew. `number` is counted up with each line. */
void sim_speaker_say(const struct sim_speaker *speaker, uint64_t number, int64_t time_ms,
                     struct text *out);

/* Where the first question to it ends in the bytes; 0: there is none yet. */
size_t sim_speaker_asked(const struct sim_speaker *speaker, const uint8_t *bytes, size_t length);

#endif
