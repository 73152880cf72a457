/* The retained topics of one uplink: the gateway's status, and about and status of each machine and
 * each line, and their capacity.
 * They say how things stand, are made when there is room to send them, and need no store. */
#ifndef BINDERY_ANNOUNCE_H
#define BINDERY_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lines.h"
#include "live.h"
#include "loads.h"
#include "plant.h"
#include "text.h"
#include "uplink.h"

struct announce {
    struct text gone; /* topics of machines that are no more, below the root, each with its zero */
    size_t gone_next; /* the next of them that is to be cleared */
    bool gateway_due;
    size_t about_next;      /* the next machine, then line, whose about is due */
    size_t status_index;    /* where the pass over the machines' states is */
    uint64_t status_seen;   /* changes up to this one have been told */
    uint64_t status_target; /* what the pass in progress will have told */
    size_t line_index;      /* likewise of lines */
    uint64_t lines_seen, lines_target;
    size_t load_index; /* likewise of capacity */
    uint64_t loads_seen, loads_target;
};

struct announce_context {
    const struct plant *plant;
    const struct uplink_settings *settings;
    struct live *live;
    const struct lines *lines; /* NULL: there are none */
    const struct loads *loads; /* likewise */
    const char *store_id;
};

/* What the broker is to say for us when we are gone. */
void announce_will(struct text *payload, const struct instant *now, const char *store_id);

void announce_free(struct announce *announce);

/* After connecting: everything is due. */
void announce_all(struct announce *announce);

/* After a reload: what the machines are may have changed, and those that are no more must not
 * live on in what the broker retains. */
void announce_plant(struct announce *announce, const struct plant *before,
                    const struct plant *after);

/* Sends what is due as far as there is room. */
void announce_step(struct announce *announce, const struct announce_context *context,
                   struct uplink *uplink, struct text *topic, struct text *payload, int64_t now_ns);

/* "online": false in good order, before the connection is closed. */
void announce_offline(const struct announce_context *context, struct uplink *uplink,
                      struct text *topic, struct text *payload, int64_t now_ns);

#endif
