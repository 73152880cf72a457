/* What really happens in a simulated plant, as JSON lines, to hold records of it against:
 *
 *   {"t_ms":…,"machine":…,"state":…,"reason":…}               from then on; reason null: none
 *   {"t_ms":…,"machine":…,"restart":true}                     the controller starts anew
 *   {"t_ms":…,"machine":…,"job":…}                            from then on, where a tag tells it
 *   {"t_ms":…,"machine":…,"counter":TAG,"total":…,"at":…}     at "stop", "job end", "exit"
 *
 * t_ms is in milliseconds since 1970, and exact. Those of one machine are in the order of time. A
 * total is what was counted since the story began, over all wraps and resets. One thread. */
#ifndef BINDERY_SIM_LEDGER_H
#define BINDERY_SIM_LEDGER_H

#include "sim_clock.h"
#include "sim_tale.h"

struct sim_ledger;

/* Overwrites the file. NULL, with the cause in errno. The clock must outlive it. */
struct sim_ledger *sim_ledger_open(const char *path, const struct sim_clock *clock);

/* The ledger begins with what the machine is doing now. The tale must outlive it. */
void sim_ledger_add(struct sim_ledger *ledger, struct sim_tale *tale);

/* Writes what has happened by now. */
void sim_ledger_update(struct sim_ledger *ledger);

/* The same, and the totals. Accepts NULL. 0, or -1 where something could not be written. */
int sim_ledger_close(struct sim_ledger *ledger);

#endif
