/* What is worth telling: a value that moved, a quality that changed, a heartbeat that fell due.
 * Pure but for the room it keeps for the last values told. */
#ifndef BINDERY_FILTER_H
#define BINDERY_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "value.h"

struct filter;

struct filter *filter_new(const struct machine *machine);
void filter_free(struct filter *filter);

/* Before a poll: fetches what that reads of it into the caches, in two steps. */
void filter_fetch(const struct filter *filter);
void filter_fetch_values(const struct filter *filter);

/* What was told has not arrived: everything is to be told again. */
void filter_forget(struct filter *filter);

/* Whether a tag's value has moved by its deadband, or at all without one. */
bool filter_moved(const struct tag *tag, const struct value *from, const struct value *to);

/* Keeps, in their order, those of the samples that are to be told at now_ms (any steady clock),
 * and remembers them as told. Returns how many stay. */
size_t filter_pass(struct filter *filter, struct sample *samples, size_t count, int64_t now_ms);

#endif
