/* What a record says, by the names of its values. Pure. */
#ifndef BINDERY_SAID_H
#define BINDERY_SAID_H

#include "plant.h"
#include "store.h"
#include "value.h"

enum { SAID_NOWHERE = UINT16_MAX };

/* The number of a source's value; SAID_NOWHERE: it has none of that name, or the name is NULL. */
uint16_t said_value(const struct source *source, const char *name);

/* Likewise of the state, behind which the reason stands. */
uint16_t said_state_value(const struct source *source);

/* A state by its name; unknown where it is none. */
enum machine_state said_state(const struct value *value);

/* NULL where the event has no field of that name. */
const struct value *said_field(const struct event *event, const char *key);

/* A whole number; `otherwise` where it is none. */
int64_t said_number(const struct event *event, const char *key, int64_t otherwise);

#endif
