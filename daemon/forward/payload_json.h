/* Batch to message, payload json of the contract. Pure.
 *
 * A message is begun, filled with readings of one machine (or, gathered by gateway, of machines
 * one after the other) and ended. */
#ifndef BINDERY_PAYLOAD_JSON_H
#define BINDERY_PAYLOAD_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lines.h"
#include "plant.h"
#include "store.h"
#include "text.h"
#include "value.h"

/* How to tell the time of what was taken before the clock was set. */
struct payload_clock {
    bool corrected;    /* the boot's offset is known by now */
    int64_t offset_ms; /* wall - boot */
};

/* {"gateway":…,"store":…,"machine":…,"readings":[ … ]} */
void payload_json_begin_machine(struct text *out, const char *gateway, const char *store_id,
                                const char *machine);
void payload_json_end_machine(struct text *out);

/* {"gateway":…,"store":…,"machines":{"binder-1":[ … ],…}}; next_machine closes the list before */
void payload_json_begin_gateway(struct text *out, const char *gateway, const char *store_id);
void payload_json_next_machine(struct text *out, const char *machine);
void payload_json_end_gateway(struct text *out);

/* {"seq":…,"ts":…,"values":{…},"bad":{…}}, with a comma before it where one is due; "bad" is left
 * out when it is empty, "values" never is; "clock" is there where the time is not plain. */
void payload_json_reading(struct text *out, uint64_t seq, const struct reading *reading,
                          const struct source *source, const struct payload_clock *clock);

/* root/MACHINE/events: {"seq":…,"ts":…,"event":"stop",…,"gateway":…,"machine":…,"store":…} with the
 * event's fields in their order (without a source, root/events and no machine; a line's name stands
 * at machine), whose keys are none of these; "clock" as in a reading. Before "duration_ms" stand
 * "from" and "to", which is the event's time. */
void payload_json_event(struct text *out, uint64_t seq, const struct event *event,
                        const struct source *source, const struct payload_clock *clock,
                        const char *gateway, const char *store_id);

/* {"seq":…,"from_ts":…,"to_ts":…,"missing":…,"why":"…","first_seq":…,"last_seq":…,"gateway":…,
 * "store":…}; the two seqs only where the gap has them. */
void payload_json_gap(struct text *out, uint64_t seq, const struct gap *gap, const char *gateway,
                      const char *store_id);

/* root/status: {"online":…,"ts":…,"version":…,"store":…,"boot":…} */
void payload_json_status(struct text *out, bool online, const struct instant *at,
                         const char *store_id, const char *boot_id);

/* root/MACHINE/status: {"ts":…,"online":…,"state":…,"since":…,"reason":…,"packml":…,"xjmf":…};
 * reason null if NULL, and the last two where those vocabularies have no word for it */
void payload_json_machine_status(struct text *out, const struct instant *at, bool online,
                                 int64_t since_ms, enum machine_state state, const char *reason);

/* root/LINE/status: a machine's, "cause":… (the machine whose state and reason these are),
 * "bottleneck":…,"good":…,"waste":…} with null for what there is not */
void payload_json_line_status(struct text *out, const struct instant *at,
                              const struct line_status *status);

#endif
