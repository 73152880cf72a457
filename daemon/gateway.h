/* The gateway: owns every object and wires them together. All calls from the main thread. */
#ifndef BINDERY_GATEWAY_H
#define BINDERY_GATEWAY_H

#include <stdint.h>

#include "live.h"
#include "plant.h"

struct gateway;
struct transaction;

/* Starts everything; the plant is retained. 0 or negative errno, which has been logged. */
int gateway_start(const struct plant *plant, struct gateway **ret_gateway);

/* Stops polling, commits what is in memory, says goodbye, frees. Accepts NULL. */
void gateway_stop(struct gateway *gateway);

/* Another plant: only links, machines and uplinks that changed are touched. 0 or negative errno,
 * logged: then the plant before stays in force. */
int gateway_reload(struct gateway *gateway, const struct plant *plant);

/* To be called every second or so. */
void gateway_tick(struct gateway *gateway);

/* Which loop meant to have come round again by at_ns and has not, as "link press-bus"; NULL when
 * everything moves. Good until the next call. */
const char *gateway_stalled(struct gateway *gateway, int64_t at_ns);

/* The total of a machine's counter becomes this. 0; -ENODEV where there is no such machine, -ENOENT
 * where it has no such counter, -EBUSY where whoever polls the machine hangs. */
int gateway_set_counter(struct gateway *gateway, const char *machine, const char *tag,
                        int64_t total);

/* Hands a transaction to the link of that name, which ends it later, between two polls: after at
 * most TRANSACTION_PATIENCE_MS, the poll in progress and three of the link's time-outs, unless it
 * hangs. 0; -ENODEV where there is no such link, -EOPNOTSUPP where it speaks no Modbus or has no
 * such unit, -ENOTCONN where it is down, -EBUSY where it has a transaction already or hangs: then
 * it remains the caller's. */
int gateway_transact(struct gateway *gateway, const char *link, struct transaction *transaction);

/* The system clock was set: an event of the gateway's own tells by how much. */
void gateway_tell_clock_step(struct gateway *gateway, const struct instant *now, int64_t step_ms);

const struct plant *gateway_plant(const struct gateway *gateway);
struct live *gateway_live(const struct gateway *gateway);

#endif
