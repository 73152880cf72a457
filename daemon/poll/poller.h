/* Loop 1: every Modbus TCP link in one thread. Due times are gathered into ticks, so that one
 * wake-up sends many requests and takes many answers.
 *
 * All calls from the thread that owns the poller; they return when the loop has obeyed. */
#ifndef BINDERY_POLLER_H
#define BINDERY_POLLER_H

#include <stdint.h>

#include "machine.h"

struct poller;
struct tcp_link;
struct transaction;

/* Starts the thread. The output must outlive it. 0 or negative errno. */
int poller_start(const struct poll_output *output, struct poller **ret_poller);

/* Ends the thread; the links must have been removed. Accepts NULL. */
void poller_stop(struct poller *poller);

struct tcp_link *poller_add(struct poller *poller, const struct plant *plant,
                            const struct link *link, struct live_link *live,
                            struct machine_run **machines, size_t count);
void poller_remove(struct poller *poller, struct tcp_link *link);

/* See tcp_link_set_machines. */
void poller_set_machines(struct poller *poller, struct tcp_link *link,
                         struct machine_run **machines, size_t count);

/* Runs fn(argument) between two polls, and returns when it has. */
void poller_call(struct poller *poller, void (*fn)(void *argument), void *argument);

/* See tcp_link_transact; the transaction ends later. */
int poller_transact(struct poller *poller, struct tcp_link *link, struct transaction *transaction);

/* When the loop means to come round again, CLOCK_MONOTONIC: one that is long over this hangs. Any
 * thread. */
int64_t poller_back_by(const struct poller *poller);

#endif
