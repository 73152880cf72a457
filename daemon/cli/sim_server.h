/* Serves simulated buses: many listeners, many connections each, and pseudo-terminals, in one
 * epoll loop. One thread. */
#ifndef BINDERY_SIM_SERVER_H
#define BINDERY_SIM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim_clock.h"
#include "sim_plant.h"
#include "text.h"

struct sim_server;

struct sim_totals {
    uint64_t answers;
    size_t connections; /* open now */
};

/* Machines show what they do at the clock's time; it must outlive the server. */
struct sim_server *sim_server_new(const struct sim_clock *clock);
void sim_server_free(struct sim_server *server); /* accepts NULL */

/* Listens on the address of the bus's link, or makes its serial port. The bus must outlive the
 * server. 0; or -1 with address and cause in *ret_trouble. */
int sim_server_add(struct sim_server *server, const struct sim_bus *bus, struct text *ret_trouble);

/* Waits for at most timeout_ms and serves what came. True once a signal asked for the end
 * (SIGINT or SIGTERM, which it blocks). */
bool sim_server_step(struct sim_server *server, int timeout_ms);

struct sim_totals sim_server_totals(const struct sim_server *server);

#endif
